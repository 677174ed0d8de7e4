"""A pass rate from few human labels and many judge verdicts.

Why: human labels alone are few and judge verdicts alone are biased; together they give an unbiased
rate that is never much worse than the labels alone. What it refuses: to trust the judge more than
the labels show it deserves - its weight is estimated from them, and may be zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.stats.intervals import recommended_rate
from app.stats.results import (
    ENGINE_VERSION,
    Caution,
    Interval,
    check_confidence,
    check_count,
    digest_of,
)
from app.stats.special import two_sided_z

_FEWEST_LABELS = 30


@dataclass(frozen=True, slots=True)
class PpiRate:
    """Result of `ppi_rate`.

    Attributes
    ----------
    n_labelled, n_unlabelled : int
    humans : Interval or None
        Rate and interval from the human labels alone.
    judge : float or None
        Judge's rate over the unlabelled items, uncorrected.
    weight : float or None
        lambda, between 0 (labels alone) and 1 (full weight on the judge).
    estimate : float or None
        Cut at [0, 1].
    se : float or None
    interval : Interval or None
    effective_labels : float or None
        How many human labels alone would give the same standard error.
    reason : str or None
        Why there is no estimate.
    warnings : tuple of Caution
    engine_version, digest : str
    """

    n_labelled: int
    n_unlabelled: int
    humans: Interval | None
    judge: float | None
    weight: float | None
    estimate: float | None
    se: float | None
    interval: Interval | None
    effective_labels: float | None
    reason: str | None
    warnings: tuple[Caution, ...]
    engine_version: str
    digest: str


def ppi_rate(
    both_pass: int,
    only_judge: int,
    only_human: int,
    both_fail: int,
    passed: int,
    n: int,
    confidence: float = 0.95,
) -> PpiRate:
    """Estimate the human pass rate with prediction-powered inference (PPI++).

    theta = mean(y) + lambda (mean over unlabelled f - mean over labelled f), with y the human and f
    the judge's verdict; lambda = Cov(y, f) / ((1 + k/n) Var(f)), cut at [0, 1], for k labelled and n
    unlabelled items; Var(theta) = lambda^2 Var(f)/n + Var(y - lambda f)/k.

    Parameters
    ----------
    both_pass, only_judge, only_human, both_fail : int
        Labelled items by judge's and human's verdict.
    passed, n : int
        Unlabelled items: those that the judge passes, and all.
    confidence : float, default 0.95
        Inside (0, 1).

    Returns
    -------
    PpiRate
        With ``estimate`` None and a ``reason`` when there are fewer than two labelled items.

    Raises
    ------
    BadInput, BadConfidence

    Notes
    -----
    All variances have ddof 0; Var(f) in lambda is over labelled and unlabelled items together.
    Sources: Angelopoulos, Bates, Fannjiang, Jordan & Zrnic (2023), Science 382, 669-674;
    Angelopoulos, Duchi & Zrnic (2023), "PPI++", arXiv 2311.01453, section 6 for the weight.
    """
    check_confidence(confidence)
    counts = (both_pass, only_judge, only_human, both_fail, passed, n)
    names = ("both_pass", "only_judge", "only_human", "both_fail", "passed", "n")
    for value, name in zip(counts, names, strict=True):
        check_count(value, name)
    check_count(n - passed, "n - passed")
    labelled = both_pass + only_judge + only_human + both_fail
    digest = digest_of("ppi", *counts)
    judge = passed / n if n else None
    yes = both_pass + only_human
    humans = recommended_rate(yes, labelled, confidence) if labelled else None
    if labelled < 2:
        reason = "Prediction-powered inference needs at least two human labels."
        return PpiRate(labelled, n, humans, judge, None, None, None, None, None, reason, (), ENGINE_VERSION, digest)
    y, f = yes / labelled, (both_pass + only_judge) / labelled
    covariance = both_pass / labelled - y * f
    pooled = (both_pass + only_judge + passed) / (labelled + n)
    variance = pooled * (1.0 - pooled)
    weight = 0.0
    if n and variance > 0.0:
        weight = min(1.0, max(0.0, covariance / ((1.0 + labelled / n) * variance)))
    theta = y + weight * ((judge if judge is not None else f) - f)
    residual = y * (1.0 - y) - 2.0 * weight * covariance + weight * weight * f * (1.0 - f)
    spread = max(0.0, residual) / labelled
    if n and judge is not None:
        spread += weight * weight * judge * (1.0 - judge) / n
    se = math.sqrt(spread)
    half = two_sided_z(confidence) * se
    lo, hi = max(0.0, min(1.0, theta - half)), min(1.0, max(0.0, theta + half))
    estimate = min(1.0, max(0.0, theta))
    method = "PPI++"
    convention = "normal approximation; cut at [0, 1]"
    interval = Interval(estimate, lo, hi, confidence, method, convention, labelled + n, True, se == 0.0)
    caution = Caution(
        "few-labels",
        f"There are {labelled} human labels; the normal interval needs about {_FEWEST_LABELS}.",
    )
    return PpiRate(
        labelled, n, humans, judge, weight, estimate, se, interval,
        y * (1.0 - y) / spread if spread > 0.0 else None, None,
        (caution,) if labelled < _FEWEST_LABELS else (), ENGINE_VERSION, digest,
    )  # fmt: skip
