"""What must hold for any data."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.stats import (
    BadConfidence,
    Clusters,
    Histogram,
    Interval,
    PairCounts,
    StatisticsError,
    agreement,
    bonett_price,
    clopper_pearson,
    cluster_mean,
    corrected_rate,
    mcnemar,
    mean_ci,
    newcombe_paired,
    paired_delta,
    ppi_rate,
    sign_flip,
    tango,
    unpaired_delta,
    wilson,
)
from app.stats.bootstrap import bootstrap_mean

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

cells = st.integers(0, 60)
tables = st.tuples(cells, cells, cells, cells).filter(lambda table: sum(table) > 0)
confidences = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
units = st.sampled_from([1.0, 0.5, 0.25, 0.1, 0.01, 1 / 3])
grid_scores = st.lists(st.tuples(st.integers(0, 10), st.integers(1, 20)), min_size=1, max_size=6)
any_scores = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=25)
pair_rows = st.lists(
    st.tuples(st.integers(1, 5) | st.none(), st.integers(1, 5) | st.none(), st.integers(0, 15)), min_size=1, max_size=8
)


def as_pairs(rows):
    return PairCounts.of(
        (None if a is None else float(a), None if b is None else float(b), count) for a, b, count in rows
    )


def written(result):
    """JSON without NaN or Infinity, as a service would write it."""
    return json.dumps(dataclasses.asdict(result), allow_nan=False)


@QUICK
@given(tables, confidences)
def test_swapping_the_systems_mirrors_everything(table, confidence):
    both, only_a, only_b, neither = table
    made = paired_delta(PairCounts.of_table(both, only_a, only_b, neither), confidence)
    other = paired_delta(PairCounts.of_table(both, only_b, only_a, neither), confidence)
    assert other.delta == pytest.approx(-made.delta, abs=1e-15)
    assert other.p_sign_flip == made.p_sign_flip
    assert other.p_mcnemar_mid == made.p_mcnemar_mid
    assert other.paired.recommended.lo == pytest.approx(-made.paired.recommended.hi, abs=1e-12)
    assert other.paired.se == pytest.approx(made.paired.se, abs=1e-15)
    # Percentile bounds mirror except where F passes a level exactly, which confidence 1/2 makes likely.
    assume(confidence != 0.5)
    assert other.paired.percentile.lo == pytest.approx(-made.paired.percentile.hi, abs=1e-12)
    assert other.unpaired.percentile.hi == pytest.approx(-made.unpaired.percentile.lo, abs=1e-12)
    turned = {"b_higher": "a_higher", "a_higher": "b_higher", "undecided": "undecided"}
    assert other.conclusion == turned[made.conclusion]


@QUICK
@given(pair_rows, st.randoms())
def test_order_and_splitting_of_rows_change_nothing(rows, random):
    split = [(a, b, part) for a, b, count in rows for part in (count // 2, count - count // 2)]
    random.shuffle(split)
    try:
        made = paired_delta(as_pairs(rows), scale=(1.0, 5.0))
    except StatisticsError as refused:
        with pytest.raises(type(refused)):
            paired_delta(as_pairs(split), scale=(1.0, 5.0))
        return
    assert paired_delta(as_pairs(split), scale=(1.0, 5.0)) == made


@QUICK
@given(pair_rows)
def test_every_result_is_finite_and_ordered(rows):
    try:
        made = paired_delta(as_pairs(rows), scale=(1.0, 5.0))
    except StatisticsError:
        return
    written(made)
    for interval in (
        made.paired.percentile,
        made.paired.recommended,
        made.unpaired.percentile,
        made.unpaired.recommended,
    ):
        assert interval.lo <= interval.hi
    assert made.paired.recommended.lo <= made.delta + 1e-12
    assert made.delta - 1e-12 <= made.paired.recommended.hi
    assert -4.0 <= made.paired.recommended.lo <= made.paired.recommended.hi <= 4.0
    assert 0.0 <= made.p_sign_flip <= 1.0
    assert made.p_sign_flip_one_sided <= 1.0


@QUICK
@given(tables)
def test_doubling_every_count_narrows(table):
    made = paired_delta(PairCounts.of_table(*table))
    twice = paired_delta(PairCounts.of_table(*(2 * count for count in table)))
    assert twice.delta == pytest.approx(made.delta, abs=1e-15)
    assert twice.paired.recommended.width < made.paired.recommended.width
    assert twice.paired.se == pytest.approx(made.paired.se / math.sqrt(2.0), rel=1e-9, abs=1e-15)
    if made.delta != 0.0:
        assert twice.p_sign_flip < made.p_sign_flip
    n = sum(table)
    assert twice.paired.percentile.width <= made.paired.percentile.width + 1.0 / n


@QUICK
@given(grid_scores, units, st.integers(-50, 50), confidences)
def test_shifting_and_scaling_scores_moves_the_interval_along(scores, unit, shift, confidence):
    plain = mean_ci(Histogram.of((float(value), count) for value, count in scores), confidence, scale=(-1.0, 11.0))
    moved_scale = ((-1 + shift) * unit, (11 + shift) * unit)
    moved = mean_ci(
        Histogram.of(((value + shift) * unit, count) for value, count in scores), confidence, scale=moved_scale
    )
    for name in ("percentile", "bca", "recommended"):
        first, second = getattr(plain, name), getattr(moved, name)
        assert (first is None) == (second is None)
        if first is not None:
            slack = 1e-9 * unit * (1 + abs(shift))
            assert second.lo == pytest.approx((first.lo + shift) * unit, abs=slack)
            assert second.hi == pytest.approx((first.hi + shift) * unit, abs=slack)
            assert second.exact == first.exact


@QUICK
@given(any_scores, confidences)
def test_scores_off_any_grid_give_finite_intervals_near_the_mean(scores, confidence):
    histogram = Histogram.of((score, 1) for score in scores)
    made = mean_ci(histogram, confidence)
    written(made)
    assert made.percentile.exact or histogram.n > 8
    low, high = min(scores), max(scores)
    slack = 1e-12 * max(1.0, abs(low), abs(high))
    assert made.estimate == pytest.approx(math.fsum(scores) / len(scores), rel=1e-9, abs=slack)
    assert low - slack <= made.percentile.lo <= made.percentile.hi <= high + slack
    assert made.recommended.lo <= made.estimate + slack
    assert made.recommended.hi >= made.estimate - slack
    assert sign_flip(histogram).p_two_sided <= 1.0


@QUICK
@given(st.integers(1, 40), st.integers(0, 40), st.floats(0.1, 5.0))
def test_differences_of_1e_9_are_kept(n_small, n_zero, size):
    """Scores that differ by a billionth are different; their p-value is that of their signs."""
    rows = [(size, size + 1e-9, n_small), (size, size, n_zero)]
    made = paired_delta(PairCounts.of(rows))
    assert made.p_sign_flip == mcnemar(0, n_small).exact
    share = n_small / (n_small + n_zero)
    assert made.delta == pytest.approx(1e-9 * share, rel=1e-5)
    assert made.paired.percentile.lo >= 0.0
    assert made.paired.percentile.hi <= 1.0001e-9


@QUICK
@given(any_scores)
def test_rounding_noise_is_not_a_difference(scores):
    shaken = [score * (1.0 + 2.0**-52) for score in scores]
    made = paired_delta(PairCounts.of((a, b, 1) for a, b in zip(scores, shaken, strict=True)))
    assert made.p_sign_flip == 1.0
    assert made.delta == 0.0


@pytest.mark.parametrize("score", [0.0, 1.0, 3.7, -2.0, 1e80, -1e-80])
def test_a_single_item(score):
    made = mean_ci(Histogram.of([(score, 1)]))
    assert made.percentile.degenerate
    assert made.bca is None
    assert made.recommended.lo <= score <= made.recommended.hi
    written(made)
    pair = paired_delta(PairCounts.of([(score, score, 1)]))
    assert (pair.p_sign_flip, pair.conclusion, pair.phi) == (1.0, "undecided", None)
    written(pair)


@QUICK
@given(st.integers(0, 400), st.integers(1, 400), confidences)
def test_rate_intervals_nest_by_confidence_and_mirror(passed, failed, confidence):
    n = passed + failed
    for method in (wilson, clopper_pearson):
        made, mirrored = method(passed, n, confidence), method(failed, n, confidence)
        assert (made.lo, made.hi) == pytest.approx((1.0 - mirrored.hi, 1.0 - mirrored.lo), abs=1e-12)
        wider = method(passed, n, (1.0 + confidence) / 2.0)
        assert wider.lo <= made.lo <= made.estimate <= made.hi <= wider.hi


@QUICK
@given(tables, confidences)
def test_paired_intervals_stay_in_range(table, confidence):
    for method in (tango, bonett_price, newcombe_paired):
        made = method(*table, confidence)
        assert -1.0 <= made.lo <= made.hi <= 1.0
    assert tango(*table, confidence).lo <= (table[2] - table[1]) / sum(table) <= tango(*table, confidence).hi


@QUICK
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 12)), min_size=2, max_size=5), confidences)
def test_bootstrap_distribution_is_one_and_centred(scores, confidence):
    histogram = Histogram.of((float(value), count) for value, count in scores)
    assume(not histogram.degenerate)
    made = bootstrap_mean(histogram)
    assert made.distribution.cdf[-1] == pytest.approx(1.0, abs=1e-12)
    sums = made.distribution.first + np.arange(made.distribution.pmf.size)
    mean = made.offset + made.step * float(made.distribution.pmf @ sums) / made.draws
    assert mean == pytest.approx(histogram.mean, abs=1e-10)
    low, high = (made.quantile(q) for q in ((1 - confidence) / 2, (1 + confidence) / 2))
    assert low <= high
    assert 0.0 < made.middle() < 1.0


@QUICK
@given(tables, tables)
def test_unpaired_runs_of_any_sizes(first, second):
    a, b = Histogram.of_rate(first[0] + first[1], first[2] + first[3]), Histogram.of_rate(second[0], sum(second[1:]))
    made = unpaired_delta(a, b)
    written(made)
    assert made.intervals.percentile.lo <= made.delta + 1e-12
    assert made.intervals.percentile.hi >= made.delta - 1e-12
    assert -1.0 <= made.intervals.recommended.lo <= made.intervals.recommended.hi <= 1.0


@QUICK
@given(
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_label_statistics_are_finite(both, judge, human, neither, passed, failed):
    written(ppi_rate(both, judge, human, neither, passed, passed + failed))
    if passed + failed:
        written(corrected_rate(passed, passed + failed, neither, neither + judge, both, both + human))
    if both + judge + human + neither:
        written(agreement(np.array([[both, judge], [human, neither]]), ["pass", "fail"]))


@QUICK
@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=6))
def test_cluster_estimates_are_finite(rows):
    made = cluster_mean(Clusters.of(rows), resamples=200)
    written(made)


@QUICK
@given(st.one_of(st.floats(max_value=0.0), st.floats(min_value=1.0), st.just(float("nan"))))
def test_confidence_outside_its_range_is_refused(confidence):
    for call in (
        lambda: mean_ci(Histogram.of_rate(3, 4), confidence),
        lambda: paired_delta(PairCounts.of_table(1, 2, 3, 4), confidence),
        lambda: unpaired_delta(Histogram.of_rate(3, 4), Histogram.of_rate(1, 2), confidence),
        lambda: wilson(1, 2, confidence),
        lambda: tango(1, 2, 3, 4, confidence),
    ):
        with pytest.raises(BadConfidence):
            call()


@pytest.mark.parametrize("confidence", [1e-9, 1e-3, 1 - 1e-9, 1 - 2**-53])
def test_extreme_confidences_stay_finite(confidence):
    written(paired_delta(PairCounts.of_table(15, 1, 26, 6), confidence))
    written(mean_ci(Histogram.of([(1.0, 3), (2.5, 9), (4.0, 2)]), confidence))


def test_an_interval_never_holds_nan():
    with pytest.raises(StatisticsError, match="not a finite number"):
        Interval(0.5, float("nan"), 1.0, 0.95, "x", "y", 3, True, False)
