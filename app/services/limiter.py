"""How many batch calls may run at once: as many as configured, fewer while the engine says or shows it is too many.

Additive increase, multiplicative decrease: a 429 or 503 halves the limit, once for all calls that were out together,
and each call that went well gives a little back. Answers slower than ``slow_s`` count as too many as well.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

_BACK_OFF = 0.5
_SETTLE_S = 1.0
_MAX_PAUSE_S = 60.0


class Limiter:
    """The limit now, between 1 and ``most``; ``pause_s`` says how long nothing new should be asked."""

    def __init__(self, most: int, slow_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._slow_s = slow_s
        self._clock = clock
        self._limit = float(most)
        self._lowered_at = -math.inf
        self._paused_until = -math.inf

    @property
    def limit(self) -> int:
        """Calls that may run at once."""
        return max(1, int(self._limit))

    @property
    def pause_s(self) -> float:
        """Seconds to wait before anything new is asked; 0 when there is no need."""
        return max(0.0, self._paused_until - self._clock())

    def answered(self, latency_s: float) -> None:
        """A call brought an answer after ``latency_s`` seconds."""
        if latency_s > self._slow_s:
            self._lower()
        else:
            self._limit = min(float(self._most), self._limit + 1.0 / self._limit)

    def too_many(self, retry_after_s: float | None = None) -> None:
        """The engine refused a call for want of room, and perhaps said when to come back."""
        self._lower()
        if retry_after_s is not None:
            until = self._clock() + min(retry_after_s, _MAX_PAUSE_S)
            self._paused_until = max(self._paused_until, until)

    def _lower(self) -> None:
        now = self._clock()
        if now - self._lowered_at >= _SETTLE_S:
            self._limit = max(1.0, self._limit * _BACK_OFF)
            self._lowered_at = now


class Pace:
    """Items ended in the last whole second; how far to claim ahead follows from it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = 0
        self.total = 0
        self._clock = clock
        self._since = clock()
        self._count = 0

    def count(self, ended: int) -> None:
        """So many more have ended."""
        self._count += ended
        self.total += ended
        now = self._clock()
        if now - self._since >= 1.0:
            self.per_second = round(self._count / (now - self._since))
            self._since, self._count = now, 0
