"""A second thing asked for, in open wording: a second look where :mod:`app.judge.rules.asks` counted one ask at most.

Two questions joined in one sentence, two deeds asked for in one, or a request that a second one follows with "also":
each makes two. A question put again, its own alternative, a pronoun that stays with the matter, and leave to say no
make one.
"""

from __future__ import annotations

import re

from app.judge.rules.phrasing import at_words
from app.judge.rules.reading import Reading, Sentence

_ASKED = (
    r"(?:(?:who|what|what's|who's|which|how|when|where|why)\b|(?:are|is|do|does|did|have|has|would|could|can|will|"
    r"may|shall|should|might) (?:you|we|i|the|your|there|an?|someone|anyone|anybody|[a-z]{3,15})\b|mind \w+ing\b|"
    r"any chance\b|whether\b|care (?:to|for)\b|(?:worth|open to|up for|interested in|fancy) (?:an?|\w+ing|the|some|"
    r"ten|fifteen|\d+)\b)"
)
_HEADS = re.compile(
    rf"(?:^(?:[^,?]{{3,40}}, )??|[,;:–-] (?:and |also |plus |then |secondly,? |second,? |further |finally ){{0,2}}| "
    rf"and (?:also |further |secondly |then |if so )?| plus )(?P<head>{_ASKED})"
)
_JOINED = re.compile(r"(?:\band\b|;|\bplus\b|\balso\b|\bsecond(?:ly)?\b|^two\b)")
# The second question stays with the matter of the first.
_SAME_MATTER = re.compile(
    r"(?:who|what|which|how|when|where|why|are|is|do|does|did|have|has|would|could|can|will|may|shall|should|"
    r"might)(?:'s)?(?: (?:\w+ ){0,2}?(?:it|that|this|they|those|them|he|she|so|these|one|any of|either|both|much of|"
    r"many of)\b)"
)
_PRONOUN = re.compile(r"\b(?:them|they|him|her|he|she)\b|\bit\b(?=[^a-z]*$)")
_TIME_ASKED = re.compile(r"\b(?:minutes|half an hour|an? (?:\w+ )?(?:call|chat|meeting|demo|conversation))\b")
_FRAMES = re.compile(
    r"^(?:[^,?]{1,30}, )?(?:is|are|was|does|do|did|am|have|has) (?:i|it|that|this|these|those|my|there|the|any|we|"
    r"an?)\b"
)
_OR = re.compile(r"[,;] or\b|\bor\b")
_SURE_DEED = (
    r"(?:send|shoot|share|forward|introduce|connect|tell (?:me|us)|give (?:me|us)|name|book|pick|confirm|fill|sign|"
    r"call|ring|invite|pass|put (?:me|us)|point|list|loop|register|subscribe|download|leave|follow|let (?:me|us) "
    r"know|drop|mail|e-mail|provide|attach|describe|nominate|suggest|watch|copy|cc|reserve|grab|choose|check|review|"
    r"have a look|take a look|look (?:at|through|over)|read|reply with|intro|bring|ask (?:your|the|him|her)|join|"
    r"set up|rate|complete|answer|say (?:which|who|when|how|what)|meet|come (?:to|by)|visit|dig out|hand|ping|show "
    r"(?:me|us)|jot|fill me in|run me through|walk me through|explain|clarify|outline|arrange|schedule|email|add|"
    r"advise|indicate|state|specify|block|set aside|hit)"
)
_DEED_FIRST = re.compile(
    rf"(?:p\.?\s?s\.? )?(?:(?:if|when|whenever|before|after|while|meanwhile|in|should|to|as|for|at|on|with|since|"
    rf"once|until|either|also|then|finally|next)\b[^,.?!]{{2,40}}, |(?!{_SURE_DEED}\b)\w{{2,20}}, )?(?:please |"
    rf"kindly |just |do |then |and |also ){{0,2}}(?:(?:could|can|would|will) you (?:please |kindly |also |just |"
    rf"possibly |perhaps ){{0,2}}|i(?:'d| would) (?:kindly |like to )?ask you (?:kindly )?to |(?:i(?:'d| would) be "
    rf"(?:grateful|obliged|glad)|it would (?:be great|help)) if you (?:could|would) |may i ask you to "
    rf")?(?P<deed>{_SURE_DEED})\b"
)
_DEED_NEXT = re.compile(
    r"(?:[,;] (?:and |then |plus )?|\band |\bthen |\bplus )(?:(?:also|please|then|kindly|maybe|perhaps|do|could you|"
    r"can you|"
    rf"would you|while you're at it),? ){{0,2}}(?P<deed>{_SURE_DEED})\b"
)
_ONE_DEED = re.compile(
    r"\b(?:let me know|tell (?:me|us)|say) (?:what you think|your (?:thoughts|view|opinion)|if (?:it|that|this|you "
    r"(?:like|find|see))|whether (?:it|that|this)|how (?:it|that|this)|so\b|no\b|yes\b)"
)
_LEAVE = re.compile(
    r"\b(?:to stop|not to write|a no\b|tell me no|say no|unsubscribe|wrong person|if i'm wrong|if i am wrong|no "
    r"need|need not|don't|if not|either|whichever|alternatively|or (?:just|simply))\b"
)
_LISTED = at_words(
    r"^(?:(?:just|only|quick|so|and|there are|here are|i have|i've|may i ask|let me ask)[ ,:]*){0,2}(?:two|three|"
    r"four|a couple of|a few|both) (?:\w+ )?(?:things|questions|requests|favou?rs|asks|points)(?: (?:for|from|to|if|"
    r"please|on)\b[^:.?!]{0,30})?[:;,.–-]|\bi(?:'d| would)? (?:have|like to ask|ask|want to ask)(?: you)? (?:two|"
    r"three|four|a couple of|several) (?:\w+ )?(?:things|questions|requests|favou?rs)\b|\b(?:answer|ask(?: you)?|"
    r"have|with) (?:you )?(?:two|three|four|five|a few|several) (?:\w+ ){0,2}questions\b|\bfirst(?:ly)?,? "
    r"[^?]{5,140}[;,.?] ?(?:and )?second(?:ly)?\b"
)
# A request that brings a second one along.
_WITH_MORE = re.compile(
    r"^(?:[^,.?!]{2,40}, )?(?:please|kindly|could you|can you|would you|will you|may i (?:ask|have|get)|i(?:'d| "
    r"would)(?: \w+)? (?:love|like|appreciate|welcome|ask|be (?:glad|grateful|obliged|interested))|i(?:'m| am) "
    r"(?:keen|after|looking for|asking)|i need|send|share|tell|give|let me know|it would help to (?:know|have|see)|"
    r"grateful for|mind)\b[^.?!]{5,140}\b(?:plus (?:an?|your|the|some|any|ten|fifteen|whether|who|what)|as well as "
    r"(?:an?|your|the|whether|who|what|some)|along with (?:an?|your|the)|together with (?:an?|your|the)|in addition "
    r"to|and (?:further|also|furthermore|besides|additionally|on top)|and (?:an? (?:\w+ )?(?:call|chat|meeting|slot|"
    r"date|introduction|intro|word with|quick)|(?:ten|fifteen|twenty|thirty|\d\d) minutes|half an hour|whether|who|"
    r"what (?:is|are|you|the)|how (?:many|much|long|large|big)|when|which))\b"
)
_FIRST_ASKED = re.compile(rf"(?:first(?:ly)?|one|for one|to begin),? {_ASKED}")
_WONDERS = re.compile(r"\b(?:curious|wonder\w*|interested|keen to (?:know|hear)|(?:like|love) to know|whether)\b")
_REQUESTED = re.compile(
    r"\b(?:could|can|would|will) you (?:\w+ )?(?:send|share|forward|introduce|connect|tell|give|put|point|pass|name|"
    r"show|let|provide|spare|make|meet|join)\b|\b(?:calls?|chat|meeting|minutes|demo|conversation)\b|\bmay i send\b|"
    r"^(?:please )?(?:send|share|forward|introduce|tell|give)\b"
)
_NEW_QUESTION = re.compile(
    r"(?:and |so )?(?:who|what(?:'s| is| are| does| do| kind| sort)|which (?!day|time|of|would|one)|how (?:many|big|"
    r"large|do|does|is|are|old|far)|where (?:do|does|is|are)|why)\b"
)
_ABOUT_THE_SAME = re.compile(
    r"\b(?:suits?|work for you|think|say|prefer|day|time|better|best|convenient|sounds?|fit|like|help|it|that|this|"
    r"these|them|so|one|missing|wrong|off)\b"
)
_WELCOME_TOO = re.compile(
    r"^(?:and )?(?:an?|your|the|some|ten|fifteen|twenty)\b[^.?!]{3,60} would (?:also be|be|also help|"
    r"help)\b[^.?!]{0,20}(?:also|as well|too|welcome|appreciated)\b"
)
_ASKS_TOO = re.compile(
    r"^(?:and |then )?(?:i(?:'d| would)|could you|can you|would you|will you|may i|please|send|tell|share|kindly|"
    r"do)\b[^.?!]{0,80}\b(?:also|as well|in addition|besides|too)\b"
)
_CARRIES_ON = re.compile(
    r"^(?:p\.?\s?s\.?:? |p\.s\.:? )?(?:also|plus|another thing|one (?:more|other|last|further) (?:thing|question|"
    r"request|favou?r|ask)|(?:and )?while (?:you're|you are|we're|we are|i'm|i have) (?:at it|there|here|you|"
    r"asking)|second(?:ly)?|further(?:more)?|in addition|additionally|besides|on top of (?:that|it|this)|separately|"
    r"apart from that|oh,? and|lastly|finally|and (?:then )?(?:could|can|would|will) you (?!be|like|want|say|find|"
    r"prefer|consider|mind|have|even)|and (?:please|separately|besides|furthermore|in addition|on another note|also|"
    r"another|finally|one more|secondly|may i|might i|if you have)|as well|likewise|next|moreover)\b"
)
_ANY_ASK = re.compile(r"\?|\b(?:could|can|would|will|may|please|kindly|i'd|i would|let me|grateful|tell|send|give)\b")


def _two_questions(text: str) -> bool:
    """Whether two questions on different matters are joined in one sentence."""
    heads = list(_HEADS.finditer(text))[:4]
    if len(heads) < 2:
        return False
    if len(heads) > 2 and " and " in text:
        return True
    first, second = heads[0], heads[1]
    between = text[first.start("head") : second.start("head")]
    if not _JOINED.search(between) or _OR.search(between[-6:]):
        return False
    later = text[second.start("head") :]
    if _FRAMES.match(text) and len(between) < 45:
        return False
    return _SAME_MATTER.match(later) is None and (
        _PRONOUN.search(later) is None or _TIME_ASKED.search(later) is not None
    )


def _two_deeds(text: str) -> bool:
    """Whether a request asks for two deeds."""
    first = _DEED_FIRST.match(text)
    if first is None or _ONE_DEED.search(text) or _LEAVE.search(text):
        return False
    following = _DEED_NEXT.search(text, first.end())
    return following is not None and following.group("deed") != first.group("deed")


def _then_asks(before: Sentence, sentence: Sentence, text: str) -> bool:
    """Whether a question on another matter follows a request: in front of one it would only frame it."""
    earlier = before.text.strip()[:400]
    if not sentence.asks or _REQUESTED.search(earlier) is None:
        return False
    return _NEW_QUESTION.match(text) is not None and _ABOUT_THE_SAME.search(text) is None


def _asks_at_all(sentence: Sentence) -> bool:
    text = sentence.text.strip()[:400]
    return sentence.asks or _DEED_FIRST.match(text) is not None or _FIRST_ASKED.match(text) is not None


def further_asks(reading: Reading) -> tuple[Sentence, ...]:
    """The sentences by which a draft asks for two things, or none."""
    before: Sentence | None = None
    for sentence in reading.sentences:
        text = sentence.text.strip()[:400]
        if sentence.field != "body" or len(text) < 8:
            continue
        if before is not None and _CARRIES_ON.match(text) and _ANY_ASK.search(text) and not _LEAVE.search(text):
            asking = (
                sentence.asks
                or _WONDERS.search(text)
                or _DEED_FIRST.match(_CARRIES_ON.sub("", text, count=1).lstrip(" ,:-–"))
            )
            if asking:
                return (before, sentence)
        if before is not None and (
            _ASKS_TOO.match(text) or _WELCOME_TOO.match(text) or _then_asks(before, sentence, text)
        ):
            return (before, sentence)
        if sentence.asks and _two_questions(text):
            return (sentence, sentence)
        if _two_deeds(text) or (_WITH_MORE.match(text) and not _LEAVE.search(text)):
            return (sentence, sentence)
        if _LISTED.search(text) and ("?" in text or "?" in reading.after(sentence)):
            return (sentence, sentence)
        before = sentence if _asks_at_all(sentence) else None
    return ()
