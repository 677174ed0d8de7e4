"""Contamination: each check finds what was planted, names it by id, and is silent otherwise."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from app.bench.contamination import cosine_nearness, ngram_overlap, signal_dates, time_shift
from app.bench.texts import Text

RUN = "closed a round of twelve million in march"


def text(name: str, words: str, company: str = "Alder Pay", day: date | None = None) -> Text:
    return Text(name, name, company, words, day)


def test_eight_words_in_a_row_are_found_anywhere_and_seven_are_not():
    train = [text("t1", "nothing alike in here at all my dear friend"), text("t2", f"before {RUN} after")]
    held_out = [
        text("h1", f"It is said, they {RUN.upper()}!"),
        text("h2", RUN.rsplit(" ", 1)[0] + " april"),
        text("h3", "too short"),
    ]
    found = ngram_overlap(train, held_out)
    assert (found.checked, found.skipped, found.broken) == (2, 1, 1)
    assert [(m.held_out, m.train, m.value) for m in found.worst] == [("h1", "t2", 1.0)]


def test_the_worst_pair_is_the_one_with_most_runs_in_common():
    long = f"{RUN} and hires nine engineers"
    train = [text("t1", RUN), text("t2", long), text("t3", long)]
    found = ngram_overlap(train, [text("h1", long), text("h2", RUN)])
    assert [(m.held_out, m.train, m.value) for m in found.worst] == [("h1", "t2", 5.0), ("h2", "t1", 1.0)]


@pytest.mark.parametrize("sides", [([], [text("h", RUN)]), ([text("t", RUN)], [])])
def test_an_empty_side_shares_nothing(sides):
    train, held_out = sides
    assert ngram_overlap(train, held_out).broken == 0
    assert time_shift(train, held_out).broken == 0
    none = np.zeros((0, 3), np.float32)
    vectors = [none if not side else np.ones((1, 3), np.float32) for side in sides]
    assert cosine_nearness(train, vectors[0], held_out, vectors[1]).broken == 0


def test_cosine_at_the_limit_is_too_near():
    train = [text("t1", ""), text("t2", "")]
    held_out = [text("h1", ""), text("h2", ""), text("h3", "")]
    known = np.array([[2.0, 0.0], [0.0, 5.0]], np.float32)
    ours = np.array([[3.0, 4.0], [0.6, 0.0], [0.0, 0.0]], np.float32)
    found = cosine_nearness(train, known, held_out, ours, limit=0.8)
    assert (found.checked, found.broken) == (3, 2)
    assert [(m.held_out, m.train, round(m.value, 3)) for m in found.worst] == [
        ("h2", "t1", 1.0), ("h1", "t2", 0.8), ("h3", "t1", 0.0)
    ]  # fmt: skip
    with pytest.raises(ValueError, match="one vector for each text"):
        cosine_nearness(train, known[:1], held_out, ours)


@pytest.mark.parametrize(
    ("words", "spans"),
    [
        ("closed on 2026-03-14, seen 2026-13-40", [("2026-03-14", "2026-03-14")]),
        ("since 3 March 2026", [("2026-03-03", "2026-03-03")]),
        ("since the 3rd of May; from Mar 3rd, 2026 on", [("2026-03-03", "2026-03-03")]),
        ("in February 2024 and September 2026", [("2024-02-01", "2024-02-29"), ("2026-09-01", "2026-09-30")]),
        ("they may hire 2026 people in 2026", []),
    ],
)
def test_dates_in_a_text(words, spans):
    assert [(str(a), str(b)) for a, b in signal_dates(text("t", words))] == spans


def test_a_task_with_a_date_of_its_own_has_no_other():
    own = text("t", "in March 2026", day=date(2025, 1, 2))
    assert signal_dates(own) == [(date(2025, 1, 2), date(2025, 1, 2))]


def test_signals_of_one_company_must_lie_seven_days_apart():
    train = [text("t1", "on 2026-03-01"), text("t2", "in January 2026"), text("t3", "2026-03-02", company="Fir")]
    held_out = [
        text("h1", "on 7 March 2026"),
        text("h2", "on 2026-03-08", company="ALDER  pay"),
        text("h3", "undated"),
        text("h4", "2026-03-02", company="Beech"),
        text("h5", "2026-01-20"),
    ]
    found = time_shift(train, held_out)
    assert (found.checked, found.skipped, found.broken) == (4, 1, 2)
    assert [(m.held_out, m.train, m.value) for m in found.worst] == [
        ("h5", "t2", 0.0), ("h1", "t1", 6.0), ("h2", "t1", 7.0)
    ]  # fmt: skip
