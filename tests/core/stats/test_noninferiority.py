"""Non-inferiority and equivalence at a margin."""

import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from app.stats import BadConfidence, NoSharedTasks, PairCounts, noninferiority, tango


@pytest.mark.parametrize("table", [(80, 6, 5, 9), (80, 9, 2, 9), (15, 1, 26, 6), (40, 0, 0, 8)])
@pytest.mark.parametrize("margin", [0.02, 0.1, 0.3])
def test_the_verdict_is_that_of_the_interval(table, margin):
    made = noninferiority(PairCounts.of_table(*table), margin)
    assert made.interval == tango(*table, 0.9)
    assert made.noninferior == (made.interval.lo > -margin)
    assert made.equivalent == (made.interval.lo > -margin and made.interval.hi < margin)
    assert made.p_equivalent >= made.p_noninferior


def test_scores_use_two_one_sided_t_tests():
    rng = np.random.default_rng(3)
    a = np.round(rng.uniform(1, 5, 60), 1)
    b = np.round(a + rng.normal(0.02, 0.3, 60), 1)
    rows = [(float(x), float(y), 1) for x, y in zip(a, b, strict=True)]
    made = noninferiority(PairCounts.of(rows), 0.15)
    reference = DescrStatsW(b - a).ttost_mean(-0.15, 0.15)
    assert made.p_equivalent == pytest.approx(reference[0], rel=1e-9)
    assert made.p_noninferior == pytest.approx(reference[1][1], rel=1e-9)


def test_equal_differences_answer_with_a_reason():
    made = noninferiority(PairCounts.of([(2.0, 3.0, 10), (3.0, 4.0, 4)]), 0.5)
    assert made.p_noninferior is None
    assert made.noninferior is None
    assert "spread" in made.reason


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0, float("nan"), float("inf")])
def test_bad_margins_are_refused(margin):
    with pytest.raises(BadConfidence, match="margin"):
        noninferiority(PairCounts.of_table(5, 1, 1, 5), margin)


def test_bad_levels_and_no_tasks_are_refused():
    with pytest.raises(BadConfidence, match="doubled level"):
        noninferiority(PairCounts.of_table(5, 1, 1, 5), 0.1, level=0.5)
    with pytest.raises(NoSharedTasks):
        noninferiority(PairCounts.of([(None, 1.0, 5)]), 0.1)
