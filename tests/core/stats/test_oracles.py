"""The figures that a reviewer will recompute, held as facts."""

import numpy as np
import pytest

from app.stats import (
    Histogram,
    PairCounts,
    agreement,
    bonett_price,
    corrected_rate,
    failure_bounds,
    newcombe_paired,
    paired_delta,
    tango,
    wilson,
)
from tests.core.stats.reference import shared_data

ORACLES = shared_data("statistics_oracles.json")
VARIED = [name for name in ORACLES if name != "degenerate_all_pass"]


def in_points(interval):
    return [round(100 * interval.lo, 4), round(100 * interval.hi, 4)]


def both_ends(interval):
    return pytest.approx([interval.lo, interval.hi], rel=0, abs=1e-14)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("name", VARIED)
def test_bootstrap_intervals_are_the_oracles(name, confidence):
    known = ORACLES[name]
    made = paired_delta(PairCounts.of_table(*known["table"]), confidence)
    assert known[f"paired_pct_{confidence}"] == both_ends(made.paired.percentile)
    assert known[f"paired_bca_{confidence}"] == both_ends(made.paired.bca)
    assert known[f"unpaired_pct_{confidence}"] == both_ends(made.unpaired.percentile)
    assert made.paired.percentile.exact
    assert made.unpaired.percentile.exact


@pytest.mark.parametrize("name", ORACLES)
def test_closed_forms_and_tests_are_the_oracles(name):
    known = ORACLES[name]
    table = known["table"]
    n = sum(table)
    made = paired_delta(PairCounts.of_table(*table))
    assert made.n_judged == known["n"]
    assert made.delta == pytest.approx(known["delta"], abs=1e-15)
    assert made.paired.se == pytest.approx(known["se_paired_ddof0"], abs=1e-15)
    assert made.unpaired.se == pytest.approx(known["se_unpaired_ddof0"], abs=1e-15)
    one_sided, two_sided = known["mcnemar_exact_1s_2s"]
    assert made.p_sign_flip_one_sided == pytest.approx(one_sided, rel=1e-13)
    assert made.p_sign_flip == pytest.approx(two_sided, rel=1e-13)
    assert made.p_mcnemar_exact == made.p_sign_flip
    if known["phi"] is None:
        assert made.phi is None
    else:
        assert made.phi == pytest.approx(known["phi"], abs=1e-14)
    # The reference solved Tango's equation to about 5e-13.
    assert known["tango"] == pytest.approx([tango(*table).lo, tango(*table).hi], abs=1e-12)
    assert made.paired.recommended == tango(*table)
    assert known["bonett_price"] == both_ends(bonett_price(*table))
    assert known["newcombe10"] == both_ends(newcombe_paired(*table))
    assert known["wilson_A"] == both_ends(wilson(table[0] + table[1], n))
    assert known["wilson_B"] == both_ends(wilson(table[0] + table[2], n))


def test_the_published_48_task_comparison_recomputed():
    tasks = shared_data("paired_48_tasks.json")["tasks"].values()
    rows = [(float(task["baseline"]["pass"]), float(task["trained_lora"]["pass"]), 1) for task in tasks]
    made = paired_delta(PairCounts.of(rows), names=("baseline", "trained"))
    assert (made.table.both, made.table.only_a, made.table.only_b, made.table.neither) == (15, 1, 26, 6)
    assert round(made.phi, 7) == 0.1669568
    # The article has [35.4, 68.8], width 33.3, for the paired and [35.4, 66.7], width 31.3, for the unpaired one.
    assert in_points(made.paired.percentile) == [37.5, 66.6667]
    assert round(100 * made.paired.percentile.width, 4) == 29.1667
    assert in_points(made.unpaired.percentile) == [35.4167, 68.75]
    assert round(100 * made.unpaired.percentile.width, 4) == 33.3333
    assert made.width_reduction == pytest.approx(0.125)
    assert [round(made.paired.se, 7), round(made.unpaired.se, 7)] == [0.0778932, 0.0849986]
    assert [round(made.paired.se_ddof1, 7), round(made.unpaired.se_ddof1, 7)] == [0.0787175, 0.0858980]
    assert made.p_sign_flip_one_sided == pytest.approx(28 / 2**27, rel=1e-13)
    assert made.conclusion == made.conclusion_unpaired == "b_higher"
    assert made.conclusion_robust is True


def test_delta_a_moves_from_77_to_32_points_when_ties_count_one_half():
    outcomes = [
        ("success", "success", 7), ("tie", "success", 34), ("tie", "tie", 2), ("tie", "fail", 4),
    ]  # fmt: skip
    half = paired_delta(PairCounts.of_preferences(outcomes, "half"))
    assert round(100 * half.delta, 4) == 31.9149
    assert in_points(half.paired.percentile) == [22.3404, 40.4255]
    assert half.table is None
    as_fail = paired_delta(PairCounts.of_preferences(outcomes, "fail"))
    assert as_fail.delta == pytest.approx(34 / 47)
    as_success = paired_delta(PairCounts.of_preferences(outcomes, "success"))
    assert as_success.delta == pytest.approx(-4 / 47)


def test_delta_b_as_published_is_the_bca_interval():
    made = paired_delta(PairCounts.of_table(23, 0, 20, 4))
    assert in_points(made.paired.percentile) == [27.6596, 57.4468]
    assert in_points(made.paired.bca) == [29.7872, 57.4468]


def test_the_published_agreement_recounts_to_62_of_71_by_one_person():
    table = np.array([[30, 9], [0, 32]])
    made = agreement(table, ["pass", "fail"], same_rater=True)
    assert round(made.percent.estimate, 4) == 0.8732
    assert round(made.kappa.estimate, 4) == 0.7503
    assert round(made.ac1.estimate, 4) == 0.7467
    assert round(made.alpha.estimate, 4) == 0.7481
    assert made.kind == "test-retest"
    assert [caution.code for caution in made.warnings] == ["test-retest"]
    assert made.marginal_shift[0].test.exact == pytest.approx(2 / 2**9)


def test_corrected_rate_is_the_oracle():
    made = corrected_rate(600, 1000, 80, 100, 90, 100)
    assert round(made.estimate, 7) == 0.5714286
    assert [round(made.interval.lo, 7), round(made.interval.hi, 7)] == [0.4898187, 0.6554542]


def test_three_unjudged_items_give_three_rates():
    made = failure_bounds(Histogram.of_rate(41, 4, 3))
    assert [round(side.estimate, 4) for side in (made.excluded, made.as_fail, made.as_pass)] == [0.9111, 0.8542, 0.9167]
    assert made.missing == 3


def test_wilson_for_six_of_six():
    assert [round(wilson(6, 6).lo, 4), wilson(6, 6).hi] == [0.6097, 1.0]
