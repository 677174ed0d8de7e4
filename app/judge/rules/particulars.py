"""Particulars that a draft ties to its reader: an executive's title, an investor's name, a number of counted things.

A particular is no fault where the context is silent and the draft only asks; it is one where the context words the same
thing otherwise, or where a name or a large number about the reader stands nowhere in the context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.claims import claimed
from app.judge.rules.facts import Facts
from app.judge.rules.phrasing import denied_before, hedged
from app.judge.rules.quoted_days import quoted_days
from app.judge.rules.reading import Hit, Reading
from app.judge.rules.recounts import recounted

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


class Particulars:
    """Adds to ``grounding.event_absent``, ``grounding.count`` and ``grounding.date``."""

    def __init__(self, policy: Policy) -> None:
        del policy  # what may be said of the reader stands in the context alone

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._title(reading, facts)
        yield from self._investor(reading, facts)
        yield from recounted(reading, facts)
        yield from claimed(reading, facts)
        yield from quoted_days(reading, facts)

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


def _named(match: re.Match[str]) -> str:
    short, chief, deputy, head = match.groups()
    return short or (_CHIEF[chief] if chief else deputy or head)
