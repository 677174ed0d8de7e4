"""Segment: the pitch must be the one that the facts route to, and none where they route nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.context_fields import rounds_in
from app.judge.rules.events import State
from app.judge.rules.facts import Facts
from app.judge.rules.open_pitches import growth_after_layoff, unfounded_pitches
from app.judge.rules.phrasing import denied_before, hedged, hedged_before
from app.judge.rules.reading import Hit, Reading

_GROWTH = re.compile(
    r"\b(?:congrat\w*[^.!?]{0,60}(?:growth|growing|raise|round|funding|expansion|momentum|success)|"
    r"(?:growth|growing|expansion|momentum|success)\b[^.!?]{0,60}\bcongrat\w*|(?:year|quarter|"
    r"months?) of (?:strong |real |fast )?"
    r"(?:growth|expansion)|(?:exciting|"
    r"rapid|incredible|amazing|your|explosive|strong) (?:\w+ )?(?:growth|expansion|momentum)|growth (?:phase|"
    r"story|journey|trajectory|mode)|"
    r"scal(?:e|ing) (?:your team |up |your engineering team )?(?:fast\w*|quick\w*|aggressive\w*|rapid\w*)|"
    r"rapidly scaling|scaling aggressively|scale (?:your|the) (?:\w+ )?team faster|hiring spree|high-growth)\b"
)
_AI = re.compile(
    r"\b(?:agentic|ai agents?|llm(?:s| pipelines?| platforms?)?|mlops|generative ai|genai|gen ai|rag pipelines?|"
    r"model (?:serving|fine-?tuning)|ml platforms?|ai (?:integration|roadmap|transformation|strategy|platform|"
    r"infrastructure|capabilit\w+|initiative\w*|maturity|systems?|adoption|team|function)|"
    r"(?:mature|advanced|production) (?:ai|ml)|machine learning platforms?)\b"
)
_AI_PITCH = re.compile(
    r"\b(?:accelerat\w+|build\w*|deploy\w*|scal\w+|boost\w*|advanc\w+|supercharg\w+|clearly|well-established|"
    r"mature|serious about|help\w*|deliver\w*|specializ\w+|specialis\w+|catch|gap|behind|transform\w*|expand\w*|"
    r"engineers|strengthen\w*|drive|driving|next step|your)\b"
)
_AI_FIRST = re.compile(
    r"\b(?:first|start(?:ing)?|scoped?|assessment|discovery|explor\w+|early|would not assume|if (?:ai|it|that|"
    r"you)|whether|deliberate\w*|on purpose|intentionally|not (?:yet|a priority|ready)|can wait|later)\b"
)
_COST = re.compile(
    r"\b(?:cut(?:ting)? (?:your )?(?:\w+ )?(?:costs?|spend|burn)|reduc\w+ (?:your )?(?:\w+ )?(?:costs?|spend|"
    r"burn|payroll|headcount)|cost[- ](?:savings?|cutting|reduction|restructuring|pressure|efficien\w+)|"
    r"lower (?:your )?(?:\w+ )?costs?|save (?:money|on|up to|costs?)|cheaper|do more with less)\b"
)
_CAPACITY = re.compile(
    r"\b(?:(?:add|expand|scale|grow|build(?: out)?|augment)(?:ing)? (?:your |the |more )?(?:engineering |"
    r"technical |development )?(?:capacity|team|headcount)|your (?:\w+ )?(?:hiring|recruiting) (?:needs|plans|"
    r"push|goals|roadmap|efforts)|"
    r"(?:fill|filling) (?:your |those |these |the )?(?:open )?(?:roles|positions)|"
    r"your open (?:engineering )?(?:roles|positions))\b"
)
_EARLY = re.compile(
    r"\b(?:early[- ]stage|seed(?:[- ]stage)?(?: and| or|,|/)? ?(?:series a|companies|startups|founders|teams)|"
    r"first (?:few )?(?:engineers|hires|technical hires)|mvp|founding (?:team|engineers?)|scrappy|bootstrapped)\b"
)
_LATE = re.compile(
    r"\b(?:(?:large|global|fortune 500|public) (?:enterprises?|companies|corporations)|enterprise-grade (?:teams|"
    r"compliance)|as a (?:large|public|mature|global) (?:company|enterprise)|enterprises like yours|post-ipo)\b"
)
_SEGMENT_PITCH = re.compile(
    r"\b(?:congrat\w* on|post-raise|since your (?:raise|round)|fresh capital|your (?:series [a-h]|"
    r"recent (?:raise|round|funding))|restructur\w+|after (?:the|your) layoffs?|your new (?:role|cto)|"
    r"first 90 days|capability gap|as you scale|your growth|scale faster|scaling (?:fast|quickly|aggressively|"
    r"rapidly))\b"
)
_REMOTE = re.compile(
    r"\b(?:remote|offshore|africa\w*|nearshore|distributed|outsourc\w+|managed|dedicated|extended?|augment\w*|"
    r"supplement|external) (?:\w+ )?(?:engineers?|team|developers?|talent|capacity|delivery)\b|"
    r"\bour (?:engineers|developers|team|talent|bench)\b"
)
_RESPECT = re.compile(r"\b(?:respect|understand|noted|won't|will not|thank|appreciate|no further|stop)\b")

_UNFOUNDED = {
    "after layoff": ("segment.growth_after_layoff", "The context holds a layoff, and the draft speaks of growth."),
    "leader": ("segment.mismatch", "A pitch for a new leader's first months; the context knows of no new leader."),
    "saving": ("segment.cost_pitch", "A pitch of saving; the context knows of no layoff."),
    "growth": ("segment.mismatch", "A pitch of growth; the context routes the draft to another pitch, or to none."),
}


class Segment:
    """Checks ``segment.*``."""

    def __init__(self, policy: Policy) -> None:
        self._signals = policy.signals

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        found = [*self._set(reading, facts)]
        yield from found
        if not found:
            yield from self._open(reading, facts)

    def _open(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """The second look: no set phrase was found."""
        for sentence, match in growth_after_layoff(reading, facts):
            layoff = facts.layoff.state is State.HAPPENED
            check, detail = _UNFOUNDED["after layoff" if layoff else "growth"]
            yield Hit(check, detail, (sentence.at(match),))
        for sentence, match, pitch in unfounded_pitches(reading, facts):
            check, detail = _UNFOUNDED[pitch]
            yield Hit(check, detail, (sentence.at(match),))

    def _set(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """The set phrases."""
        yield from self._disqualified(reading, facts)
        yield from self._growth(reading, facts)
        yield from self._ai(reading, facts)
        yield from self._stage(reading, facts)
        if 1 in facts.segments:
            for sentence, match in reading.hits(_COST):
                if (
                    facts.layoff.state is not State.HAPPENED
                    and not sentence.asks
                    and not denied_before(sentence.text, match.start())
                ):
                    detail = "A freshly funded company is offered cost cutting."
                    yield Hit("segment.cost_pitch", detail, (sentence.at(match),))
        sure = facts.segment_confidence
        if sure is not None and sure < self._signals.segment_confidence:
            for sentence, match in reading.hits(_SEGMENT_PITCH):
                if not hedged(sentence.text) and not denied_before(sentence.text, match.start()):
                    detail = f"Segment confidence is {sure}; below {self._signals.segment_confidence} no segment pitch."
                    yield Hit("segment.abstain", detail, (sentence.at(match),))

    def _growth(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, match in reading.hits(_GROWTH):
            text = sentence.text
            if facts.layoff.state is not State.HAPPENED or denied_before(text, match.start()):
                continue
            if sentence.asks or not hedged(text):
                detail = "The context holds a layoff, and the draft speaks of growth."
                yield Hit("segment.growth_after_layoff", detail, (sentence.at(match),))
        if facts.open_roles == 0:
            for sentence, match in reading.hits(_CAPACITY):
                text = sentence.text
                if not denied_before(text, match.start()) and not hedged_before(text, match.start()):
                    detail = "No role is open, and the draft pitches capacity for growth."
                    yield Hit("segment.growth_without_roles", detail, (sentence.at(match),))

    def _ai(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        needed = self._signals.ai_pitch_score
        if facts.ai_score is None or facts.ai_score >= needed:
            return
        for sentence, match in reading.hits(_AI):
            text = sentence.text
            if not _AI_PITCH.search(text) or _AI_FIRST.search(text) or hedged(text):
                continue
            if not denied_before(text, match.start()):
                detail = f"AI maturity is {facts.ai_score}; such a pitch needs {needed}."
                yield Hit("segment.ai_pitch", detail, (sentence.at(match),))

    def _stage(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """A pitch made for companies of another age than this one."""
        stage = next((v for k, v in facts.pairs if k.endswith(("funding stage", "funding event round"))), "")
        late = stage == "public" or bool(rounds_in(stage) & {"c", "d", "e", "f", "g", "h"})
        early = bool(rounds_in(stage) & {"pre-seed", "seed", "a"})
        if not late and not early:
            return
        for sentence, match in reading.hits(_EARLY if late else _LATE):
            if not denied_before(sentence.text, match.start()):
                yield Hit(
                    "segment.mismatch", f'The pitch is for another stage than "{stage[:20]}".', (sentence.at(match),)
                )

    def _disqualified(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        if not facts.disqualifiers or _RESPECT.search(reading.lower_body):
            return
        start, end = reading.core
        reason = facts.disqualifiers[0].split(",")[0][:60]
        yield Hit(
            "segment.disqualified", f'The context disqualifies this prospect ("{reason}").', (("body", start, end),)
        )
