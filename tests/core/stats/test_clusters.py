"""Items in clusters, and seeded resampling."""

import numpy as np
import pytest
import statsmodels.api as sm

from app.stats import (
    BadInput,
    Clusters,
    Histogram,
    NoVerdicts,
    cluster_delta,
    cluster_mean,
    mean_ci,
    median_ci,
    monte_carlo_ci,
    quantile_statistic,
    ratio_statistic,
    sign_flip,
)
from app.stats.montecarlo import CHUNK_BYTES


def sample(unequal, seed=0, clusters=40):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, clusters) if unequal else np.full(clusters, 5)
    centre = rng.normal(0.6, 0.2, clusters)
    groups = np.repeat(np.arange(clusters), sizes)
    return groups, (rng.random(groups.size) < np.clip(centre[groups], 0.02, 0.98)).astype(float)


def counted(groups, scores):
    sums, sizes = np.bincount(groups, scores), np.bincount(groups)
    return Clusters.of((float(s), int(m), 1) for s, m in zip(sums, sizes, strict=True))


@pytest.mark.parametrize("unequal", [False, True])
def test_cluster_error_is_the_sandwich_of_statsmodels(unequal):
    groups, scores = sample(unequal)
    fitted = sm.OLS(scores, np.ones_like(scores)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    made = cluster_mean(counted(groups, scores), items=Histogram.of_rate(int(scores.sum()), int((1 - scores).sum())))
    clusters = groups.max() + 1
    assert made.estimate == pytest.approx(scores.mean())
    assert made.se == pytest.approx(fitted.bse[0] * np.sqrt(clusters / (clusters - 1)), rel=1e-10)
    assert made.se_items == pytest.approx(scores.std(ddof=1) / np.sqrt(scores.size))
    assert made.design_effect == pytest.approx((made.se / made.se_items) ** 2)
    assert (made.n_items, made.n_clusters) == (scores.size, clusters)
    assert made.recommended.n == clusters
    assert (made.percentile.seed is None) is not unequal


def test_equal_clusters_have_the_exact_bootstrap_of_their_means():
    groups, scores = sample(False)
    means = np.bincount(groups, scores) / 5
    made = cluster_mean(counted(groups, scores))
    plain = mean_ci(Histogram.of((float(mean), 1) for mean in means))
    assert made.percentile.exact
    assert made.percentile.lo == pytest.approx(plain.percentile.lo, abs=1e-12)
    assert made.bca.hi == pytest.approx(plain.bca.hi, abs=1e-12)


def test_simulated_clusters_are_close_to_the_exact_ones_and_reproducible():
    groups, scores = sample(False)
    clusters = counted(groups, scores)
    statistic = ratio_statistic(clusters.sums, clusters.sizes.astype(float))
    drawn = [monte_carlo_ci(clusters.counts, statistic, seed=seed, resamples=40_000) for seed in (1, 1, 2)]
    exact = cluster_mean(clusters).percentile
    assert drawn[0] == drawn[1]
    assert (drawn[0].lo, drawn[0].hi) == pytest.approx((exact.lo, exact.hi), abs=0.0051)
    assert drawn[0].seed == 1
    assert drawn[0].resamples == 40_000
    assert not drawn[0].exact


def test_few_and_single_clusters():
    made = cluster_mean(Clusters.of([(3.0, 4, 2), (1.0, 4, 1)]))
    assert [caution.code for caution in made.warnings] == ["few-clusters"]
    single = cluster_mean(Clusters.of([(3.0, 4, 1)]))
    assert single.estimate == 0.75
    assert single.se is None
    assert single.recommended is None
    assert single.percentile is None
    with pytest.raises(NoVerdicts):
        cluster_mean(Clusters.of([]))
    with pytest.raises(BadInput, match="finite"):
        Clusters.of([(float("inf"), 3, 1)])


def test_constant_clusters_keep_an_interval_with_width():
    made = cluster_mean(Clusters.of([(4.0, 4, 12), (2.0, 2, 3)]), scale=(0.0, 1.0))
    assert made.se == 0.0
    assert (made.percentile.lo, made.percentile.hi) == (1.0, 1.0)
    assert made.recommended.lo == pytest.approx(0.025 ** (1 / 15))
    assert made.recommended.hi == 1.0


def test_cluster_delta_flips_whole_clusters():
    rows = [(1.0, 3.0, 4, 6), (2.0, 2.0, 4, 5), (3.0, 2.0, 4, 2), (0.0, 2.0, 3, 1)]
    made = cluster_delta(rows, scale=(0.0, 1.0))
    assert made.estimate == pytest.approx((6 * 2 + 0 - 2 + 2) / (13 * 4 + 3))
    assert made.p_sign_flip == sign_flip(Histogram.of([(2.0, 7), (0.0, 5), (-1.0, 2)])).p_two_sided
    mirrored = cluster_delta([(b, a, size, count) for a, b, size, count in rows], scale=(0.0, 1.0))
    assert mirrored.estimate == pytest.approx(-made.estimate)
    assert mirrored.recommended.lo == pytest.approx(-made.recommended.hi)


def test_median_of_few_cells_and_of_many():
    few = median_ci(Histogram.of([(1.0, 10), (2.0, 30), (5.0, 11)]))
    assert (few.estimate, few.lo, few.hi) == (2.0, 2.0, 2.0)
    scores = np.random.default_rng(4).normal(size=301)
    many = median_ci(Histogram.of((float(score), 1) for score in scores), resamples=2000)
    assert many.estimate == np.median(scores)
    assert many.lo < many.estimate < many.hi
    # Order statistics of the binomial bracket a median's interval.
    ordered = np.sort(scores)
    assert ordered[125] <= many.lo <= ordered[140]
    assert ordered[160] <= many.hi <= ordered[176]


def test_simulated_bca_follows_the_exact_one():
    scores = Histogram.of([(1.0, 3), (2.0, 4), (4.0, 12), (5.0, 29)])
    mean = ratio_statistic(scores.values, np.ones(4))
    drawn = monte_carlo_ci(scores.counts, mean, method="bca", resamples=100_000, seed=6)
    exact = mean_ci(scores).bca
    assert (drawn.lo, drawn.hi) == pytest.approx((exact.lo, exact.hi), abs=1.01 / 48)


def test_resampling_stays_within_its_chunks():
    sizes = []

    def spying(counts):
        sizes.append(counts.nbytes)
        return counts @ np.arange(counts.shape[1]) / counts.sum(axis=1)

    monte_carlo_ci(np.ones(5000, dtype=np.int64), spying, resamples=1000)
    assert max(sizes) <= CHUNK_BYTES
    assert len(sizes) > 4


def only_of_four(counts):
    return np.where(counts.sum(axis=1) >= 4, 1.0, np.nan)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: monte_carlo_ci(np.array([3, 2]), ratio_statistic(np.ones(2), np.array([0.0, 1.0]))), "undefined on"),
        (lambda: monte_carlo_ci(np.array([3]), ratio_statistic(np.ones(1), np.zeros(1))), "undefined on the data"),
        (lambda: monte_carlo_ci(np.array([0]), lambda c: c[:, 0]), "no unit"),
        (lambda: monte_carlo_ci(np.array([-1, 4]), lambda c: c[:, 0]), "whole numbers"),
        (lambda: monte_carlo_ci(np.array([4]), lambda c: c[:, 0], resamples=10), "at least 100"),
        (lambda: monte_carlo_ci(np.array([4]), only_of_four, method="bca"), "leaving one unit out"),
        (lambda: quantile_statistic(np.array([1.0]), 1.0), "quantile level"),
    ],
)
def test_resampling_refuses_what_it_cannot_answer(call, message):
    with pytest.raises((BadInput, NoVerdicts), match=message):
        call()
