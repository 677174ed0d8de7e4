"""Both orders or no winner."""

from __future__ import annotations

import math

import pytest

from app.judge.pairwise import combine, position_bias, preferred, read_choice
from app.judge.verdict import RawAnswer, TokenLogprob
from app.schemas import Outcome


def answer(choice: str, p: dict[str, float], finish: str = "stop") -> RawAnswer:
    top = tuple((text, math.log(value)) for text, value in p.items())
    tokens = (
        TokenLogprob('{"w":"', 0.0, ()),
        TokenLogprob(choice, math.log(p.get(choice, 1e-9)), top),
        TokenLogprob('"}', 0.0, ()),
    )
    return RawAnswer(f'{{"w":"{choice}"}}', finish, tokens=tokens)


def test_reads_a_choice_and_its_probability():
    choosing = read_choice(answer("1", {"1": 0.7, "2": 0.2, "tie": 0.1}))
    assert (choosing.outcome, choosing.choice) == (Outcome.JUDGED, "1")
    assert choosing.p_first == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (RawAnswer('{"w":"1"}', "stop"), Outcome.SCHEMA_MISMATCH),
        (RawAnswer('{"w":"3"}', "stop"), Outcome.OUT_OF_RANGE),
        (RawAnswer('{"w":"1","w":"2"}', "stop"), Outcome.UNPARSEABLE),
        (RawAnswer('{"v":"1"}', "stop"), Outcome.SCHEMA_MISMATCH),
        (RawAnswer("1", "stop"), Outcome.SCHEMA_MISMATCH),
        (RawAnswer("the first", "stop"), Outcome.UNPARSEABLE),
        (RawAnswer("", "stop"), Outcome.EMPTY),
        (RawAnswer('{"w":"1', "length"), Outcome.TRUNCATED),
        (RawAnswer(None, "content_filter"), Outcome.REFUSED),
        (RawAnswer(None, "abort"), Outcome.CANCELLED),
    ],
)
def test_anything_else_is_typed_and_has_no_number(raw, outcome):
    choosing = read_choice(raw)
    assert (choosing.outcome, choosing.choice, choosing.p_first) == (outcome, None, None)


@pytest.mark.parametrize(
    ("ab", "ba", "winner"),
    [
        ("a", "a", "a"),
        ("b", "b", "b"),
        ("a", "b", "inconsistent"),
        ("tie", "a", "tie"),
        ("tie", "tie", "tie"),
    ],
)
def test_one_winner_from_two_orders(ab, ba, winner):
    assert combine(ab, ba) == winner


def test_places_and_bias():
    assert (preferred("1", "b"), preferred("2", "b"), preferred("tie", "a")) == ("b", "a", "tie")
    assert position_bias(0.9, 0.7) == pytest.approx(0.3)
    assert position_bias(0.8, 0.2) == pytest.approx(0.0)
