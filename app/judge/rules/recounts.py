"""Numbers of things about the prospect: another than the context gives, or a large one that stands nowhere in it.

"Seven Java seats" is checked where the context counts seats or something of Java, whatever stands between; what the
vendor offers is not, because capacity is another rule's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice

from app.judge.rules.facts import Facts
from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.phrasing import denied_before, hedged, word_set
from app.judge.rules.reading import Hit, Reading

_COUNTED = re.compile(rf"(?<![\w$€£.,:/-])({NUMBER})\+?((?:[ -][a-z][\w'’-]{{1,20}}){{1,4}})")
_WORD = re.compile(r"[a-z][\w'’]{1,20}")
_CROWD = word_set(
    "users customers subscribers downloads installs installations orders shops stores sites members patients "
    "merchants drivers vehicles devices visitors players students listings passengers tenants transactions guests"
)
# Measures, parts of a mail, and the people whom the vendor offers: a number in front of them is no count of things.
# Roles are counted by another rule.
_MEASURES = word_set(
    "day days week weeks month months hour hours minute minutes year years quarter quarters time times thing things "
    "point points question questions line lines page pages step steps word words way ways option options example "
    "examples call calls sprint sprints phase phases release releases profile profiles engineer engineers developer "
    "developers dev devs specialist specialists expert experts senior seniors mid mids junior juniors consultant "
    "consultants candidate candidates team teams pod pods squad squads group groups dollar dollars euro euros pound "
    "pounds sentence sentences slot slots second seconds other others side sides colleague colleagues ticket tickets "
    "name names percent cent million billion thousand hundred role roles position positions opening openings "
    "vacancy vacancies posting postings january february march april may june july august september october november "
    "december jan feb mar apr jun jul aug sep sept oct nov dec"
)
_EMPTY = word_set(
    "engineering and or of the a an to in on at for with by from as is are was were be been per your my our their "
    "its his her that this these those it them which who what when where more fewer further open now today still "
    "each every than into before after since until over under about ago there then"
)
_OWN = re.compile(r"\b(?:we|our|ours|us|another|elsewhere|one client|a client)\b")
_OFFERED = re.compile(r"\b(?:free|available|open for|join|start|engineers?|developers?|seniors?)\b")
_LEFT = re.compile(r"\b(?:to go|left|more|further|missing|still)\b")
_ABOUT = re.compile(r"\b(?:nearly|almost|about|around|roughly|some|over|under|more than|less than|close to|not quite)$")
_LARGE, _NEAR, _REACH = 100, 0.2, 3


def recounted(reading: Reading, facts: Facts) -> Iterable[Hit]:
    """Adds to ``grounding.count``."""
    known: frozenset[str] | None = None
    for sentence, _ in reading.hits(_COUNTED):
        text = sentence.text
        if _OWN.search(text) or _OFFERED.search(text):
            continue
        for match in islice(_COUNTED.finditer(text), 10):
            number = value_of(match.group(1))
            if number is None or number < 2 or number in facts.numbers or _derived(number, text, match, facts.numbers):
                continue
            if known is None:
                known = counted_in(facts.all_text)
            nouns = _nouns(match.group(2))
            thing = next((noun for noun in nouns if _stem(noun) in known), None)
            if thing is None and number >= _LARGE:
                thing = next((noun for noun in nouns if noun in _CROWD), None)
            if thing is None or hedged(text) or denied_before(text, match.start()):
                continue
            detail = f"The draft counts {number} {thing}; the context does not."
            yield Hit("grounding.count", detail, (sentence.at(match),))


def counted_in(text: str) -> frozenset[str]:
    """What lower-cased ``text`` counts: the words after its numbers, without a plural's s."""
    return frozenset(_stem(noun) for match in _COUNTED.finditer(text) for noun in _nouns(match.group(2)))


def _nouns(words: str) -> list[str]:
    """What may be counted among the words behind a number; nothing where a measure stands there."""
    near = _WORD.findall(words)[:_REACH]
    return [] if any(word in _MEASURES for word in near) else [word for word in near if word not in _EMPTY]


def _stem(noun: str) -> str:
    return noun[:-1] if noun.endswith("s") and len(noun) > 3 else noun


def _derived(number: int, text: str, match: re.Match[str], known: Collection[int]) -> bool:
    """Whether it follows from the context: the rest of two counts, or a round word close to one."""
    few = sorted(known)[:40]
    if _LEFT.search(text, match.start()) and any(abs(one - other) == number for one in few for other in few):
        return True
    return _ABOUT.search(text[: match.start()].rstrip()) is not None and any(
        abs(number - one) <= _NEAR * one for one in few
    )
