"""How many batch calls may run at once, after what the engine has said."""

from __future__ import annotations

from app.services.limiter import Limiter, Pace


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_calls_refused_together_lower_the_limit_once() -> None:
    clock = Clock()
    limiter = Limiter(16, 20.0, clock)
    for _ in range(10):
        limiter.too_many()
    assert limiter.limit == 8
    clock.now += 1.5
    limiter.too_many()
    assert limiter.limit == 4


def test_the_limit_never_ends_below_one_nor_above_the_most() -> None:
    clock = Clock()
    limiter = Limiter(4, 20.0, clock)
    for _ in range(20):
        clock.now += 2.0
        limiter.too_many()
    assert limiter.limit == 1
    for _ in range(1_000):
        limiter.answered(0.01)
    assert limiter.limit == 4


def test_each_answer_gives_a_little_back() -> None:
    limiter = Limiter(16, 20.0, Clock())
    limiter.too_many()
    answers = 0
    while limiter.limit < 9:
        limiter.answered(0.1)
        answers += 1
    assert 8 <= answers <= 10


def test_slow_answers_are_too_many_as_well() -> None:
    limiter = Limiter(16, 20.0, Clock())
    limiter.answered(21.0)
    assert limiter.limit == 8
    assert limiter.pause_s == 0.0


def test_the_engine_says_when_to_come_back_within_reason() -> None:
    clock = Clock()
    limiter = Limiter(16, 20.0, clock)
    limiter.too_many(3.0)
    limiter.too_many(1.0)
    assert limiter.pause_s == 3.0
    clock.now += 2.0
    assert limiter.pause_s == 1.0
    limiter.too_many(86_400.0)
    assert limiter.pause_s == 60.0


def test_the_pace_is_of_the_last_second() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.count(50)
    assert pace.per_second == 0
    clock.now += 2.0
    pace.count(50)
    assert (pace.per_second, pace.total) == (50, 100)
    clock.now += 1.0
    pace.count(5)
    assert pace.per_second == 5
