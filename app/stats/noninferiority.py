"""Is the new system at most a margin worse, or within a margin of the old one?

Why: "no significant difference" is no evidence of sameness; a margin stated beforehand makes one.
What it refuses: a margin of zero or less, and a verdict from data without spread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.stats.errors import BadConfidence
from app.stats.histogram import PairCounts
from app.stats.intervals import t_interval
from app.stats.missing import need_pairs
from app.stats.paired_intervals import tango, tango_score
from app.stats.results import ENGINE_VERSION, Interval, check_confidence, digest_of
from app.stats.special import normal_cdf, t_upper_tail


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """Result of `noninferiority`.

    Attributes
    ----------
    margin : float
        In the unit of the metric, more than 0.
    level : float
        One-sided level of each test.
    delta : float
        b - a over the tasks judged for both.
    interval : Interval or None
        Of confidence 1 - 2 level, by the method of the tests; None for scores without spread.
    p_noninferior : float or None
        Of the hypothesis delta <= -margin.
    p_equivalent : float or None
        Larger of the two one-sided p-values (TOST).
    noninferior, equivalent : bool or None
        Whether the p-value is at most ``level``: b is at most the margin worse; within the margin
        either way. None where there is no p-value.
    reason : str or None
        Why there is none.
    engine_version, digest : str
    """

    margin: float
    level: float
    delta: float
    interval: Interval | None
    p_noninferior: float | None
    p_equivalent: float | None
    noninferior: bool | None
    equivalent: bool | None
    reason: str | None
    engine_version: str
    digest: str


def noninferiority(pairs: PairCounts, margin: float, level: float = 0.05) -> NonInferiority:
    """Test whether b is not worse than a by more than a margin, on the same tasks.

    Two one-sided tests, of delta <= -margin and of delta >= margin: Tango's score tests for rates,
    t tests for scores. Higher scores are better.

    Parameters
    ----------
    pairs : PairCounts
        Joint counts over the shared tasks; at least one judged for both.
    margin : float
        More than 0, in the unit of the metric; below 1 for rates.
    level : float, default 0.05
        Inside (0, 0.5).

    Returns
    -------
    NonInferiority

    Raises
    ------
    NoSharedTasks
    BadConfidence
        A margin or a level out of range.

    Notes
    -----
    Sources: Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680; Tango
    (1998), Statistics in Medicine 17, 891-908, for the score test at a margin.
    """
    check_confidence(2.0 * level, "doubled level")
    rate = pairs.is_rate
    if not (math.isfinite(margin) and margin > 0.0 and (margin < 1.0 or not rate)):
        raise BadConfidence(f"The margin must be more than 0, and below 1 for rates, and is {margin!r}.")
    confidence = 1.0 - 2.0 * level
    need_pairs(pairs, confidence)
    gaps = pairs.differences
    digest = digest_of("noninferiority", pairs.a, pairs.b, pairs.counts, margin, level)
    if rate:
        _, only_a, only_b, _ = pairs.table
        p_low = normal_cdf(-tango_score(only_a, only_b, gaps.n, -margin))
        p_high = normal_cdf(tango_score(only_a, only_b, gaps.n, margin))
        interval = tango(*pairs.table, confidence)
    elif gaps.degenerate:
        reason = "All differences are equal, so nothing is known about their spread."
        return NonInferiority(margin, level, gaps.mean, None, None, None, None, None, reason, ENGINE_VERSION, digest)
    else:
        sd = gaps.sd * math.sqrt(gaps.n / (gaps.n - 1))
        se, df = sd / math.sqrt(gaps.n), gaps.n - 1.0
        p_low = t_upper_tail((gaps.mean + margin) / se, df)
        p_high = t_upper_tail((margin - gaps.mean) / se, df)
        interval = t_interval(gaps.mean, sd, gaps.n, confidence)
    both = max(p_low, p_high)
    return NonInferiority(
        margin, level, gaps.mean, interval, p_low, both, p_low <= level, both <= level, None,
        ENGINE_VERSION, digest,
    )  # fmt: skip
