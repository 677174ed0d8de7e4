"""The fields of a context as plain pairs: flat ``key: value`` lines, nested extras, stack records, tiers, rounds.

Everything here is a small, pure reading of one value; what the values mean together is :mod:`app.judge.rules.facts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.judge.rules.reading import lower
from app.schemas import StackRecord

_PAIR = re.compile(r"\s*([A-Za-z][\w /().-]{0,48}?)\s?[:=]\s?(?=\S)(.*)", re.DOTALL)
_SPLIT = re.compile(r";\s+|\n+|\|\s")
DIGITS = re.compile(r"\d+(?:\.\d+)?")
ROUND = re.compile(
    r"\b(?:(pre-seed|pre seed|seed)\b(?!ed|ing)|series[\s_-]?([a-h])(?:[\s_]?(?:/|and|"
    r"or)[\s_]?(?:series\s)?([a-h])\b)?(?![a-z]))"
)
_SEGMENT_HINTS = (
    (1, re.compile(r"segment[\s_]?1\b|recently[\s_]funded|series[\s_]a[\s_]b|fresh(?:ly)?[\s_]funded")),
    (2, re.compile(r"segment[\s_]?2\b|restructur|cost[\s_]pressure|mid[\s_-]?market")),
    (3, re.compile(r"segment[\s_]?3\b|leadership[\s_](?:transition|change)|new[\s_](?:cto|leader|vp)")),
    (4, re.compile(r"segment[\s_]?4\b|capability[\s_]gap")),
    (0, re.compile(r"\babstain\b|segment[\s_]?0\b|\bgeneral\b|\bunknown\b")),
)


class Tier(StrEnum):
    """How far the signal may be trusted."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StackFacts:
    """What is free on one stack. ``committed`` says that the note gives it to someone else."""

    name: str
    available: int | None
    deploy_days: int | None = None
    committed: bool = False
    mix: dict[str, int] | None = None

    @property
    def free(self) -> int | None:
        """Engineers who may be offered now; None when unknown."""
        return 0 if self.committed else self.available


_COMMITTED = re.compile(
    r"\b(?:(?<!un)committed|limited availability|not available|unavailable|on hold|fully (?:allocated|booked|"
    r"staffed)|"
    r"at full capacity|no availability|not on (?:the )?bench|reserved for)\b"
)
_RELEASED = re.compile(
    r"\b(?:not|no longer|none|never|isn't|aren't|nobody|no one|un)[\s-](?:\w+\s){0,2}?"
    r"(?:committed|on hold|unavailable|reserved|fully (?:allocated|booked|staffed))\b|\bnot yet committed\b|"
    r"\bunless\b"
)


def note_withholds(note: str) -> bool:
    """Whether a stack's note says that its engineers are promised elsewhere; "uncommitted" does not."""
    text = lower(note)
    return bool(_COMMITTED.search(_RELEASED.sub(" ", text)))


def flatten(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(key words, value text) of nested data; keys lower-case with spaces."""
    if depth > 8:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            name = re.sub(r"[_\s-]+", " ", str(key)).strip().lower()
            yield from flatten(inner, f"{path} {name}".strip(), depth + 1)
    elif isinstance(value, (list, tuple)):
        if all(not isinstance(item, (dict, list, tuple)) for item in value):
            yield path, ", ".join(str(item) for item in value)
        else:
            for item in value:
                yield from flatten(item, path, depth + 1)
    else:
        yield path, "none" if value is None else str(value)


def parse_line(line: str) -> Iterator[tuple[str, str]]:
    """Pairs of a flat signal line; a fragment without a key has the empty key."""
    for part in _SPLIT.split(line):
        pair = _PAIR.fullmatch(part) if len(part) < 4_000 else None
        if pair and not pair.group(2).startswith("//"):
            yield re.sub(r"[_\s-]+", " ", pair.group(1)).strip().lower(), pair.group(2).strip()
        elif part.strip():
            yield "", part.strip()


def integer(value: str) -> int | None:
    """The whole number that ``value`` is, or None."""
    match = DIGITS.fullmatch(value.strip())
    return int(float(match.group())) if match and len(match.group()) < 13 else None


def rounds_in(text: str) -> set[str]:
    """Funding rounds named in lower-cased text: ``seed``, ``a`` ... ``h``."""
    found: set[str] = set()
    for match in ROUND.finditer(text):
        if match.group(1):
            found.add("pre-seed" if match.group(1).startswith("pre") else "seed")
        found |= {letter for letter in match.groups()[1:] if letter}
    return found


def tier_of(value: str) -> Tier | None:
    """The evidence tier of a 0-1 score: from .75 high, from .35 medium, above 0 low, 0 none."""
    if not re.fullmatch(r"[01](?:\.\d{1,6})?|\.\d{1,6}", value):
        return None
    score = float(value)
    if score >= 0.75:
        return Tier.HIGH
    if score >= 0.35:
        return Tier.MEDIUM
    return Tier.LOW if score > 0 else Tier.NONE


def stack_facts(name: str, record: StackRecord) -> StackFacts:
    """A typed stack record as rules ask for it."""
    mix = record.seniority_mix
    levels = None
    if mix is not None:
        given = {"junior": mix.junior_0_2_yrs, "mid": mix.mid_2_4_yrs, "senior": mix.senior_4_plus_yrs}
        levels = {level: count for level, count in given.items() if count is not None}
    return StackFacts(
        name, record.available_engineers, record.time_to_deploy_days, note_withholds(record.note), levels or None
    )


_PROSE_STACK = re.compile(
    r"(?<![\w.])(\d{1,3}|no) ([a-z+#.][a-z0-9+#./-]{0,20}) (?:engineers|engineer|developers|people)(?: "
    r"\(([^()]{0,80})\))?"
    r"(?: are| is)?(?: currently| now)? (?:free|available|unallocated|on the bench)\b"
    r"(?:, (\d{1,3}) days to (?:start|deploy))?(?:; ([^.]{0,80}))?"
)
_PROSE_MIX = re.compile(r"(\d{1,3}) (senior|mid|junior)\b")


def stacks_in(text: str) -> Iterator[StackFacts]:
    """Free people by stack from a note in prose: "5 Go engineers (2 senior, 3 mid) free, 14 days to start"."""
    for count, name, mix, days, note in _PROSE_STACK.findall(text):
        levels = {level: int(number) for number, level in _PROSE_MIX.findall(mix)}
        free = 0 if count == "no" else int(count)
        yield StackFacts(name, free, int(days) if days else None, note_withholds(note), levels or None)


def segments_in(text: str) -> set[int]:
    """Prospect segments that lower-cased text names."""
    return {number for number, hint in _SEGMENT_HINTS if hint.search(text)}
