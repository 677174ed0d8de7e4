"""Opens after failures in a row, tries one call, closes on success."""

from __future__ import annotations

from app.services.breaker import Breaker, BreakerState


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_life_of_a_breaker():
    clock = Clock()
    breaker = Breaker(failures=3, open_s=5.0, clock=clock)
    breaker.failed()
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    breaker.failed()
    assert breaker.state is BreakerState.CLOSED
    breaker.failed()
    assert breaker.state is BreakerState.OPEN
    assert not breaker.allow()
    clock.now = 5.0
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.allow()
    assert not breaker.allow(), "one call is on trial at a time"
    breaker.failed()
    assert breaker.state is BreakerState.OPEN
    clock.now = 10.0
    assert breaker.allow()
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED
    assert breaker.allow()


def test_an_undecided_trial_lets_the_next_one_try():
    clock = Clock()
    breaker = Breaker(failures=1, open_s=1.0, clock=clock)
    breaker.failed()
    clock.now = 1.0
    assert breaker.allow()
    breaker.undecided()
    assert breaker.allow()
