"""Circuit breaker: after several failures in a row, stop asking a server that does not answer, then try it once.

Only faults of the server count. A caller's own tiny deadline does not, or one tenant could close the judge for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum


class BreakerState(StrEnum):
    """closed: calls pass; open: none do; half_open: one is on trial."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Counts failures in a row. ``allow`` before a call; ``succeeded``, ``failed`` or ``undecided`` after it."""

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._trial = False

    @property
    def state(self) -> BreakerState:
        """The state now."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        if self._trial or self._clock() - self._opened_at >= self._open_s:
            return BreakerState.HALF_OPEN
        return BreakerState.OPEN

    def allow(self) -> bool:
        """Whether a call may be made now; in half-open, one at a time."""
        state = self.state
        if state is BreakerState.CLOSED:
            return True
        if state is BreakerState.OPEN or self._trial:
            return False
        self._trial = True
        return True

    def succeeded(self) -> None:
        """The server answered."""
        self._failures, self._opened_at, self._trial = 0, None, False

    def failed(self) -> None:
        """The server failed."""
        self._failures += 1
        if self._trial or self._failures >= self._limit:
            self._opened_at = self._clock()
        self._trial = False

    def undecided(self) -> None:
        """The call ended without telling anything about the server."""
        self._trial = False
