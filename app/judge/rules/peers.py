"""Grounding of peers, requirements and the pitch itself: named sources only, and at least one fact of the context."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.facts import Facts
from app.judge.rules.phrasing import denied_before, word_set
from app.judge.rules.reading import Hit, Reading

_PEERS = re.compile(
    r"\b(?:(?:peers|competitors|companies|clients|customers|rivals|teams|firms|startups|organizations) "
    r"(?:such as|like|including)|"
    r"(?:we(?:'ve| have)? (?:helped|worked with|work with|supported|placed (?:\w+ )?(?:at|with))"
    r"(?: (?:companies|teams|clients))?(?: (?:such as|like))?))\s"
)
_NAME = r"[A-Z][\w&']*(?:\s[A-Z][\w&']*){0,2}"
_NAME_LIST = re.compile(rf"{_NAME}(?:,\s{_NAME}){{0,6}}(?:,?\s(?:and|or)\s{_NAME})?")
_PROPER = re.compile(r"[A-Z][\w&']*(?:\s[A-Z][\w&']*){0,2}")
_TREND = re.compile(
    r"\b(?:(?:your|most|many|all|several|other|top|leading|three|two|four|five|\d+ (?:of )?your) (?:of your )?"
    r"(?:\w+ ){0,2}?(?:peers|competitors|rivals)|your (?:sector|industry|space|market)(?: is| has)?|"
    r"peers in your (?:sector|industry|space)|companies (?:like yours|in your (?:space|sector|industry)))\b"
    r"(?: \w+){0,4}? (?:are|have|already|now|is|has|recently)\b"
    r"|'s peers (?:are|have)\b"
    r"|\b(?:industry|sector|market)[- ](?:benchmark|average|standard|data|research|studies) "
    r"(?:shows?|suggests?|is|says?|put)\b"
    r"|\b(?:our data|studies|research|statistics|analysts?) (?:shows?|indicates?|says?|suggests?|prove)\b"
)
_TIMELINE = re.compile(
    r"\b(?:onboard\w*|start|deploy\w*|contract\w*|place\w*)\b[^.!?\n]{0,60}"
    r"\b(?:\d+|two|three|four|six)(?:\s?-\s?\d+)? (?:days?|weeks?)\b"
    r"|\bhandles? all (?:the )?(?:\w+ ){0,3}(?:compliance|paperwork)\b"
    r"|\bget started (?:as soon as possible|immediately|right away)\b"
)
_CHECKED = re.compile(
    r"\b(?:checks?|clearance|accredit\w+|screening|vetting|background|certif\w+|audit\w*|regulat\w+|hipaa|pci|"
    r"gdpr|dbs|"
    r"fca|soc ?2|iso|requirements?|additional (?:days|time|weeks)|depend\w*)\b"
)
_PITCH = re.compile(
    r"\b(?:can |could |will |would |specialist |also )?(?:help\w*|support\w*|provid\w+|offer\w*|specializ\w+|"
    r"specialis\w+|place\w*|deliver\w*|has|have|work with|supply|supplies|build\w*)\b"
)
_CANDID = re.compile(
    r"\b(?:don't have|do not have|can't see|cannot see|can't tell|cannot tell|not sure|from the outside|"
    r"would not assume|"
    r"don't want to assume|upfront|cannot confirm|can't confirm|not verified|unverified|"
    r"thanks for (?:getting back|your (?:reply|note|message|response)))\b"
)
_SIGNAL_WORDS = word_set(
    "hiring roles role openings opening positions funding funded raised raise round series seed restructure "
    "restructuring layoff layoffs appointment appointed launch launched expansion expanding expanded scaling "
    "growth growing posted postings job jobs ai ml mlops migration stack peers peer competitors roadmap "
    "runway velocity acquisition acquired headcount regulated compliance q1 q2 q3 q4 github release joined "
    "promotion request requested asked note reply message contract committed"
)
_NO_FACT = re.compile(
    r"\b(?:name|company|id|url|email|phone|title|role|confidence|thread|domain|channel|link|found)\b|segment"
)
_COMMON = word_set(
    "company name contact title role roles signal confidence open stage segment score high medium none true "
    "false engineering engineer engineers team head chief"
)
_NO_NAMES = frozenset({"series", "series a", "series b", "ctos", "ai", "ml", "vp", "cto", "i"})
_SOURCE = re.compile(r"\b(?:peer|competitor|benchmark|sector)")
_NO_SOURCE = re.compile(r"low peer count|competitor gap confidence (?:none|low)")
_REQUIREMENT = re.compile(r"\b(?:regulat\w+|compliance|clearance)\b")
_FACT_WORD = re.compile(r"[a-z][a-z+#.]{3,}|\d+")


class Peers:
    """Checks ``grounding.peers``, ``peer_trend``, ``requirement_ignored`` and ``missing``."""

    def __init__(self, policy: Policy) -> None:
        self._vendor = frozenset({policy.vendor.name.lower(), *(alias.lower() for alias in policy.vendor.aliases)})

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, match in reading.hits(_PEERS):
            source = (reading.subject if sentence.field == "subject" else reading.body).text
            start = sentence.start + match.end()
            names = _NAME_LIST.match(source, start, start + 120)
            if names and self._unknown(names.group(), facts):
                detail = "The draft names companies that the context does not name."
                yield Hit("grounding.peers", detail, (sentence.at(match),))
        for sentence, match in reading.hits(_TREND):
            if sentence.asks or denied_before(sentence.text, match.start()):
                continue
            if not _SOURCE.search(_NO_SOURCE.sub("", facts.text)):
                detail = "The draft says what peers do, and the context holds no source for it."
                yield Hit("grounding.peer_trend", detail, (sentence.at(match),))
        yield from self._requirement(reading, facts)
        yield from self._missing(reading, facts)

    def _unknown(self, names: str, facts: Facts) -> list[str]:
        found = (name.lower() for name in _PROPER.findall(names))
        return [
            name
            for name in found
            if name not in facts.all_text
            and name not in self._vendor
            and name not in _NO_NAMES
            and not name.startswith("series ")
        ]

    def _requirement(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """A start or onboarding time promised where the context states a requirement that takes time."""
        stated = any(_REQUIREMENT.search(k) and v not in {"false", "none", "no"} for k, v in facts.pairs)
        if not stated or _CHECKED.search(reading.lower_body):
            return
        for sentence, match in reading.hits(_TIMELINE):
            detail = "A timeline is promised without the requirement that the context states."
            yield Hit("grounding.requirement_ignored", detail, (sentence.at(match),))

    def _missing(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """Cold mail that could have gone to anyone although the context holds facts."""
        if not facts.cold or not facts.has_signals or reading.core_words < 8 or reading.words & _SIGNAL_WORDS:
            return
        if not _PITCH.search(reading.lower_body) or _CANDID.search(reading.lower_body):
            return
        known: set[str] = set()
        for key, value in facts.pairs:
            if not _NO_FACT.search(key):
                known |= {word for word in _FACT_WORD.findall(value) if word not in _COMMON}
        if not known & reading.words:
            yield Hit("grounding.missing", "The draft pitches without one fact of the context.")
