"""From counts to answers: every option, every refusal, and never a number that is none."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import orjson
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from app.services import estimates
from app.services.estimates import ClusterRows, Wanted
from app.stats import BadConfidence, BadInput, Histogram, NoSharedTasks, NoVerdicts, PairCounts

ARTICLE = PairCounts.of_table(15, 1, 26, 6)


def finite(value: object) -> bool:
    """Whether a parsed answer holds no NaN and no Infinity."""
    if isinstance(value, dict):
        return all(finite(one) for one in value.values())
    if isinstance(value, list):
        return all(finite(one) for one in value)
    return not isinstance(value, float) or math.isfinite(value)


def test_missing_verdicts_are_read_in_three_ways() -> None:
    made = estimates.estimate(Histogram.of_rate(41, 4, 3), Wanted(), "run")
    bounds = made["failure_bounds"]
    found = [bounds[way].estimate for way in ("excluded", "as_fail", "as_pass")]
    assert found == pytest.approx([41 / 45, 41 / 48, 44 / 48])
    assert made["conclusion_robust"] is True
    assert (made["conclusion"], made["threshold"]) == ("above", 0.5)


def test_a_conclusion_that_hangs_on_missing_verdicts_is_not_robust() -> None:
    made = estimates.estimate(Histogram.of_rate(40, 10, 50), Wanted(), "run")
    assert made["conclusion"] == "above"
    assert made["conclusion_robust"] is False


def test_a_pair_has_the_three_readings_and_the_two_worst() -> None:
    pairs = PairCounts.of(
        [(1.0, 1.0, 15), (1.0, 0.0, 1), (0.0, 1.0, 26), (0.0, 0.0, 3), (None, 1.0, 2), (0.0, None, 1)]
    )
    made = estimates.compare(pairs, Wanted(), ("a", "b"))
    bounds = made["failure_bounds"]
    assert (bounds["missing_a"], bounds["missing_b"]) == (2, 1)
    assert bounds["delta_min"] == pytest.approx((43 - 18) / 48)
    assert bounds["delta_max"] == pytest.approx((44 - 16) / 48)
    assert bounds["as_fail"].estimate == pytest.approx((43 - 16) / 48)
    assert bounds["as_pass"].estimate == pytest.approx((44 - 18) / 48)
    assert bounds["excluded"].estimate == made["delta"]
    assert made["conclusion_robust"] is True


@pytest.mark.parametrize(
    ("method", "lo", "hi"),
    [
        ("percentile", 0.375, 2 / 3),
        ("bca", 17 / 48, 2 / 3),
        ("recommended", 0.3540365343643721, 0.6609930605854152),
        ("tango", 0.3540365343643721, 0.6609930605854152),
        ("bonett-price", 0.3407717731789328, 0.6592282268210672),
        ("newcombe", 0.3417206328310526, 0.6519191057870829),
    ],
)
def test_the_interval_is_of_the_method_asked_for(method: str, lo: float, hi: float) -> None:
    made = estimates.compare(ARTICLE, Wanted(method=method), ("a", "b"))
    assert (made["interval"].lo, made["interval"].hi) == pytest.approx((lo, hi), abs=1e-9)


@pytest.mark.parametrize(("method", "known_as"), [("wilson", "wilson"), ("clopper-pearson", "beta")])
def test_the_interval_of_a_rate(method: str, known_as: str) -> None:
    made = estimates.estimate(Histogram.of_rate(41, 7), Wanted(method=method, confidence=0.9), "run")
    reference = proportion_confint(41, 48, 0.1, known_as)
    assert (made["interval"].lo, made["interval"].hi) == pytest.approx(reference, abs=1e-12)


def test_students_interval_of_scores() -> None:
    values = [1.0, 2.0, 2.0, 4.0, 5.0]
    made = estimates.estimate(Histogram.of({1.0: 1, 2.0: 2, 4.0: 1, 5.0: 1}), Wanted(method="t"), "run")
    reference = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (made["interval"].lo, made["interval"].hi) == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_methods_that_do_not_fit_are_refused() -> None:
    scores = Histogram.of({1.0: 3, 2.0: 4})
    with pytest.raises(BadInput, match="for passes and failures"):
        estimates.estimate(scores, Wanted(method="wilson"), "run")
    with pytest.raises(BadInput, match="for comparisons"):
        estimates.estimate(Histogram.of_rate(3, 4), Wanted(method="tango"), "run")
    with pytest.raises(BadInput, match="for single runs"):
        estimates.compare(ARTICLE, Wanted(method="wilson"), ("a", "b"))
    with pytest.raises(BadInput, match="at least two"):
        estimates.estimate(Histogram.of_rate(1, 0), Wanted(method="t"), "run")


def test_ties_are_worth_the_same_on_both_sides() -> None:
    rows = [(1.0, 1.0, 7), (0.5, 1.0, 34), (0.5, 0.5, 2), (0.5, 0.0, 4)]
    deltas = {
        policy: estimates.compare(estimates.pairs_of(rows, policy), Wanted(scale=(0.0, 1.0)), ("a", "b"))["delta"]
        for policy in ("fail", "half", "success")
    }
    assert deltas == pytest.approx({"fail": 34 / 47, "half": 15 / 47, "success": -4 / 47})
    with pytest.raises(BadInput, match="tie policy"):
        estimates.pairs_of([(3.0, 0.5, 1)], "half")
    with pytest.raises(BadInput, match="tie policy"):
        estimates.scores_of([(2.0, 1)], "fail")


def test_a_median_says_its_seed() -> None:
    wanted = Wanted(metric="score", statistic="median", seed=7, resamples=500)
    made = estimates.estimate(Histogram.of({1.0: 10, 2.0: 12, 5.0: 3}), wanted, "run")
    again = estimates.estimate(Histogram.of({1.0: 10, 2.0: 12, 5.0: 3}), wanted, "run")
    assert made["interval"] == again["interval"]
    assert (made["interval"].seed, made["interval"].resamples, made["interval"].exact) == (7, 500, False)
    assert made["estimate"] == 2.0


def test_clusters_widen_what_independent_items_narrow() -> None:
    clusters = ClusterRows([(5.0, 5, 12), (0.0, 5, 8)])
    made = estimates.estimate(Histogram.of_rate(60, 40), Wanted(), "run", clusters=clusters)
    alone = made["as_independent"]["recommended"]
    assert made["recommended"].width > 2.0 * alone.width
    assert (made["clusters"].n_items, made["clusters"].n_clusters) == (100, 20)
    assert made["interval"] == made["percentile"] == made["clusters"].percentile


def test_few_clusters_warn() -> None:
    made = estimates.estimate(
        Histogram.of_rate(10, 10), Wanted(), "run", clusters=ClusterRows([(5.0, 5, 2), (0.0, 5, 2)])
    )
    assert "few-clusters" in [warning.code for warning in made["warnings"]]


def test_clustered_pairs_are_decided_by_clusters() -> None:
    pairs = PairCounts.of_table(10, 5, 25, 10)
    made = estimates.compare(
        pairs, Wanted(), ("a", "b"), clusters=ClusterRows([(0.0, 5.0, 5, 5), (5.0, 0.0, 5, 1), (2.0, 2.0, 5, 4)])
    )
    assert made["conclusion"] == "undecided"
    assert made["p_sign_flip"] == pytest.approx(0.21875)
    assert made["as_independent"]["p_sign_flip"] < 0.001
    assert made["paired"]["recommended"].method == "Student t over clusters"


def test_clustered_pairs_with_missing_verdicts_are_bounded() -> None:
    pairs = PairCounts.of([(0.0, 1.0, 40), (1.0, 1.0, 40), (0.0, None, 20)])
    rows = ClusterRows(judged=[(10.0, 20.0, 20, 4)] * 1, low=[(10.0, 20.0, 25, 4)], high=[(10.0, 25.0, 25, 4)])
    made = estimates.compare(pairs, Wanted(), ("a", "b"), clusters=rows)
    bounds = made["failure_bounds"]
    assert bounds["at_min"].estimate < bounds["at_max"].estimate
    assert bounds["conclusion_robust"] is True


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, 1.5, math.nan])
def test_a_confidence_outside_its_range_is_refused(confidence: float) -> None:
    with pytest.raises(BadConfidence):
        estimates.estimate(Histogram.of_rate(3, 4), Wanted(confidence=confidence), "run")
    with pytest.raises(BadConfidence):
        estimates.compare(ARTICLE, Wanted(confidence=confidence), ("a", "b"))


def test_nothing_to_estimate_is_refused() -> None:
    with pytest.raises(NoVerdicts):
        estimates.estimate(Histogram.of_rate(0, 0, 5), Wanted(), "run")
    with pytest.raises(NoSharedTasks):
        estimates.compare(PairCounts.of([(None, 1.0, 3)]), Wanted(), ("a", "b"))


def test_a_margin_adds_a_test_of_noninferiority() -> None:
    made = estimates.compare(ARTICLE, Wanted(margin=0.1), ("a", "b"))
    assert made["noninferiority"].noninferior is True
    assert made["noninferiority"].level == pytest.approx(0.025)


scores = st.one_of(st.none(), st.sampled_from([0.0, 1.0]), st.floats(-1e6, 1e6), st.just(0.1 + 1e-9))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(scores, scores, st.integers(1, 40)), max_size=12),
    st.sampled_from(["percentile", "bca", "recommended"]),
)
def test_whatever_is_counted_the_answer_is_json(
    rows: list[tuple[float | None, float | None, int]], method: str
) -> None:
    wanted = Wanted(method=method, metric="score")
    try:
        made = estimates.compare(estimates.pairs_of(rows, None), wanted, ("a", "b"))
    except (NoSharedTasks, BadInput):
        return
    text = orjson.dumps(made)
    assert finite(json.loads(text))
    assert b"nan" not in text.lower().replace(b"finance", b"")
    single = estimates.estimate(estimates.scores_of([(b, n) for _, b, n in rows], None), wanted, "run")
    assert finite(json.loads(orjson.dumps(single)))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_swapping_the_systems_mirrors_the_answer(both: int, a: int, b: int, neither: int) -> None:
    if not both + a + b + neither:
        return
    wanted = Wanted()
    one = estimates.compare(PairCounts.of_table(both, a, b, neither), wanted, ("x", "y"))
    other = estimates.compare(PairCounts.of_table(both, b, a, neither), replace(wanted), ("y", "x"))
    assert one["delta"] == -other["delta"]
    assert one["p_sign_flip"] == other["p_sign_flip"]
    best, mirrored = one["paired"]["recommended"], other["paired"]["recommended"]
    assert (best.lo, best.hi) == pytest.approx((-mirrored.hi, -mirrored.lo), abs=1e-9)
