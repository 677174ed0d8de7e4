"""Two systems on the same tasks.

Why: shared tasks make the comparison a paired one because of how it was run, whether or not the
pairing helps; everything a reviewer asks about it follows from the joint counts. What it refuses:
tasks that only one of the two was judged on, and a metric that is pass or fail on one side only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.stats.cautions import constant_margin, few_discordant, missing_verdicts
from app.stats.errors import MixedMetrics
from app.stats.histogram import PairCounts
from app.stats.mcnemar import mcnemar
from app.stats.means import bootstrap_intervals, recommend_score, student_interval
from app.stats.missing import PairFailureBounds, Scale, bound_delta, need_pairs, scale_ends
from app.stats.paired_intervals import check_bounds, tango
from app.stats.results import ENGINE_VERSION, Caution, Interval, check_count, digest_of
from app.stats.signflip import of_mcnemar, sign_flip
from app.stats.unpaired import UnpairedIntervals, unpaired_intervals


@dataclass(frozen=True, slots=True)
class Table:
    """Judged shared tasks that both pass, only a, only b, neither."""

    both: int
    only_a: int
    only_b: int
    neither: int


@dataclass(frozen=True, slots=True)
class PairedIntervals:
    """Intervals for the mean difference b - a that use the pairing.

    Attributes
    ----------
    percentile : Interval
    bca : Interval or None
        None where BCa is undefined.
    recommended : Interval
        Tango's for rates; for scores the wider bound of t and BCa on each side.
    t : Interval or None
        Student's, for scores.
    se, se_ddof1 : float
        Standard error of the mean difference, ddof 0 and ddof 1.
    """

    percentile: Interval
    bca: Interval | None
    recommended: Interval
    t: Interval | None
    se: float
    se_ddof1: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Result of `paired_delta`: system b against system a.

    Attributes
    ----------
    a, b : str
        Names of the two systems.
    metric : str
        ``rate`` or ``score``.
    n_shared, only_a, only_b : int
        Tasks in both runs, in the run of a only, in the run of b only.
    n_judged : int
        Shared tasks with a verdict for both; every estimate here rests on these.
    table : Table or None
        The 2x2 table; None for scores.
    mean_a, mean_b, delta : float
        Means over the judged shared tasks and their difference b - a, in the unit of the metric.
    paired : PairedIntervals
    unpaired : UnpairedIntervals
        The same tasks as if each system had been given its own.
    phi : float or None
        Pearson correlation of the two outcomes; None when one of them is constant.
    covariance : float
        With ddof 0, in squared units.
    variance_reduction : float or None
        1 - (paired / unpaired variance of the difference); None when both are 0.
    width_reduction : float or None
        1 - (paired / unpaired width of the percentile interval); None when the latter is 0.
    effect_size : float or None
        d_z: difference over the standard deviation (ddof 1) of the differences.
    p_sign_flip, p_sign_flip_one_sided : float
        Exact sign-flip p-values, two-sided and in the observed direction.
    p_mcnemar_exact, p_mcnemar_mid : float or None
        Two-sided; None for scores.
    log10_p : float
        log10 of ``p_sign_flip``, for p-values too small to write.
    failure_bounds : PairFailureBounds
    conclusion : str
        ``b_higher``, ``a_higher`` or ``undecided``, by the recommended paired interval.
    conclusion_unpaired : str
        The same by the recommended unpaired interval.
    conclusion_robust : bool or None
        Whether sign and conclusion survive every reading of the missing verdicts; None when the
        ends of the scale are unknown and something is missing.
    p_adjusted, correction, family_size
        Set by `adjust_comparisons` when several comparisons are made together.
    warnings : tuple of Caution
    confidence : float
    engine_version, digest : str
    """

    a: str
    b: str
    metric: str
    n_shared: int
    only_a: int
    only_b: int
    n_judged: int
    table: Table | None
    mean_a: float
    mean_b: float
    delta: float
    paired: PairedIntervals
    unpaired: UnpairedIntervals
    phi: float | None
    covariance: float
    variance_reduction: float | None
    width_reduction: float | None
    effect_size: float | None
    p_sign_flip: float
    p_sign_flip_one_sided: float
    p_mcnemar_exact: float | None
    p_mcnemar_mid: float | None
    log10_p: float
    failure_bounds: PairFailureBounds
    conclusion: str
    conclusion_unpaired: str
    conclusion_robust: bool | None
    warnings: tuple[Caution, ...]
    confidence: float
    engine_version: str
    digest: str
    p_adjusted: float | None = None
    correction: str | None = None
    family_size: int | None = None


_CONCLUSIONS = {1: "b_higher", -1: "a_higher", 0: "undecided"}


def paired_delta(
    pairs: PairCounts,
    confidence: float = 0.95,
    *,
    scale: Scale = None,
    only_a: int = 0,
    only_b: int = 0,
    names: tuple[str, str] = ("a", "b"),
    cautions: Sequence[Caution] = (),
) -> Comparison:
    """Compare two systems on the tasks that they share.

    Parameters
    ----------
    pairs : PairCounts
        Joint counts of the two systems' scores over the shared tasks.
    confidence : float, default 0.95
        Inside (0, 1).
    scale : (float, float), optional
        Ends of the scale, as for `mean_ci`.
    only_a, only_b : int
        Tasks that only one of the runs has; reported, never used.
    names : (str, str)
        Names of the two systems.
    cautions : sequence of Caution
        Further warnings to carry, for example of `different_judges`.

    Returns
    -------
    Comparison

    Raises
    ------
    NoSharedTasks
        No shared task is judged for both systems.
    BadConfidence, BadInput
        Confidence, scale or counts are not such.

    Notes
    -----
    Var(b - a) = Var(a) + Var(b) - 2 Cov(a, b): pairing reduces the variance by twice the
    covariance, and is right even where that is little. All bootstrap intervals and p-values are
    computed exactly when the scores lie on a grid.
    """
    need_pairs(pairs, confidence)
    ends = check_bounds(scale)
    check_count(only_a, "only_a")
    check_count(only_b, "only_b")
    rate = pairs.is_rate and ends in (None, (0.0, 1.0))
    side_a, side_b, gaps = pairs.sides
    n = gaps.n
    percentile, bca = bootstrap_intervals(gaps, confidence)
    quoted = recommend_delta(pairs, confidence, rate, ends, bca)
    spread_ddof1 = gaps.sd * math.sqrt(n / max(1, n - 1))
    student = None if rate else student_interval(gaps, confidence)
    paired = PairedIntervals(percentile, bca, quoted, student, gaps.sd / math.sqrt(n), spread_ddof1 / math.sqrt(n))
    unpaired = unpaired_intervals(side_a, side_b, confidence, rate)
    var_a, var_b, var_gap = side_a.second_moment, side_b.second_moment, gaps.second_moment
    covariance = (var_a + var_b - var_gap) / 2.0
    table = Table(*pairs.table) if rate else None
    exact = mcnemar(table.only_a, table.only_b) if table else None
    flips = of_mcnemar(exact) if exact else sign_flip(gaps)
    bounds = bound_delta(
        pairs,
        scale_ends(rate, ends),
        lambda held: quoted if held is pairs else recommend_delta(held, confidence, rate, ends),
    )
    found = (
        missing_verdicts(pairs.n - n, pairs.n),
        constant_margin(names[0], side_a.degenerate),
        constant_margin(names[1], side_b.degenerate),
        few_discordant(flips.n_nonzero),
    )
    return Comparison(
        a=names[0],
        b=names[1],
        metric="rate" if rate else "score",
        n_shared=pairs.n,
        only_a=only_a,
        only_b=only_b,
        n_judged=n,
        table=table,
        mean_a=side_a.mean,
        mean_b=side_b.mean,
        delta=gaps.mean,
        paired=paired,
        unpaired=unpaired,
        phi=_correlation(covariance, var_a, var_b),
        covariance=covariance,
        variance_reduction=2.0 * covariance / (var_a + var_b) if var_a + var_b > 0.0 else None,
        width_reduction=(
            1.0 - percentile.width / unpaired.percentile.width if unpaired.percentile.width > 0.0 else None
        ),
        effect_size=gaps.mean / spread_ddof1 if spread_ddof1 > 0.0 else None,
        p_sign_flip=flips.p_two_sided,
        p_sign_flip_one_sided=flips.p_one_sided,
        p_mcnemar_exact=exact.exact if exact else None,
        p_mcnemar_mid=exact.mid_p if exact else None,
        log10_p=flips.log10_p_two_sided,
        failure_bounds=bounds,
        conclusion=_CONCLUSIONS[quoted.side_of(0.0)],
        conclusion_unpaired=_CONCLUSIONS[unpaired.recommended.side_of(0.0)],
        conclusion_robust=bounds.conclusion_robust,
        warnings=(*(caution for caution in found if caution is not None), *cautions),
        confidence=confidence,
        engine_version=ENGINE_VERSION,
        digest=digest_of("pairs", pairs.a, pairs.b, pairs.counts, only_a, only_b),
    )


def recommend_delta(
    pairs: PairCounts, confidence: float, rate: bool, ends: Scale, bca: Interval | None = None
) -> Interval:
    """Return the interval to quote for a paired difference; see `PairedIntervals`."""
    if rate:
        return tango(*pairs.table, confidence)
    reach = None if ends is None else (ends[0] - ends[1], ends[1] - ends[0])
    return recommend_score(pairs.differences, confidence, reach, bca)


def _correlation(covariance: float, var_a: float, var_b: float) -> float | None:
    if var_a <= 0.0 or var_b <= 0.0:
        return None
    return min(1.0, max(-1.0, covariance / (math.sqrt(var_a) * math.sqrt(var_b))))


def check_same_metric(metric_a: str, metric_b: str) -> None:
    """Refuse to compare a pass rate with a score.

    Raises
    ------
    MixedMetrics
        The two names differ.
    """
    if metric_a != metric_b:
        raise MixedMetrics(f"One run holds {metric_a!r} and the other {metric_b!r}; compare like with like.")
