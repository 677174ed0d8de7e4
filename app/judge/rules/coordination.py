"""Coordination: who may act next. Links and slots wait for the prospect; opt-outs, law and privacy go to a human.

Asking for a quarter of an hour is no booking. A slot that is claimed as booked, or another time than the prospect gave,
fails at any stage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.facts import Facts
from app.judge.rules.phrasing import denied_before
from app.judge.rules.reading import Hit, Reading
from app.judge.rules.slots import contradicts, read_slot

_LINK_TALK = re.compile(
    r"\b(?:here(?:'s| is) (?:my|our|the|a) (?:calendar|booking|scheduling)(?: link)?|(?:use|click|follow|via|"
    r"through|with|using) (?:my|our|the|this) (?:calendar|booking|scheduling)(?: link)?|"
    r"(?:book|grab|pick|choose|reserve|schedule|select) (?:a |any |your |some )?(?:time|slot|spot|call|meeting|"
    r"demo|session)s?(?: (?:directly|with me|with us))?(?: \w+){0,3}? (?:here|below|at|via|through|using|"
    r"on (?:my|our) calendar)|book (?:here|directly)|"
    r"my calendar (?:is|:)|calendar link:|on my calendar|here(?:'s| is) \w+'s calendar|(?:dropping|sharing|"
    r"sending|leaving) (?:you )?(?:my|our|the|a) (?:calendar|booking))\b"
    r"|\b(?:calendar|book(?:ing)?|schedul\w+|slot|time)\b[^.?!\n]{0,60}https?://\S|https?://\S{0,60}(?:calendar|"
    r"book|schedul|meeting)"
)
_SLOT = re.compile(
    r"\b(?:how (?:about|does|is)|does|would|are you (?:free|available)(?: on| for)?|let's (?:meet|talk|speak|do|"
    r"say|connect)(?: on)?|shall we (?:say|do)|can we (?:do|meet|talk|speak)(?: on)?|i (?:have|can do|am free|"
    r"'m free)|i've got|options?(?: \w+){0,4}:|available(?: on| at)?|proposed? times?)\b[^.?!]{0,40}?"
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow)\b[^.?!]{0,15}?(?:\b(?:at |"
    r"@ ?)?\d{1,2}(?::\d\d)? ?(?:am|pm|h\b|utc|gmt|cet|est|et|pt|eat)|\bat (?:\d{1,2}(?::\d\d)?|noon)|"
    r"\b(?:morning|afternoon|noon)\b)"
    r"|\b20\d\d-\d\d-\d\dt\d\d:\d\d"
)
_CLAIMED = re.compile(
    r"\b(?:(?:i|we)(?:'ve| have|'ll go ahead and| went ahead and| took the liberty of)? (?:just |already |"
    r"gone ahead and )?"
    r"(?:booked|scheduled|reserved|blocked|confirmed|set up|put|added|penciled|pencilled|booking|scheduling) "
    r"(?:us |you |your |a |an |the |our |in |this )?(?:\w+ ){0,4}?(?:call|meeting|slot|time|calendar|invite|"
    r"session|demo|in|"
    r"for (?:mon|tues|wednes|thurs|fri|satur|sun)day|for tomorrow|intro)"
    r"|(?:call|meeting|slot|demo|session|booking|appointment)(?: \w+){0,4}? (?:is|has been|are|was) (?:now |"
    r"already |all )?"
    r"(?:booked|scheduled|confirmed|set|reserved|locked)"
    r"|i(?:'ve| have) booked|it(?:'s| is) (?:now )?(?:in|on) (?:the|your) calendar"
    r"|confirmed for (?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|invit(?:e|ation) (?:has been|is|was) (?:sent|on its way|in your)"
    r"|(?:i|we)(?:'ve| have)? (?:just |already )?sent (?:you )?(?:a |the )?(?:calendar )?invit(?:e|ation)"
    r"|you(?:'re| are) (?:all )?(?:booked|confirmed|set) (?:in|for)"
    r"|see you (?:on )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow|then)"
    r"|(?<![\w,)] )(?:confirmed|booked)\b[^.?!]{0,30}\b(?:call|meeting|monday|tuesday|wednesday|thursday|friday)"
    r"|(?:looking forward to|talk to you|speak) (?:our |the )?(?:call |meeting |chat )?(?:on )?(?:mon|tues|"
    r"wednes|thurs|fri)day)\b"
)
_WHEN = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow)s?\b|\b\d{1,2}(?::\d\d| ?[ap]m\b|(?:st|nd|rd|"
    r"th)\b| [a-z]{3,9}\b)"
    r"|\bat \d{1,2}\b|\bnoon\b"
)
_ANOTHER_MATTER = re.compile(r",? (?:and|but|so) (?:i|we|our|the|you|he|she|they)(?:'\w+)? (?!confirm)")
_CONFIRMS = re.compile(
    r"\b(?:confirm\w*|works?|suits?|noted|agreed|down for|it is|(?:in|on) (?:the|our|my|your) (?:diary|"
    r"diaries|calendar)|booked|scheduled|set|see you|locked|perfect|great|invite|done|"
    r"talk (?:to you )?(?:on|at))\b"
)
_CHANNEL = re.compile(
    r"\b(?:sms|text (?:message|you)|texting|whats ?app|i(?:'ll| will) (?:call|ring|text|phone) (?:you|your)|"
    r"(?:call|ring|phone|reach) (?:you |your )?(?:on |at )?(?:your )?(?:cell|mobile|phone|desk)|your (?:cell|"
    r"mobile|phone) number|telegram|call you (?:on|at)|give you a (?:ring|call (?:tomorrow|today|on|at|this)))\b"
)
_CONSENT = re.compile(
    r"\b(?:text me|call me|sms|whats ?app|my (?:number|mobile|cell|phone)|ring me|phone me|\+?\d[\d ()-]{7,})\b"
)
_LEGAL_ASKED = re.compile(
    r"\b(?:gdpr|ccpa|hipaa|data (?:processing agreement|deletion|protection|privacy)|dpa\b|nda|non-?disclosure|"
    r"exclusiv(?:e|ity)|msa\b|contract(?:ual)? terms|legal|liabilit\w+|indemni\w+|intellectual property|"
    r"ip (?:ownership|assignment|rights)|privacy|delete (?:all )?(?:my|our) (?:personal )?data|lawsuit|"
    r"cease and desist|attorney|lawyer|non-?compete)\b"
)
_LEGAL_GIVEN = re.compile(
    r"\b(?:(?:will|can|'ll|happy to|ready to|would|already|have) (?:gladly |happily )?(?:sign|agree to|execute|"
    r"accept|honou?r|comply with|send (?:you )?(?:over )?(?:an?|the|our)) (?:\w+ ){0,3}?(?:nda|non-?disclosure|"
    r"dpa|msa|agreement|exclusiv\w+|contract|gdpr|terms)|"
    r"(?:we|i|lawyers?|counsel|legal|team) (?:\w+ )?(?:sign(?:s|ed)?|accept(?:s|ed)?|agree(?:s|d)? to) (?:\w+ ){0,3}?"
    r"(?:nda|non-?disclosure|dpa|msa|exclusiv\w+|contract terms)|"
    r"we (?:are|'re) (?:fully |100% )?(?:gdpr|hipaa|soc ?2|iso ?27001|ccpa|pci)[- ](?:compliant|certified)|"
    r"(?:are|is) (?:fully )?(?:gdpr|hipaa|ccpa|pci)[- ]compliant|no (?:special |"
    r"additional )?compliance (?:steps?|requirements?)|you (?:will )?own (?:all )?(?:the )?(?:ip|"
    r"intellectual property|code)|exclusive(?:ly)? (?:to|for|with) you|guarantee exclusivity)\b"
)
_ROUTED = re.compile(
    r"\b(?:delivery lead|legal team|colleague|human|someone from|our (?:team|lead|legal|counsel|partner)|"
    r"right person|escalat\w+|pass (?:this|it|that) (?:on|along|to)|loop(?:ing)? in|hand(?:ing)? (?:this|"
    r"it) (?:over|to)|forward(?:ing|ed)? (?:this|it)|route|connect you|not (?:able|something i can)|"
    r"cannot (?:answer|commit|confirm|agree)|can't (?:answer|commit|confirm|agree)|should not|shouldn't|won't)\b"
)
_FAREWELL = re.compile(
    r"\b(?:won't (?:contact|e-?mail|write|reach|message|follow)|will not (?:contact|e-?mail|write|reach|message|"
    r"follow)|remov(?:e|ed|ing) you|(?:be|been|are|'re) (?:now )?removed|noted your (?:request|opt)|"
    r"taken you off|no (?:further|more) (?:e-?mails?|messages|contact|follow)|unsubscribed|stop (?:here|"
    r"contacting|writing|reaching)|close (?:the|this) (?:loop|thread|file)|respect (?:your|that)|sorry for)\b"
)
_NO = re.compile(
    r"\b(?:not interested|no,? thanks?|no,? thank you|please don't|do not (?:follow up|reach out)|stop|(?:aren't|"
    r"are not|not) looking|don't outsource|only hire|never again|not (?:a|the) (?:priority|fit|right)|"
    r"not right for|decided (?:not|against|to stay)|hiring freeze|premature|remove me|unsubscribe|we(?:'re|"
    r" are) (?:all set|good|sticking)|deliberately (?:don't|avoid))\b"
)
_PUSH = re.compile(
    r"\b(?:i|we) (?:hear|understand|respect|get|appreciate|know)\b[^.!?\n]{0,60}[,;-]? ?\bbut\b|\b(?:still|"
    r"really|definitely|genuinely) (?:is |are |would |be )?(?:worth|recommend|valuable|address|solve|help|"
    r"benefit)\b|"
    r"\bworth (?:considering|revisiting|reconsidering|planning (?:now|for)|exploring (?:now|anyway))\b|"
    r"\b(?:before (?:i|we) (?:go|remove|close|book|proceed|confirm)|one (?:last|more|final) (?:thing|try|"
    r"question)|regardless of|are you sure|"
    r"just hear me out|give us (?:a|one) chance|change your mind|reconsider|a few more questions|but we could|"
    r"despite (?:that|your))\b|\beven (?:with|if|though|so)\b[^.!?\n]{0,80}\b(?:recommend|worth|still|should|"
    r"could)\b|"
    r"^(?:great|wonderful|perfect|awesome|excellent|fantastic|that's great)\b"
)


class Coordination:
    """Checks ``coordination.*``."""

    def __init__(self, policy: Policy) -> None:
        self._rule = policy.booking.before_ready
        domains = sorted((re.escape(domain) for domain in policy.booking.link_domains), key=len, reverse=True)
        self._domains = (
            re.compile(
                rf"(?<![\w.-])(?:https?://)?(?:www\.|[\w-]{{1,40}}\.)?(?:"
                rf"{'|'.join(domains)})(?![\w.-]*\.[a-z])[\w/?=&%.-]{{0,200}}"
            )
            if domains
            else None
        )

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._opt_out(reading, facts)
        yield from self._legal(reading, facts)
        yield from self._human(reading, facts)
        if not facts.ready and self._rule != "allow_link":
            yield from self._links(reading)
        if not facts.ready and self._rule == "forbid" and not _answers_time(facts):
            for sentence, match in reading.hits(_SLOT):
                detail = "A time is proposed before the prospect asked to meet."
                yield Hit("coordination.booking", detail, (sentence.at(match),))
        for sentence, match in reading.hits(_CLAIMED):
            text = sentence.text
            if _AGREES.match(match.group()) and _answers_time(facts):
                continue  # the prospect named the time; whether it is the same one is slot_altered's question
            if not denied_before(text, match.start()) and not _WHEN_AGREED.search(text[: match.start()]):
                detail = "A meeting is claimed as booked; only the prospect's own booking makes it so."
                yield Hit("coordination.slot_claimed", detail, (sentence.at(match),))
        for sentence, match in reading.hits(_CHANNEL):
            if not denied_before(sentence.text, match.start()) and not _CONSENT.search(facts.prospect_text):
                detail = "A channel is used that the prospect did not agree to."
                yield Hit("coordination.channel", detail, (sentence.at(match),))
        yield from self._altered(reading, facts)

    def _links(self, reading: Reading) -> Iterable[Hit]:
        for field, text in reading.fields:
            if self._domains is not None:
                for match in self._domains.finditer(text):
                    yield Hit(
                        "coordination.booking",
                        "A booking link stands before the prospect asked to meet.",
                        ((field, *match.span()),),
                    )
        if self._rule != "forbid":
            return
        for sentence, match in reading.hits(_LINK_TALK):
            if not denied_before(sentence.text, match.start()) and not _OFFERED.search(sentence.text[: match.start()]):
                detail = "A booking link is offered before the prospect asked to meet."
                yield Hit("coordination.booking", detail, (sentence.at(match),))

    def _altered(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """The draft confirms a weekday or hour that the prospect did not name."""
        given = read_slot(_last_said(facts))
        if not given.named:
            return
        for sentence in reading.sentences:
            text = sentence.text[:1_500]
            text = re.split(r" - |, (?:just|is|does|would|could)\b", text)[0] if sentence.asks else text
            text = _ANOTHER_MATTER.split(text)[0]
            if sentence.field == "subject" or text.rstrip().endswith("?") or not _CONFIRMS.search(text):
                continue
            match = _WHEN.search(text)
            if match and contradicts(read_slot(text), given) and not denied_before(text, match.start()):
                detail = "Another time is confirmed than the prospect gave."
                yield Hit("coordination.slot_altered", detail, (sentence.at(match),))

    def _opt_out(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        if facts.opted_out and not _FAREWELL.search(reading.lower_body):
            start, end = reading.core
            yield Hit("coordination.opt_out", "The prospect asked not to be written to.", (("body", start, end),))

    def _legal(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        for sentence, match in reading.hits(_LEGAL_GIVEN):
            if not denied_before(sentence.text, match.start()):
                detail = "A legal, privacy or exclusivity matter is answered; it is for a human."
                yield Hit("coordination.legal", detail, (sentence.at(match),))
        asked = _LEGAL_ASKED.search(_last_said(facts))
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
        said = _last_said(facts)
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


_AGREES = re.compile(r"see you|confirmed|looking forward|talk to you|speak")
_WHEN_AGREED = re.compile(r"\b(?:if|once|when)\b")
_OFFERED = re.compile(r"\b(?:if|once|can|could|would|want|shall|should|happy to)\b")


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


def _last_said(facts: Facts) -> str:
    for message in reversed(facts.context.prior_thread):
        if message.role == "prospect":
            return message.content.lower()[:4_000]
    return facts.prospect_text[:4_000]


def _answers_time(facts: Facts) -> bool:
    """Whether the prospect named a time, so that naming one back is an answer."""
    said = read_slot(_last_said(facts))
    return bool(said.days or said.hours)
