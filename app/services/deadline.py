"""A point in time by which an answer is due, carried from the first byte of a request to the model call."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """Monotonic start and budget, in seconds."""

    started: float
    budget_s: float

    @classmethod
    def within_ms(cls, milliseconds: int, started: float | None = None) -> Deadline:
        """A deadline ``milliseconds`` after ``started`` (monotonic; now when not given)."""
        return cls(time.monotonic() if started is None else started, milliseconds / 1000.0)

    @property
    def remaining_s(self) -> float:
        """Seconds left; never below zero."""
        return max(0.0, self.started + self.budget_s - time.monotonic())

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the start."""
        return (time.monotonic() - self.started) * 1000.0
