"""Days that a draft quotes from the prospect's own record: a day of a month that stands nowhere in the context.

"Your notice of 13 October" is checked, "could we speak on 13 October" is not: a day of our own planning is no fact
about the prospect, and booking is another rule's. Nothing is flagged where the context writes days as bare numbers
(13/10), which may be read in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.judge.rules.dates import MONTHS
from app.judge.rules.facts import Facts
from app.judge.rules.phrasing import denied_before
from app.judge.rules.reading import Hit, Reading

Day = tuple[int, int]
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_NTH = r"(?:st|nd|rd|th)?"
_DAY = re.compile(
    rf"(?<![\w.,:/-])(\d{{1,2}}){_NTH} (?:of )?({_MONTH})\b|\b({_MONTH})\.? (\d{{1,2}}){_NTH}(?![\w:-]|[.,]\d| "
    rf"?(?:%|per ?cent|people|staff|roles|million))"
)
# "3-5 November", "14 and 17 October", "28 July": every number in front of the month is one of its days.
_JOIN = r"(?: ?[-–/,&] ?| (?:and|or|to|until|of) )"
_DAYS = re.compile(rf"((?:(?<!\d)\d{{1,2}}{_NTH}{_JOIN}){{0,4}}\d{{1,2}}{_NTH}) (?:of )?({_MONTH})\b")
_DAYS_AFTER = re.compile(rf"\b({_MONTH})\.? ((?:\d{{1,2}}{_NTH}{_JOIN}){{0,4}}\d{{1,2}})(?!\d)")
_ISO = re.compile(r"\b20\d\d-(\d\d)-(\d\d)\b")
_BARE = re.compile(r"(?<![\w./-])\d{1,2}[./]\d{1,2}(?:[./](?:20)?\d\d)?(?![\w%/])")
_PLANNED = re.compile(
    r"\b(?:meet|call|talk|speak|chat|slot|free|available|start(?:ing|s)?|ready|join|begin(?:ning|s)?|onboard|"
    r"deliver|finish|send|write|come back|get back|check back|book\w*|schedul\w+|suits?|works? for|by|before|until|"
    r"between|from|after|starting|next|o'clock|a\.?m|p\.?m)\b"
)
_OURS = re.compile(r"\b(?:we|our|ours|us|i|i'll|i'm|i'd|my|me|let's)\b")
_NUMBER = re.compile(r"\d+")


def quoted_days(reading: Reading, facts: Facts) -> Iterable[Hit]:
    """Adds to ``grounding.date``."""
    if not facts.has_signals:
        return
    known: frozenset[Day] | None = None
    for sentence, match in reading.hits(_DAY):
        day = _day(match)
        if day is None or (_PLANNED.search(sentence.text) and (_OURS.search(sentence.text) or sentence.asks)):
            continue
        if known is None:
            known = days_in(facts.all_text)
            if _BARE.search(facts.all_text):
                return
        if day not in known and not denied_before(sentence.text, match.start()):
            detail = f"The draft quotes {match.group()}; the context knows of nothing on that day."
            yield Hit("grounding.date", detail, (sentence.at(match),))


def days_in(text: str) -> frozenset[Day]:
    """Months and days that lower-cased ``text`` names, ranges and lists included."""
    return frozenset(_named(text))


def _named(text: str) -> Iterator[Day]:
    for match in _ISO.finditer(text):
        yield int(match.group(1)), int(match.group(2))
    for pattern, numbers, month in ((_DAYS, 1, 2), (_DAYS_AFTER, 2, 1)):
        for match in pattern.finditer(text):
            found = [int(n) for n in _NUMBER.findall(match.group(numbers))]
            if len(found) == 2 and re.search(r"[-–]|to|until", match.group(numbers)):
                found = list(range(min(found), min(max(found), 31) + 1))
            yield from ((_month(match.group(month)), day) for day in found)


def _day(match: re.Match[str]) -> Day | None:
    month, day = _month(match.group(2) or match.group(3)), int(match.group(1) or match.group(4))
    return (month, day) if 1 <= day <= 31 else None


def _month(word: str) -> int:
    return next(index for index, name in enumerate(MONTHS, 1) if name.startswith(word[:3]))
