"""Form: lengths, openers, unfilled tokens, internal words and notes, emoji, shouting, attachments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.facts import Facts
from app.judge.rules.lexicon import Lexicon
from app.judge.rules.phrasing import at_words, word_set
from app.judge.rules.reading import FieldName, Hit, Reading
from app.schemas import TaskType

_TOKENS = re.compile(
    r"\{\{[^{}\n]{0,60}\}\}|\$\{[^{}\n]{0,60}\}|\{%[^\n]{0,60}?%\}|<%[^\n]{0,60}?%>|%%?[A-Z][A-Z_]{2,30}%%?"
    r"|\{[A-Za-z_][\w .'/-]{0,40}\}|<[A-Z][A-Z0-9_ ]{2,40}>|<(?:first|last|your|company|contact|prospect|insert|"
    r"name|title|sender)[\w ]{0,40}>"
    r"|\[(?:your|my|our|the|first|last|full|company|contact|prospect|recipient|sender|client|customer|insert|"
    r"name|title|firm|link|date|time|"
    r"calendar|email|e-mail|phone|signature|role|position|product|industry|city|number|specific|relevant|draft|"
    r"todo|tbd|placeholder|website|"
    r"day|amount|stack|skill|team|job|peer|competitor|url|x+|n|\.\.\.|_+)\b[^\]\n]{0,60}\](?!\()"
    r"|\[[A-Z][A-Z_ ]{2,40}\]|\[[XYZN]\]|\b(?:XX+|TBD|TODO|FIXME|lorem ipsum|FIRSTNAME|FIRST_NAME|"
    r"COMPANY_NAME)\b|_{4,}",
    re.IGNORECASE,
)
_CASED = re.compile(r"^(?:\[[A-Z][A-Z_ ]{2,40}\]|\[[XYZN]\]|<[A-Z][A-Z0-9_ ]{2,40}>|XX+|TBD|TODO|FIXME|%%?[A-Z].*)$")
_NEEDS_CASE = re.compile(
    r"^(?:\[[a-z][a-z_ ]{2,40}\]|\[[xyzn]\]|<[a-z][a-z0-9_ ]{2,40}>|xx+|tbd|todo|fixme|%%?[a-z_]+%%?)$", re.IGNORECASE
)
# Slots that only their spelling gives away: $NUMBER, FNAME, "null null", INSERT X HERE, <pain point>, [similar
# customer].
_SPELLED = re.compile(
    r"\$(?!USD|US\b|AUD|CAD|NZD|SGD)[A-Z][A-Z_]{2,30}\b|\b[FLC]_?NAME\b|\bINSERT(?: [A-Z]{2,20}){1,5}\b|"
    r"\b(?:null null|undefined undefined|NaN)\b"
    r"|<[a-z]{2,20}(?:[ _][a-z]{2,20}){1,3}>|\((?:placeholder|insert|todo|tbc|fixme|fill in|reword|"
    r"replace)\b[^)\n]{0,80}\)"
    r"|\[(?:add|insert|fill|write|mention|describe|replace|choose|select|use|put|reference|"
    r"include)\b[^\]\n]{2,100}\](?!\()"
    r"|\[[a-z][a-z'/]{1,20}(?:[ -]{1,3}[a-z'/]{1,20}){1,9}\](?!\()|\[(?:Add|Insert|Fill|Write|Mention|Describe|"
    r"Replace|Choose|Select|Include) [^\]\n]{2,100}\](?!\()"
)
_KNOWN_BRACKET = re.compile(
    r"^(?:\[(?:your|my|our|first|last|full|company|contact|prospect|recipient|sender|client|customer|insert|name|"
    r"title|"
    r"firm|link|date|time|calendar|email|phone|signature|draft|todo|tbd|placeholder|website|amount|specific|"
    r"relevant)|"
    r"<(?:first|last|your|company|contact|prospect|insert|name|title|sender))",
    re.IGNORECASE,
)
_NOTES = re.compile(
    r"\b(?:word count|character count|subject line \d|hard constraints?|constraint compliance|as an ai\b|"
    r"(?:as|i am|i'm) an? (?:\w+ )?language model|system prompt|"
    r"here(?:'s| is) (?:a|the|your|my) (?:revised |rewritten |updated |improved )?(?:draft|e-?mail|version|"
    r"message)\b|"
    r"(?:note|notes) to (?:self|reviewer|sdr|team)|internal (?:note|only|use)|do not (?:send|forward)|"
    r"revised version|rewritten (?:to|version)|"
    r"per (?:the )?(?:policy|style guide|rubric|instructions)|policy compliance|(?:passes|complies with) (?:all|"
    r"the) (?:checks?|rules?|constraints?|policy)|"
    r"confidence[_ ](?:score|tier)|segment[_ ][0-4](?:_\w+)?|json|prompt:)|\(\d{1,3} (?:words|chars|"
    r"characters)\)|^[ \t]{0,8}(?:subject|body)\s?:"
    r"|\bhc-[a-z]\b|```|'''",
    re.MULTILINE,
)
# A draft without any of these says nothing of how leads are worked.
_PROCESS_WORDS = word_set(
    "bucketed buying buying-signal cadence cadences campaign campaigns classified convert converted crm data "
    "dormant drip drips enriched enrichment fit-score flagged flow group hot imported intent intent-score labeled "
    "labelled lead-score marketing-qualified mql mqls opened persona pipeline playbook purchase qualified quota "
    "routed sal sales-qualified score scored scores scoring seg-0 seg-1 seg-2 seg-3 seg-4 sequence sequences sql "
    "sqo step suppression synced tagged territory tier tier-a tier-b tier-c tier-d touch trigger updated variant "
    "workflow "
)
_ORDINAL = r"(?:\d{1,2}|one|two|three|four|five|six|seven)"
# How a sales team sorts and works its leads: what a reader is to the sender's tools, and is never told.
_PROCESS = at_words(
    rf"\b(?:step|touch|e-?mail|stage|day) {_ORDINAL} (?:of|in) (?:our|the|this|my|a) (?:\w+ ){{0,2}}?(?:sequence|"
    rf"cadence|campaign|workflow|flow|series)\b"
    r"|\b(?:outbound|outreach|nurture|nurturing|drip|sales|prospecting|e-?mail) (?:sequence|cadence|drip)s?\b|"
    r"\b(?<!your )(?:drip|nurture|outreach|outbound) campaigns?\b"
    r"|\b(?:our|my) (?:cadence|sequence)(?: (?:sends?|says?|ends?|continues?|has|moves?)\b|\b(?=[.,;]))|"
    r"\b(?:the|our) workflow (?:sends?|moved|put) (?:you|this|it|me)\b"
    r"|\b(?:lead|intent|fit|icp|engagement|propensity|account|buying)[- ]scores?\b|"
    r"\b(?<!your )(?:lead|intent|fit|icp|propensity|account)[- ]scoring\b|\b(?:the|our) "
    r"scor(?:e|ing)(?: model)? (?:puts?|ranks?|gave|gives|has|says|places)\b"
    r"|\b(?:intent|buying|purchase)[- ]signals?\b[^.?!\n]{0,20}\b(?:trigger|data|score|we)\b|\b(?:match|matched|"
    r"hit|tripped|fired) (?:the|our|a) (?:[\w-]+ ){0,2}?trigger\b"
    r"|\b(?:your|the|buyer) persona\b[^.?!\n]{0,25}\b(?:in our|is|system)\b|\b(?:in|as|to|a) "
    r"tier [a-d]\b|\btier[- ][a-d] (?:account|lead|prospect)"
    r"|\b(?:in|from|into|of|by) (?:our|my) crm\b|\bour crm\b|\bmqls?\b|\b(?:marketing|sales)[- ]qualified\b|"
    r"\b(?:convert|move|turn|promote)\w*\b[^.?!\n]{0,40}\ban? "
    r"(?:sql|sqo|sal|opportunity)\b(?! (?:server|database|quer))|\bdormant (?:lead|account|contact|prospect)\b"
    r"|\ba/b[- ]?test\w*\b[^.?!\n]{0,40}\b(?:you|your|group|variant|arm|text)\b|\b(?:growth|control|short|long|"
    r"test|holdout) variant\b|\byou\w* [^.?!\n]{0,30}\b(?:control|test|treatment) group\b|"
    r"\b(?:you|this) (?:is|are|got|get|received?) (?:in )?variant\b"
    r"|\b(?:per|following|according to|by) (?:the|our|my) playbook\b|\b(?:our|the) (?:enrichment|intent) (?:data|"
    r"vendor|provider|tool|run)\b|\b(?:your|the|this) (?:record|contact|profile) "
    r"(?:was|is|has been|got) (?:enriched|routed|updated|synced|scored|imported)\b|\b(?:hot|"
    r"suppression) list\b"
    r"|\bpipeline (?:coverage|target|goal|gap)\b|\b(?:my|our) (?:sales )?(?:territory|quota)\b|\bopened (?:step|"
    r"touch|e-?mail|message) "
    rf"{_ORDINAL}\b|\b(?:tagged|classified|labell?ed|bucketed|flagged) (?:\w+ )?as (?:an? )?(?:seg\w*[- ]?\d|icp|"
    rf"mql|tier|hot|warm|cold)\b|\bseg-\d\b|\bdata run\b"
)
_EMOJI = re.compile(
    "[\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f700-\U0001faff\u2600-\u26ff\u2700-\u27bf\u2b50\u2b55\U0001f1e6-\U0001f1ff]"
)
_ATTACHMENT = re.compile(
    r"\b(?:(?<!lead )(?<!leads )(?<!engineer )attach(?:ed(?! to (?!this|the e?-?mail|my))|ing|"
    r"ment|ments)|enclosed|find the (?:deck|pdf|brochure|document)|(?:see|in) the (?:deck|"
    r"pdf|brochure) below)\b"
)
_NOTHING_ATTACHED = re.compile(
    r"\battach\w+ (?:nothing|no)\b|\b(?:no|without|nothing|not|haven't|isn't)(?: [\w-]+){0,2} (?:attach|enclosed)"
)
_EXCLAMATIONS = 4
_SHOUT = re.compile(r"(?<![A-Z])[A-Z]{4,}(?:[ ,!]{1,3}[A-Z]{3,}){2,}|!{2,}")


class Form:
    """Checks ``form.*``."""

    def __init__(self, policy: Policy) -> None:
        self._limits = policy.limits
        self._openers = Lexicon({"form.filler_opener": policy.phrases.filler_openers})
        self._internal = Lexicon({"form.internal_word": policy.phrases.internal})
        self._words = {
            TaskType.COLD: policy.limits.cold_words,
            TaskType.WARM: policy.limits.warm_words,
            TaskType.RE_ENGAGEMENT: policy.limits.re_engagement_words,
        }

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        yield from self._lengths(reading, facts)
        start = reading.core[0]
        opener = self._openers.at_start(reading.lower_body, start)
        if opener:
            yield Hit("form.filler_opener", "The body opens with filler.", (("body", opener[1], opener[2]),))
        for found in self._internal.find(reading):
            if not facts.says(reading.lowered(found.field)[found.start : found.end]):
                detail = f'"{found.phrase}" is a word for inside the vendor.'
                yield Hit("form.internal_word", detail, ((found.field, found.start, found.end),))
        for field in ("subject", "body"):
            yield from self._marks(reading, field, facts)

    def _lengths(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        allowed = self._words[facts.kind]
        if reading.core_words > allowed:
            yield Hit(
                "form.length",
                f"The body has {reading.core_words} words without greeting and signature; this type allows {allowed}.",
                (("body", *reading.core),),
            )
        length = len(reading.subject.text.strip())
        if length > self._limits.subject_chars:
            yield Hit(
                "form.subject_length",
                f"The subject has {length} characters; {self._limits.subject_chars} are allowed.",
                (("subject", 0, len(reading.subject.text)),),
            )

    def _marks(self, reading: Reading, field: FieldName, facts: Facts) -> Iterable[Hit]:
        text = (reading.subject if field == "subject" else reading.body).text[: reading.scan_chars]
        lowered = reading.lowered(field)
        sorted_leads = "a/b" in lowered or not reading.words.isdisjoint(_PROCESS_WORDS)
        if any(c in text for c in "[{<%_") or any(
            token in lowered for token in ("xx", "tbd", "todo", "fixme", "firstname", "lorem")
        ):
            for match in _TOKENS.finditer(text):
                token = match.group()
                if _NEEDS_CASE.match(token) and not _CASED.match(token) and not _KNOWN_BRACKET.match(token):
                    continue
                yield Hit("form.template_token", "A template token is not filled in.", ((field, *match.span()),))
        if (
            any(c in text for c in "$[<(")
            or "NAME" in text
            or "INSERT" in text
            or "null" in lowered
            or "undefined" in lowered
        ):
            for match in _SPELLED.finditer(text):
                if not facts.says(match.group().strip("[]()<>").lower()):
                    yield Hit("form.template_token", "A template token is not filled in.", ((field, *match.span()),))
        for match in _PROCESS.finditer(lowered) if sorted_leads else ():
            yield Hit(
                "form.internal_note",
                "The draft speaks of how the vendor sorts and works its leads.",
                ((field, *match.span()),),
            )
        for match in _NOTES.finditer(lowered):
            yield Hit(
                "form.internal_note", "A note to the vendor's own staff or tools is left in.", ((field, *match.span()),)
            )
        if facts.cold:
            if not text.isascii() and not _EMOJI.search(facts.prospect_text):
                for match in _EMOJI.finditer(text):
                    yield Hit(
                        "form.emoji",
                        "Cold mail holds an emoji that the prospect did not use first.",
                        ((field, *match.span()),),
                    )
            for sentence, match in reading.hits(_ATTACHMENT):
                if sentence.field == field and not _NOTHING_ATTACHED.search(sentence.text):
                    yield Hit("form.attachment", "Cold mail mentions an attachment.", (sentence.at(match),))
        if text.count("!") >= _EXCLAMATIONS:
            yield Hit("form.shouting", "The draft shouts.", ((field, text.index("!"), text.rindex("!") + 1),))
        elif "!!" in text or not text.islower():
            for match in _SHOUT.finditer(text):
                yield Hit("form.shouting", "The draft shouts.", ((field, *match.span()),))
