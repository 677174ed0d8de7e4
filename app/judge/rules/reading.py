"""A draft made ready for the rules: normalised, lower-cased, cut into sentences, counted once.

Every rule reads the same :class:`Reading`, so no rule folds or splits text again. It refuses to hold more than the
scan limit: a draft beyond it is a finding of its own (``hostile.flood``) and only its beginning is read closely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from app.judge.normalise import Normalised

FieldName = Literal["subject", "body"]

MAX_SENTENCE_CHARS = 1_500
EXACT_WORDS = 5_500
_CUT = re.compile(r"(?:[.!?]+[\"')\]]{0,3}|;)[ \t\r]+|\n+")
_TOKEN = re.compile(r"[a-z0-9$€£#%][a-z0-9'$€£%+-]*")
_ABBREVIATION = re.compile(r"\b(?:inc|ltd|corp|co|llc|vs|e\.g|i\.e|mr|ms|mrs|dr|approx|no|st|jr|sr)\.$")
_LETTERS = re.compile(r"[^\W\d_]")
_GREETING = re.compile(
    r"\s*(?:(?:hi|hello|hey|dear|good\s(?:morning|afternoon|evening))\b[^\n,!:.]{0,60}[,!:.]?|"
    r"[A-Z][\w'.-]{0,30}(?:\s[A-Z][\w'.-]{0,30}){0,2},)"
    r"[ \t]*(?:\n|$)",
    re.IGNORECASE,
)
_GREETING_INLINE = re.compile(
    r"\s*(?:hi|hello|hey|dear)\s+(?:dr\.?\s|mr\.?\s|ms\.?\s|"
    r"mrs\.?\s)?[\w'.-]{1,30}(?:\s[\w'.-]{1,30}){0,2}\s?[,!:-]\s",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\n[ \t]*(?:-{1,3}[ \t]?|_{2,}|(?:best|kind|warm|many)?[ ]?(?:regards|wishes)|best|thanks(?:\sagain|"
    r"\sin\sadvance|,? and best)?|thank\syou|"
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
    """Sentences of a lower-cased text, in order; line ends cut too, and so does :data:`MAX_SENTENCE_CHARS`."""
    found: list[Sentence] = []
    start = 0
    ends = [cut.end() for cut in _CUT.finditer(lowered) if not _is_abbreviation(lowered, cut)]
    for end in [*ends, len(lowered)]:
        while end - start > MAX_SENTENCE_CHARS:
            space = lowered.rfind(" ", start + 1, start + MAX_SENTENCE_CHARS)
            stop = space if space > start else start + MAX_SENTENCE_CHARS
            found.append(Sentence(field, start, lowered[start:stop]))
            start = stop
        if lowered[start:end].strip():
            found.append(Sentence(field, start, lowered[start:end]))
        start = end
    return found


def _is_abbreviation(lowered: str, cut: re.Match[str]) -> bool:
    start = cut.start()
    return lowered[start] == "." and bool(_ABBREVIATION.search(lowered, max(0, start - 6), start + 1))


@dataclass
class Reading:
    """Subject and body as the recipient reads them, ready for rules."""

    subject: Normalised
    body: Normalised
    scan_chars: int
    said: str = ""
    """What the prospect wrote, lower-case: a line that only quotes it back is not the draft's own word."""

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
        """Of the subject, then of the body; without those that quote the prospect's own words back."""
        body = split_sentences("body", self.lower_body)
        if self.said and (">" in self.lower_body or '"' in self.lower_body):
            known = " ".join(_TOKEN.findall(self.said))
            body = [sentence for sentence in body if not self._quotes(sentence, known)]
        return split_sentences("subject", self.lower_subject) + body

    def _quotes(self, sentence: Sentence, known: str) -> bool:
        """Whether it stands behind ``>`` or in quotation marks as a whole, word for word as the prospect wrote it."""
        text = sentence.text.strip()
        line = self.lower_body[self.lower_body.rfind("\n", 0, sentence.start) + 1 :][:4].lstrip()
        marked = line.startswith(">") or text.startswith(">") or (len(text) > 1 and text[0] == text[-1] == '"')
        words = " ".join(_TOKEN.findall(text))
        return marked and len(words) >= 8 and words in known

    @cached_property
    def joined(self) -> str:
        """Both fields in one string, lower-case: what a rule searches first to learn that it has nothing to do."""
        return f"{self.lower_subject}\n\n{self.lower_body}"

    def hits(self, pattern: re.Pattern[str]) -> Iterator[tuple[Sentence, re.Match[str]]]:
        """The first match in each sentence that has one, positions within the sentence.

        A draft without a match costs one search. Patterns that anchor with ``^`` need :meth:`anchored`.
        """
        if pattern.search(self.joined):
            yield from self.anchored(pattern)

    def anchored(self, pattern: re.Pattern[str]) -> Iterator[tuple[Sentence, re.Match[str]]]:
        """Like :meth:`hits`, for patterns that speak of a sentence's beginning or end."""
        for sentence in self.sentences:
            match = pattern.search(sentence.text)
            if match:
                yield sentence, match

    def after(self, sentence: Sentence) -> str:
        """The text of the sentence that follows in the same field, or nothing."""
        index = self.sentences.index(sentence) + 1
        following = self.sentences[index] if index < len(self.sentences) else None
        return following.text if following is not None and following.field == sentence.field else ""

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
        start += len(text) - start - len(text[start:].lstrip())
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
        """Words of the body without greeting and signature; a token needs a letter or a digit to count.

        Beyond :data:`EXACT_WORDS` tokens the count is of all tokens: no limit is that near.
        """
        start, end = self.core
        words = self.body.text[start:end].split()
        if len(words) > EXACT_WORDS:
            return len(words)
        return sum(1 for word in words if word[0].isalnum() or any(c.isalnum() for c in word))

    @cached_property
    def letters(self) -> int:
        """Letters in the beginning of the body, of any script."""
        return len(_LETTERS.findall(self.body.text[:500]))
