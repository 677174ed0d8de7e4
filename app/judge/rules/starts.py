"""How soon a draft promises that people start."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.offers import BEYOND, COUNTED, PROMISE
from app.judge.rules.phrasing import clauses, denied_before
from app.judge.rules.reading import FieldName, Reading, Sentence

_START = re.compile(
    r"\b(?:start(?:s|ing|ed)?|deploy(?:s|ed|ing|able|ment)?|onboard(?:s|ed|ing)?|begin(?:s|ning)?|join(?:s|ing)?|"
    r"live|up and running|in place|on site|delivered?|arrive|ramp(?:ed)? up|ready to (?:go|work|start|deploy)|"
    r"kick off|get going|productive|contribut\w+|first day|lead time|(?:be|sit|work) with you|at work|on your "
    r"(?:project|team|backlog|"
    r"side)|(?:be|are) there)\b"
)
_WHEN = re.compile(
    r"\b(?P<now>immediately|right away|right now|today|straight away|at once|(?:the )?same day|tonight|"
    r"without (?:any )?delay|instantly)\b|\b(?P<tomorrow>tomorrow|(?:within |in )?24 hours|overnight|48 hours|"
    r"(?:in|within|after|takes us|give us) (?:just |only )?a day)\b"
    r"|\b(?P<days>(?:within|in)(?: just| only| a matter of| a few| a couple of)? days)\b"
    r"|\b(?P<week>next week|this week|by (?:next )?(?:monday|tuesday|wednesday|thursday|friday)|on (?:monday|"
    r"tuesday|wednesday|thursday|friday)|within the week|(?:in|within|after|inside) a week|before the week is "
    r"(?:out|over)|"
    r"(?:by|before) the end of (?:the|this) week)\b|"
    r"\b(?P<fortnight>(?:in|within|after) a fortnight)\b|"
    r"\b(?P<month>within (?:the|a|this|that|your|one) month)\b|"
    r"\b(?:within|in|under|inside|less than|in as little as|in just|after|takes us|give us|lead time (?:of|is))(?: "
    r"the next| about| "
    rf"only| your| those| these| just)? (?P<n>{NUMBER})(?: ?(?:-|to|or) "
    rf"?(?P<n2>{NUMBER}))?[\s-](?P<unit>(?:business |working |"
    r"calendar )?days?|weeks?)\b(?![\s-](?:sprints?|rounds?|cycles?|iterations?|trials?|of|into|after|notice))"
)
# What else may happen soon: an answer, a talk, a list of names.
_OTHER_EVENT = re.compile(
    r"\b(?:you|your team|prospect) (?:need|want|asked|requested|would like)|\bif you\b(?! (?:say|agree|sign|go|"
    r"give))|"
    r"\b(?:call|scoping|conversation|chat|let me know|tell me|(?:in|since) (?:19|20)\d\d)\b"
)
_ANSWER = re.compile(
    r"\b(?:answer|reply|get back|come back|let you know|profiles?|cvs?|resumes?|interview\w*|check\w*|proposal|plan|"
    r"talk|meet\w*|review\w*|"
    r"contract|invoice|agenda|demo|estimate|listen in|trial|replace\w*|notice)\b"
)


@dataclass(frozen=True, slots=True)
class Start:
    """A promise to start within ``days``."""

    days: int
    sentence: Sentence
    start: int
    end: int

    @property
    def span(self) -> tuple[FieldName, int, int]:
        return (self.sentence.field, self.sentence.start + self.start, self.sentence.start + self.end)


def find_starts(reading: Reading, offering: frozenset[Sentence] = frozenset()) -> list[Start]:
    """Every promise to start by a time. In a sentence of ``offering``, which offers people, a time needs no verb."""
    found = []
    for sentence in reading.sentences:
        text = sentence.text[:1_000]
        if sentence.asks or not _WHEN.search(text):
            continue
        offers = any(offer.start == sentence.start and offer.field == sentence.field for offer in offering)
        for offset, clause in clauses(text):
            when = _WHEN.search(clause)
            verb = when and (_START.search(clause) or (not _ANSWER.search(clause) and _promised(clause)))
            bare = when is not None and offers and not when.group("now") and not _ANSWER.search(clause)
            if when is None or not (verb or bare):
                continue
            if verb and not _START.search(clause) and when.group("now") in {"right now", "today"}:
                continue  # what is free now, and no start
            if denied_before(clause, max(verb.start() if verb else 0, when.start()), 80):
                continue
            if not BEYOND.search(clause, when.end()) and not _OTHER_EVENT.search(clause):
                found.append(Start(_days(when), sentence, offset + when.start(), offset + when.end()))
    return found


def days_named(sentence: Sentence) -> tuple[int, re.Match[str]] | None:
    """The soonest time that a sentence names and that may be one of a start: its days and where it stands."""
    when = _WHEN.search(sentence.text, 0, 1_000)
    if when is None or when.group("now") or sentence.asks or _ANSWER.search(sentence.text):
        return None
    if denied_before(sentence.text, when.start(), 80) or BEYOND.search(sentence.text, when.end()):
        return None
    return None if _OTHER_EVENT.search(sentence.text) else (_days(when), when)


def _promised(clause: str) -> re.Match[str] | None:
    """A counted promise without a verb of starting ("three developers within ten days is fine")."""
    if re.search(r"\b(?:free|available|unallocated)\b", clause) or not PROMISE.search(clause):
        return None
    return COUNTED.search(clause)


def _days(when: re.Match[str]) -> int:
    if when.group("now"):
        return 0
    if when.group("tomorrow"):
        return 2
    if when.group("days"):
        return 6
    if when.group("week"):
        return 7
    if when.group("fortnight"):
        return 14
    if when.group("month"):
        return 30
    number = value_of(when.group("n2") or when.group("n")) or 0
    unit = when.group("unit")
    return calendar_days(number, unit)


def calendar_days(number: int, unit: str) -> int:
    """So many weeks, working days or days as days of the calendar."""
    if "week" in unit:
        return number * 7
    return number * 7 // 5 if unit.startswith(("business", "working")) else number
