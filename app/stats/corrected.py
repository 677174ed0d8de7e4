"""A pass rate corrected for the judge's own errors.

Why: a judge that passes one bad draft in five reports a rate that no interval around it makes true.
What it refuses: to correct with a judge no better than a coin - there the answer is null, with the
reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.stats.errors import BadInput, NoVerdicts
from app.stats.intervals import wilson
from app.stats.results import ENGINE_VERSION, Interval, check_confidence, check_count, digest_of
from app.stats.special import two_sided_z

_CONVENTION = "normal approximation with added counts; cut at [0, 1]"


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """Result of `corrected_rate`.

    Attributes
    ----------
    raw : Interval
        The judge's own pass rate, Wilson.
    specificity, sensitivity : Interval or None
        q0 and q1 with Wilson intervals; None without calibration items of that kind.
    estimate : float or None
        Corrected rate, cut at [0, 1]; None when it is undefined.
    interval : Interval or None
    reason : str or None
        Why there is no estimate.
    engine_version, digest : str
    """

    raw: Interval
    specificity: Interval | None
    sensitivity: Interval | None
    estimate: float | None
    interval: Interval | None
    reason: str | None
    engine_version: str
    digest: str


def corrected_rate(
    passed: int,
    n: int,
    correct_fails: int,
    human_fails: int,
    correct_passes: int,
    human_passes: int,
    confidence: float = 0.95,
) -> CorrectedRate:
    """Correct a judged pass rate for the judge's sensitivity and specificity.

    theta = (p + q0 - 1) / (q0 + q1 - 1), with p the judged rate, q0 = P(judge fails | human fails)
    and q1 = P(judge passes | human passes). The interval adds counts first, p~ = (n p + z^2/2)/(n + z^2)
    and q~ = (m q + 1)/(m + 2), and is centred at theta~ + d with
    d = 2 z^2 (theta~ q1~(1 - q1~)/(m1 + 2) - (1 - theta~) q0~(1 - q0~)/(m0 + 2)); its variance is
    (p~(1 - p~)/(n + z^2) + (1 - theta~)^2 q0~(1 - q0~)/(m0 + 2) + theta~^2 q1~(1 - q1~)/(m1 + 2))
    / (q0~ + q1~ - 1)^2.

    Parameters
    ----------
    passed, n : int
        Items that the judge passes, among judged items without human labels; n >= 1.
    correct_fails, human_fails : int
        Calibration items that humans fail, and how many of them the judge fails too.
    correct_passes, human_passes : int
        Calibration items that humans pass, and how many of them the judge passes too.
    confidence : float, default 0.95
        Inside (0, 1).

    Returns
    -------
    CorrectedRate
        With ``estimate`` None and a ``reason`` when q0 + q1 <= 1 or a kind of calibration item is
        missing.

    Raises
    ------
    NoVerdicts, BadInput, BadConfidence

    Notes
    -----
    Sources: Rogan & Gladen (1978), American Journal of Epidemiology 107, 71-76; Lee, Zeng, Jeong,
    Sohn & Lee (2025), "How to correctly report LLM-as-a-judge evaluations", arXiv 2511.21140.
    """
    check_confidence(confidence)
    counts = (passed, n, correct_fails, human_fails, correct_passes, human_passes)
    for value, name in zip(counts, ("passed", "n", "correct_fails", "human_fails", "correct_passes",
                                    "human_passes"), strict=True):  # fmt: skip
        check_count(value, name)
    if n == 0:
        raise NoVerdicts("A rate needs at least one judged item.")
    if passed > n or correct_fails > human_fails or correct_passes > human_passes:
        raise BadInput("A part cannot be larger than its whole: passed <= n, correct <= human labels.")
    raw = wilson(passed, n, confidence)
    q0 = wilson(correct_fails, human_fails, confidence) if human_fails else None
    q1 = wilson(correct_passes, human_passes, confidence) if human_passes else None
    digest = digest_of("corrected", *counts)
    reason = None
    if q0 is None or q1 is None:
        reason = "Calibration needs items that humans pass and items that humans fail."
    elif q0.estimate + q1.estimate <= 1.0:
        reason = "Specificity and sensitivity sum to at most 1, so the judge says nothing about the truth."
    if q0 is None or q1 is None or reason is not None:
        return CorrectedRate(raw, q0, q1, None, None, reason, ENGINE_VERSION, digest)
    theta = (raw.estimate + q0.estimate - 1.0) / (q0.estimate + q1.estimate - 1.0)
    theta = min(1.0, max(0.0, theta))
    z = two_sided_z(confidence)
    size, size0, size1 = n + z * z, human_fails + 2.0, human_passes + 2.0
    p = (passed + z * z / 2.0) / size
    s0, s1 = (correct_fails + 1.0) / size0, (correct_passes + 1.0) / size1
    strength = s0 + s1 - 1.0
    if strength <= 0.0:
        reason = "There are too few calibration items to tell the judge from a coin."
        return CorrectedRate(raw, q0, q1, None, None, reason, ENGINE_VERSION, digest)
    middle = (p + s0 - 1.0) / strength
    v0, v1 = s0 * (1.0 - s0) / size0, s1 * (1.0 - s1) / size1
    shift = 2.0 * z * z * (middle * v1 - (1.0 - middle) * v0)
    spread = math.sqrt(p * (1.0 - p) / size + (1.0 - middle) ** 2 * v0 + middle**2 * v1) / strength
    lo, hi = (min(1.0, max(0.0, middle + shift + side * z * spread)) for side in (-1.0, 1.0))
    made = Interval(theta, lo, hi, confidence, "Rogan-Gladen, Lee et al.", _CONVENTION, n, True, False)
    return CorrectedRate(raw, q0, q1, theta, made, None, ENGINE_VERSION, digest)
