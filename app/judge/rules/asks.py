"""What a draft asks of its reader: each separate question or call to act counts once.

A question and its own rephrasing ("Is that so? Or is it only the public part?") is one ask; so is a call offered in two
ways in one sentence. Questions that only frame the finding are not asks for time or material.
"""

from __future__ import annotations

import re

from app.judge.rules.phrasing import at_words
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
    r"|\b(?:tell me|say so) if (?:it|that|this|i)(?: is|'s| am|'m| was)? (?:\w+ )?(?:something else|wrong|off|"
    r"mistaken|not so|otherwise|incorrect|out of date|misread|misunderst\w+)\b"
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


# What is asked beyond the one thing: a request for a thing or a deed, in the forms that English mail has for it.
_DEED = (
    r"(?:send|share|tell|give|provide|forward|introduc\w+|connect|fill|sign|add|register|download|watch|score|book|"
    r"subscribe|leav(?:e|ing)|follow\w*|join|host|test|reply|confirm|let (?:me|us) know|pass|rate|review|complete|"
    r"answer|invite|list|describe|put (?:me|us)|refer|say|visit|name|point|copy|complete|state|upload|grant)"
)
_DEMAND = at_words(
    r"(?:\b(?:please|kindly|could you|can you|would you(?: mind)?|will you|you could|you can also|do|may i(?: "
    r"also)? ask "
    r"you to|i would ask you to|i(?:'d| would) ask you to)(?: (?:also|further|then|just|please|kindly|so kind as "
    r"to|be so "
    rf"kind as to)){{0,2}} {_DEED}\b"
    r"|^(?:and |also,? |then,? |[^,.?!]{3,30}, )?(?:let (?:me|us) know|(?:tell|send|give|show|name|list|share|"
    r"introduce|connect) "
    r"(?:me|us|your))\b"
    r"|\b(?:i(?:(?:'d| would) (?:also )?(?:need|like)| (?:also )?need)(?: also)?"
    r"(?: to (?:have|see|get))?|(?:may|could|can) i (?:also |"
    r"further )?(?:ask for|have|get|see)|(?:two|three|four|some|a few|several) (?:more|other|further) "
    r"things\b[^:.?!]{0,20}:"
    r"|(?:two|three|four|some|a few|several) (?:more|other|further) (?:requests|favou?rs)\b[^:.?!]{0,20}:)"
    r"(?= (?:your|an?|the|access|some|two|three)\b))"
)
_FURTHER = at_words(
    r"\b(?:also|in addition|additionally|besides|apart from (?:this|that)|on top(?: of (?:it|that|this|all))?|as "
    r"well|"
    r"meanwhile|while (?:you(?:'re| are)|we(?:'re| are)) (?:at it|there)|one (?:more )?thing(?: more)?|"
    r"furthermore|moreover|"
    r"(?:could|may|can) i further|after that|afterwards|(?:two|three|some|a few) (?:more|other|further) things)\b"
    r"|^(?:and|then),? (?:please|could|can|would|may|kindly|do)\b|\btoo\b(?= (?:whether|your|the|who|what|when)|"
    r"[,.?])"
)
# Where the request ends and its reason or our own part begins.
_REASON = re.compile(
    r",? (?:so|since|because|as i|if|in case|which|before|until) |,? (?:and|but|then) (?:i|we|our)\b|\bif "
    r"(?:this|that|it|i)\b"
)
_JOINS = re.compile(r",(?: and)? | and |, and ")
_QUESTIONED = re.compile(r"(?:^|[,:] |\band )(?:who|what|when|which|where|how|why)\b")
# Leave to stop is no request, and neither is an answer by one word.
_LEAVE = re.compile(
    r"\b(?:to stop|stop(?:ping)? (?:and|writing)|not to write|leave (?:you|it) (?:alone|be)|a no\b|one-line no|"
    r"unsubscribe|"
    r"wrong person)\b|^(?:please )?(?:(?:tell me|say) no|tell me to (?:delete|remove|stop|forget|drop))\b"
)
# A yes-or-no question about what was seen; a call to act asks for something instead.
_CONFIRMATION = re.compile(
    r"\b(?:is|are|was|were|does|do|did|has|have|could) (?:it|that|this|these|those|there|the|your|you|any of)\b"
)
_ASKS_WHETHER = re.compile(
    r"^(?:[^,?]{1,30}, )?(?:would you say|(?:can|could|would) you (?:tell me|confirm|say)) (?:that|whether|if) "
    r"(?!you (?:are|would|could|might|want|need))"
)
_WANTS = re.compile(
    r"\b(?:can|could|would|will) you\b|\b(?:open to|interested|worth|useful|help|send|share)\b|(?:^|[,;:] |\bso |"
    r"\band )"
    r"(?:who|what|which|when|where|how|why)\b"
)


# Three and more in one sentence, whatever the words around them: deeds ("send ..., tell ... and let me know"), things
# ("I'd love your view, an introduction and ten minutes"), questions ("who owns it, what ... and when ...").
_DEED_ING = (
    r"(?:sending|sharing|telling|giving|forwarding|introducing|connecting|filling|signing|adding|downloading|watching|"
    r"subscribing|following|joining|replying|confirming|letting me know|passing|rating|reviewing|completing|answering|"
    r"inviting|listing|referring|naming|pointing|looping|asking|checking|booking|putting|bringing|attaching|uploading)"
)
_DEED_MORE = (
    rf"(?:{_DEED}|ask|loop|check|call|ring|bring|attach|write|nominate|suggest|take our|take the|set up|reach out)"
)
_LEAD = re.compile(
    r"(?:p\.?\s?s\.? )?(?:(?:and|also|then|after that|besides|in the meantime|meanwhile|while [^,]{3,30}|"
    r"before [^,]{3,40}|when [^,]{3,40}|if [^,]{3,40}),? )?(?:please |kindly |just |do )?"
    r"(?:(?:could|can|would|will) you (?:please |kindly |also |just |mind ){0,2})?"
)
_DEEDS_BEGIN = re.compile(rf"(?:{_DEED_MORE}|{_DEED_ING})\b")
_DEEDS_GO_ON = re.compile(
    rf"(?:[,;]|\band\b|\bthen\b)(?: and| then| also| please| kindly){{0,2}} (?:{_DEED_MORE}|{_DEED_ING})\b"
)
_THINGS = re.compile(
    r"(?:\bi(?:(?:'d| would) (?:also )?(?:love|appreciate|welcome|like)| (?:also )?(?:need|want))(?: from you)?|"
    r"\b(?:may|could|can) i (?:get|have|ask for)) (?=(?:your|an?|the|some|ten|five|two|three)\b)"
    r"(?P<things>[^.?!]{10,200})"
)
_THINGS_HELP = re.compile(
    r"^(?:[^:.?!]{0,40}: )?(?P<things>(?:your|an?|the|some) [^.?!]{10,160}?) would (?:mean a lot|help|be (?:great|"
    r"welcome|appreciated|useful|lovely|much appreciated))\b"
)
_QUESTIONS_AT_ONCE = re.compile(r"(?:^|[,;:] (?:and )?|\band )(?:who|what|which|when|where|how|why)(?:'s)?\b")
_MANY = 3


def _at_once(text: str, question: bool) -> int:
    """How many things a single sentence asks for, where it asks for three or more; else 0."""
    lead = _LEAD.match(text)
    rest = text[lead.end() :] if lead else text
    if _DEEDS_BEGIN.match(rest):
        deeds = 1 + len(_DEEDS_GO_ON.findall(rest))
        if deeds >= _MANY:
            return deeds
    things = _THINGS.search(text) or _THINGS_HELP.match(text)
    if things and not _LEAVE.search(text):
        joins = _JOINS.findall(things.group("things"))
        if len(joins) + 1 >= _MANY and any("and" in join for join in joins):
            return len(joins) + 1
    asked = len(_QUESTIONS_AT_ONCE.findall(text)) if question else 0
    return asked if asked >= _MANY else 0


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


def _further(text: str, question: bool) -> int:
    """How many things a sentence asks for beside the one ask: 0 when it is an ordinary sentence or a single request."""
    demand = _DEMAND.search(text)
    if demand is None and not question:
        return 0
    extra = _FURTHER.search(text) is not None
    if extra and question and len(_QUESTIONED.findall(text)) >= 2:
        return 2
    if demand is None:
        listed = extra and question and _QUESTIONED.search(text) and len(_JOINS.findall(text)) >= 2
        return 2 if listed else 0
    rest = text[demand.end() :]
    if _LEAVE.search(text) or rest.startswith(" if "):
        return 0
    reason = _REASON.search(rest)
    joins = _JOINS.findall(rest[: reason.start()] if reason else rest)
    listed = any("and" in join for join in joins)
    if listed and (len(joins) >= 2 or extra):
        return 2
    return 1 if extra else 0


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
        further = _further(text, is_question) or _at_once(text, is_question)
        if further:
            asks.extend([sentence] * further)
            previous = None
            continue
        if items >= 3 or (is_question and _NOUN_LIST.search(text)):
            asks.extend([sentence] * max(1, items - 1))
        if not is_question and not _IMPERATIVE.match(text):
            previous = None if not _MINOR.match(text) else previous
            continue
        if is_question and not _REQUEST.search(text):
            continue
        if not is_question and (_COURTESY.search(text) or _LEAVE.search(text)):
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
    if sum(sentence.asks and sentence.field == "body" for sentence in reading.sentences) >= _MANY and len(asks) == 2:
        return asks
    # One framing question in front of the one call to act is how findings are put; it is no second ask.
    if answers == 1 and len(asks) == 2:
        return [ask for ask in asks if _topic(ask.text) != "answer"]
    if len(asks) == 2 and asks[0] is not asks[1] and _confirms(asks[0]) and not _FURTHER.search(asks[1].text.strip()):
        return asks[1:]
    return asks


def _confirms(sentence: Sentence) -> bool:
    """Whether the sentence only asks if what was seen is so."""
    text = sentence.text.strip()
    if not sentence.asks or _topic(text) != "answer":
        return False
    return bool(_ASKS_WHETHER.match(text) or (_CONFIRMATION.search(text) and not _WANTS.search(text)))
