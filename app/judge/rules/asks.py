"""What a draft asks of its reader: each separate question or call to act counts once.

A question and its own rephrasing ("Is that so? Or is it only the public part?") is one ask; so is a call offered in two
ways in one sentence. Questions that only frame the finding are not asks for time or material.
"""

from __future__ import annotations

import re

from app.judge.rules.reading import Reading, Sentence

_IMPERATIVE = re.compile(
    r"^(?:please |just |simply |kindly )?(?:let me know|let us know|reply|respond|book|schedule|pick a|"
    r"choose a|click|sign|download|fill|visit|"
    r"call me|call us|send me|send us|share your|tell me|forward this|check out|confirm|review the|"
    r"watch|register|join us|take a look)\b"
)
_REQUEST = re.compile(
    r"\b(?:can|could|would|will|shall|should) (?:you|we|i)\b|\b(?:are|is) (?:you|there|that|this|it)\b|"
    r"\bdo(?:es)? (?:you|that|this|it|any)\b|\bwould\b|"
    r"\b(?:worth|open to|interested in|mind|okay|ok) (?:a|an|to|if|hearing|seeing|exploring|having|"
    r"if i)\b|\bhow (?:about|does|do|is|are)\b|\bwhat\b|\bwhen\b|\bwho\b|\bwhich\b|"
    r"\bhave you\b|\bwhy\b|\bwhere\b"
)
_TIME = re.compile(
    r"\b(?:call|chat|meet(?:ing)?|minutes|conversation|connect|demo|sync|speak|talk|coffee|walkthrough|"
    r"session|slot|calendar|time (?:this|next))\b"
)
_SEND = re.compile(
    r"\b(?:send|share|forward|review|case stud\w+|pricing sheet|profiles?|deck|references?|comparison|"
    r"overview|one-pager|document)\b"
)
_INTRO = re.compile(r"\b(?:introduc\w+|connect me|point me|right person|refer me|decision[- ]maker|loop in)\b")
_MINOR = re.compile(r"^(?:or|and if not|if not|if so|otherwise|either way|alternatively)\b")
_COURTESY = re.compile(
    r"\blet me know (?:if (?:that|this|it|you|there)|what you think|either way|your thoughts|how|whether|"
    r"and)\b"
)
_LIST = re.compile(
    r"\b(?:i(?:'d| would) (?:like|love) to|we(?:'d| would) (?:like|love) to|let's|can we|could we|"
    r"could you|can you|please)\b[^.?!]{0,300}"
)
_VERB_ITEMS = re.compile(
    r"(?:^|,\s(?:and\s)?|\band\s)(?:also\s)?(?:to\s)?(?:discuss|introduce|send|share|walk|understand|"
    r"schedule|book|review|explore|show|tell|confirm|meet|compare|learn|provide|forward|connect|set up|"
    r"give|call|reply|sign|fill)\b"
)


_NOUN_LIST = re.compile(
    r"\b(?:share|tell me|send|give|provide|confirm|describe)\b[^?.\n]{0,40}(?:,[^,?.\n]{1,40}){1,6},? and\b"
)


def _topic(sentence: str) -> str:
    if _TIME.search(sentence):
        return "time"
    if _INTRO.search(sentence):
        return "introduction"
    if _SEND.search(sentence):
        return "material"
    return "answer"


def count_asks(reading: Reading) -> list[Sentence]:
    """The sentences that hold separate asks, in order; a sentence stands once per ask that it holds."""
    asks: list[Sentence] = []
    previous: str | None = None
    answers = 0
    topics: set[str] = set()
    for sentence in reading.sentences:
        if sentence.field == "subject":
            continue
        text = sentence.text.strip()
        if len(text) > 600:
            text = text[:600]
        is_question = sentence.asks
        listed = _LIST.search(text)
        items = len(_VERB_ITEMS.findall(listed.group())) if listed else 0
        if items >= 3 or (is_question and _NOUN_LIST.search(text)):
            asks.extend([sentence] * max(1, items - 1))
        if not is_question and not _IMPERATIVE.match(text):
            previous = None if not _MINOR.match(text) else previous
            continue
        if is_question and not _REQUEST.search(text):
            continue
        if _COURTESY.search(text) and not is_question:
            continue
        topic = _topic(text)
        if _MINOR.match(text) and previous is not None:
            continue
        if topic == "answer":
            answers += 1
        elif topic in topics:
            previous = topic
            continue
        topics.add(topic)
        previous = topic
        asks.append(sentence)
    # One framing question in front of the one call to act is how findings are put; it is no second ask.
    if answers == 1 and len(asks) == 2:
        return [ask for ask in asks if _topic(ask.text) != "answer"]
    return asks
