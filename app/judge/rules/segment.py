"""Segment: the pitch must be the one that the facts route to, and none where they route nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.events import State
from app.judge.rules.facts import Facts
from app.judge.rules.phrasing import denied_before, hedged
from app.judge.rules.reading import Hit, Reading

_GROWTH = re.compile(
    r"\b(?:congrat\w*[^.!?]{0,60}(?:growth|growing|raise|round|funding|expansion|momentum|success)|(?:exciting|rapid|incredible|amazing|your|explosive|strong) (?:\w+ )?(?:growth|expansion|momentum)|growth (?:phase|story|journey|trajectory|mode)|"
    r"scal(?:e|ing) (?:your team |up |your engineering team )?(?:fast\w*|quick\w*|aggressive\w*|rapid\w*)|rapidly scaling|scaling aggressively|scale (?:your|the) (?:\w+ )?team faster|hiring spree|high-growth)\b"
)
_AI = re.compile(
    r"\b(?:agentic|ai agents?|llm(?:s| pipelines?| platforms?)?|mlops|generative ai|genai|gen ai|rag pipelines?|model (?:serving|fine-?tuning)|ml platforms?|ai (?:integration|roadmap|transformation|strategy|platform|infrastructure|capabilit\w+|initiative\w*|maturity|systems?|adoption|team|function)|"
    r"(?:mature|advanced|production) (?:ai|ml)|machine learning platforms?)\b"
)
_AI_PITCH = re.compile(
    r"\b(?:accelerat\w+|build\w*|deploy\w*|scal\w+|boost\w*|advanc\w+|supercharg\w+|clearly|well-established|mature|serious about|help\w*|deliver\w*|specializ\w+|specialis\w+|catch|gap|behind|transform\w*|expand\w*|engineers|strengthen\w*|drive|driving|next step|your)\b"
)
_AI_FIRST = re.compile(r"\b(?:first|start(?:ing)?|scoped?|assessment|discovery|explor\w+|early|would not assume|if (?:ai|it|that|you)|whether|deliberate\w*|on purpose|intentionally|not (?:yet|a priority|ready)|can wait|later)\b")
_COST = re.compile(
    r"\b(?:cut(?:ting)? (?:your )?(?:\w+ )?(?:costs?|spend|burn)|reduc\w+ (?:your )?(?:\w+ )?(?:costs?|spend|burn|payroll|headcount)|cost[- ](?:savings?|cutting|reduction|restructuring|pressure|efficien\w+)|lower (?:your )?(?:\w+ )?costs?|save (?:money|on|up to|costs?)|cheaper|do more with less)\b"
)
_SEGMENT_PITCH = re.compile(
    r"\b(?:congrat\w* on|post-raise|since your (?:raise|round)|fresh capital|your (?:series [a-h]|recent (?:raise|round|funding))|restructur\w+|after (?:the|your) layoffs?|your new (?:role|cto)|first 90 days|capability gap|as you scale|your growth|scale faster|scaling (?:fast|quickly|aggressively|rapidly))\b"
)
_REMOTE = re.compile(r"\b(?:remote|offshore|africa\w*|nearshore|distributed|outsourc\w+|managed|dedicated|extended?|augment\w*|supplement|external) (?:\w+ )?(?:engineers?|team|developers?|talent|capacity|delivery)\b|\bour (?:engineers|developers|team|talent|bench)\b")
_RESPECT = re.compile(r"\b(?:respect|understand|noted|won't|will not|thank|appreciate|no further|stop)\b")


class Segment:
    """Checks ``segment.*``."""

    def __init__(self, policy: Policy) -> None:
        self._signals = policy.signals

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._disqualified(reading, facts)
        for sentence in reading.sentences:
            text = sentence.text
            growth = _GROWTH.search(text)
            if growth and facts.layoff.state is State.HAPPENED and not denied_before(text, growth.start()) and not (hedged(text) and not sentence.asks):
                yield Hit("segment.growth_after_layoff", "The context holds a layoff, and the draft speaks of growth.", (sentence.at(growth),))
            if facts.ai_score is not None and facts.ai_score < self._signals.ai_pitch_score:
                ai = _AI.search(text)
                if ai and _AI_PITCH.search(text) and not denied_before(text, ai.start()) and not _AI_FIRST.search(text) and not hedged(text):
                    yield Hit(
                        "segment.ai_pitch",
                        f"AI maturity is {facts.ai_score}; such a pitch needs {self._signals.ai_pitch_score}.",
                        (sentence.at(ai),),
                    )
            cost = _COST.search(text)
            if cost and 1 in facts.segments and facts.layoff.state is not State.HAPPENED and not denied_before(text, cost.start()) and not sentence.asks:
                yield Hit("segment.cost_pitch", "A freshly funded company is offered cost cutting.", (sentence.at(cost),))
            low = facts.segment_confidence is not None and facts.segment_confidence < self._signals.segment_confidence
            pitch = _SEGMENT_PITCH.search(text) if low else None
            if pitch and not hedged(text) and not denied_before(text, pitch.start()):
                yield Hit(
                    "segment.abstain",
                    f"Segment confidence is {facts.segment_confidence}; below {self._signals.segment_confidence} no segment pitch is made.",
                    (sentence.at(pitch),),
                )

    def _disqualified(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        if not facts.disqualifiers or _RESPECT.search(reading.lower_body):
            return
        start, end = reading.core
        reason = facts.disqualifiers[0].split(",")[0][:60]
        yield Hit("segment.disqualified", f'The context disqualifies this prospect ("{reason}").', (("body", start, end),))
