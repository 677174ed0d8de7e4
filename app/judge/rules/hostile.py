"""Text that works against whoever judges it: orders, forged verdicts, role tokens, hidden or encoded text, emptiness.

These checks hold a draft for a human. They read the draft as data; nothing in it is followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from app.judge.policy import Policy
from app.judge.rules.phrasing import at_words, word_set
from app.judge.rules.reading import FieldName, Hit, Reading

_ADDRESSEE = (
    r"(?:judge|evaluator|grader|reviewer|rater|assessor|classifier|moderator|ai|assistant|model|llm|system|"
    r"scorer|checker|gate|filter)"
)
_INSTRUCTION = at_words(
    r"\b(?:ignore|disregard|forget|override|bypass|skip|drop)\b[^.!?\n]{0,40}\b(?:instructions?|prompts?|rules?|"
    r"rubric|polic(?:y|ies)|guidelines?|"
    r"criteria|checks?|constraints?|everything (?:above|before|so far|said|that was said)|"
    r"previous (?:text|context|message))\b"
    r"|\b(?:dear|attention|note to(?: the)?|hey|hello|message (?:to|for)(?: the)?|to the|as the|you are the|"
    rf"you are an?) {_ADDRESSEE}\b(?=[\s,:;.-]{{1,3}}(?:please|you|this|must|pass|approve|score|rate|mark|"
    r"the (?:draft|e-?mail|message)|$)|\s?:)"
    r"|\b(?:you are|act as|pretend to be|behave as|from now on you)\b[^.!?\n]{0,30}\b(?:an? ai|language model|"
    r"judge|evaluator|grader|helpful assistant|unrestricted|developer mode|dan)\b"
    r"|\b(?:approve|pass|rate|score|mark|grade|label|classify|output|return|respond with|answer with|"
    r"give)\b[^.!?\n]{0,30}\b(?:this|the|my) (?:draft|e-?mail|message|response|text|candidate|"
    r"submission)\b[^.!?\n]{0,40}"
    r"\b(?:pass(?:ed|es)?|approved?|5(?:/5)?|five|highest|maximum|max|perfect|top (?:score|marks)|compliant|send|"
    r"safe|100)\b"
    r"|\b(?:output|return|respond with|answer with|reply with|print|write|emit) (?:only |exactly |"
    r"just )?[\"'`{]{0,2}(?:pass|send|approve[d]?|true|5|score|verdict|\{)\b"
    r"|\b(?:reveal|repeat|print|show|leak|disclose)\b[^.!?\n]{0,25}\b(?:system prompt|hidden (?:prompt|"
    r"instructions)|your (?:prompt|instructions|rubric))\b"
    r"|\b(?:all|every|other) (?:other )?(?:judges?|evaluators?|graders?|reviewers?|"
    r"models?)\b[^.!?\n]{0,40}\b(?:approved?|passed|agree[d]?|scored?|gave|rated)\b"
    r"|\b(?:this|the) (?:draft|e-?mail|message)\b[^.!?\n]{0,30}\b(?:has (?:already )?been|was|"
    r"is) (?:already )?(?:pre-?)?(?:approved|verified|cleared|whitelisted|reviewed and approved|validated)\b"
    r"|\b(?:new|updated|admin|system|developer|override) (?:instructions?|directives?|prompt|message)\s?:"
    r"|\bif you (?:fail|reject|hold|block) this (?:draft|e-?mail|message)\b"
    r"|\b(?:give|award|assign|score|rate|mark|grade|answer)\b[^.!?\n]{0,20}\b(?:each|every|all)\b[^.!?\n]{0,20}"
    r"\b(?:points?|criteri(?:on|a)|checks?|questions?|scores?)\b[^.!?\n]{0,25}\b(?:5|five|highest|top|maximum|"
    r"full|best)\b"
    r"|\b(?:answer|score|rate|mark|give|put)\b[^.!?\n]{0,12}\b(?:5|five)s? "
    r"(?:throughout|everywhere|for (?:each|all|every)|on every)\b"
)
_JUDGES = r"(?:judges?|evaluators?|graders?|reviewers?|raters?|assessors?|moderators?|scorers?)"
_MAIL = r"(?:drafts?|e-?mails?|mails?|messages?|text)"
# Pleas, threats, claims of leave and reasons why the draft should pass, in the words of whoever wants it to.
_PLEA = at_words(
    rf"\b(?:the|every|each|any|all|dear) {_JUDGES}\b[^.!?\n]{{0,20}}\b(?:must|should|shall|has to|have to|is to|"
    rf"are to|will) (?:not )?"
    r"(?:treat|accept|score|mark|rate|give|award|assume|consider|ignore|pass (?:this|the|every))\b"
    rf"|\b{_JUDGES} who (?:mark|reject|fail|hold|flag|score)\b|\b(?:i beg|please|dear),? (?:you,? )?(?:dear "
    rf")?{_JUDGES}\b"
    rf"|\b(?:this|the|my) {_MAIL}\b[^.!?\n]{{0,40}}\b(?:off|approved|exempt|safe),? (?:so|and|hence) (?:it "
    rf")?must not be (?:rejected|held|failed|"
    rf"blocked|flagged)|\b(?:signed|sign) (?:this|the) {_MAIL} off\b|\b{_MAIL}\b[^.!?\n]{{0,40}}\b(?:is|are) "
    rf"exempt from (?:the |all )?(?:checks?|"
    rf"rules?|review|judg\w+)|\bif (?:this|the|my) {_MAIL} (?:fails|is rejected|is held|does not pass|doesn't "
    rf"pass)\b|\b(?:let|and) (?:it|this {_MAIL}) "
    r"(?:pass|through)\b(?= ?[.!,;]|$)"
    rf"|\b(?:all|every|other|leading|each)(?: \w+)? (?:{_JUDGES}|models|assistants)\b[^.!?\n]{{0,30}}\b(?:given|"
    rf"agrees?|rated|scored|passed)\b[^.!?\n]{{0,30}}"
    rf"\b(?:five|5|faultless|perfect|flawless|{_MAIL})\b"
    r"|\b(?:print|repeat|show|reveal|quote|output)\b[^.!?\n]{0,30}\b(?:instructions? (?:that )?you (?:were|have "
    r"been) given|(?:stands|written|said) above|"
    r"above this line)\b|\bwhat (?:does|do|is|are) your (?:hidden|system|secret) (?:prompt|instructions?)\b"
    r"|\b(?:decode|decipher|rot13|base64|translate)\b[^.!?\n]{0,40}\b(?:and|then) (?:follow|comply|obey|execute|"
    r"do (?:it|what))\b"
    r"|\b(?:answer|respond|reply|score|rate|mark)\b[^.!?\n]{0,15}\b(?:with|as) (?:only )?(?:all )?(?:fives|5s)\b|"
    r"\b(?:five|5) on all (?:counts|points|criteria)\b"
    rf"|\bcontext (?:given to|that) you\b[^.!?\n]{{0,30}}\b(?:outdated|wrong|stale|false)\b|\bdo not (?:count|"
    rf"hold)\b[^.!?\n]{{0,30}}\bagainst this {_MAIL}\b"
    r"|\b(?:scoring|grading|calibration|judging) (?:note|sample|run|hint)\b|\b(?:accept|approve|"
    r"pass)\b[^.!?\n]{0,30}\bwithout reading\b|\b(?:unhedged|"
    r"unsourced|false) claims (?:now )?count\b"
    rf"|\b(?:test|dry) run of the (?:pipeline|judge|evaluation)\b|\bthe (?:draft|{_MAIL}) (?:above|below|next) "
    rf"(?:was|is) (?:checked|approved)\b"
)
# The same order in the other languages that mail to a European vendor comes in.
_FOREIGN = at_words(
    r"\b(?:ignorier\w*|missacht\w*|vergiss|vergesst|vergessen sie)\b[^.!?\n]{0,40}\b(?:regeln|anweisung\w*|"
    r"vorgaben|instruktion\w*|kriterien)\b"
    r"|\b(?:ignora\w*|olvida\w*|omite|esque[cç]a\w*|desconsider\w*|dimentica\w*)\b[^.!?\n]{0,40}\b(?:instruc\w+|"
    r"instruç\w+|istruzion\w+|reglas|regras|regole|"
    r"anterior\w*|antes|precedent\w*)\b"
    r"|\b(?:ignorez|oubliez|oublie)\b[^.!?\n]{0,40}\b(?:consignes|instructions|règles|regles)\b"
    r"|\b(?:höchstnote|höchste punktzahl|note maximale|puntuación máxima|nota máxima|voto massimo|punteggio "
    r"massimo)\b"
)
# A draft without any of these does not speak to its judge in the two patterns named after them.
_PLEA_WORDS = word_set(
    "5s above against assessor assessors assistants base64 calibration context counts criteria decipher decode "
    "draft drafts evaluation evaluator evaluators exempt fails false fives grader graders grading held "
    "instruction instructions judge judges judging line models moderator moderators pass pipeline points prompt "
    "rater raters reading rejected reviewer reviewers rot13 scorer scorers scoring secret sign signed through "
    "translate unhedged unsourced "
)
_ANSWERED_WORDS = word_set(
    "assistant evaluator expected final grader judge judgement judgment result role score verdict "
)
_SPACED = re.compile(r"(?<![a-z])(?:[a-z][ .:,]{1,3}){14,}")
_VERDICT = re.compile(
    r"[\"']?\b(?:passed|p_fail|pass_fail|verdict|overall_score|final_score|rubric_score|decision|outcome|"
    r"judg(?:e)?ment|score|criteria|action)\b[\"']?\s{0,3}[:=]\s{0,3}"
    r"[\"']?(?:true|pass(?:ed)?|send|approved?|judged|5(?:\.0)?(?:\s?/\s?5)?|10/10|0\.0+|1\.0|\{|\[)"
    r"|\{\s{0,5}[\"'](?:passed|score|verdict|reason|p_fail|action|result|decision|grounding|tone|"
    r"capacity)[\"']\s{0,5}:"
    r"|\[\s?[1-5](?:\s?,\s?[1-5]){2,}\s?\]"
)
_ANSWERED = re.compile(
    r"\b(?:final answer|final verdict)\s?:\s?(?:pass|five|5|approved|send|yes)|\b(?:judge|evaluator|grader|"
    r"assistant)\s?:\s?(?:five|5|pass|approved|"
    r"i have (?:checked|read|reviewed))\b|(?:<|&lt;)/?(?:verdict|score|result|judgement|judgment)(?:>|&gt;)|"
    r"\bexpected (?:result|score|answer) (?:is|:) ?(?:pass|5|five)"
    r"|[\"']role[\"']\s?:\s?[\"'](?:system|assistant|user|developer)[\"']",
    re.MULTILINE,
)
_COMMENT = re.compile(r"\[//\]: ?#")
_CHAT = re.compile(
    r"<\|[a-z_0-9 ]{1,30}\|>|<\|?/?(?:im_start|im_end|endoftext|system|user|assistant|human|tool_call|think)\|?>|"
    r"\[/?inst\]|<</?sys>>|</?s>|<(?:start|end)_of_turn>|"
    r"^[ \t]{0,4}(?:#{2,4}\s{0,2})?(?:system|assistant|user|human|instruction|response|ai)\s?:(?=\s)|<(?:bos|eos|"
    r"pad|unk|mask)>|\bbegin_of_text\b|</?(?:draft|context|data|untrusted|input|output|instructions|prompt)>",
    re.MULTILINE,
)
_ENCODED = re.compile(
    r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{48,}={0,2}|(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|&#x?[0-9a-fA-F]{2,6};|"
    r"%[0-9A-F]{2}){6,}|\b(?:[01]{8}\s?){5,}"
)
_DISTINCT = 4  # a run of one letter hides nothing
_TAGS = re.compile(
    r"<(?:script|iframe|object|embed|form|svg|img|link|meta|style)\b[^>\n]{0,200}>?|javascript:", re.IGNORECASE
)


class Hostile:
    """Checks ``hostile.*`` except ``hostile.disagreement``, which the engine finds by reading twice."""

    def __init__(self, policy: Policy) -> None:
        limits = policy.limits
        self._minimum = limits.minimum_words

    def __call__(self, reading: Reading) -> Iterable[Hit]:
        for field, normal in (("subject", reading.subject), ("body", reading.body)):
            if normal.changed:
                yield Hit("hostile.hidden_text", f"The {field} holds characters or markup that its reader cannot see.")
        words = reading.core_words
        if words < self._minimum or reading.letters < 3 * self._minimum:
            yield Hit(
                "hostile.minimum_content", "The body holds too little to judge.", (("body", 0, len(reading.body.text)),)
            )
        if len(reading.body.text) > reading.scan_chars:
            yield Hit("hostile.flood", f"The body has {words} words, too many to be read to the end.")
        for check, needed, pattern, detail in _PATTERNS:
            if needed is not None and reading.words.isdisjoint(needed):
                continue
            if pattern.search(reading.joined):
                for field, text in reading.fields:
                    for match in islice(pattern.finditer(text), 5):
                        yield Hit(check, detail, ((field, *match.span()),))
        yield from self._unreadable(reading)

    def _unreadable(self, reading: Reading) -> Iterable[Hit]:
        """Encoded blocks and active markup, in the case in which they were sent."""
        fields: tuple[FieldName, ...] = ("subject", "body")
        for field in fields:
            original = (reading.subject if field == "subject" else reading.body).text[: reading.scan_chars]
            for match in _ENCODED.finditer(original):
                if len(set(match.group())) >= _DISTINCT:
                    yield Hit("hostile.encoded", "The draft carries a long encoded block.", ((field, *match.span()),))
            if "<" in original or "javascript:" in original.lower():
                for match in _TAGS.finditer(original):
                    yield Hit("hostile.hidden_text", "The draft carries active markup.", ((field, *match.span()),))


_PATTERNS = (
    ("hostile.instruction", None, _INSTRUCTION, "The draft gives orders to whoever judges it."),
    ("hostile.instruction", _PLEA_WORDS, _PLEA, "The draft pleads with or orders whoever judges it."),
    ("hostile.instruction", None, _FOREIGN, "The draft gives orders to whoever judges it."),
    ("hostile.encoded", None, _SPACED, "The draft spells its text letter by letter."),
    ("hostile.fake_verdict", _ANSWERED_WORDS, _ANSWERED, "The draft carries a verdict about itself."),
    ("hostile.hidden_text", None, _COMMENT, "The draft holds a comment that its reader does not see."),
    ("hostile.fake_verdict", None, _VERDICT, "The draft carries a verdict about itself."),
    ("hostile.chat_token", None, _CHAT, "The draft carries chat-template tokens."),
)
