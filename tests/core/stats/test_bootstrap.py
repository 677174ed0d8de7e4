"""Percentile and BCa intervals, against enumeration and against simulation."""

import itertools

import numpy as np
import pytest
from scipy import stats

from app.stats import Histogram, PairCounts, mean_ci, paired_delta, unpaired_delta
from app.stats.bootstrap import bca_interval, bootstrap_difference, bootstrap_mean, percentile_interval
from app.stats.special import normal_cdf, normal_quantile
from tests.core.stats.reference import enumerate_means, enumerated_quantile

GRID_SAMPLES = [
    [0, 0, 1], [0, 1, 1, 1], [1, 2, 5], [1, 1, 4, 5], [0.5, 1, 1, 0, 0], [0.01, 0.37, 0.37, 1.0],
    [0, 0, 0, 0, 1], [1 / 3, 2 / 3, 1, 1, 0, 0], [-1, 0, 0, 1, 1, 1],
]  # fmt: skip
OFF_GRID = [[0.1, np.pi / 7, 0.9], [np.sqrt(2), 1.0, np.e, 2.2], [0.123456789, 0.2718281, 0.3141592, 0.5, 0.57721]]


def histogram(scores):
    return Histogram.of((float(score), 1) for score in scores)


def enumerated_bca_levels(scores, means, tail):
    centre = np.mean(scores)
    ties = np.isclose(means, centre, rtol=0, atol=1e-12)
    share = np.mean((means < centre) & ~ties) + np.mean(ties) / 2
    gap = np.asarray(scores) - centre
    slope = (gap**3).sum() / (6 * (gap**2).sum() ** 1.5)
    bias = normal_quantile(share)
    for z in (normal_quantile(tail), -normal_quantile(tail)):
        yield normal_cdf(bias + (bias + z) / (1 - slope * (bias + z)))


@pytest.mark.parametrize("scores", GRID_SAMPLES + OFF_GRID)
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_intervals_equal_those_of_all_resamples(scores, confidence):
    means = np.array(enumerate_means(scores))
    tail = (1 - confidence) / 2
    made = bootstrap_mean(histogram(scores))
    percentile = percentile_interval(made, confidence)
    assert made.exact
    for bound, level in ((percentile.lo, tail), (percentile.hi, 1 - tail)):
        assert bound == pytest.approx(enumerated_quantile(means, level), abs=1e-12)
    bca = bca_interval(made, confidence)
    for bound, level in zip((bca.lo, bca.hi), enumerated_bca_levels(scores, means, tail), strict=True):
        # Where F passes the level by less than rounding, either neighbour is right.
        near = {enumerated_quantile(means, level + off) for off in (-1e-9, 1e-9)}
        assert min(abs(bound - value) for value in near) < 1e-12


@pytest.mark.parametrize(("a", "b"), [([0, 1, 1], [0, 0, 1]), ([1, 2, 5], [2, 2, 3, 4]), ([0, 0.5], [1, 0.5, 0])])
def test_unpaired_intervals_equal_those_of_all_resamples(a, b):
    gaps = [y - x for x, y in itertools.product(enumerate_means(a), enumerate_means(b))]
    made = bootstrap_difference(histogram(a), histogram(b))
    for level in (0.05, 0.31, 0.77, 0.95):
        assert made.quantile(level) == pytest.approx(enumerated_quantile(np.round(gaps, 12), level), abs=1e-11)


@pytest.mark.parametrize(
    "scores",
    [
        np.repeat([0.0, 1.0], [7, 41]),
        np.repeat([-1.0, 0.0, 1.0], [1, 21, 26]),
        np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], [2, 3, 5, 9, 20]),
    ],
)
@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_scipy_agrees_within_its_simulation_error(scores, method):
    drawn = stats.bootstrap(
        (scores,), np.mean, n_resamples=400_000, batch=20_000, method=method, random_state=np.random.default_rng(7)
    )
    values, counts = np.unique(scores, return_counts=True)
    made = bootstrap_mean(Histogram.of_arrays(values, counts))
    interval = percentile_interval(made, 0.95) if method == "percentile" else bca_interval(made, 0.95)
    # One step of the mean is 1/n; 400,000 draws place a quantile to within one of them.
    step = 1.001 / scores.size
    assert interval.lo == pytest.approx(drawn.confidence_interval.low, abs=step)
    assert interval.hi == pytest.approx(drawn.confidence_interval.high, abs=step)
    assert mean_ci(Histogram.of_arrays(values, counts)).se == pytest.approx(drawn.standard_error, rel=5e-3)
    share = np.mean(drawn.bootstrap_distribution <= interval.lo + 1e-12)
    exact = made.distribution.at_most(round((interval.lo - made.offset) * scores.size / made.step))
    assert share == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 400_000))


def test_scipy_agrees_on_two_samples():
    a, b = np.repeat([0.0, 1.0], [32, 16]), np.repeat([0.0, 1.0], [7, 34])
    drawn = stats.bootstrap(
        (a, b), lambda x, y, axis: y.mean(axis) - x.mean(axis), n_resamples=400_000, batch=20_000, method="BCa",
        random_state=np.random.default_rng(3),
    )  # fmt: skip
    made = unpaired_delta(Histogram.of_rate(16, 32), Histogram.of_rate(34, 7)).intervals
    step = 2.0 / 41
    assert made.bca.lo == pytest.approx(drawn.confidence_interval.low, abs=step / 4)
    assert made.bca.hi == pytest.approx(drawn.confidence_interval.high, abs=step / 4)
    assert made.se == pytest.approx(drawn.standard_error, rel=5e-3)


def test_off_grid_scores_are_binned_within_a_small_part_of_a_standard_error():
    scores = np.random.default_rng(5).lognormal(0.0, 0.7, 400)
    made = mean_ci(histogram(scores))
    assert not made.percentile.exact
    assert "binned" in made.percentile.convention
    drawn = stats.bootstrap((scores,), np.mean, n_resamples=400_000, batch=5_000, method="percentile",
                            random_state=np.random.default_rng(11))  # fmt: skip
    noise = 5 * 2.7 / np.sqrt(400_000)
    for bound, seen in zip((made.percentile.lo, made.percentile.hi), drawn.confidence_interval, strict=True):
        assert abs(bound - seen) / made.se < noise + 1e-3


def test_binning_a_grid_moves_a_bound_by_no_more_than_one_step():
    rng = np.random.default_rng(2)
    scores = np.round(rng.beta(5, 2, 2000), 3)
    values, counts = np.unique(scores, return_counts=True)
    exact = bootstrap_mean(Histogram.of_arrays(values, counts))
    shifted = values + np.pi * 1e-9 * rng.standard_normal(values.size)
    binned = bootstrap_mean(Histogram.of_arrays(np.sort(shifted), counts))
    assert exact.exact
    assert not binned.exact
    se = scores.std() / np.sqrt(scores.size)
    for level in (0.025, 0.5, 0.975):
        # The exact quantile lies on the grid, up to one step above where F reaches the level.
        assert -4e-5 * se < exact.quantile(level) - binned.quantile(level) < 0.001 / scores.size + 4e-5 * se


def test_a_degenerate_sample_has_no_width_but_a_recommended_interval():
    made = mean_ci(Histogram.of_rate(11, 0))
    assert (made.percentile.lo, made.percentile.hi) == (1.0, 1.0)
    assert made.percentile.degenerate
    assert made.bca is None
    assert made.recommended.lo < 0.75 < made.recommended.hi == 1.0
    assert [caution.code for caution in made.warnings] == ["constant-outcome"]


def test_bca_is_null_where_an_adjusted_level_leaves_the_open_interval():
    made = bootstrap_mean(Histogram.of_rate(1, 2))
    assert bca_interval(made, 0.95) is not None
    assert bca_interval(made, 1 - 1e-15) is None


def test_an_exact_tie_with_the_level_counts_as_reached():
    """n = 2: F is 1/4, 3/4, 1, so at confidence 1/2 both levels are hit exactly."""
    made = bootstrap_mean(Histogram.of_rate(1, 1))
    assert (made.quantile(0.25), made.quantile(0.75)) == (0.0, 0.5)


def test_paired_delta_of_scores_uses_the_differences():
    rows = [(4.0, 5.0, 10), (3.0, 3.0, 20), (5.0, 4.0, 3), (1.0, 4.0, 7)]
    made = paired_delta(PairCounts.of(rows), scale=(1.0, 5.0))
    gaps = Histogram.of([(1.0, 10), (0.0, 20), (-1.0, 3), (3.0, 7)])
    assert made.metric == "score"
    assert made.table is None
    assert made.paired.percentile == percentile_interval(bootstrap_mean(gaps), 0.95)
    assert made.paired.bca == bca_interval(bootstrap_mean(gaps), 0.95)
    a = np.repeat([4.0, 3.0, 5.0, 1.0], [10, 20, 3, 7])
    b = np.repeat([5.0, 3.0, 4.0, 4.0], [10, 20, 3, 7])
    assert made.covariance == pytest.approx(np.cov(a, b, ddof=0)[0, 1])
    assert made.phi == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert made.effect_size == pytest.approx((b - a).mean() / (b - a).std(ddof=1))
    assert made.paired.se_ddof1 == pytest.approx((b - a).std(ddof=1) / np.sqrt(40))


def test_two_sides_of_which_one_is_spread_beyond_measure():
    """Trap: a grid of the finer side's step has more places than an integer can count."""
    fine = Histogram.of_arrays(np.array([0.0, 1e-45]), np.array([3, 4]))
    wide = Histogram.of_arrays(np.array([1.0, 524288.5]), np.array([2, 5]))
    made = percentile_interval(bootstrap_difference(fine, wide), 0.95)
    alone = percentile_interval(bootstrap_mean(wide), 0.95)
    assert (made.lo, made.hi) == pytest.approx((alone.lo, alone.hi), rel=1e-3)
