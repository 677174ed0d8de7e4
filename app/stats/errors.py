"""Typed refusals of the statistics.

Why: a caller that asks for many results at once must say, item by item, which one cannot be
answered and why. What it refuses: a result made of NaN or Infinity where there is no answer.
"""

from __future__ import annotations


class StatisticsError(ValueError):
    """Base of all refusals; ``code`` is stable and fit for machines."""

    code = "statistics"


class BadInput(StatisticsError):
    """Counts, scores or parameters that describe nothing: negative, not finite, of unequal length."""

    code = "bad-input"


class BadConfidence(BadInput):
    """A confidence (or a level, a margin, a power) outside its open range."""

    code = "bad-confidence"


class NoVerdicts(StatisticsError):
    """There is not one judged item, so there is no estimate."""

    code = "no-verdicts"


class NoSharedTasks(StatisticsError):
    """The two systems have no task in common that both were judged on."""

    code = "no-shared-tasks"


class MixedMetrics(StatisticsError):
    """One side is pass or fail and the other a score, so a difference means nothing."""

    code = "mixed-metrics"
