"""Missing verdicts: never dropped or zeroed in silence."""

import itertools

import pytest

from app.stats import Histogram, NoSharedTasks, NoVerdicts, PairCounts, failure_bounds, group_ci, mean_ci, paired_delta


def test_all_missing_is_a_typed_refusal_and_its_bounds_still_exist():
    scores = Histogram.of_rate(0, 0, missing=9)
    with pytest.raises(NoVerdicts, match="None of the 9 items has a verdict"):
        mean_ci(scores)
    made = failure_bounds(scores)
    assert made.excluded is None
    assert (made.as_fail.estimate, made.as_pass.estimate) == (0.0, 1.0)


def test_no_items_at_all():
    with pytest.raises(NoVerdicts, match="There are no items"):
        mean_ci(Histogram.of([]))


def test_none_is_missing_and_not_zero():
    scores = Histogram.of([(1.0, 3), (None, 2), (0.0, 1)])
    assert (scores.n, scores.missing, scores.mean) == (4, 2, 0.75)


def test_scores_are_bounded_by_the_ends_of_their_scale():
    scores = Histogram.of([(2.0, 5), (4.0, 5)], missing=10)
    made = failure_bounds(scores, scale=(1.0, 5.0))
    assert (made.as_fail.estimate, made.as_pass.estimate) == (2.0, 4.0)
    unknown = failure_bounds(scores)
    assert unknown.as_fail is None
    assert unknown.excluded.estimate == 3.0


@pytest.mark.parametrize(("threshold", "robust"), [(0.5, True), (0.8, False), (0.75, False), (0.999, True)])
def test_conclusion_about_a_threshold(threshold, robust):
    """Above .75 only while the three unjudged items are not failures."""
    assert failure_bounds(Histogram.of_rate(41, 4, 3), threshold=threshold).conclusion_robust is robust


def test_the_extremes_of_a_pair_are_those_of_every_way_to_fill_it():
    judged = [(1.0, 1.0, 6), (0.0, 1.0, 5), (1.0, 0.0, 1)]
    rows = [*judged, (None, 1.0, 1), (0.0, None, 1), (None, None, 1), (1.0, None, 1)]
    bounds = paired_delta(PairCounts.of(rows)).failure_bounds
    deltas = []
    for fills in itertools.product((0.0, 1.0), repeat=5):
        left = list(fills)
        filled = [(a if a is not None else left.pop(), b if b is not None else left.pop(), c) for a, b, c in rows]
        assert not left
        deltas.append(paired_delta(PairCounts.of(filled)).delta)
    assert bounds.delta_min == pytest.approx(min(deltas))
    assert bounds.delta_max == pytest.approx(max(deltas))
    assert (bounds.missing_a, bounds.missing_b) == (2, 3)


@pytest.mark.parametrize("alone", [2.0, 0.5])
def test_a_score_without_a_partner_makes_no_pass_rate_of_the_rest(alone):
    """Where both are judged all is 0 or 1; the bounds count the other score too, and a 2x2 table has no cell for it."""
    pairs = PairCounts.of([(0.0, 0.0, 3), (1.0, 1.0, 4), (None, alone, 1)])
    made = paired_delta(pairs)
    assert (made.metric, made.table, made.failure_bounds.delta_min) == ("score", None, None)
    bounded = paired_delta(pairs, scale=(0.0, 2.0)).failure_bounds
    assert (bounded.delta_min, bounded.delta_max) == ((alone - 2.0) / 8, alone / 8)


def test_a_conclusion_that_missing_verdicts_can_undo():
    sure = PairCounts.of([(0.0, 1.0, 20), (1.0, 1.0, 20), (0.0, 0.0, 8)])
    assert paired_delta(sure).conclusion_robust is True
    shaky = PairCounts.of([(0.0, 1.0, 20), (1.0, 1.0, 20), (0.0, 0.0, 8), (1.0, None, 15)])
    made = paired_delta(shaky)
    assert made.conclusion == "b_higher"
    assert made.failure_bounds.sign_robust is True
    assert made.conclusion_robust is False
    lost = paired_delta(PairCounts.of([(0.0, 1.0, 20), (1.0, 1.0, 20), (1.0, None, 30)]))
    assert lost.failure_bounds.sign_robust is False
    assert "missing-verdicts" in [caution.code for caution in lost.warnings]


def test_unknown_ends_leave_robustness_open():
    made = paired_delta(PairCounts.of([(2.0, 3.0, 10), (3.0, 3.5, 10), (None, 4.0, 1)]))
    assert made.conclusion_robust is None
    assert made.failure_bounds.delta_min is None
    assert paired_delta(PairCounts.of([(2.0, 3.0, 10), (3.0, 3.5, 10)])).conclusion_robust is True


def test_pairs_without_a_common_verdict():
    with pytest.raises(NoSharedTasks, match="share no task"):
        paired_delta(PairCounts.of([]))
    with pytest.raises(NoSharedTasks, match="share 5 tasks and none of them"):
        paired_delta(PairCounts.of([(None, 1.0, 3), (0.0, None, 2)]))


def test_groups_answer_one_by_one():
    made = group_ci({"tone": Histogram.of_rate(8, 2), "price": Histogram.of_rate(0, 0, 4)})
    assert list(made) == ["tone", "price"]
    assert made["tone"].estimate == 0.8
    assert made["price"] is None
