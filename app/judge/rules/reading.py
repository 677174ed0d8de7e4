"""A draft made ready for the rules: normalised, lower-cased, cut into sentences, counted once.

Every rule reads the same :class:`Reading`, so no rule folds or splits text again. It refuses to hold more than the
scan limit: a draft beyond it is a finding of its own (``hostile.flood``) and only its beginning is read closely.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from app.judge.normalise import Normalised

FieldName = Literal["subject", "body"]

_CUT = re.compile(r"(?:[.!?]+[\"')\]]{0,3}|;)[ \t\r]+|\n+")
_TOKEN = re.compile(r"[a-z0-9$€£#%][a-z0-9'$€£%+-]*")
_ABBREVIATION = re.compile(r"\b(?:inc|ltd|corp|co|llc|vs|e\.g|i\.e|mr|ms|mrs|dr|approx|no|st|jr|sr)\.$")
_LETTERS = re.compile(r"[^\W\d_]")
_GREETING = re.compile(
    r"\s*(?:(?:hi|hello|hey|dear|good\s(?:morning|afternoon|evening))\b[^\n,!:.]{0,60}[,!:.]?|[A-Z][\w'.-]{0,30}(?:\s[A-Z][\w'.-]{0,30}){0,2},)"
    r"[ \t]*(?:\n|$)",
    re.IGNORECASE,
)
_GREETING_INLINE = re.compile(
    r"\s*(?:hi|hello|hey|dear)\s+(?:dr\.?\s|mr\.?\s|ms\.?\s|mrs\.?\s)?[\w'.-]{1,30}(?:\s[\w'.-]{1,30}){0,2}\s?[,!:-]\s",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\n[ \t]*(?:-{1,3}[ \t]?|_{2,}|(?:best|kind|warm|many)?[ ]?(?:regards|wishes)|best|thanks(?:\sagain|\sin\sadvance|,? and best)?|thank\syou|"
    r"cheers|sincerely|respectfully|yours(?:\s\w+)?|talk soon|warmly|all the best)[ \t]*[,.!]?[ \t]*(?=\n|$)",
    re.IGNORECASE,
)


def lower(text: str) -> str:
    """Lower case, character by character, so that positions stay."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


class Hit(NamedTuple):
    """A check that failed: where, in normalised positions, and why in words that quote only facts and policy."""

    check: str
    detail: str
    spans: tuple[tuple[FieldName, int, int], ...] = ()


class Sentence(NamedTuple):
    """One sentence, lower-cased; ``start`` is its position in its field."""

    field: FieldName
    start: int
    text: str

    @property
    def span(self) -> tuple[FieldName, int, int]:
        return (self.field, self.start, self.start + len(self.text.rstrip()))

    def at(self, match: re.Match[str]) -> tuple[FieldName, int, int]:
        """The span of a match within this sentence."""
        return (self.field, self.start + match.start(), self.start + match.end())

    @property
    def asks(self) -> bool:
        return self.text.rstrip().rstrip("\"')]").endswith("?")


def split_sentences(field: FieldName, lowered: str) -> list[Sentence]:
    """Sentences of a lower-cased text, in order; line ends cut too."""
    found: list[Sentence] = []
    start = 0
    for cut in _CUT.finditer(lowered):
        if lowered[cut.start()] == "." and _ABBREVIATION.search(lowered, max(start, cut.start() - 6), cut.start() + 1):
            continue
        if cut.end() > start and lowered[start : cut.end()].strip():
            found.append(Sentence(field, start, lowered[start : cut.end()]))
        start = cut.end()
    if lowered[start:].strip():
        found.append(Sentence(field, start, lowered[start:]))
    return found


@dataclass
class Reading:
    """Subject and body as the recipient reads them, ready for rules."""

    subject: Normalised
    body: Normalised
    scan_chars: int

    @cached_property
    def lower_subject(self) -> str:
        return lower(self.subject.text[: self.scan_chars])

    @cached_property
    def lower_body(self) -> str:
        return lower(self.body.text[: self.scan_chars])

    def lowered(self, field: FieldName) -> str:
        return self.lower_subject if field == "subject" else self.lower_body

    @property
    def fields(self) -> tuple[tuple[FieldName, str], ...]:
        """Both fields, lower-cased."""
        return (("subject", self.lower_subject), ("body", self.lower_body))

    @cached_property
    def sentences(self) -> list[Sentence]:
        """Of the subject, then of the body."""
        return split_sentences("subject", self.lower_subject) + split_sentences("body", self.lower_body)

    @cached_property
    def words(self) -> frozenset[str]:
        """Distinct lower-case tokens of both fields: what decides which rules need to look."""
        return frozenset(_TOKEN.findall(self.lower_subject)) | frozenset(_TOKEN.findall(self.lower_body))

    @cached_property
    def core(self) -> tuple[int, int]:
        """Span of the body without greeting and signature, in normalised positions."""
        text = self.body.text
        greeting = _GREETING.match(text) or _GREETING_INLINE.match(text)
        start = greeting.end() if greeting else 0
        end = len(text.rstrip())
        tail = max(start, end - 400)
        for closing in _CLOSING.finditer(text, tail, end):
            rest = text[closing.end() : end].split()
            if len(rest) <= 25:
                end = closing.start()
                break
        return start, max(start, end)

    @cached_property
    def core_words(self) -> int:
        """Words of the body without greeting and signature; a token needs a letter or a digit."""
        start, end = self.core
        return sum(1 for word in self.body.text[start:end].split() if any(c.isalnum() for c in word))

    @cached_property
    def letters(self) -> int:
        """Letters in the whole draft, of any script."""
        return sum(1 for _ in _LETTERS.finditer(self.subject.text[:2_000] + self.body.text[:2_000]))
