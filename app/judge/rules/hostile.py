"""Text that works against whoever judges it: orders, forged verdicts, role tokens, hidden or encoded text, emptiness.

These checks hold a draft for a human. They read the draft as data; nothing in it is followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from app.judge.policy import Policy
from app.judge.rules.reading import FieldName, Hit, Reading

_ADDRESSEE = (
    r"(?:judge|evaluator|grader|reviewer|rater|assessor|classifier|moderator|ai|assistant|model|llm|system|"
    r"scorer|checker|gate|filter)"
)
_INSTRUCTION = re.compile(
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
    r"\b(?:points?|criteri(?:on|a)|checks?|questions?|scores?)\b[^.!?\n]{0,25}\b(?:5|five|highest|top|maximum|full|best)\b"
    r"|\b(?:answer|score|rate|mark|give|put)\b[^.!?\n]{0,12}\b(?:5|five)s? "
    r"(?:throughout|everywhere|for (?:each|all|every)|on every)\b"
)
_VERDICT = re.compile(
    r"[\"']?\b(?:passed|p_fail|pass_fail|verdict|overall_score|final_score|rubric_score|decision|outcome|"
    r"judg(?:e)?ment|score|criteria|action)\b[\"']?\s{0,3}[:=]\s{0,3}"
    r"[\"']?(?:true|pass(?:ed)?|send|approved?|judged|5(?:\.0)?(?:\s?/\s?5)?|10/10|0\.0+|1\.0|\{|\[)"
    r"|\{\s{0,5}[\"'](?:passed|score|verdict|reason|p_fail|action|result|decision|grounding|tone|"
    r"capacity)[\"']\s{0,5}:"
    r"|\[\s?[1-5](?:\s?,\s?[1-5]){2,}\s?\]"
)
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
        for check, pattern, detail in _PATTERNS:
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
    ("hostile.instruction", _INSTRUCTION, "The draft gives orders to whoever judges it."),
    ("hostile.fake_verdict", _VERDICT, "The draft carries a verdict about itself."),
    ("hostile.chat_token", _CHAT, "The draft carries chat-template tokens."),
)
