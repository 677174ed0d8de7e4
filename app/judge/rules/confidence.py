"""Confidence: how firmly a draft may speak of a signal, given the tier, the open roles and the velocity.

A high tier carries an assertion; medium and low carry a question or a condition; none carries nothing. Few open roles
are a weak hiring signal at any tier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.events import State
from app.judge.rules.facts import Facts, Tier
from app.judge.rules.phrasing import denied_before, hedged
from app.judge.rules.reading import Hit, Reading, Sentence

_RAPID = re.compile(
    r"\b(?:(?:aggressive(?:ly)?|rapid(?:ly)?|explosive(?:ly)?|massive(?:ly)?|hyper-?|fast|quick(?:ly)?|significant(?:ly)?|strong|huge|dramatic(?:ally)?|tremendous|exponential(?:ly)?|impressive|incredible|furious(?:ly)?)[\s-]?"
    r"(?:\w+ ){0,2}?(?:growth|growing|hiring|scaling|expansion|expanding|recruiting|recruitment|scale-up|hiring (?:push|spree|momentum|surge|wave)|momentum)"
    r"|(?:scaling|hiring|growing|expanding|recruiting)(?: (?:your|its|their|the|an?|engineering|technical|team|teams|headcount|up|out|in|across|very|so|quite|really|extremely)){0,5}? (?:aggressively|rapidly|fast|quickly|hard|like crazy|at (?:speed|pace)|at a (?:rapid|fast|furious) pace)"
    r"|(?:hiring|recruiting|growth|talent) (?:spree|surge|push|boom|wave|frenzy|blitz|explosion)|(?:high|hyper)[- ]growth|hypergrowth|grow (?:your )?headcount aggressively|doubling (?:your|the) (?:team|headcount)|"
    r"skyrocket\w*|outpac\w+|ramping up (?:hiring|quickly|fast)|building out (?:a |your )?(?:significant|large|massive))\b"
)
_GROWTH = re.compile(
    r"\b(?:your (?:\w+ ){0,2}?(?:growth|expansion|scale-up)|(?:you(?:'re| are)|is|are|has been|have been) (?:clearly |now |currently |actively |rapidly )?(?:scaling|growing|expanding)|as you (?:scale|grow|expand)|growth (?:story|journey|trajectory|phase|stage))\b"
)
_SURE = re.compile(
    r"\b(?:clearly|obviously|undoubtedly|without (?:a )?doubt|evidently|no doubt|definitely|certainly|surely|i know (?:that )?(?:you|your)|we know (?:that )?(?:you|your)|i know that|we know that|must be|must have|"
    r"it(?:'s| is) (?:clear|obvious|evident)|of course you|you are definitely|proves? that|this means you|that means you|you(?:'re| are) (?:no doubt|going to need)|you will need|will need support|inevitabl\w+)\b"
)
_MIND = re.compile(
    r"\b(?:you(?:r team|r engineers)? (?:must|are (?:surely|probably|clearly|definitely)|is (?:surely|clearly)) (?:be |feel(?:ing)? )?(?:feeling|under|struggling|facing|overwhelmed|stretched|looking|desperate|need\w*|frustrated|worried|experiencing)|"
    r"must be (?:feeling|under|hard|tough|difficult|struggling|overwhelm\w*|stretched|exciting|challenging)|i(?:'m| am) sure you|we(?:'re| are) sure you|we know (?:you|how)|i know (?:you(?!'re busy)|how|that (?:you|your))|you(?:r team)? (?:need|needs|require|requires) (?:help|us|our|more|additional|a (?:partner|vendor)|support))\b"
)
_CLAIM = re.compile(
    r"\b(?:i|we) (?:saw|noticed|see|read|heard|spotted|found|observed|came across)\b|\bcongrat\w*|\byour (?:recent|latest|new|current|rapid|open|public|ongoing)\b|\b(?:since|given|with) your (?:\w+ )?(?:raise|round|funding|hiring|series|growth|expansion|layoffs?)\b"
)
_SUBJECT_OF_SIGNAL = re.compile(r"\b(?:hiring|roles?|openings?|funding|raise[d]?|round|series|layoffs?|restructur\w*|growth|growing|scaling|expand\w*|expansion|ai|ml|maturity|cto|vp|leadership|velocity|headcount)\b")
_FUNDED = re.compile(r"\b(?:raised|raise|round|funding|series [a-h]|capital)\b")


class Confidence:
    """Checks ``confidence.*``."""

    def __init__(self, policy: Policy) -> None:
        self._roles = policy.signals.hiring_roles

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        flat = facts.velocity is not None and facts.velocity.split()[0:1] in ([w] for w in ("low", "flat", "weak", "slow", "none", "declining", "negative", "unknown"))
        few = facts.open_roles is not None and facts.open_roles < self._roles
        for sentence in reading.sentences:
            text = sentence.text
            rapid = _RAPID.search(text)
            if rapid and not self._excused(text, rapid):
                if few:
                    yield Hit("confidence.weak_hiring", f"{facts.open_roles} open roles are too few to be called rapid hiring.", (sentence.at(rapid),))
                elif flat:
                    yield Hit("confidence.growth_unsupported", f'The context gives the velocity as "{facts.velocity}".', (sentence.at(rapid),))
                elif facts.tier in {Tier.LOW, Tier.NONE} or (facts.open_roles is None and not self._growth_known(facts)):
                    yield Hit("confidence.growth_unsupported", "The context does not carry a claim of rapid growth.", (sentence.at(rapid),))
            yield from self._growth(sentence, facts, few=few, flat=flat)
            yield from self._firm(sentence, facts)

    @staticmethod
    def _excused(text: str, match: re.Match[str]) -> bool:
        return denied_before(text, match.start()) or re.search(r"\b(?:if|whether)\b", text[: match.start()]) is not None or re.search(r"\b(?:companies|teams|clients|startups)\b[^,]{0,20}$", text[: match.start()]) is not None

    @staticmethod
    def _growth_known(facts: Facts) -> bool:
        return re.search(r"\b(?:high|strong|aggressive|rapid|increas\w+|surge|growth|grew|growing|scaling|expand\w*|spike)\b", facts.text) is not None

    def _growth(self, sentence: Sentence, facts: Facts, *, few: bool, flat: bool) -> Iterable[Hit]:
        match = _GROWTH.search(sentence.text)
        if not match or hedged(sentence.text) or denied_before(sentence.text, match.start()):
            return
        if facts.open_roles == 0 or (flat and few):
            yield Hit("confidence.growth_unsupported", "The context shows no hiring, and the draft speaks of growth.", (sentence.at(match),))

    def _firm(self, sentence: Sentence, facts: Facts) -> Iterable[Hit]:
        text = sentence.text
        mind = _MIND.search(text)
        if mind and not sentence.asks and not denied_before(text, mind.start()) and not re.search(r"\bif\b", text[: mind.start()]):
            yield Hit("confidence.mind_reading", "The draft asserts what the reader feels or needs.", (sentence.at(mind),))
        if facts.tier is None or facts.tier is Tier.HIGH:
            sure = None
        else:
            sure = _SURE.search(text)
        if sure and _SUBJECT_OF_SIGNAL.search(text) and not denied_before(text, sure.start()):
            yield Hit("confidence.assertive", f"The signal's tier is {facts.tier}; it carries a question or a condition, no assertion.", (sentence.at(sure),))
        claim = _CLAIM.search(text)
        if claim and facts.tier is Tier.NONE and _SUBJECT_OF_SIGNAL.search(text) and not hedged(text) and not denied_before(text, claim.start()):
            yield Hit("confidence.untrusted_signal", "The signal's tier is none; it must not be claimed.", (sentence.at(claim),))
        if facts.weak_funding and _FUNDED.search(text) and re.search(r"\b(?:your|you|congrat\w*|noticed|saw|raised)\b", text):
            match = _FUNDED.search(text)
            if match and not hedged(text) and not denied_before(text, match.start()) and facts.funding.state is not State.DENIED:
                yield Hit("confidence.assertive", "The context trusts the funding too little for an assertion.", (sentence.at(match),))
