"""Grounding of figures: numbers of roles and people, percentages, and what the prospect is said to have asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.facts import Facts
from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.phrasing import denied_before
from app.judge.rules.reading import Hit, Reading

_FILLER = (
    r"(?!(?:of|to|for|and|with|while|that|who|your|our|their|is|are|be|help|cover|fill|engineers?|developers?|people|"
    rf"weeks?|days?|months?|{NUMBER})\b)(?:\w+[-/])?\w+"
)
_ROLES = re.compile(
    rf"(?<![\w$.])({NUMBER})\+?(?: {_FILLER}){{0,4}}? (?:roles?|positions?|openings?|job posts?|"
    rf"vacancies|job openings?|postings?)\b|\bhiring (?:for )?({NUMBER}) (?:\w+ ){{0,3}}?(?:engineers|developers)\b"
)
_HEADCOUNT = re.compile(rf"(?<![\w$.])({NUMBER})\+?[ -](?:person|people|employees?|staff|strong)\b")
_PERCENT = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,2})?)\s?(?:%|percent\b|per cent\b)")
_OWN = re.compile(r"\b(?:we|our|us|overlap|fte|utilization|cheaper|savings?|less than|retention|discount)\b")
_QUOTED = re.compile(
    rf"\byour (?:request|ask|requirement) (?:of|for) (?:the )?({NUMBER})\b|"
    rf"\bthe ({NUMBER}) (?:\w+ ){{0,2}}?you (?:need|asked|requested|mentioned|wanted)\b"
)
_SPECIFIC = re.compile(
    r"\b(?:backend|frontend|data|ml|ai|devops|platform|python|go|java|rust|infra|senior|mid|junior|full-?stack|"
    r"security|qa|mobile)\b"
)
_AT_READER = re.compile(r"\byour?\b|\bat\b")
_ONE_ROLE = re.compile(r"\b(?:role|position|opening|vacancy|job|hire|specialist|unfilled)\b")
_SHARE = re.compile(rf"\b(?:{NUMBER}) (?:in|out of|of) (?:every )?$")
_MORE = re.compile(r"\b(?:more|fewer|further|new|additional)\b")
_BEFORE = re.compile(r"\b(?:ago|were|was|had|from|then|before|earlier|used to)\b")
_ABOUT = re.compile(r"\b(?:or so|about|around|roughly|some|nearly|almost)\b")
_NUMBER = re.compile(rf"(?<![\w.]){NUMBER}(?!\w)")


class Figures:
    """Checks ``grounding.count`` and ``grounding.percentage``."""

    def __init__(self, policy: Policy) -> None:
        claims = " ".join(policy.vendor.public_claims).lower()
        self._claimed = frozenset(float(number) for number in _PERCENT.findall(claims))

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._roles(reading, facts)
        for sentence, _ in reading.hits(_HEADCOUNT):
            text = sentence.text
            for match in _HEADCOUNT.finditer(text):
                number = value_of(match.group(1))
                if number is None or number < 10 or number in facts.numbers:
                    continue
                if _AT_READER.search(text) and not _OWN.search(text):
                    detail = f"The draft gives a headcount of {number}; the context does not."
                    yield Hit("grounding.count", detail, (sentence.at(match),))
        for sentence, _ in reading.hits(_PERCENT):
            for match in _PERCENT.finditer(sentence.text):
                known = float(match.group(1)) in facts.percentages | self._claimed
                if not known and not denied_before(sentence.text, match.start()):
                    detail = "The draft states a percentage that the context does not hold."
                    yield Hit("grounding.percentage", detail, (sentence.at(match),))
        yield from self._request(reading, facts)

    def _roles(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, _ in reading.hits(_ROLES):
            text = sentence.text
            for match in _ROLES.finditer(text):
                number = value_of(match.group(1) or match.group(2))
                known = facts.open_roles
                if (
                    number is None
                    or number in facts.role_counts
                    or _earlier(number, text, facts)
                    or denied_before(text, match.start())
                ):
                    continue
                if _SHARE.search(text[: match.start()]) or (_MORE.search(match.group()) and _differ(number, facts)):
                    continue
                if known is None:
                    if (
                        number in facts.numbers
                        or number == 0
                        or (number == 1 and _ONE_ROLE.search(facts.text))
                        or _OWN.search(text[: match.start()])
                    ):
                        continue
                    detail = f"The draft counts {number} roles; the context counts none."
                elif number < known and _SPECIFIC.search(match.group()):
                    continue  # a part of the open roles
                else:
                    detail = f"The draft counts {number} roles; the context counts {known}."
                yield Hit("grounding.count", detail, (sentence.at(match),))

    def _request(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """The draft quotes a number that the prospect never asked for."""
        if not facts.prospect_text and not facts.context.capacity_request:
            return
        for sentence, match in reading.hits(_QUOTED):
            number = value_of(match.group(1) or match.group(2))
            asked = {request.requested_count for request in facts.context.capacity_request}
            said = {value_of(found.group()) for found in _NUMBER.finditer(facts.prospect_text)}
            if number is not None and number not in asked | said and sum(asked) != number:
                detail = f"The draft quotes a request for {number} that the prospect did not make."
                yield Hit("grounding.count", detail, (sentence.at(match),))


def _differ(number: int, facts: Facts) -> bool:
    """Whether a count of roles and another number lie so far apart: "eight more vacancies than in September"."""
    return any(abs(one - other) == number for one in facts.role_counts for other in facts.numbers)


def _earlier(number: int, text: str, facts: Facts) -> bool:
    """Whether it is the context's count of another time, or a round word close to the count: "half a dozen or so"."""
    if number in facts.numbers and _BEFORE.search(text):
        return True
    return facts.open_roles is not None and abs(number - facts.open_roles) <= 1 and _ABOUT.search(text) is not None
