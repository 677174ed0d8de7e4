"""Coverage of the recommended intervals, by exact enumeration over all outcomes.

Nominal 95 %. The bounds asserted are the promise to the reader: on average at least .94 and never
below .91, at every true rate.
"""

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import binom

from app.stats import Histogram, mean_ci, recommended_rate, wilson
from app.stats.paired_intervals import tango_bounds_many
from app.stats.trinomial import percentile_bounds

Z = 1.959963984540054


def rate_coverage(intervals, n, rates):
    chances = binom.pmf(np.arange(n + 1)[:, None], n, rates[None, :])
    inside = (intervals[:, 0, None] <= rates) & (rates <= intervals[:, 1, None])
    return (chances * inside).sum(axis=0)


@pytest.mark.parametrize("n", [1, 5, 10, *range(14, 81), 100, 300, 1_000])
def test_recommended_rate(n):
    """Between two bounds coverage rises and then falls, so the worst rates lie beside the bounds."""
    intervals = np.array([(made.lo, made.hi) for made in (recommended_rate(x, n) for x in range(n + 1))])
    bounds = intervals.ravel()
    beside = np.concatenate([bounds * (1.0 - 1e-9), bounds * (1.0 + 1e-9)])
    worst = rate_coverage(intervals, n, beside[(beside > 0.0) & (beside < 1.0)]).min()
    assert worst >= (0.95 - 1e-6 if n < 15 else 0.91)
    assert rate_coverage(intervals, n, np.linspace(0.0005, 0.9995, 1_000)).mean() >= 0.95


def test_wilson_alone_covers_less_near_the_edge_which_is_why_it_is_mended_there():
    intervals = np.array([(made.lo, made.hi) for made in (wilson(x, 48) for x in range(49))])
    covered = rate_coverage(intervals, 48, np.linspace(0.001, 0.02, 400))
    assert 0.83 < covered.min() < 0.85
    made = mean_ci(Histogram.of_rate(47, 1))
    assert made.recommended.lo == wilson(47, 48).lo
    assert wilson(47, 48).hi < made.recommended.hi == made.conservative.hi
    assert "few-events" in [caution.code for caution in made.warnings]
    assert made.conservative.lo < made.recommended.lo


USUAL = np.linspace(0.01, 0.98, 36)


def paired_setting(n, grid=USUAL):
    b, a = (side.ravel() for side in np.mgrid[0 : n + 1, 0 : n + 1])
    some = a + b <= n
    a, b = a[some], b[some]
    p_b, p_a = (side.ravel() for side in np.meshgrid(grid, grid))
    some = p_a + p_b <= 0.99
    p_a, p_b = p_a[some], p_b[some]
    rest = n - a - b
    ways = gammaln(n + 1) - gammaln(a + 1) - gammaln(b + 1) - gammaln(rest + 1)
    logs = ways[:, None] + np.outer(a, np.log(p_a)) + np.outer(b, np.log(p_b)) + np.outer(rest, np.log1p(-p_a - p_b))
    return a, b, np.exp(logs), p_b - p_a


@pytest.mark.parametrize("n", [15, 20, 30, 48, 80])
def test_recommended_paired_difference(n):
    a, b, chances, delta = paired_setting(n)
    lo, hi = tango_bounds_many(a.astype(float), b.astype(float), np.full(a.size, float(n)), Z)
    covered = (chances * ((lo[:, None] <= delta) & (delta <= hi[:, None]))).sum(axis=0)
    assert covered.mean() >= 0.95
    assert covered.min() >= (0.93 if n >= 20 else 0.92)


@pytest.mark.parametrize("n", [20, 48, 80])
def test_recommended_paired_difference_where_hardly_any_task_differs(n):
    a, b, chances, delta = paired_setting(n, np.geomspace(0.01, 4.0, 40) / n)
    lo, hi = tango_bounds_many(a.astype(float), b.astype(float), np.full(a.size, float(n)), Z)
    assert (chances * ((lo[:, None] <= delta) & (delta <= hi[:, None]))).sum(axis=0).min() >= 0.93


def test_the_percentile_bootstrap_covers_less_which_is_why_it_is_not_recommended():
    a, b, chances, delta = paired_setting(48)
    lo, hi = percentile_bounds(a, b, np.full(a.size, 48), 0.95)
    covered = (chances * ((lo[:, None] - 1e-12 <= delta) & (delta <= hi[:, None] + 1e-12))).sum(axis=0)
    assert covered.mean() < 0.94
    assert covered.min() < 0.8


@pytest.mark.parametrize("values", [(0.0, 0.5, 1.0), (1.0, 4.0, 5.0), (0.0, 0.1, 1.0)])
@pytest.mark.parametrize("n", [48])
def test_recommended_mean_of_three_valued_scores(values, n):
    counts = np.array([(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)])
    made = [
        mean_ci(Histogram.of(zip(values, row.tolist(), strict=True)), scale=(values[0], values[2])).recommended
        for row in counts
    ]
    intervals = np.array([(interval.lo, interval.hi) for interval in made])
    grid = np.linspace(0.05, 0.9, 18)
    shares = np.array([(p, q, 1 - p - q) for p in grid for q in grid if p + q <= 0.951])
    ways = gammaln(n + 1) - gammaln(counts + 1).sum(axis=1)
    chances = np.exp(ways[:, None] + counts @ np.log(shares.T))
    means = shares @ np.array(values)
    covered = (chances * ((intervals[:, 0, None] <= means) & (means <= intervals[:, 1, None]))).sum(axis=0)
    assert covered.mean() >= 0.94
    assert covered.min() >= 0.91
