"""Grounding: what a draft asserts about the company must stand in the context.

Sums, rounds, percentages, counts, dates, events and peers are compared one by one. A thing that the context does not
know is no fault until the draft asserts it; a question about it is none either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.events import State
from app.judge.rules.facts import ROUND, Facts, rounds_in
from app.judge.rules.numbers import NUMBER, find_money, same_amount, value_of
from app.judge.rules.phrasing import denied_before, hedged
from app.judge.rules.reading import Hit, Reading, Sentence

_ABOUT_ROUND = re.compile(
    r"\b(?:raised?|raising|raise|closed|closing|congrat\w*|announced|secured|landed|funding|round|post-raise|fresh|recent(?:ly)?|your|the|after|since|following)\b"
)
_FUNDING = re.compile(
    r"\b(?:(?:recently |just |newly |freshly )?(?:raised|closed|secured|landed|announced) (?:a |an |your |its |their |the |\$)[^.;?!]{0,40}?(?:series|round|funding|seed|capital|raise|million|\$|\d m\b)|"
    r"(?:recent|latest|new|fresh|last|your|successful) (?:\w+ ){0,2}?(?:funding|raise|funding round|capital raise|investment round|round of funding|series [a-h])\b|raised money|fresh capital|newly funded|recently funded|post-raise)"
)
_RECENT = re.compile(r"\b(?:recent(?:ly)?|just|fresh(?:ly)?|new(?:ly)?|last (?:week|month|quarter)|this (?:week|month|quarter)|congrat\w*|latest)\b")
_LAYOFF = re.compile(r"\b(?:(?:recent|your|the|after|following) (?:\w+ ){0,2}?(?:layoffs?|lay-offs?|restructur\w+|workforce reduction|headcount reduction|job cuts|downsizing)|laid off|let go of|cut \d+ ?% of)\b")
_LEADER = re.compile(r"\b(?:(?:recent|your) (?:appointment|promotion)|congrat\w* on (?:the|your) (?:new )?(?:\w+ ){0,3}?(?:role|appointment|promotion|position)|(?:recently |just )?(?:appointed|joined) as (?:the )?(?:new )?(?:cto|vp|head|chief)|your new (?:cto|vp|head of \w+|chief \w+|role)|new (?:cto|vp of engineering|vp engineering) (?:joined|started|hire))\b")
_EVENT = re.compile(
    r"\b(?:recent|your|the|announced|completed|after|planned|upcoming) (?:\w+ ){0,2}?(?:acquisition|merger|ipo|product launch|expansion into|launch of|new office|partnership with)\b|"
    r"\b(?:acquired by|(?:are|is|was|been) acquir(?:ed|ing)|expand(?:ing|ed) (?:in)?to|went public|going public|opened (?:a|an|your) (?:new )?office|launched (?:a|your|its) new|entering (?:new|the) \w+ market)\b"
)
_EVENT_STEM = re.compile(r"(acqui|merge|ipo|public|launch|expan|office|partner|enter)")
_ROLES = re.compile(
    rf"(?<![\w$.])({NUMBER})\+?(?: (?:\w+[-/])?\w+){{0,4}}? (?:roles?|positions?|openings?|job posts?|vacancies|job openings?|postings?)\b|\bhiring (?:for )?({NUMBER}) (?:\w+ ){{0,3}}?(?:engineers|developers)\b"
)
_HEADCOUNT = re.compile(rf"(?<![\w$.])({NUMBER})\+?[ -](?:person|people|employees?|staff|strong)\b")
_PERCENT = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,2})?)\s?(?:%|percent\b|per cent\b)")
_OWN = re.compile(r"\b(?:we|our|us|overlap|fte|utilization|cheaper|savings?|less than|retention|discount)\b")
_AGE = re.compile(rf"\b({NUMBER}) (days?|weeks?|months?) ago\b|\b(?:in|last|since|back in|from) (january|february|march|april|june|july|august|september|october|november|december)\b(?: (20\d\d))?")
_MONTHS = "january february march april may june july august september october november december".split()
_PEERS = re.compile(
    r"\b(?:(?:peers|competitors|companies|clients|customers|rivals|teams|firms|startups|organizations) (?:such as|like|including)|(?:we(?:'ve| have)? (?:helped|worked with|work with|supported|placed (?:\w+ )?(?:at|with))(?: (?:companies|teams|clients))?(?: (?:such as|like))?))\s"
)
_PROPER = re.compile(r"(?:[A-Z][\w&.']*[A-Za-z0-9](?:\s[A-Z][\w&.']*[A-Za-z0-9])?)")
_TREND = re.compile(
    r"\b(?:(?:your|most|many|all|several|other|top|leading|three|two|four|five|\d+ (?:of )?your) (?:of your )?(?:\w+ ){0,2}?(?:peers|competitors|rivals)|your (?:sector|industry|space|market)(?: is| has)?|peers in your (?:sector|industry|space)|"
    r"companies (?:like yours|in your (?:space|sector|industry)))\b(?: \w+){0,4}? (?:are|have|already|now|is|has|recently)\b|'s peers (?:are|have)\b|\b(?:industry|sector|market)[- ](?:benchmark|average|standard|data|research|studies) (?:shows?|suggests?|is|says?|put)\b|\b(?:our data|studies|research|statistics|analysts?) (?:shows?|indicates?|says?|suggests?|prove)\b"
)
_TRIGGERS_MONEY = re.compile(r"[$€£]|\d ?(?:m|k|bn|million|billion|usd|eur)\b")


class Grounding:
    """Checks ``grounding.*``."""

    def __init__(self, policy: Policy) -> None:
        self._signals = policy.signals
        self._bands = tuple((band.low, band.high) for band in policy.pricing.bands)
        self._vendor = frozenset({policy.vendor.name.lower(), *(alias.lower() for alias in policy.vendor.aliases)})

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence in reading.sentences:
            if len(sentence.text) > 2_000:
                sentence = sentence._replace(text=sentence.text[:2_000])
            yield from self._money(sentence, facts)
            yield from self._round(sentence, facts)
            yield from self._events(sentence, facts)
            yield from self._counts(sentence, facts)
            yield from self._percent(sentence, facts)
            yield from self._dates(sentence, facts)
            yield from self._peers(sentence, facts, reading)
        yield from self._missing(reading, facts)

    def _money(self, sentence: Sentence, facts: Facts) -> Iterable[Hit]:
        if not _TRIGGERS_MONEY.search(sentence.text):
            return
        for money in find_money(sentence.text):
            about_company = re.search(
                r"\b(?:rais\w+|round|series|seed|funding|arr|revenue|valuation|closed|capital|invest\w+|congrat\w*)\b", sentence.text
            )
            if not about_company or (not money.marked and money.amount < 1e5):
                continue
            if not any(same_amount(money.amount, known) for known in facts.amounts) and not denied_before(sentence.text, money.start):
                yield Hit("grounding.amount", "The draft states a sum that the context does not hold.", ((sentence.field, sentence.start + money.start, sentence.start + money.end),))

    def _round(self, sentence: Sentence, facts: Facts) -> Iterable[Hit]:
        if "series" not in sentence.text and "seed" not in sentence.text:
            return
        for match in ROUND.finditer(sentence.text):
            named = rounds_in(match.group())
            if len(named) != 1 or named <= facts.rounds or not _ABOUT_ROUND.search(sentence.text):
                continue
            if match.group().startswith(("seed", "pre")) and not re.search(r"\b(?:round|funding|raise\w*|rais\w+|capital|stage|closed)\b", sentence.text):
                continue
            if re.search(r"\b(?:teams?|companies|startups|typical|similar|other|clients)\b", sentence.text[match.end() : match.end() + 40]):
                continue
            if denied_before(sentence.text, match.start()) or sentence.asks and not _FUNDING.search(sentence.text):
                continue
            yield Hit("grounding.round", "The draft names a funding round that the context does not hold.", (sentence.at(match),))

    def _events(self, sentence: Sentence, facts: Facts) -> Iterable[Hit]:
        text = sentence.text
        for kind, pattern, event in (("funding round", _FUNDING, facts.funding), ("layoff", _LAYOFF, facts.layoff), ("new leader", _LEADER, facts.leader)):
            match = pattern.search(text)
            if not match or denied_before(text, match.start()):
                continue
            if event.state is State.DENIED:
                yield Hit("grounding.event_denied", f"The context says that there was no {kind}.", (sentence.at(match),))
            elif event.state is State.UNKNOWN and not hedged(text) and not self._implied(kind, facts):
                yield Hit("grounding.event_absent", f"The context knows of no {kind}.", (sentence.at(match),))
            elif kind != "new leader" and _RECENT.search(text) and event.days_ago is not None:
                limit = self._signals.funding_days if kind == "funding round" else self._signals.layoff_days
                if event.days_ago > limit:
                    yield Hit("grounding.stale_as_recent", f"The {kind} is {event.days_ago} days old; after {limit} it is not recent.", (sentence.at(match),))
        match = _EVENT.search(text)
        if match and not hedged(text) and not denied_before(text, match.start()):
            stem = _EVENT_STEM.search(match.group())
            if stem and stem.group(1) not in facts.all_text:
                yield Hit("grounding.event_absent", "The draft asserts an event that the context does not mention.", (sentence.at(match),))

    def _implied(self, kind: str, facts: Facts) -> bool:
        """A context whose segment stands for the event, or that calls it by another word, is not silent about it."""
        hint = {"funding round": (1, r"fund|rais|invest|series|capital"), "layoff": (2, r"layoff|restructur|cut|reduc|downsiz"), "new leader": (3, r"leader|cto|vp|appoint|joined|hired")}[kind]
        return hint[0] in facts.segments or re.search(rf"\b(?:{hint[1]})", facts.text) is not None

    def _counts(self, sentence: Sentence, facts: Facts) -> Iterable[Hit]:
        for match in _ROLES.finditer(sentence.text):
            number = value_of(match.group(1) or match.group(2))
            known = facts.open_roles
            if number is None or number == known or denied_before(sentence.text, match.start()):
                continue
            if known is not None and number not in facts.numbers:
                yield Hit("grounding.count", f"The draft counts {number} roles; the context counts {known}.", (sentence.at(match),))
            elif known is None and number not in facts.numbers and number > 0 and not _OWN.search(sentence.text[: match.start()]):
                yield Hit("grounding.count", f"The draft counts {number} roles; the context counts none.", (sentence.at(match),))
        for match in _HEADCOUNT.finditer(sentence.text):
            number = value_of(match.group(1))
            if number is None or number in facts.numbers or number < 10 or not re.search(r"\byour?\b|\bat\b", sentence.text) or _OWN.search(sentence.text):
                continue
            yield Hit("grounding.count", f"The draft gives a headcount of {number}; the context does not.", (sentence.at(match),))

    def _percent(self, sentence: Sentence, facts: Facts) -> Iterable[Hit]:
        for match in _PERCENT.finditer(sentence.text):
            number = float(match.group(1))
            if number in facts.percentages or number in facts.numbers or denied_before(sentence.text, match.start()):
                continue
            yield Hit("grounding.percentage", "The draft states a percentage that the context does not hold.", (sentence.at(match),))

    def _dates(self, sentence: Sentence, facts: Facts) -> Iterable[Hit]:
        if not (_FUNDING.search(sentence.text) or _LAYOFF.search(sentence.text) or _LEADER.search(sentence.text)):
            return
        for match in _AGE.finditer(sentence.text):
            if match.group(1):
                days = (value_of(match.group(1)) or 0) * (30 if match.group(2).startswith("m") else 7 if match.group(2).startswith("w") else 1)
                ages = [e.days_ago for e in (facts.funding, facts.layoff, facts.leader) if e.days_ago is not None]
                if value_of(match.group(1)) in facts.numbers or not ages or any(abs(days - age) <= max(15, age // 5) for age in ages):
                    continue
            else:
                month = match.group(3)
                number = f"-{_MONTHS.index(month) + 1:02d}"
                if month in facts.all_text or number in facts.all_text:
                    continue
            yield Hit("grounding.date", "The draft dates an event otherwise than the context.", (sentence.at(match),))

    def _peers(self, sentence: Sentence, facts: Facts, reading: Reading) -> Iterable[Hit]:
        for match in _PEERS.finditer(sentence.text):
            source = (reading.subject if sentence.field == "subject" else reading.body).text
            tail = source[sentence.start + match.end() : sentence.start + match.end() + 80].split(".")[0]
            first = _PROPER.match(tail)
            if not first or first.group().lower() in self._vendor or first.group().lower() in {"series", "series a", "series b", "ctos"}:
                continue
            unknown = [n for n in _PROPER.findall(tail) if n.lower() not in facts.all_text and not n.lower().startswith(("series", "vp", "cto", "ai", "ml", "i"))]
            if unknown:
                yield Hit("grounding.peers", "The draft names companies that the context does not name.", (sentence.at(match),))
        match = _TREND.search(sentence.text)
        if match and not sentence.asks and not denied_before(sentence.text, match.start()) and not re.search(r"\b(?:peer|competitor|benchmark|sector)", facts.text.replace("low peer count", "").replace("competitor gap confidence none", "").replace("competitor gap confidence low", "")):
            yield Hit("grounding.peer_trend", "The draft says what peers do, and the context holds no source for it.", (sentence.at(match),))

    def _missing(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """Cold mail that could have gone to anyone although the context holds facts."""
        if not facts.cold or not facts.has_signals or reading.core_words < 8:
            return
        known = {w for w in re.findall(r"[a-z][a-z+#.]{3,}|\d+", facts.text + " " + facts.context.company_name.lower()) if w not in _COMMON}
        if not known & reading.words:
            yield Hit("grounding.missing", "The draft refers to no fact of the context.")


_COMMON = frozenset("company name contact title role roles signal confidence open stage segment score high medium none true false engineering engineer engineers team head chief".split())
