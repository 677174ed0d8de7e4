"""Two systems on independent tasks.

Why: runs over different task sets can be compared too, only less sharply, and a paired comparison
is better understood beside what it would have been without the pairing. What it refuses: to hide
that it ignores shared tasks - a result of this file says "unpaired" by its type.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.stats.bootstrap import bca_interval, bootstrap_difference, constant_interval, percentile_interval
from app.stats.histogram import Histogram
from app.stats.intervals import newcombe_independent, welch_interval
from app.stats.missing import Scale, need_verdicts
from app.stats.paired_intervals import check_bounds
from app.stats.results import ENGINE_VERSION, Interval, digest_of


@dataclass(frozen=True, slots=True)
class UnpairedIntervals:
    """Intervals for mean(b) - mean(a) of two independent samples.

    Attributes
    ----------
    percentile : Interval
    bca : Interval or None
        None where BCa is undefined.
    recommended : Interval
        Newcombe's hybrid score interval for rates, Welch's for scores (the percentile interval when
        one side has a single item).
    se, se_ddof1 : float
        Standard error of the difference, with ddof 0 and ddof 1 on both sides.
    """

    percentile: Interval
    bca: Interval | None
    recommended: Interval
    se: float
    se_ddof1: float


@dataclass(frozen=True, slots=True)
class UnpairedComparison:
    """Result of `unpaired_delta`.

    Attributes
    ----------
    metric : str
        ``rate`` or ``score``.
    n_a, n_b, missing_a, missing_b : int
        Judged items and items without a verdict.
    mean_a, mean_b, delta : float
        In the unit of the metric; ``delta`` is b - a.
    intervals : UnpairedIntervals
    engine_version, digest : str
    """

    metric: str
    n_a: int
    n_b: int
    missing_a: int
    missing_b: int
    mean_a: float
    mean_b: float
    delta: float
    intervals: UnpairedIntervals
    engine_version: str
    digest: str


def unpaired_delta(a: Histogram, b: Histogram, confidence: float = 0.95, scale: Scale = None) -> UnpairedComparison:
    """Compare two systems judged on independent tasks.

    Parameters
    ----------
    a, b : Histogram
        Each with at least one judged item.
    confidence : float, default 0.95
        Inside (0, 1).
    scale : (float, float), optional
        Ends of the scale, as for `mean_ci`.

    Returns
    -------
    UnpairedComparison

    Raises
    ------
    NoVerdicts
        A side has no judged item.
    BadConfidence, BadInput
        Confidence or scale are not such.

    Notes
    -----
    SE = sqrt(Var(a)/n_a + Var(b)/n_b). The bootstrap resamples the two sides independently, and its
    distribution is the convolution of theirs.
    """
    need_verdicts(a, confidence)
    need_verdicts(b, confidence)
    ends = check_bounds(scale)
    rate = a.is_rate and b.is_rate and ends in (None, (0.0, 1.0))
    return UnpairedComparison(
        metric="rate" if rate else "score",
        n_a=a.n,
        n_b=b.n,
        missing_a=a.missing,
        missing_b=b.missing,
        mean_a=a.mean,
        mean_b=b.mean,
        delta=b.mean - a.mean,
        intervals=unpaired_intervals(a, b, confidence, rate),
        engine_version=ENGINE_VERSION,
        digest=digest_of("unpaired", a.values, a.counts, a.missing, b.values, b.counts, b.missing),
    )


def unpaired_intervals(a: Histogram, b: Histogram, confidence: float, rate: bool) -> UnpairedIntervals:
    """Return all intervals of `UnpairedIntervals` for two checked histograms."""
    se = math.sqrt(a.second_moment / a.n + b.second_moment / b.n)
    se_ddof1 = math.sqrt(a.second_moment / max(1, a.n - 1) + b.second_moment / max(1, b.n - 1))
    bca = None
    if a.degenerate and b.degenerate:
        percentile = constant_interval(b.mean - a.mean, a.n + b.n, confidence, "percentile bootstrap")
    else:
        made = bootstrap_difference(a, b)
        percentile, bca = percentile_interval(made, confidence), bca_interval(made, confidence)
    if rate:
        quoted = newcombe_independent(a.count_of(1.0), a.n, b.count_of(1.0), b.n, confidence)
    elif min(a.n, b.n) > 1:
        quoted = welch_interval(
            a.mean, a.sd * math.sqrt(a.n / (a.n - 1)), a.n,
            b.mean, b.sd * math.sqrt(b.n / (b.n - 1)), b.n, confidence,
        )  # fmt: skip
    else:
        quoted = percentile
    return UnpairedIntervals(percentile, bca, quoted, se, se_ddof1)
