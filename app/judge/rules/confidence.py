"""Confidence: how firmly a draft may speak of a signal, given the tier, the open roles and the velocity.

A high tier carries an assertion; medium and low carry a question or a condition; none carries nothing. Few open roles
are a weak hiring signal at any tier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.context_fields import Tier
from app.judge.rules.events import State
from app.judge.rules.facts import Facts
from app.judge.rules.open_minds import minds_read
from app.judge.rules.open_tiers import doubted, told_flat
from app.judge.rules.phrasing import denied_before, hedged
from app.judge.rules.reading import Hit, Reading

_RAPID = re.compile(
    r"\b(?:(?:aggressive(?:ly)?|rapid(?:ly)?|explosive(?:ly)?|massive(?:ly)?|hyper-?|fast|quick(?:ly)?|"
    r"significant(?:ly)?|strong|huge|dramatic(?:ally)?|tremendous|exponential(?:ly)?|impressive|incredible|"
    r"furious(?:ly)?)[\s-]?(?:(?:engineering|technical|tech|team|headcount|talent|and|business|revenue) "
    r"){0,2}?(?:growth|growing|hiring|scaling|expansion|expanding|recruiting|recruitment|scale-up|hiring (?:push|"
    r"spree|momentum|surge|wave)|momentum)|(?:scaling|hiring|growing|expanding|recruiting)(?: (?:your|its|their|the|"
    r"an?|engineering|technical|team|teams|headcount|up|out|in|across|very|so|quite|really|extremely)){0,5}? "
    r"(?:aggressively|rapidly|fast|quickly|hard|like crazy|at (?:speed|pace)|at a (?:rapid|fast|furious) pace)|"
    r"(?:hiring|recruiting|growth|talent) (?:spree|surge|push|boom|wave|frenzy|blitz|explosion)|(?:high|hyper)[- "
    r"]growth(?! (?:teams|companies|startups|firms|clients))|hypergrowth|grow (?:your )?headcount aggressively|"
    r"doubling (?:your|the) (?:team|headcount)|skyrocket\w*|outpac\w+|ramping up (?:hiring|quickly|fast)|building "
    r"out (?:a |your )?(?:significant|large|massive))\b"
)
_GROWTH = re.compile(
    r"\b(?:your (?:\w+ ){0,2}?(?:growth|expansion|scale-up)|(?:you(?:'re| are)|is|are|has been|have been) "
    r"(?:clearly |now |currently |actively |rapidly )?(?:scaling|growing|expanding)|as you (?:scale|grow|expand)|"
    r"growth (?:story|journey|trajectory|phase|stage))\b"
)
_SURE = re.compile(
    r"\b(?:clearly|obviously|undoubtedly|without (?:a )?doubt|evidently|no doubt|definitely|certainly|surely|i know "
    r"(?:that )?(?:you|your)|we know (?:that )?(?:you|your)|i know that|we know that|must be|must have|it(?:'s| is) "
    r"(?:clear|obvious|evident)|of course you|you are definitely|proves? that|this means you|that means you|"
    r"you(?:'re| are) (?:no doubt|going to need)|you will need|will need support|inevitabl\w+)\b"
)
_MIND = re.compile(
    r"\b(?:you(?:r team|r engineers)? (?:must|are (?:surely|probably|clearly|definitely)|is (?:surely|clearly)) "
    r"(?:be |feel(?:ing)? )?(?:feeling|under|struggling|facing|overwhelmed|stretched|looking|desperate|need\w*|"
    r"frustrated|worried|experiencing)|must be (?:feeling|under|hard|tough|difficult|struggling|overwhelm\w*|"
    r"stretched|exciting|challenging)|i(?:'m| am) sure you|we(?:'re| are) sure you|(?:i|we) know (?:that your?|"
    r"you)\b|(?:i|we) know (?:exactly |only too well |just )?how (?:\w+ ){0,2}?(?:you|your|hard|tough|difficult|"
    r"painful|frustrating|stressful|exciting|challenging|it feels|that feels|this feels)\b|you(?:r team)? (?:need|"
    r"needs|require|requires) (?:help|us|our|more|additional|a (?:partner|vendor)|support))\b"
)
# What anyone may say of a reader: mail and hours are many and few, the reader knows their own house, the reader
# wrote.
_COURTEOUS = re.compile(
    r"[^.?!]{0,40}?\b(?:inbox\w*|e-?mails?|mail|messages?|pitches|calendar|diary|plate|time|hours|minutes|days? "
    r"(?:is|are)|week (?:is|has)|busy|a lot on|plenty (?:on|to)|(?:hear|get|receive) (?:from )?(?:many|a lot|plenty|"
    r"dozens|enough)|know|asked?|wrote|mentioned|said|raised|told)\b(?! \w{2,12}ing\b)"
)
# A sentence that owns up to what it does not know is no assertion, whatever its adverb: "obviously a page proves
# little".
_MODEST = re.compile(
    r"\b(?:tell me (?:if|whether)|know(?:s)? (?:\w+ ){0,5}?(?:better|best)|(?:proves?|says?|means?|tells? (?:me|"
    r"us)) (?:nothing|little|not much)|a guess|unconfirmed|not (?:proof|confirmed)|no proof|no longer (?:online|"
    r"there|up|listed)|(?:is|are) gone)\b"
)
# "Certainly not official", "I could certainly be wrong", "clearly in no position to say": sure of one's own doubt.
_SURE_OF_DOUBT = re.compile(
    r"(?:certainly|surely|clearly|obviously|definitely|evidently) (?:not|no|in no|nothing|behind if|out of date|be "
    r"(?:wrong|mistaken|off|incomplete))\b"
)
# To raise a question in a mail is not to raise money.
_TOPIC_RAISED = re.compile(
    r"\b(?:you|they|he|she)(?:'ve| have)?(?: just| also)? raise[d]?\b(?![^.?!]{0,50}(?:[$€£\d]|\b(?:series|seed|"
    r"round|capital|funding|money|million|venture|investment)\b))"
)
_CLAIM = re.compile(
    r"\b(?:i|we) (?:saw|noticed|see|read|heard|spotted|found|observed|came across)\b|\bcongrat\w*|\byour (?:recent|"
    r"latest|rapid) |\b(?:since|given|with) your (?:\w+ )?(?:raise|round|funding|hiring|series|growth|expansion|"
    r"layoffs?)\b|\byou(?:'ve| have)?(?: just| recently| now)? (?:taken over|took over|joined|become|became|raised|"
    r"closed a|cut|laid off|announced)\b"
)
# A plain statement of what the reader is at, which only a high tier carries.
_UNDER_WAY = re.compile(
    r"(?<!if )(?<!whether )\byou(?:'re| are)(?: now| currently| already| busy)? (?!reading|getting|thinking|asking|"
    r"writing|looking at)(?:hiring|recruiting|looking for|searching for|migrating|rewriting|rebuilding|replacing|"
    r"expanding|moving|rolling out|scaling|opening|launching|restructuring|cutting)\b"
)
_OWN_WORDS = re.compile(
    r"\byour (?:own )?(?:\w+ )?(?:page|site|website|blog|posts?|postings?|ads?|adverts?|notes|release) (?:says?|"
    r"reads?|has it) (?:that )?$"
)
_SUBJECT_OF_SIGNAL = re.compile(
    r"\b(?:hiring|roles?|openings?|funding|raise[d]?|round|series|layoffs?|restructur\w*|growth|growing|scaling|"
    r"expand\w*|expansion|ai|ml|maturity|cto|vp|leadership|velocity|headcount|careers page|looking for|vacanc\w+|"
    r"recruit\w*|jobs?)\b"
)
_FUNDED = re.compile(r"\b(?:raised|raise|round|funding|series [a-h]|capital)\b")


class Confidence:
    """Checks ``confidence.*``."""

    def __init__(self, policy: Policy) -> None:
        self._roles = policy.signals.hiring_roles

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        found = [*self._rapid(reading, facts), *self._growth(reading, facts), *self._firm(reading, facts)]
        yield from found
        if not found:
            yield from self._open(reading, facts)

    def _open(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """The second look: no set phrase was found."""
        if facts.tier in {Tier.LOW, Tier.NONE}:
            check = "confidence.assertive" if facts.tier is Tier.LOW else "confidence.untrusted_signal"
            for sentence in told_flat(reading, facts):
                yield Hit(
                    check, f"The signal's tier is {facts.tier}, and the draft tells it as fact.", (sentence.span,)
                )
        for sentence in minds_read(reading, facts):
            detail = "The draft claims to know what the reader needs, lacks or intends."
            yield Hit("confidence.mind_reading", detail, (sentence.span,))

    def _few(self, facts: Facts) -> bool:
        return facts.open_roles is not None and facts.open_roles < self._roles

    def _rapid(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, match in reading.hits(_RAPID):
            text = sentence.text
            before = text[: match.start()]
            if denied_before(text, match.start()) or _CONDITION.search(before) or _OTHERS.search(before):
                continue
            if self._few(facts):
                yield Hit(
                    "confidence.weak_hiring",
                    f"{facts.open_roles} open roles are too few to be called rapid hiring.",
                    (sentence.at(match),),
                )
            elif facts.flat:
                detail = f'The context gives the velocity as "{facts.velocity}".'
                yield Hit("confidence.growth_unsupported", detail, (sentence.at(match),))
            elif facts.tier in {Tier.LOW, Tier.NONE} or (
                facts.open_roles is None and not _GROWTH_FACT.search(facts.text)
            ):
                detail = "The context does not carry a claim of rapid growth."
                yield Hit("confidence.growth_unsupported", detail, (sentence.at(match),))

    def _growth(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        if facts.open_roles != 0 and not (facts.flat and self._few(facts)):
            return
        for sentence, match in reading.hits(_GROWTH):
            if not hedged(sentence.text) and not denied_before(sentence.text, match.start()):
                detail = "The context shows no hiring, and the draft speaks of growth."
                yield Hit("confidence.growth_unsupported", detail, (sentence.at(match),))

    def _firm(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, match in reading.hits(_MIND):
            text = sentence.text
            if sentence.asks or denied_before(text, match.start()) or _CONDITION.search(text[: match.start()]):
                continue
            if " know " in match.group() and _COURTEOUS.match(text, match.end()):
                continue
            detail = "The draft asserts what the reader feels or needs."
            yield Hit("confidence.mind_reading", detail, (sentence.at(match),))
        if facts.tier is not None and facts.tier is not Tier.HIGH:
            yield from self._by_tier(reading, facts.tier)
        if facts.weak_funding and facts.funding.state is not State.DENIED:
            for sentence, match in reading.hits(_FUNDED):
                text = _TOPIC_RAISED.sub("", sentence.text)
                if not _FUNDED.search(text):
                    continue
                if _TO_READER.search(text) and not hedged(text) and not denied_before(text, match.start()):
                    detail = "The context trusts the funding too little for an assertion."
                    yield Hit("confidence.assertive", detail, (sentence.at(match),))

    def _by_tier(self, reading: Reading, tier: Tier) -> Iterable[Hit]:
        """Wording that only a higher tier would carry."""
        for sentence, match in reading.hits(_SURE):
            if _MODEST.search(sentence.text) or _SURE_OF_DOUBT.match(sentence.text, match.start()):
                continue
            if _SUBJECT_OF_SIGNAL.search(sentence.text) and not denied_before(sentence.text, match.start()):
                detail = f"The signal's tier is {tier}; it carries a question or a condition, no assertion."
                yield Hit("confidence.assertive", detail, (sentence.at(match),))
        for sentence, match in reading.hits(_UNDER_WAY):
            if not (
                _OWN_WORDS.search(sentence.text, 0, match.start())
                or hedged(sentence.text)
                or hedged(reading.after(sentence))
                or denied_before(sentence.text, match.start())
            ):
                detail = f"The signal's tier is {tier}; it carries a question or a condition, no assertion."
                yield Hit("confidence.assertive", detail, (sentence.at(match),))
        if tier is Tier.MEDIUM:
            return
        for sentence, match in reading.hits(_CLAIM):
            text = sentence.text
            raised = _TOPIC_RAISED.search(text)
            if raised and raised.end() == match.end():
                continue
            if (
                not _SUBJECT_OF_SIGNAL.search(text)
                or doubted(text)
                or _MODEST.search(text)
                or denied_before(text, match.start())
            ):
                continue
            if tier is Tier.NONE:
                detail = "The signal's tier is none; it must not be claimed."
                yield Hit("confidence.untrusted_signal", detail, (sentence.at(match),))
            elif not hedged(reading.after(sentence)):
                detail = "The signal's tier is low; it carries a question or a condition, no assertion."
                yield Hit("confidence.assertive", detail, (sentence.at(match),))


_CONDITION = re.compile(r"\b(?:if|whether)\b")
_OTHERS = re.compile(r"\b(?:companies|teams|clients|startups)\b[^,]{0,20}$")
_TO_READER = re.compile(r"\b(?:your|you|congrat\w*|noticed|saw|raised)\b")
_GROWTH_FACT = re.compile(
    r"\b(?:high|strong|aggressive|rapid|increas\w+|surge|growth|grew|growing|scaling|expand\w*|spike)\b"
)
