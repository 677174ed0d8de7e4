"""Particulars that a draft ties to its reader: an executive's title, an investor's name, a number of counted things.

A particular is no fault where the context is silent and the draft only asks; it is one where the context words the same
thing otherwise, or where a name or a large number about the reader stands nowhere in the context.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice

from app.judge.policy import Policy
from app.judge.rules.claims import claimed
from app.judge.rules.facts import Facts
from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.phrasing import denied_before, hedged, word_set
from app.judge.rules.reading import Hit, Reading

_TITLE = re.compile(
    r"\b(?:(c[tfeoip]o)|chief (technology|technical|financial|executive|operating|information|product) officer|"
    r"(?:vp|vice president)(?: of)?,? (engineering|product|technology)|head of (engineering|product|"
    r"technology|data))\b"
)
_CHIEF = {"technical": "cto", "technology": "cto", "financial": "cfo", "executive": "ceo", "operating": "coo"}
_CHIEF |= {"information": "cio", "product": "cpo"}
_APPOINTED = re.compile(
    r"\b(?:congrat\w*|welcome|your (?:new |recent )?(?:role|appointment|position|promotion)|(?:you|you've|you have) "
    r"(?:just |recently )?(?:join\w*|becom\w+|became|stepped|tak\w+ over|took over|been (?:named|appointed)))\b"
)
_INVESTOR = re.compile(
    r"\b(?:led|co-led|backed) by ((?:[A-Z][\w&'-]{1,30})(?: (?:[A-Z][\w&'-]{1,30}|and|&)(?= ?[A-Z]?)){0,3})"
)
_ROUND_WORDS = re.compile(r"\b(?:round|series|raise[ds]?|raising|funding|seed|invest\w+|capital|backed)\b")
_THING = re.compile(rf"(?<![\w$€£.,:/-])({NUMBER})\+?(?: [a-z]{{3,14}})?? ([a-z]{{3,16}}s)\b(?! ago)")
_CROWD = word_set(
    "users customers subscribers downloads installs installations orders shops stores sites members patients "
    "merchants drivers vehicles devices visitors players students listings passengers tenants transactions guests"
)
_UNCOUNTED = word_set(
    "days weeks months hours minutes years quarters times things points questions lines pages steps words ways "
    "options examples calls sprints phases releases profiles roles positions openings posts vacancies postings "
    "engineers developers devs specialists experts seniors mids juniors consultants candidates people teams pods "
    "squads groups dollars euros pounds pages sentences slots seconds others sides colleagues tickets names"
)
_OWN = re.compile(r"\b(?:we|our|us|another|elsewhere|one client|a client)\b")
_LEFT = re.compile(r"\b(?:to go|left|more|further|missing|still)\b")
_LARGE = 100


class Particulars:
    """Adds to ``grounding.event_absent`` and ``grounding.count``."""

    def __init__(self, policy: Policy) -> None:
        del policy  # what may be said of the reader stands in the context alone

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._title(reading, facts)
        yield from self._investor(reading, facts)
        yield from self._things(reading, facts)
        yield from claimed(reading, facts)

    def _title(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """The reader is congratulated on another title than the one that the context gives."""
        for sentence, match in reading.hits(_APPOINTED):
            title = _TITLE.search(sentence.text, match.start())
            if title is None or hedged(sentence.text):
                continue
            known = {_named(found) for found in _TITLE.finditer(facts.all_text)}
            if known and _named(title) not in known and not denied_before(sentence.text, title.start()):
                detail = "The draft gives the reader a title that the context does not."
                yield Hit("grounding.event_absent", detail, (sentence.at(title),))

    def _investor(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        if " by " not in reading.joined:
            return
        for match in _INVESTOR.finditer(reading.body.text[: reading.scan_chars]):
            near = reading.body.text[max(0, match.start() - 80) : match.start()].lower()
            if not _ROUND_WORDS.search(near):
                continue
            words = [word for word in re.findall(r"[\w'-]+", match.group(1).lower()) if word not in {"and", "the"}]
            if facts.has_signals and words and not all(word in facts.all_text for word in words):
                detail = "The draft names a backer whom the context does not name."
                yield Hit("grounding.event_absent", detail, (("body", *match.span(1)),))

    def _things(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """A number of things: another than the context gives, or a large one that stands nowhere in it."""
        for sentence, _ in reading.hits(_THING):
            text = sentence.text
            for match in islice(_THING.finditer(text), 10):
                number, noun = value_of(match.group(1)), match.group(2)
                if number is None or number < 2 or noun in _UNCOUNTED or number in facts.numbers:
                    continue
                if _LEFT.search(text, match.start()) and _difference(number, facts.numbers):
                    continue
                if not (number >= _LARGE and noun in _CROWD) and not _otherwise(noun, facts.all_text):
                    continue
                if not (_OWN.search(text) or hedged(text) or denied_before(text, match.start())):
                    detail = f"The draft counts {number} {noun}; the context does not."
                    yield Hit("grounding.count", detail, (sentence.at(match),))


def _named(match: re.Match[str]) -> str:
    short, chief, deputy, head = match.groups()
    return short or (_CHIEF[chief] if chief else deputy or head)


def _difference(number: int, known: Collection[int]) -> bool:
    """Whether two numbers of the context lie so far apart: of 200 mills, 60 are done and 140 are left."""
    few = sorted(known)[:40]
    return any(abs(one - other) == number for one in few for other in few)


def _otherwise(noun: str, known: str) -> bool:
    """Whether the context counts the same things, with whatever number."""
    return noun in known and re.search(rf"(?<![\w.,]){NUMBER}\+?(?: [a-z]{{3,14}})?? {noun}\b", known) is not None
