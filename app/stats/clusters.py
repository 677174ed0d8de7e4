"""Means over items that come in clusters, for example several drafts of one task.

Why: ten drafts of one task are not ten independent tasks, and an interval that treats them so is too
narrow. What it refuses: an interval from a single cluster, which says nothing about a second one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.stats.bootstrap import bca_interval, bootstrap_mean, percentile_interval
from app.stats.cautions import few_clusters
from app.stats.errors import BadInput, NoVerdicts
from app.stats.histogram import Histogram
from app.stats.means import constant_scores
from app.stats.missing import Scale
from app.stats.montecarlo import monte_carlo_ci, ratio_statistic
from app.stats.paired_intervals import check_bounds
from app.stats.results import (
    CLOSED_FORM,
    ENGINE_VERSION,
    Caution,
    Interval,
    check_confidence,
    check_count,
    digest_of,
)
from app.stats.signflip import sign_flip
from app.stats.special import FloatArray, IntArray, t_quantile


@dataclass(frozen=True, eq=False)
class Clusters:
    """Sum of scores and number of items of each cluster, counted over equal clusters.

    Attributes
    ----------
    sums : float array, shape (m,)
        Sum of the items' scores (or differences) in the cluster.
    sizes : int64 array, shape (m,)
        Items in the cluster, at least 1.
    counts : int64 array, shape (m,)
        Clusters with that sum and that size.
    """

    sums: FloatArray
    sizes: IntArray
    counts: IntArray

    @classmethod
    def of(cls, rows: Iterable[tuple[float, int, int]]) -> Clusters:
        """Count clusters given as ``(sum of scores, items, clusters)``; clusters without items drop out.

        Raises
        ------
        BadInput
            A sum is not finite, or a count is negative or not whole.
        """
        kept: dict[tuple[int, float], int] = {}
        for total, size, clusters in rows:
            if not math.isfinite(total):
                raise BadInput("The sum of a cluster must be a finite number.")
            if check_count(size, "items in a cluster") and check_count(clusters, "clusters"):
                key = (int(size), float(total) + 0.0)
                kept[key] = kept.get(key, 0) + int(clusters)
        keys = sorted(kept)
        return cls(
            np.array([total for _, total in keys], dtype=np.float64),
            np.array([size for size, _ in keys], dtype=np.int64),
            np.array([kept[key] for key in keys], dtype=np.int64),
        )

    @cached_property
    def n_items(self) -> int:
        """Items in all clusters."""
        return int(self.sizes @ self.counts)

    @cached_property
    def n_clusters(self) -> int:
        """Clusters."""
        return int(self.counts.sum())

    @cached_property
    def mean(self) -> float:
        """Mean score of an item: sum of all scores over number of all items."""
        return float(self.sums @ self.counts) / self.n_items

    @property
    def equal_sizes(self) -> bool:
        """Whether all clusters have the same number of items."""
        return bool((self.sizes == self.sizes[0]).all())


@dataclass(frozen=True, slots=True)
class ClusterEstimate:
    """Result of `cluster_mean` and `cluster_delta`.

    Attributes
    ----------
    n_items, n_clusters : int
    estimate : float
        Mean over items, in the unit of the metric.
    se : float or None
        Linearised standard error over clusters; None for a single cluster.
    se_items : float or None
        What the standard error would be if items were independent; None when it cannot be told.
    design_effect : float or None
        (se / se_items)^2: by how much clustering inflates the variance.
    recommended : Interval or None
        Student's t over clusters, n_clusters - 1 degrees of freedom; None for a single cluster.
    percentile : Interval or None
        Cluster bootstrap: exact when all clusters are equally large, else simulated.
    bca : Interval or None
        Exact, for equally large clusters.
    p_sign_flip : float or None
        For differences: exact two-sided p, flipping whole clusters.
    warnings : tuple of Caution
    engine_version, digest : str
    """

    n_items: int
    n_clusters: int
    estimate: float
    se: float | None
    se_items: float | None
    design_effect: float | None
    recommended: Interval | None
    percentile: Interval | None
    bca: Interval | None
    p_sign_flip: float | None
    warnings: tuple[Caution, ...]
    engine_version: str
    digest: str


def cluster_mean(
    clusters: Clusters,
    confidence: float = 0.95,
    *,
    items: Histogram | None = None,
    scale: Scale = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> ClusterEstimate:
    """Estimate a mean over items that come in clusters.

    With C clusters of sums s_c and sizes m_c, r = sum s_c / sum m_c and
    SE = sqrt(C/(C - 1) sum (s_c - r m_c)^2) / sum m_c.

    Parameters
    ----------
    clusters : Clusters
        At least one.
    confidence : float, default 0.95
        Inside (0, 1).
    items : Histogram, optional
        Scores of the items, which gives the design effect.
    scale : (float, float), optional
        Ends of the scale; gives constant data an interval with width.
    seed, resamples
        For clusters of unequal size, whose bootstrap is simulated; see `monte_carlo_ci`.

    Returns
    -------
    ClusterEstimate

    Raises
    ------
    NoVerdicts
        There is no item.
    BadConfidence, BadInput

    Notes
    -----
    Sources: Cochran (1977), "Sampling Techniques", chapter 6, for the ratio estimator; Cameron &
    Miller (2015), Journal of Human Resources 50, for t with C - 1 degrees of freedom.
    """
    check_confidence(confidence)
    ends = check_bounds(scale)
    if not clusters.n_clusters:
        raise NoVerdicts("There is no cluster with an item in it.")
    groups, mean = clusters.n_clusters, clusters.mean
    se = quoted = percentile = bca = None
    if groups > 1:
        rest = clusters.sums - mean * clusters.sizes
        se = math.sqrt(groups / (groups - 1) * float(clusters.counts @ rest**2)) / clusters.n_items
        level = 1e-12 * float(np.abs(clusters.sums).max() + 1.0)
        if float(np.abs(rest).max()) <= level:
            se = 0.0
            quoted = constant_scores(mean, groups, confidence, ends)
        else:
            half = -t_quantile((1.0 - confidence) / 2.0, groups - 1.0) * se
            lo, hi = mean - half, mean + half
            if ends is not None:
                lo, hi = max(lo, ends[0]), min(hi, ends[1])
            quoted = Interval(mean, lo, hi, confidence, "Student t over clusters", CLOSED_FORM, groups, True, False)
        percentile, bca = _bootstrap(clusters, confidence, se == 0.0, seed, resamples)
    se_items = items.sd / math.sqrt(max(1, items.n - 1)) if items is not None and items.n else None
    effect = (se / se_items) ** 2 if se is not None and se_items else None
    caution = few_clusters(groups)
    return ClusterEstimate(
        clusters.n_items, groups, mean, se, se_items, effect, quoted, percentile, bca, None,
        (caution,) if caution else (), ENGINE_VERSION,
        digest_of("clusters", clusters.sums, clusters.sizes, clusters.counts),
    )  # fmt: skip


def _bootstrap(
    clusters: Clusters, confidence: float, constant: bool, seed: int, resamples: int
) -> tuple[Interval, Interval | None]:
    if clusters.equal_sizes and not constant:
        means = Histogram.of_arrays(clusters.sums / clusters.sizes, clusters.counts)
        made = bootstrap_mean(means)
        return percentile_interval(made, confidence), bca_interval(made, confidence)
    statistic = ratio_statistic(clusters.sums, clusters.sizes.astype(np.float64))
    drawn = monte_carlo_ci(clusters.counts, statistic, confidence, seed=seed, resamples=resamples)
    return drawn, None


def cluster_delta(
    rows: Iterable[tuple[float, float, int, int]],
    confidence: float = 0.95,
    *,
    scale: Scale = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> ClusterEstimate:
    """Compare two systems on the same items, which come in clusters.

    Parameters
    ----------
    rows : iterable of (sum of a's scores, sum of b's scores, items, clusters)
        Over the items judged for both systems.
    confidence, scale, seed, resamples
        As for `cluster_mean`; ``scale`` is that of the scores, not of their differences.

    Returns
    -------
    ClusterEstimate
        Of the mean difference b - a; ``p_sign_flip`` swaps the two systems on whole clusters.

    Raises
    ------
    NoVerdicts, BadConfidence, BadInput
    """
    held = list(rows)
    ends = check_bounds(scale)
    reach = None if ends is None else (ends[0] - ends[1], ends[1] - ends[0])
    clusters = Clusters.of((b - a, size, count) for a, b, size, count in held)
    made = cluster_mean(clusters, confidence, scale=reach, seed=seed, resamples=resamples)
    flips = sign_flip(Histogram.of_arrays(clusters.sums, clusters.counts))
    return ClusterEstimate(
        made.n_items, made.n_clusters, made.estimate, made.se, None, None, made.recommended,
        made.percentile, made.bca, flips.p_two_sided, made.warnings, made.engine_version, made.digest,
    )  # fmt: skip
