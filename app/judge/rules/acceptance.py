"""A request taken on without a number: "you can have the lot", "that many we can spare", "Monday works for the three".

Only a request that cannot be met is asked about, and only in a draft that says nothing of a limit anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from app.judge.rules.context_fields import StackFacts
from app.judge.rules.headcount import REFUSED, TOO_MUCH
from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.phrasing import at_words, denied_before
from app.judge.rules.promised import deferred
from app.judge.rules.reading import Reading, Sentence
from app.judge.rules.starts import days_named
from app.schemas import CapacityRequest

_CAN = r"(?:can|could|will|would|'ll|'d|shall|may|are able to|is able to|happy to|glad to|ready to)"
_BRING = (
    r"(?:be|fill|staff|cover|spare|meet|supply|join|start|send|provide|bring|come|have|get|put|manage|handle|field|"
    r"offer|"
    r"serve|satisfy|accommodate|deliver|take|do|grant|fulfil\w*|support|confirm|begin|assemble|deploy|match|give)"
)
_GROUP = (
    r"(?:team|squad|group|crew|lot|set|number|headcount|list|order|request|ask|requirement|need|complement|line-?up)s?"
)
# What stands for everything that was asked for.
_ALL = (
    rf"(?:(?:the|your|that|this) (?:whole|full|entire|complete) (?:\w+ )?{_GROUP}|your (?:whole |full |entire "
    rf")?(?:request|"
    rf"headcount|requirement|order|brief|number)s?|(?:all|each|every(?: single)? one|every)(?: of)?(?: (?:them|those|"
    rf"these|the|"
    rf"your))?(?: (?:seats?|roles?|positions?|openings|vacanc\w+|spots?))?|every(?:body|one) (?:you|on your "
    rf"list)\b[^.?!]{{0,15}}|"
    rf"the lot|that many|that (?:number|size)|as many as (?:you|that)|the (?:team|squad|number|people|size|headcount|"
    rf"group) "
    rf"(?:that )?(?:you|as you)\b[^.?!]{{0,20}}|(?:what|whatever|everything|all|everybody) (?:that )?you (?:\w+ "
    rf")?(?:ask|need|want|"
    rf"sketch|describ|list|request|wrote)\w*(?: for)?|the headcount(?: you \w+(?: \w+)?)?|the (?:lot|seats))"
)
_EASY = (
    r"(?:is|are|would be|will be|isn't|aren't|won't be|should be) (?:\w+ )?(?:yours|available|ready|free|covered|no |"
    r"not (?:an?|"
    r"any|going) |(?:an? )?(?:problem|issue|trouble|stretch)|fine|possible|doable|feasible|realistic|on hand|at your|"
    r"secured|in "
    r"place|within|taken care|manageable|easy|here|lined up|waiting)"
)
_WHOLE = at_words(
    rf"\b{_ALL}\b[^.?!]{{0,15}}? (?:{_CAN} (?:\w+ ){{0,2}}?{_BRING}\b|{_EASY})"
    rf"|\b(?:we|i|you|we'll|i'll|you'll|you'd|we'd)(?: {_CAN})?(?: \w+)? {_BRING}(?: you| up| with)? (?:\w+ "
    rf"){{0,1}}?{_ALL}\b"
    rf"|\b{_ALL}(?: (?:is what|and more|and then some|plus|,? and))?,? (?:we|i) (?:{_CAN}|have)\b"
    rf"|\b(?:we|i|we've|i've) (?:do )?(?:have|got|have got) (?:\w+ )?(?:the (?:people|team|capacity|engineers|hands|"
    rf"numbers)|"
    rf"enough (?:\w+ )?(?:people|engineers|developers|hands|capacity)|that many|those people)\b"
    rf"|\b(?:request|need|demand|order|requirement)s?\b[^.?!]{{0,20}}\b(?:met|covered|filled|satisfied|served|"
    rf"fulfilled) (?:in full|"
    rf"fully|entirely|completely|without)"
    rf"|\b(?:in full|fully|entirely|completely),? (?:by us|from our (?:own )?(?:side|people|team))\b|\bfrom our own "
    rf"people\b"
    rf"|\bas many as (?:you|that)\b[^.?!]{{0,25}}\b(?:and|plus|even)\b[^.?!]{{0,15}}\b(?:one|two|more|another|on top|"
    rf"spare)\b"
    rf"|\b(?:twice|double|triple|three times) (?:that|the|as many|your)\b(?! (?:time|rate|price))"
    rf"|\b(?:size|number|headcount|count|staffing|seniority)\b[^.?!]{{0,25}}? (?:is|are|isn't|would be|won't be) "
    rf"(?:not |no |never )?"
    rf"(?:an? |any )?(?:issue|problem|bottleneck|obstacle|hurdle|concern|trouble)\b"
    r"|^\W*(?:yes|sure|certainly|of course|gladly|with pleasure|happily|easily|absolutely)\b\W*(?:$|(?:we|i|that|"
    r"this|it|you) "
    r"(?:can|could|do|have|works|is|will|would)\b)"
)
_SENIORS = at_words(
    r"\b(?:all|each|everyone|everybody|every one|both|only|entirely|exclusively|nothing but|throughout|nobody "
    r"but)\b[^.?!]{0,40}?"
    r"\b(?:seniors?|senior-level|seasoned|experienced|veterans?|(?:four|five|six|seven|eight|nine|ten|\d{1,2})\+? "
    r"years)\b"
    r"|\b(?:seniors?|senior people|seasoned|veterans?|experienced people)\b[^.?!]{0,30}\b(?:throughout|all of them|"
    r"only|as requested|"
    r"(?:not|no|never) (?:a |an )?(?:bottleneck|problem|issue|shortage)|across the board|without exception|one and "
    r"all)\b"
    r"|\b(?:two|three|four|five|six|seven|eight|\d|the (?:trio|duo|pair|quartet))\b[^.?!]{0,25}?\b(?:seniors?|"
    r"seasoned|veterans?|"
    r"experienced)\b[^.?!]{0,40}?(?:\b(?:yes|yours|can|could|will|would|'d|free|available|ready|to hand|on hand)\b)"
    r"|\b(?:the (?:trio|duo|pair|quartet|whole team|team)|they) (?:would|will|'d|'ll|are|can)(?: all)? be (?:\w+ "
    r")?(?:seniors?|"
    r"senior-level|seasoned|experienced|veterans?)\b"
    r"|\byou(?:'d|'ll| would| will| can| could) (?:get|have|receive|work with)\b[^.?!]{0,25}\b(?:seniors|senior|"
    r"seasoned|veterans?)\b"
)
_SOON = at_words(
    r"\b(?:(?:mon|tues|wednes|thurs|fri)day|tomorrow|next week|this week|that date|your date|the date|your "
    r"(?:timeline|deadline|start "
    r"date|schedule|lead time)|so soon|that soon|the start)\b[^.?!]{0,20}? (?:works|is (?:\w+ )?(?:fine|possible|"
    r"doable|feasible|ok|okay|"
    r"realistic|easy|(?:no|not an?) (?:problem|issue))|suits|would work|will work|can be (?:done|met|kept)|would be "
    r"(?:fine|possible))\b"
    r"|\b(?:can|could|will|would|'ll) (?:\w+ )?(?:make|meet|keep|hit|manage) (?:it |the |your |that |this )?(?:(?:by|"
    r"for|on) )?(?:(?:mon|"
    r"tues|wednes|thurs|fri)day|date|deadline|timeline|start|schedule|next week)\b"
    r"|\b(?:no|zero|without) (?:lead time|waiting|notice|ramp-?up)\b"
)
_TEAM = at_words(
    r"\b(?:we|i|we've|i've|we'd|i'd|there's|there is)(?: do| still| currently)*(?: have| got|'ve got| have got| can| "
    r"could| would| will)?"
    r"\b[^.?!]{0,40}?\b(?:team|squad|people|engineers?|developers?|folks|someone|somebody|persons?|crew|group|pod|"
    r"hands)\b[^.?!]{0,25}?"
    r"\b(?:could|can|would|will|free|available|ready|waiting|idle|for you|to hand)\b"
    r"|\b(?:our|the) (?:\w+ ){0,2}?(?:team|squad|people|engineers|developers|folks|crew)\b[^.?!]{0,20}? (?:can|could|"
    r"would|will|'ll|'d|"
    r"are|is) (?:\w+ )?(?:be|start|join|begin|free|available|ready|help|take|waiting|yours)\b"
)
_NO_PROMISE = re.compile(
    r"\b(?:if|whether|unless|depends?|depending|check|ask|asked|sorry|afraid|unfortunately|elsewhere|honest(?:ly)?|"
    r"first|half|part|"
    r"partly|phases?|steps?|step by step|later|until|beyond|not sure|nobody|none|too (?:early|soon|many)|another "
    r"(?:vendor|client)|"
    r"committed|taken|more than|earliest|overstat\w+|overpromis\w+|"
    r"exceed\w*|at least|would rather|instead|limits?|below|under)\b"
)
_PATTERNS = {
    "capacity.overcommitment": (_WHOLE,),
    "capacity.unlisted_stack": (_WHOLE, _TEAM),
    "capacity.committed": (_WHOLE, _TEAM),
    "capacity.seniority": (_WHOLE, _SENIORS),
    "capacity.lead_time": (_WHOLE, _SOON),
}


# A number that counts people where nothing else says what it counts, and "two squads of four".
_COUNT = re.compile(
    rf"(?<![\w$€£.,:/%#-])(?<!\bat )(?<!\bin )(?<!\bwithin )(?<!\bat least )(?P<one>{NUMBER})(?: (?:\w+ )?(?:teams|"
    rf"squads|pods|"
    rf"groups|crews) of (?P<times>{NUMBER}))?(?!\w|[:%]|[.,]\d|[\s-](?:business |working |calendar )?(?:days?|weeks?|"
    rf"months?|hours?|"
    rf"years?|minutes?|am|pm|questions?|options?|ways?|things?|points?|of (?:your|my) (?:questions?|mails?))\b)"
)
_ASKED = re.compile(
    r"\b(?:you|they|your \w+) (?:\w+ )?(?:asked|need|want|wrote|mention\w*|requested|are looking|were looking|have|"
    r"hope|named)\b|"
    r"\b(?:your (?:request|question|mail|message|note|ask)|request for|asked for|looking for|need for|the figure|the "
    r"number|how)\b"
)
_PART = re.compile(
    r"\b(?<!team )(?<!squad )(?<!group )(?<!all )(?:of|for|than|beyond|number|above|over|below|not|no|to)(?: the| "
    r"your)? $"
)
_TALK_OF = re.compile(
    r"\b(?:to hear|question|answer|clarif\w+|understand|thank\w*|about|confirm (?:with|whether)|discuss|talk|call|"
    r"scop\w+)\b"
)


def counted(reading: Reading, asked: frozenset[int], free: int) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A number of people beyond those who are free: the one that was asked for, or a product of groups."""
    body = reading.lower_body[: reading.core[1]]
    said = [
        value_of(match.group("one")) or 0
        for match in _COUNT.finditer(body, reading.core[0])
        if not match.group("times")
    ]
    if _NO_PROMISE.search(body) or any(0 <= number <= free for number in said):
        return  # a smaller number beside it is the one that is offered
    for sentence in reading.sentences:
        text = sentence.text[:1_000]
        if sentence.field == "subject" or _TALK_OF.search(text) or deferred(text):
            continue
        for match in _COUNT.finditer(text):
            number, times = value_of(match.group("one")) or 0, value_of(match.group("times") or "one") or 1
            if number * times <= free or (times == 1 and number not in asked):
                continue
            after = text[match.end() :]
            if REFUSED.match(after) or TOO_MUCH.search(after) or _PART.search(text, 0, match.start()):
                continue
            if sentence.asks or _ASKED.search(text, 0, match.start()) or denied_before(text, match.start()):
                continue
            yield sentence, match


def accepted(reading: Reading, check: str) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """Where the draft takes on a request that fails ``check``; nothing in a draft that names a limit."""
    if _NO_PROMISE.search(reading.lower_body):
        return
    for pattern in _PATTERNS[check]:
        for sentence in reading.sentences:
            if sentence.field == "subject" or sentence.asks or deferred(sentence.text):
                continue
            match = pattern.search(sentence.text)
            if match and not denied_before(sentence.text, match.start()):
                yield sentence, match


def soon(
    reading: Reading, requests: Sequence[CapacityRequest], stacks: Mapping[str, StackFacts]
) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A time sooner than anybody asked for can come, in a draft that speaks of no other."""
    if _NO_PROMISE.search(reading.lower_body):
        return
    asked = [stacks.get(request.stack.strip().lower()) for request in requests]
    needed = min((stack.deploy_days for stack in asked if stack and stack.deploy_days), default=0)
    for sentence in reading.sentences:
        named = days_named(sentence) if sentence.field == "body" else None
        if named and named[0] < needed:
            yield sentence, named[1]
