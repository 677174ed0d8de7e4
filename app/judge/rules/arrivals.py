"""How soon people would come, in nearly any wording: "at your standup that afternoon", "lead time? basically zero"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.headcount import TOKEN
from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.phrasing import at_words, clauses
from app.judge.rules.promised import deferred, denied, general, only_asks, spoken
from app.judge.rules.reading import Reading
from app.judge.rules.starts import Start, calendar_days
from app.judge.rules.tallies import WORKER

_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_SIGNED = (
    r"(?:sign\w*|signature|countersign\w*|order form|order|po|contract|agreement|paperwork|go-ahead|green light|yes|"
    r"word|"
    r"kick-?off|ink|today|now|nod|approval|call|mail|e-?mail|reply|confirmation|you (?:say|sign|call|confirm|agree|"
    r"give|"
    r"order|ask|return)|the (?:ink|contract|order|po|paperwork|nda|sow|deal))"
)
_WHEN = at_words(
    r"\b(?P<now>immediately|instantly|instantaneous\w*|right away|right now|straight ?away|straight off|at once|"
    r"same[- ](?:day|afternoon|morning)|the (?:very )?same (?:day|afternoon|morning|hour)|th(?:is|at) (?:very |same )?"
    r"(?:morning|afternoon|evening|day|minute|moment|second|hour)|today|tonight|without (?:any )?delay|before lunch|"
    r"before "
    r"the day is (?:out|over|through)|before you(?:'ve| have| can| know| could| finish)|by (?:close of (?:play|"
    r"business)|end of (?:day|play)|the end of (?:the )?(?:day|today)|"
    r"tonight|lunch|noon|teatime)|within (?:the )?(?:hour|hours|minutes|the day|a day|the same day)|(?:in|within) (?:a "
    r"matter of |just |a few |a couple of )?(?:hours|minutes|no time)|in an hour|(?:the )?(?:moment|minute|second|"
    r"instant|"
    r"hour|day) (?:that )?(?:you|we|the (?:contract|ink|po|order|paperwork|nda))|as soon as (?:you|we|the (?:contract|"
    r"ink|po|"
    r"order|paperwork|nda))|once you (?:sign|say)|(?:no|zero|nil|without(?: any)?) (?:lead[- ]?time|"
    r"notice(?: period)?)|(?:lead[- ]?time|wait|notice|delay|turnaround)\b[^.;!]{0,25}?\b(?:zero|"
    r"nil|none|nothing|non-existent|negligible)|hit the ground (?:running )?(?:today|tomorrow)|asap|day zero)\b"
    r"|\b(?P<one>tomorrow|by this time tomorrow|overnight|(?:the )?next (?:day|morning)|the (?:day|morning) after|the "
    r"following (?:day|morning)|first thing|day after tomorrow|(?:at )?a moment's notice|(?:at )?the drop of a hat|"
    r"(?:in )?no time|"
    r"(?:in )?a heartbeat|(?:in )?the blink of an eye|as we speak|(?:by )?return of (?:mail|post)|yesterday|"
    r"days? (?:one|two|three) after)\b"
    rf"|\b(?P<hours>(?:24|48|72|36|12|twenty-four|forty-eight|seventy-two)[- ]hours?)\b"
    r"|\b(?P<few>(?:(?:in|within|inside|under) )?(?:a (?:matter|question|couple|handful) of|a few|several|just|"
    r"mere) days|"
    r"(?:in|within) days|days,? not weeks|days rather than weeks|days from (?:now|today)|before the weekend|"
    r"by the weekend|"
    r"midweek)\b"
    rf"|\b(?P<week>(?:(?:on|by|from|this|next|come|until|starting|beginning|as of|as (?:early|soon|quickly|fast) as|"
    rf"before|early|first thing|"
    rf"effective|be there) )(?:this |next |this coming |coming |the coming |on )?{_DAY}(?! week| after| fortnight)|"
    rf"this "
    r"(?:very |same |coming )?week|within the (?:same )?week|before the week(?:'s| is)? (?:out|over|up|through)|(?:in|"
    r"within|"
    r"inside|under|after) (?:the |a |one )(?:single )?week(?:'s (?:time|notice))?|(?:by|before) the end of (?:the|"
    r"this) "
    r"week|(?<!hour )(?<!day )(?<!days )(?:a|one) week "
    rf"(?:later|hence|(?:from|after|of|following|post) (?:the |your |our |us |you )?{_SIGNED})|(?:early |"
    rf"later )?next week|(?:in|inside|within)(?: of)? (?:under |less than |not even )?a (?:working |single )?week|"
    rf"under a week|"
    rf"the week you|{_DAY} (?:morning|afternoon|at|first thing)|the (?:coming|following) week|the "
    r"week after|week one|(?:a|one)[- ]week (?:lead|start|notice|turnaround)|(?:at|with) a week's notice|"
    r"a week's time)\b"
    r"|\b(?P<fortnight>(?:(?:in|within|after|inside|under|at) )?(?:a|the|one|your) fortnight(?:'s)?(?: (?:from|after|"
    r"later|time|notice))?)\b"
    r"|\b(?P<month>(?:within|in|inside|under) (?:the|a|this|one) month|a month (?:from|after)|this (?:very )?month|"
    r"before the "
    r"month is (?:out|over))\b"
    rf"|\b(?P<n>{NUMBER})(?: ?(?:-|to|or) ?(?P<n2>{NUMBER}))?[\s-](?P<unit>(?:business |working |calendar |short |"
    rf"little |"
    r"clear )?(?:days?|weeks?))\b(?P<hint>'? (?:time|notice)\b)?(?![\s-](?:sprints?|rounds?|cycles?|iterations?|"
    r"trials?|"
    r"into|ago|of (?!sign|the|your|a |an |order|receiv)|review))"
)
_DUE_BEFORE = re.compile(
    r"\b(?:within|in|under|inside|less than|fewer than|in as little as|just|after|takes? (?:us)?|give us|need|needs|"
    r"lead "
    r"time (?:of|is|:)|by day|day|as little as|at|only|about|around|roughly|barely|is|mere|than)(?: the next|"
    r" a mere| "
    r"about| only| your| those| these| just| the)?\s$"
)
_DUE_AFTER = re.compile(
    rf"^\W{{0,2}}(?:(?:after|from|following|of|once|post|later|hence|out|on|is (?:all|enough|plenty|what|fine)|"
    rf"will do|would "
    rf"do|flat|tops|max|start|lead|turnaround|notice|at (?:most|the (?:most|latest)))\b|{_SIGNED}\b|time\b)"
)
_ABOUT = re.compile(r"\b(?:about|around|roughly|some|approximately|circa|more than|a bit (?:more|over))[ a-z]{0,8}$")
_COMES = at_words(
    r"\b(?:start\w*|commenc\w+|begin\w*|began|join\w*|deploy\w*|on-?board\w*|hop on|jump (?:in|on)|come aboard|aboard|"
    r"come "
    r"over|arriv\w+|turn up|show up|report\w*|land\w*|log(?:ged|ging)? (?:in|on)|live|committing|commits?|push(?:ing)? "
    r"(?:code|commits)|pushing|coding|writing code|code|pair(?:ing)? (?:up )?with|sit(?:ting)? (?:with|in|next|at)|"
    r"seated|at "
    r"(?:your|the) (?:standup|desk|door|stand-up|office|daily|keyboard)|in your (?:slack|repo\w*|standup|codebase|"
    r"backlog|"
    r"team|office|channel|tools|jira|board)|on your (?:team|project|backlog|standup|board|side|code|"
    r"doorstep|payroll|slack|site)|with you|released?|hand(?:ed)? over|assigned?|allocated?|placed?|put|yours|"
    r"available|"
    r"ready|productive|contribut\w+|up (?:and running|to speed)|in place|in (?:their|her|his) seats?|on ?site|at work|"
    r"working|"
    r"work|free|there|deliver\w*|staffed|filled|lead[- ]time|first (?:day|commit)|day one|move in|get going|going|"
    r"underway|"
    r"kick(?:s|ing)? off|send|sent|get|have|has|mobilis\w+|mobiliz\w+|parachut\w+|dispatch\w*|provid\w+|suppl\w+|bring|"
    r"step in|plug\w* in|slot\w* in|roll\w* in|walk\w* in|at your disposal|beam|drop in|embedded|integrat\w+|be|"
    r"plenty|enough|fine|doable|feasible|possible|realistic|works?|suits?|no problem|pick up|"
    r"picks up|expect|welcome|meet)\b"
)
# What is said of today may be true of today only: there somebody must come.
_COMES_NOW = at_words(
    r"\b(?:start\w*|commenc\w+|begin\w*|join\w*|deploy\w*|on-?board\w*|hop on|jump (?:in|on)|come aboard|aboard|"
    r"arriv\w+|"
    r"turn up|show up|report\w*|log(?:ged|ging)? (?:in|on)|committing|push\w*|at (?:your|the) (?:standup|desk|door|"
    r"stand-up|"
    r"office|daily)|in your \w+|on your \w+|with you|released?|handed over|assigned?|allocated?|placed|yours|"
    r"up and running|"
    r"in place|on ?site|at work|get going|lead[- ]time|first (?:day|commit)|mobilis\w+|mobiliz\w+|dispatch\w*|step in|"
    r"slot in|"
    r"at your disposal|get(?:s)? (?:plugged|filled|replaced)|be there|staffed|filled|replacement|you'd have|"
    r"you'll have|move in|working (?:on|with|for)|coding|"
    r"(?:will|can|could|would|'ll|'d) have (?:them|him|her|\w+ \w+))\b"
)
_PERSON = re.compile(
    rf"\b(?:{WORKER}|they|they'll|they'd|them|both|everyone|everybody|teams?|squads?|crews?|pod|pair|duo|trio|quartet|"
    r"someone|somebody|he|she|lead time|lead|no notice|start date|start|bench|group|half dozen|dozen|for us|we need|"
    r"we'd need|takes us|we take)\b"
)
_COUNTED = re.compile(rf"\b(?:{NUMBER}|both|your|our|the|all|an?)\b[^,;]{{0,30}}?\b{WORKER}\b")
_ELSE = re.compile(
    r"\b(?:calls?|calling|talk|chat|reply|replies|answer\w*|respond\w*|response|cvs?|resumes?|profiles? (?:by|on|"
    r"within|"
    r"tomorrow|today)|shortlist\w*|interview\w*|proposal|quote|invoice\w*|payment|contract (?:by|on|within|over)|terms|"
    r"trial|replace\w*|notice period of|cancel\w*|terminat\w*|review\w*|report by|write|e-?mail you|email|let you know|"
    r"get back|come back|details|deck|document|summary|minutes|slot|calendar|deadline|half past|if you agree|agenda|"
    r"demo|estimate|brief|listen in|workshop|invit\w+|video|clos(?:es|ing)|sprint|\d\d?[:.]\d\d|o'clock|contact\w*|"
    r"advertis\w*|release (?:cycle|cadence)|"
    r"offboard\w*|expir\w+|window|offer (?:stands|holds)|decide|hold until|on hold|reserved until|handover notes|"
    r"rate)\b"
)
# What ends then is other work.
_ENDS = re.compile(
    r"\b(?:finish\w*(?! your)|wrap\w*|ends?|complet\w+|roll\w* off|leav(?:e|es|ing) (?:their|another|a)|current)\b"
)
_LATE = re.compile(
    r"\b(?:more than (?:we|i)|beyond|not before|no sooner|no earlier|earliest|at least|minimum|not until|"
    r"until (?:then|they)|"
    r"too (?:tight|soon|early|short)|"
    r"sooner than|faster than|rather than|instead of|tight|rush\w*|wait)\b"
)


def arrivals(reading: Reading, names: frozenset[str]) -> Iterator[Start]:
    """Every time by which the draft says that people come. ``names`` are words of stacks."""
    for sentence, after in spoken(reading):
        text = sentence.text.rstrip()[:1_000]
        if sentence.asks:
            text = f"{text} {after}"
        if _WHEN.search(text) is None:
            continue
        if only_asks(sentence, after) or _ELSE.search(text):
            continue
        if deferred(text) or general(text):
            continue
        if not (_PERSON.search(text) or not names.isdisjoint(TOKEN.findall(text))):
            continue
        for offset, clause in clauses(text):
            if _ENDS.search(clause) or denied(clause) or _LATE.search(clause):
                continue
            for when in _WHEN.finditer(clause):
                days = _days(when, clause)
                if days is not None and _come(text, clause, days):
                    yield Start(days, sentence, offset + when.start(), offset + when.end())


def _come(text: str, clause: str, days: int) -> bool:
    """Whether people come: a verb says so, or they are counted beside the time."""
    if days == 0:
        return _COMES_NOW.search(clause) is not None
    return _COMES.search(text) is not None or _COUNTED.search(clause) is not None


def _days(when: re.Match[str], clause: str) -> int | None:
    for group, days in (
        ("now", 0),
        ("one", 1),
        ("hours", 3),
        ("few", 6),
        ("week", 7),
        ("fortnight", 14),
        ("month", 30),
    ):
        if when.group(group):
            return days
    before, after = clause[max(0, when.start() - 30) : when.start()], clause[when.end() :]
    if not (when.group("hint") or _DUE_BEFORE.search(before) or _DUE_AFTER.match(after)):
        return None
    number = value_of(when.group("n2") or when.group("n")) or 0
    if _ABOUT.search(before):
        number += 1
    unit = when.group("unit")
    if number == 0:
        return None
    return calendar_days(number, unit)
