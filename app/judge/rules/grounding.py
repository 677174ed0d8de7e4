"""Grounding: sums, rounds, events and dates that a draft asserts must stand in the context.

A thing that the context does not know is no fault until the draft asserts it; a question about it is none either. An
event flagged as not detected did not happen, whatever fields are left over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.context_fields import ROUND, rounds_in
from app.judge.rules.dates import MONTHS
from app.judge.rules.events import Event, State
from app.judge.rules.facts import Facts
from app.judge.rules.numbers import NUMBER, find_money, same_amount, value_of
from app.judge.rules.open_dates import dated_otherwise
from app.judge.rules.phrasing import denied_before, hedged, hedged_before
from app.judge.rules.reading import Hit, Reading, Sentence

_ABOUT_ROUND = re.compile(
    r"\b(?:raised?|raising|raise|closed|closing|congrat\w*|announced|secured|landed|funding|round|post-raise|"
    r"fresh|recent(?:ly)?|your|the|after|since|following)\b"
)
_FUNDING = re.compile(
    r"\b(?:(?:recently |just |newly |freshly )?(?:raised|closed|secured|landed|announced) (?:a |an |your |its |"
    r"their |the |\$)[^.;?!]{0,40}?(?:series|round|funding|seed|capital|raise|million|\$|\d m\b)|"
    r"(?:recent|latest|new|fresh|last|your|successful) (?:[\w$€£.,]+ ){0,2}?(?:funding|raise|funding round|"
    r"capital raise|investment round|round of funding|series [a-h])\b|"
    r"(?:the|your|that|a) [$€£][\w.,]+ (?:\w+ )?(?:series [a-h]|round|raise|seed)\b|raised money|"
    r"fresh capital|newly funded|"
    r"recently funded|post-raise)"
)
_RECENT = re.compile(
    r"\b(?:recent(?:ly)?|just|fresh(?:ly)?|new(?:ly)?|last (?:week|month|quarter)|this (?:week|month|quarter)|"
    r"congrat\w*|latest)\b"
)
_LAYOFF = re.compile(
    r"\b(?:(?:recent|your|the|after|following) (?:\w+ ){0,2}?(?:layoffs?|lay-offs?|restructur\w+|"
    r"workforce reduction|headcount reduction|job cuts|downsizing)|laid off|let go of|cut \d+ ?% of)\b"
)
_LEADER = re.compile(
    r"\b(?:(?:recent|your) (?:appointment|promotion)|congrat\w* on (?:the|your) (?:new )?(?:\w+ ){0,3}?(?:role|"
    r"appointment|promotion|position)|(?:recently |just )?(?:appointed|joined) as (?:the )?(?:new )?(?:cto|vp|"
    r"head|chief)|your new (?:cto|vp|head of \w+|chief \w+|role)|new (?:cto|vp of engineering|"
    r"vp engineering) (?:joined|started|hire))\b"
)
_EVENT = re.compile(
    r"\b(?:recent|your|the|announced|completed|after|planned|upcoming) (?:\w+ ){0,2}?(?:acquisition|merger|ipo|"
    r"product launch|expansion into|launch of|new office|partnership with)\b|"
    r"\b(?:acquired by|(?:are|is|was|been) acquir(?:ed|ing)|expand(?:ing|ed) (?:in)?to|went public|going public|"
    r"opened (?:a|an|your) (?:new )?office|launched (?:a|your|its) new|"
    r"(?:won|winning|awarded|receiv(?:ed|ing)) (?:the|an?|your) (?:[\w-]+ ){0,4}?(?:award|prize|medal|grant)|"
    r"(?:named|ranked|voted) (?:one of|among|a|the) (?:the )?(?:top|best|fastest|most)|"
    r"entering (?:new|the) \w+ market)\b"
)
_EVENT_STEM = re.compile(
    r"(acqui|merge|ipo|public|launch|expan|office|partner|enter|award|prize|medal|grant|named|ranked|voted)"
)
_AGE = re.compile(
    rf"\b({NUMBER}) (days?|weeks?|months?) ago\b|\b(?:in|last|since|back in|from) (january|february|march|april|"
    r"june|july|august|september|october|november|december)\b(?: (20\d\d))?"
)
_MONEY = re.compile(r"[$€£]|\d\s?(?:m|mn|k|bn|million|billion|usd|eur|dollars)\b")
_ABOUT_MONEY = re.compile(
    r"\b(?:rais\w+|round|series|seed|funding|arr|revenue|valuation|closed|capital|invest\w+|congrat\w*)\b"
)
_SEED_ROUND = re.compile(r"\b(?:round|funding|raise\w*|rais\w+|capital|stage|closed)\b")
_OTHERS = re.compile(r"\b(?:teams?|companies|startups|typical|similar|other|clients)\b")


class Grounding:
    """Checks ``grounding.amount``, ``round``, ``event_denied``, ``event_absent``, ``stale_as_recent`` and ``date``."""

    def __init__(self, policy: Policy) -> None:
        self._signals = policy.signals

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._money(reading, facts)
        yield from self._round(reading, facts)
        for kind in _KINDS:
            for sentence, match in reading.hits(kind.pattern):
                yield from self._event(kind, sentence, match, facts)
                yield from self._dates(sentence, facts)
        for sentence, match in dated_otherwise(reading, facts):
            yield Hit("grounding.date", "The draft dates an event otherwise than the context.", (sentence.at(match),))
        for sentence, match in reading.hits(_EVENT):
            stem = _EVENT_STEM.search(match.group())
            if stem is None or stem.group() in facts.all_text or hedged(sentence.text):
                continue
            if not denied_before(sentence.text, match.start()):
                detail = "The draft asserts an event that the context does not mention."
                yield Hit("grounding.event_absent", detail, (sentence.at(match),))

    def _money(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, _ in reading.hits(_MONEY):
            text = sentence.text
            if not _ABOUT_MONEY.search(text):
                continue
            for money in find_money(text):
                if not money.marked and money.amount < 1e5:
                    continue
                known = any(same_amount(money.amount, amount) for amount in facts.amounts)
                if not known and not denied_before(text, money.start):
                    span = (sentence.field, sentence.start + money.start, sentence.start + money.end)
                    yield Hit("grounding.amount", "The draft states a sum that the context does not hold.", (span,))

    def _round(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, _ in reading.hits(ROUND):
            text = sentence.text
            if not _ABOUT_ROUND.search(text):
                continue
            for match in ROUND.finditer(text):
                named = rounds_in(match.group())
                if len(named) != 1 or named <= facts.rounds:
                    continue
                if match.group().startswith(("seed", "pre")) and not _SEED_ROUND.search(text):
                    continue
                if _OTHERS.search(text, match.end(), match.end() + 40) or denied_before(text, match.start()):
                    continue
                if not sentence.asks or _FUNDING.search(text):
                    detail = "The draft names a funding round that the context does not hold."
                    yield Hit("grounding.round", detail, (sentence.at(match),))

    def _event(self, kind: _Kind, sentence: Sentence, match: re.Match[str], facts: Facts) -> Iterable[Hit]:
        if denied_before(sentence.text, match.start()):
            return
        event = kind.of(facts)
        span = (sentence.at(match),)
        if event.state is State.DENIED:
            yield Hit("grounding.event_denied", f"The context says that there was no {kind.name}.", span)
        elif event.state is State.UNKNOWN:
            implied = kind.segment in facts.segments or kind.words.search(facts.text) is not None
            if not implied and not hedged_before(sentence.text, match.start()):
                yield Hit("grounding.event_absent", f"The context knows of no {kind.name}.", span)
        elif event.days_ago is not None and _called_recent(sentence.text):
            limit = {
                "funding round": self._signals.funding_days,
                "layoff": self._signals.layoff_days,
                "new leader": self._signals.leadership_days,
            }[kind.name]
            if event.days_ago > limit:
                detail = f"The {kind.name} is {event.days_ago} days old; after {limit} it is not recent."
                yield Hit("grounding.stale_as_recent", detail, span)

    def _dates(self, sentence: Sentence, facts: Facts) -> Iterable[Hit]:
        for match in _AGE.finditer(sentence.text):
            if match.group(1):
                number = value_of(match.group(1)) or 0
                days = number * {"d": 1, "w": 7, "m": 30}[match.group(2)[0]]
                ages = [e.days_ago for e in (facts.funding, facts.layoff, facts.leader) if e.days_ago is not None]
                if number in facts.numbers or not ages or any(abs(days - age) <= max(15, age // 5) for age in ages):
                    continue
            else:
                month = match.group(3)
                known = month in facts.all_text or f"-{MONTHS.index(month) + 1:02d}" in facts.all_text
                if known or re.search(rf"\b{month[:3]}t?\b", facts.all_text):
                    continue
            yield Hit("grounding.date", "The draft dates an event otherwise than the context.", (sentence.at(match),))


def _called_recent(text: str) -> bool:
    return any(not denied_before(text, match.start()) for match in _RECENT.finditer(text))


class _Kind:
    """One kind of event: how drafts speak of it, and what in a context already stands for it."""

    def __init__(self, name: str, pattern: re.Pattern[str], segment: int, words: str) -> None:
        self.name = name
        self.pattern = pattern
        self.segment = segment
        self.words = re.compile(rf"\b(?:{words})")

    def of(self, facts: Facts) -> Event:
        return {"funding round": facts.funding, "layoff": facts.layoff, "new leader": facts.leader}[self.name]


_KINDS = (
    _Kind("funding round", _FUNDING, 1, "fund|rais|invest|series|capital"),
    _Kind("layoff", _LAYOFF, 2, "layoff|restructur|cut|reduc|downsiz"),
    _Kind("new leader", _LEADER, 3, "leader|cto|vp|appoint|joined|hired"),
)
