"""What missing verdicts can do to an estimate.

Why: dropping a draft that could not be judged, or counting it as a failure, are both choices that
move a rate; a reader must see all of them. What it refuses: to guess a verdict, and to bound a
score whose scale has no known ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.stats.errors import NoSharedTasks, NoVerdicts
from app.stats.histogram import Histogram, PairCounts
from app.stats.results import Interval, check_confidence

Scale = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class FailureBounds:
    """One system's estimate under three readings of its missing verdicts.

    Attributes
    ----------
    missing : int
        Items without a verdict.
    excluded : Interval or None
        Missing items left out; None when every item is missing.
    as_fail, as_pass : Interval or None
        Missing items counted at the low and the high end of the scale; None when the ends are unknown.
    conclusion_robust : bool or None
        Whether all three lie on the same side of the threshold, or none does; None without a threshold.
    """

    missing: int
    excluded: Interval | None
    as_fail: Interval | None
    as_pass: Interval | None
    conclusion_robust: bool | None


@dataclass(frozen=True, slots=True)
class PairFailureBounds:
    """A difference under the two worst readings of missing verdicts.

    Attributes
    ----------
    missing_a, missing_b : int
        Shared tasks without a verdict for a and for b.
    delta_min, delta_max : float or None
        Smallest and largest difference b - a that any verdicts on the missing tasks could give; None
        when the ends of the scale are unknown and something is missing.
    at_min, at_max : Interval or None
        The recommended interval at those two differences.
    sign_robust : bool or None
        Whether the difference keeps its sign at both ends.
    conclusion_robust : bool or None
        Whether, besides, the interval lies on the same side of zero (or holds it) at both ends.
    """

    missing_a: int
    missing_b: int
    delta_min: float | None
    delta_max: float | None
    at_min: Interval | None
    at_max: Interval | None
    sign_robust: bool | None
    conclusion_robust: bool | None


def scale_ends(is_rate: bool, scale: Scale) -> Scale:
    """Return the ends of the scale: as given, else 0 and 1 for pass or fail, else unknown."""
    return scale if scale is not None else (0.0, 1.0) if is_rate else None


def bound_mean(
    scores: Histogram,
    ends: Scale,
    interval: Callable[[Histogram], Interval],
    threshold: float | None = None,
) -> FailureBounds:
    """Evaluate ``interval`` with missing verdicts excluded, at the low end and at the high end."""
    excluded = interval(scores) if scores.n else None
    if not scores.missing:
        return FailureBounds(0, excluded, excluded, excluded, None if threshold is None else True)
    low = high = None
    if ends is not None:
        low, high = interval(scores.filled(ends[0])), interval(scores.filled(ends[1]))
    robust = None
    if threshold is not None and low is not None and high is not None:
        sides = {made.side_of(threshold) for made in (excluded, low, high) if made is not None}
        robust = len(sides) == 1
    return FailureBounds(scores.missing, excluded, low, high, robust)


def bound_delta(pairs: PairCounts, ends: Scale, interval: Callable[[PairCounts], Interval]) -> PairFailureBounds:
    """Evaluate ``interval`` at the smallest and the largest difference that missing verdicts allow."""
    missing_a, missing_b = pairs.missing("a"), pairs.missing("b")
    if not missing_a and not missing_b:
        seen = interval(pairs)
        return PairFailureBounds(0, 0, seen.estimate, seen.estimate, seen, seen, True, True)
    if ends is None:
        return PairFailureBounds(missing_a, missing_b, None, None, None, None, None, None)
    least = interval(pairs.filled(a=ends[1], b=ends[0]))
    most = interval(pairs.filled(a=ends[0], b=ends[1]))
    sign = (least.estimate > 0.0) - (least.estimate < 0.0)
    same_sign = sign == (most.estimate > 0.0) - (most.estimate < 0.0)
    same_side = least.side_of(0.0) == most.side_of(0.0)
    return PairFailureBounds(
        missing_a, missing_b, least.estimate, most.estimate, least, most, same_sign, same_sign and same_side
    )


def need_verdicts(scores: Histogram, confidence: float) -> None:
    """Refuse an empty histogram and a confidence outside (0, 1)."""
    check_confidence(confidence)
    if not scores.n:
        raise NoVerdicts(
            f"None of the {scores.missing} items has a verdict; score some before asking for an interval."
            if scores.missing
            else "There are no items; score some before asking for an interval."
        )


def need_pairs(pairs: PairCounts, confidence: float) -> None:
    """Refuse pairs without one task judged for both systems, and a confidence outside (0, 1)."""
    check_confidence(confidence)
    if not pairs.judged.n:
        raise NoSharedTasks(
            f"The two systems share {pairs.n} tasks and none of them is judged for both."
            if pairs.n
            else "The two systems share no task; compare runs over the same task set."
        )
