"""Phrase lists of a policy, compiled: which phrases stand in a text, and where.

The notation is that of :class:`app.judge.policy.Phrases`. A list is looked up by the rarest plain word of each phrase
first, so a draft that holds none of them costs one set intersection. No pattern here can backtrack over more than four
words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from app.judge.rules.reading import FieldName, Reading

_GAP = r"(?:\W{1,3}[\w'-]{1,30}){0,4}?"
_JOIN = r"[\s-]{1,3}"
# Compounds in which a listed word has its technical sense.
_TERMS = re.compile(
    r"\b(?:leveraged?[\s-](?:ratio|buy-?out|loan|limit|exposure|requirement|financ)\w*|"
    r"(?:financial|operating|balance-sheet|basel|debt) leverage|"
    r"bench[\s-]?(?:test|trial|rig|top|scale|press|scientist|supply|power|measurement)\w*|"
    r"(?:test|lab|laborator\w+|optical|work|hardware) ?bench(?:es)?|"
    r"(?:marine|forest|coastal|aquatic|soil|river|natural|fragile) ecosystems?|"
    r"(?:set-?up|installation|install|import|configuration|migration|checkout) wizards?|"
    r"(?:industrial|french|green) revolutions?|revolutions (?:per|a) minute|endocrine disruptors?|"
    r"(?:uranium|data|soil|oxygen) enrichment|limited time[\s-]series)\b"
)
_LITERAL = re.compile(r"[a-z0-9]+")


def _word(word: str) -> str:
    options = []
    for option in word.split("/"):
        stem = option.removesuffix("*")
        pattern = r"[\s-]?".join(re.escape(part) for part in stem.split("-"))
        options.append(pattern + (r"[\w']{0,12}" if option.endswith("*") else ""))
    return options[0] if len(options) == 1 else "(?:" + "|".join(options) + ")"


def compile_phrase(phrase: str) -> re.Pattern[str]:
    """The pattern of one phrase, for lower-cased text."""
    pattern = ""
    join = ""
    for word in phrase.lower().split():
        if word == "...":
            pattern += _GAP
            join = r"\W{1,3}"
            continue
        pattern += join + _word(word)
        join = _JOIN
    last = phrase.rstrip()[-1:]
    tail = r"(?!\w)" if last.isalnum() or last == "*" else ""
    literal = _LITERAL.match(phrase.lower())
    if literal and "/" not in phrase.split()[0] and pattern.startswith(literal.group()):
        # The literal comes first, its left boundary after it: a pattern that begins with a literal is searched fast.
        start = literal.group()
        return re.compile(f"{start}(?<!\\w{start}){pattern[len(start) :]}{tail}")
    head = r"(?<!\w)" if phrase[:1].isalnum() else r"(?<!\S)"
    return re.compile(head + pattern + tail)


def _keys(phrase: str) -> set[str] | None:
    """Tokens of which at least one must be in the draft; None when only prefixes are known."""
    first = phrase.lower().split()[0]
    keys: set[str] = set()
    for option in first.split("/"):
        if option.endswith("*") or "'" in option or not option.replace("-", "").isalnum():
            return None
        keys |= {option, option.replace("-", ""), option.split("-")[0]}
    return keys


class Found(NamedTuple):
    """One occurrence of a phrase."""

    check: str
    phrase: str
    field: FieldName
    start: int
    end: int


class Lexicon:
    """Lists of phrases by check, compiled once and looked up together."""

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        self._keyed: dict[str, list[tuple[str, str, re.Pattern[str]]]] = defaultdict(list)
        self._prefixed: dict[str, list[tuple[str, str, re.Pattern[str]]]] = defaultdict(list)
        self._all: list[tuple[str, str, re.Pattern[str]]] = []
        for check, phrases in lists.items():
            for phrase in phrases:
                entry = (check, phrase, compile_phrase(phrase))
                self._all.append(entry)
                keys = _keys(phrase)
                if keys is None:
                    literal = re.split(r"[*/'\s-]", phrase.lower().lstrip("'"), maxsplit=1)[0]
                    self._prefixed[literal].append(entry)
                else:
                    for key in keys:
                        self._keyed[key].append(entry)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Each occurrence, at most five per phrase and field."""
        wanted: dict[tuple[str, str], re.Pattern[str]] = {}
        if not reading.words.isdisjoint(self._keyed):
            for key in sorted(self._keyed.keys() & reading.words):  # a set's own order differs between processes
                wanted.update({(check, phrase): pattern for check, phrase, pattern in self._keyed[key]})
        for literal, entries in self._prefixed.items():
            if literal in reading.joined:
                wanted.update({(check, phrase): pattern for check, phrase, pattern in entries})
        for (check, phrase), pattern in wanted.items():
            if not pattern.search(reading.joined):
                continue
            for field, text in reading.fields:
                for match in islice(pattern.finditer(text), 5):
                    if self._technical(text, match.start(), match.end()):
                        continue
                    yield Found(check, phrase, field, match.start(), match.end())

    @staticmethod
    def _technical(text: str, start: int, end: int) -> bool:
        """Whether the words stand inside a technical term, where they are no phrase of a seller."""
        return any(
            match.start() <= start and end <= match.end()
            for match in _TERMS.finditer(text, max(0, start - 24), end + 24)
        )

    def at_start(self, text: str, position: int) -> tuple[str, int, int] | None:
        """The longest phrase that stands exactly at ``position`` of lower-cased ``text``."""
        best: tuple[str, int, int] | None = None
        for _, phrase, pattern in self._all:
            match = pattern.match(text, position)
            if match and (best is None or match.end() > best[2]):
                best = (phrase, match.start(), match.end())
        return best
