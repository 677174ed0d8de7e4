"""Coordination: who may act next. One thing is asked; booking waits; opt-outs, law and privacy go to a human."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.asks import count_asks
from app.judge.rules.booking import Booking, last_said
from app.judge.rules.facts import Facts
from app.judge.rules.open_asks import further_asks
from app.judge.rules.open_claims import channels_used
from app.judge.rules.phrasing import at_words, denied_before
from app.judge.rules.reading import Hit, Reading

_CHANNEL = re.compile(
    r"\b(?:sms|text (?:message|you)|texting|whats ?app|i(?:'ll| will) (?:call|ring|text|phone) (?:you|your)|(?:call|"
    r"ring|phone|reach) (?:you |your )?(?:on |at )?(?:your )?(?:cell|mobile|phone|desk)|your (?:cell|mobile|phone) "
    r"number|telegram|call you (?:on|at)|give you a (?:ring|call (?:tomorrow|today|on|at|this)))\b"
)
_CONSENT = re.compile(
    r"\b(?:text me|call me|sms|whats ?app|my (?:number|mobile|cell|phone)|ring me|phone me|\+?\d[\d ()-]{7,})\b"
)
_LEGAL_ASKED = re.compile(
    r"\b(?:gdpr|ccpa|hipaa|data (?:processing agreement|deletion|protection|privacy)|dpa\b|nda|non-?disclosure|"
    r"exclusiv(?:e|ity)|msa\b|contract(?:ual)? terms|legal|liabilit\w+|indemni\w+|intellectual property|ip "
    r"(?:ownership|assignment|rights)|privacy|delete (?:all )?(?:my|our) (?:personal )?data|lawsuit|cease and "
    r"desist|attorney|lawyer|non-?compete)\b"
)
_LEGAL_GIVEN = re.compile(
    r"\b(?:(?:will|can|'ll|happy to|ready to|would|already|have) (?:gladly |happily )?(?:sign|agree to|execute|"
    r"accept|honou?r|comply with|send (?:you )?(?:over )?(?:an?|the|our)) (?:\w+ ){0,3}?(?:nda|non-?disclosure|dpa|"
    r"msa|agreement|exclusiv\w+|contract|gdpr|terms(?! of reference))|(?:we|i|lawyers?|counsel|legal|team) (?:\w+ "
    r")?(?:sign(?:s|ed)?|accept(?:s|ed)?|agree(?:s|d)? to) (?:\w+ ){0,3}?(?:nda|non-?disclosure|dpa|msa|exclusiv\w+|"
    r"contract terms)|we (?:are|'re) (?:fully |100% )?(?:gdpr|hipaa|soc ?2|iso ?27001|ccpa|pci)[- ](?:compliant|"
    r"certified)|(?:are|is) (?:fully )?(?:gdpr|hipaa|ccpa|pci)[- ]compliant|no (?:special |additional )?compliance "
    r"(?:steps?|requirements?)|you (?:will )?own (?:all )?(?:the )?(?:ip|intellectual property|code)|"
    r"exclusive(?:ly)? (?:to|for|with) you|guarantee exclusivity)\b"
)
_ROUTED = re.compile(
    r"\b(?:delivery lead|legal team|colleague|human|someone from|our (?:team|lead|legal|counsel|partner)|right "
    r"person|escalat\w+|pass (?:this|it|that) (?:on|along|to)|loop(?:ing)? in|hand(?:ing)? (?:this|it) (?:over|to)|"
    r"forward(?:ing|ed)? (?:this|it)|route|connect you|not (?:able|something i can)|cannot (?:answer|commit|confirm|"
    r"agree)|can't (?:answer|commit|confirm|agree)|should not|shouldn't|won't|(?:isn't|aren't|not|never|neither|"
    r"nothing) (?:\w+ )?(?:mine|for me|my (?:field|call|decision|department|place|job)|in my (?:gift|power|hands|"
    r"remit)|authori[sz]ed|entitled|qualified|allowed|the one|the person)|(?:beyond|above|outside) (?:my|what i)|no "
    r"(?:authority|mandate|say)|pass(?:ed|ing)? (?:\w+ ){1,5}?(?:on )?to|(?:goes|go|went|gone|sent|send|taken|take|"
    r"brought|bring|put|leave|left) (?:\w+ ){0,5}?(?:to|with|before) (?:our|the|a|my|someone|somebody|legal|those|"
    r"people|[a-z]+,? (?:in|our|who))|(?:is|are|be|belongs?) (?:\w+ )?(?:for|with|to|up to) (?:our|your|the|a|"
    r"someone|somebody|legal|lawyers|people|those)\b|(?:who|she|he|they|someone|somebody|person|people|colleagues?) "
    r"(?:\w+ )?(?:answers?|decides?|handles?|looks? after|deals? with|settles?|owns?|signs?|draws? up|writes?|"
    r"knows?|is responsible|is in charge|has the)|lawyers?|counsel|solicitor|legal (?:people|side|desk|department|"
    r"lead|staff|colleague)|in legal|privacy (?:lead|officer|team|person)|data protection officer|dpo|territory|"
    r"stay out|bind (?:the|us|anyone)|have to (?:ask|check|confirm|consult)|ask (?:our|the|my|someone)|check "
    r"(?:with|internally)|can(?:not|'t) (?:promise|say|speak|sign|decide|settle|bind|tell|give|grant|offer|advise|"
    r"judge)|will not (?:answer|promise|guess|sign|settle)|rather not|(?:do|does) not (?:decide|sign|know)|don't "
    r"(?:decide|sign|know))\b"
)
_FAREWELL = re.compile(
    r"\b(?:won't (?:contact|e-?mail|write|reach|message|follow)|will not (?:contact|e-?mail|write|reach|message|"
    r"follow)|remov(?:e|ed|ing) you|(?:be|been|are|'re) (?:now )?removed|noted your (?:request|opt)|taken you off|"
    r"no (?:further|more) (?:e-?mails?|messages|contact|follow)|unsubscribed|stop (?:here|contacting|writing|"
    r"reaching)|close (?:the|this) (?:loop|thread|file)|respect (?:your|that)|sorry for)\b"
)
_NO = re.compile(
    r"\b(?:not interested|no,? thanks?|no,? thank you|please don't|do not (?:follow up|reach out)|stop|(?:aren't|"
    r"are not|not) looking|don't outsource|only hire|never again|not (?:a|the) (?:priority|fit|right)|not right for|"
    r"decided (?:not|against|to stay)|hiring freeze|premature|remove me|unsubscribe|we(?:'re| are) (?:all set|good|"
    r"sticking)|deliberately (?:don't|avoid))\b"
)
_PUSH = at_words(
    r"\b(?:i|we) (?:hear|understand|respect|get|appreciate|know)\b[^.!?\n]{0,60}[,;-]? ?\bbut\b|\b(?:still|really|"
    r"definitely|genuinely) (?:is |are |would |be )?(?:worth|recommend|valuable|address|solve|help|benefit)\b|"
    r"\bworth (?:considering|revisiting|reconsidering|planning (?:now|for)|exploring (?:now|anyway))\b|\b(?:before "
    r"(?:i|we) (?:go|remove|close|book|proceed|confirm)|one (?:last|more|final) (?:thing|try|question)|regardless "
    r"of|are you sure|just hear me out|give us (?:a|one) chance|change your mind|reconsider|a few more questions|"
    r"but we could|despite (?:that|your))\b|\beven (?:with|if|though|so)\b[^.!?\n]{0,80}\b(?:recommend|worth|still|"
    r"should|could)\b|^(?:great|wonderful|perfect|awesome|excellent|fantastic|that's great)\b"
)


class Coordination:
    """Checks ``coordination.*``."""

    def __init__(self, policy: Policy) -> None:
        self._booking = Booking(policy)
        self._asks = policy.limits.asks

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._opt_out(reading, facts)
        yield from self._legal(reading, facts)
        yield from self._human(reading, facts)
        yield from self._channel(reading, facts)
        yield from self._booking(reading, facts)
        asks = count_asks(reading)
        if len(asks) <= self._asks == 1:
            asks = list(further_asks(reading)) or asks
        if len(asks) > self._asks:
            yield Hit(
                "coordination.multi_ask",
                f"The draft asks for {len(asks)} things; {self._asks} is allowed.",
                tuple(ask.span for ask in asks[:10]),
            )

    def _channel(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        if _CONSENT.search(facts.prospect_text):
            return
        used = [found for found in reading.hits(_CHANNEL) if not denied_before(found[0].text, found[1].start())]
        if not used and not facts.ready:
            used = list(channels_used(reading, facts.prospect_text))
        for sentence, match in used:
            detail = "A channel is used that the prospect did not agree to."
            yield Hit("coordination.channel", detail, (sentence.at(match),))

    def _opt_out(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        if facts.opted_out and not _FAREWELL.search(reading.lower_body):
            start, end = reading.core
            yield Hit("coordination.opt_out", "The prospect asked not to be written to.", (("body", start, end),))

    def _legal(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, match in reading.hits(_LEGAL_GIVEN):
            if not denied_before(sentence.text, match.start()):
                detail = "A legal, privacy or exclusivity matter is answered; it is for a human."
                yield Hit("coordination.legal", detail, (sentence.at(match),))
        asked = _LEGAL_ASKED.search(last_said(facts))
        if asked and not _ROUTED.search(reading.lower_body):
            start, end = reading.core
            yield Hit(
                "coordination.legal",
                "The prospect raised a legal or privacy matter, and the draft hands it to no human.",
                (("body", start, end),),
            )

    def _human(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        rule = next(
            (
                value
                for key, value in facts.pairs
                if key.endswith(("escalation rule", "needs human", "human required", "escalate"))
            ),
            None,
        )
        if (
            rule
            and rule not in {"false", "none", "no"}
            and _applies(rule, facts)
            and not _ROUTED.search(reading.lower_body)
        ):
            start, end = reading.core
            yield Hit(
                "coordination.human_needed",
                "The context asks for a human here, and the draft goes on without one.",
                (("body", start, end),),
            )
        said = last_said(facts)
        refused = any("rejection" in key and not key.endswith(("count", "strength")) for key, _ in facts.pairs) or any(
            value in {"hard no", "hard_no", "not interested", "rejected"}
            for key, value in facts.pairs
            if re.search(r"\b(?:reply|response|class|type)\b", key)
        )
        if refused or (_NO.search(said) and len(said) < 600):
            for sentence, match in reading.anchored(_PUSH):
                if sentence.field == "body":
                    detail = "The prospect said no, and the draft argues or pushes on."
                    yield Hit("coordination.pushback", detail, (sentence.at(match),))


def _applies(rule: str, facts: Facts) -> bool:
    """Whether an escalation rule holds here: a headcount above its number, and the top of a company when it says so."""
    bound = re.search(r"(?:gt|over|above|>)[\s_]?(\d{2,6})", rule)
    if bound:
        sizes = [
            int(value)
            for key, value in facts.pairs
            if re.search(r"\b(?:headcount|employees?|size)\b", key) and value.isdecimal()
        ]
        if not sizes or max(sizes) <= int(bound.group(1)):
            return False
    if re.search(r"c[\s_-]?level|executive", rule):
        roles = " ".join(value for key, value in facts.pairs if re.search(r"\b(?:role|title)\b", key))
        return re.search(r"\bc[\s_-]?level|\bchief|\bc[teofi]o\b|founder", roles) is not None
    return True
