"""Closed-form intervals, against statsmodels, scipy and their own definitions."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from app.stats import (
    clopper_pearson,
    newcombe_independent,
    recommended_rate,
    t_interval,
    tango,
    welch_interval,
    wilson,
)
from app.stats.paired_intervals import tango_bounds, tango_bounds_many, tango_score
from app.stats.special import two_sided_z

RATES = [(0, 1), (1, 1), (0, 6), (6, 6), (3, 7), (41, 48), (1, 300), (4_321, 10_000), (99_999, 100_000)]


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize(("passed", "n"), RATES)
def test_rates_agree_with_statsmodels(passed, n, confidence):
    for mine, method in ((wilson, "wilson"), (clopper_pearson, "beta")):
        low, high = proportion_confint(passed, n, alpha=1 - confidence, method=method)
        made = mine(passed, n, confidence)
        assert made.lo == pytest.approx(0.0 if passed == 0 else low, rel=1e-9, abs=1e-15)
        assert made.hi == pytest.approx(1.0 if passed == n else high, rel=1e-9, abs=1e-15)
        assert 0.0 <= made.lo <= made.estimate <= made.hi <= 1.0


def test_small_samples_are_recommended_clopper_pearson():
    assert recommended_rate(9, 14) == clopper_pearson(9, 14)
    assert recommended_rate(9, 15) == wilson(9, 15)


def test_t_and_welch_agree_with_references():
    rng = np.random.default_rng(1)
    a, b = rng.normal(3, 1, 23), rng.normal(3.5, 2, 31)
    low, high = stats.t.interval(0.95, 22, loc=a.mean(), scale=stats.sem(a))
    made = t_interval(float(a.mean()), float(a.std(ddof=1)), 23)
    assert [made.lo, made.hi] == pytest.approx([low, high], rel=1e-12)
    low, high = CompareMeans(DescrStatsW(b), DescrStatsW(a)).tconfint_diff(usevar="unequal")
    made = welch_interval(a.mean(), a.std(ddof=1), 23, b.mean(), b.std(ddof=1), 31)
    assert [made.lo, made.hi] == pytest.approx([low, high], rel=1e-10)
    assert welch_interval(1.0, 0.0, 3, 2.0, 0.0, 4).degenerate


def test_newcombe_on_the_published_example():
    """56 of 70 against 48 of 80: Newcombe (1998), table II, method 10."""
    made = newcombe_independent(48, 80, 56, 70)
    assert [round(made.lo, 4), round(made.hi, 4)] == [0.0524, 0.3339]


@pytest.mark.parametrize(
    "table",
    [
        (15, 1, 26, 6),
        (0, 0, 48, 0),
        (0, 48, 0, 0),
        (48, 0, 0, 0),
        (0, 0, 0, 1),
        (1, 0, 1, 0),
        (9, 3, 3, 9),
        (0, 7, 8, 0),
    ],
)
@pytest.mark.parametrize("confidence", [0.6, 0.95, 0.9999])
def test_tango_bounds_solve_the_score_equation(table, confidence):
    made = tango(*table, confidence)
    both, only_a, only_b, neither = table
    n, z = sum(table), two_sided_z(confidence)
    assert -1.0 <= made.lo <= made.estimate <= made.hi <= 1.0
    if made.lo > -1.0:
        assert tango_score(only_a, only_b, n, made.lo) == pytest.approx(z, abs=1e-6)
    if made.hi < 1.0:
        assert tango_score(only_a, only_b, n, made.hi) == pytest.approx(-z, abs=1e-6)
    mirrored = tango(both, only_b, only_a, neither, confidence)
    assert [-mirrored.hi, -mirrored.lo] == pytest.approx([made.lo, made.hi], abs=1e-13)


def test_many_tango_bounds_equal_single_ones():
    rng = np.random.default_rng(4)
    tables = [rng.multinomial(n, rng.dirichlet([0.4, 0.4, 0.4])) for n in (1, 3, 48, 200, 10_000) for _ in range(60)]
    tables += [np.array(cells) for cells in [(0, 48, 0), (48, 0, 0), (0, 0, 48), (1, 0, 0)]]
    only_a, only_b = (np.array([cells[i] for cells in tables], dtype=float) for i in (0, 1))
    n = np.array([cells.sum() for cells in tables], dtype=float)
    lo, hi = tango_bounds_many(only_a, only_b, n, 1.959963984540054)
    for i, cells in enumerate(tables):
        single = tango_bounds(int(cells[0]), int(cells[1]), int(n[i]), 1.959963984540054)
        assert (lo[i], hi[i]) == pytest.approx(single, abs=1e-13)
