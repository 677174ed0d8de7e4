"""How long to wait before a child that ended is started again: longer each time, short again once it has lived."""

from __future__ import annotations

FIRST_S, LAST_S, LIVED_S = 1.0, 30.0, 60.0


class Backoff:
    """Waits of one child."""

    def __init__(self) -> None:
        self._wait = FIRST_S

    def next(self, lived_s: float) -> float:
        """Seconds to wait after a child that lived ``lived_s`` seconds."""
        if lived_s >= LIVED_S:
            self._wait = FIRST_S
        wait = self._wait
        self._wait = min(LAST_S, 2 * wait)
        return wait
