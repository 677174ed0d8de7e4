"""Pitches made for another situation than the facts, in open wording: a second look beside the set phrases.

The burden is reversed. After a layoff any word of growth, expansion or more people pitches growth unless the sentence
denies it or speaks of the sender; a word for somebody's first months in a post needs a new leader in the facts; saving
and getting by with fewer people need a layoff or a restructuring. What the facts route to is the context's segment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.events import State
from app.judge.rules.facts import Facts
from app.judge.rules.open_tiers import doubted
from app.judge.rules.phrasing import at_words
from app.judge.rules.reading import Reading, Sentence
from app.schemas import ThreadStage

_PEOPLE = (
    r"(?:engineers?|developers?|people|hands|heads|headcount|capacity|staff|teams?|squads?|crews?|pods?|bench|"
    r"talent|hires?|seats?|desks?|groups?|organi[sz]ations?|departments?|units?)"
)
_GROWTH = at_words(
    r"\bgrow(?:s|th|ing|n)?\b|\bscal(?:e|es|ing|ed)(?: up)?\b|\bscale-?ups?\b|\bexpan(?:d\w*|sion\w*)\b|\bramp(?:s|"
    r"ing)?[ -]?up\b|\b(?:hiring|recruit\w*|hires|onboard\w*|while you hire)|\bheadcount (?:up|has to|growth|grows?|"
    r"to out\w+|can)\b|"
    rf"\b(?:additional|extra|bigger|larger|more|further|new|whole|broader|wider|fuller) (?:\w+ ){{0,2}}?{_PEOPLE}\b|"
    rf"\b(?:add|adding|broaden\w*|enlarg\w*|widen\w*|double|doubling|triple|multiply\w*|extend\w*|build(?:ing)? "
    rf"(?:out|up)|swell\w*|beef\w* up|bulk\w* up|fill\w*) (?:[\w-]+ ){{0,4}}?{_PEOPLE}\b|"
    r"\b(?:twice|double|three times|half again) (?:its|your|the) size\b|\b(?:new|more) (?:markets?|products?|"
    r"features?|territor\w+|regions?|customers?)\b|\b(?:congrat\w*|celebrat\w*|toast|hats off|exciting times|"
    r"thrilled|momentum|boom\w*|tailwinds?|wind at your back|hunger for talent|ambitio\w+|next (?:stage|level|"
    r"chapter)|new heights|take-?off|rocket\w*|land grab|accelerat\w+|in parallel|(?:fresh|new) (?:funding|money|"
    r"capital)|after a raise|newly funded|open roles|staff(?:ing)? up|at pace|vacanc\w+|(?:country|office|depot|"
    r"market|region|city)s? you open|thriving|next leap|on the way up|war for talent|conquer\w*|bigger than ever|"
    r"full speed|shipping (?:faster|more)|roadmap items)\b"
)
_FIRST_MONTHS = at_words(
    r"\b(?:new|incoming|newly (?:\w+ ){0,2}?(?:minted|appointed|arrived|installed|hired)|fresh|recently "
    r"(?:appointed|arrived|hired)|newcomer) (?:[\w-]+ ){0,3}?(?:leaders?|ctos?|vps?|chiefs?|heads?|directors?|"
    r"executives?|managers?|bosses|boss|incumbents?)\b|\b(?:newly (?:appointed|arrived|installed|in)|incoming|"
    r"newcomers?)\b|\b(?:first|opening|early|initial) (?:\w+ ){0,2}?(?:days|months?|weeks?|quarter) (?:(?:in|of|on|"
    r"at|into) (?:the |your |a |an? new |any )?(?:[\w'-]+ ){0,2}?(?:role|post|job|chair|seat|position|office|charge|"
    r"tenure)|as|are when|is when)\b|\b(?:your|his|her|their) (?:first|opening|early) (?:\w+ )?(?:days|months|weeks|"
    r"quarter)\b|\bfind(?:ing)? (?:your|their) (?:feet|bearings|way around)\b|\bsettl(?:e|es|ed|ing) in(?:to)?\b|"
    r"\b(?:you|you've|you have|they|who) (?:have |has |just |'ve |recently )*(?:taken over|took over|tak(?:e|ing) "
    r"over|inherit(?:ed|s)?|stepped in(?:to)?)\b|\b(?:department|team|systems?|contracts?|vendors?|estate|code "
    r"?base|stack|setup|set-up|organi[sz]ation|people|suppliers?) (?:that |which )?you(?:'ve| have)? (?:just "
    r")?(?:inherit(?:ed)?|taken over|took over)\b|\b(?:you|you've|leaders?|they) (?:just |recently )?inherited\b|"
    r"\b(?:new|unfamiliar|different|bigger) (?:chair|seat|post|role|job|position|remit|desk|hat)\b|\bnew (?:in|to) "
    r"(?:the|your|a|this) (?:chair|seat|post|office|role|job|position)\b|\b(?:getting to know|learning) (?:the|"
    r"your) (?:organi[sz]ation|company|team|ropes|lie of the land|place)\b|\bfresh (?:eyes|pair of eyes|start in)\b|"
    r"\b(?:your|the) predecessors?(?:'s)?\b|\b(?:leadership (?:transition|change)|change (?:at the top|of (?:leader|"
    r"guard)\w*)|honeymoon|first hundred days|hundred days (?:in|as|of)|(?:first|opening|your) (?:90|ninety|100) "
    r"days|(?:90|ninety|100) days (?:in|as)\b|100-day|90-day|hundred-day|ninety-day|onboarding as|as (?:the|its|"
    r"their) new|day one in|tenure|before you pick|your mandate)\b"
)
_SAVING = at_words(
    r"\b(?:lower|lowers|lowering|reduc(?:e|es|ing|ed)|cut|cuts|cutting|trim(?:s|med|ming)?|shrink(?:s|ing)?|"
    r"bring(?:s|ing)?|brought|drive|driving|push(?:es)?|shav(?:e|es|ing)|slash(?:es|ing)?|halv(?:e|es|ing)|smaller|"
    r"slimmer|tighter|reduced|less|tame|curb) (?:[\w'-]+ ){0,5}?(?:costs?|budgets?|spend(?:ing)?|payroll|wage bill|"
    r"bills?|invoices?|burn|overheads?|salar(?:y|ies)|expenses?|outlay|run rate|fixed cost)\b|\b(?:costs?|budgets?|"
    r"payroll|wage bill|bills?|spend|burn|salar(?:y|ies)|overheads?)\b[^.?!]{0,40}\b(?:down|shrinks?|trimmed|"
    r"lower(?:ed)?|cut|tight\w*|back|smaller|come down|under control)\b|\bfewer (?:people|engineers|salaries|staff|"
    r"hands|heads|colleagues|developers)\b|\b(?:half|a third|a quarter|two thirds|a fraction)(?: of)? (?:the|your|"
    r"what) (?:staff|people|team|cost|budget|crew|price|payroll)\b|\bkeep(?:s|ing)? (?:\w+ ){0,3}?(?:the (?:lights "
    r"on|lamps \w+)|ticking over|afloat|running for less|alive cheaply)\b|\bhold(?:s|ing)? the fort\b|\btighten\w* "
    r"(?:your|the|their) belts?\b|\b(?:lean(?:er)? (?:times|year|organi[sz]ation|team|months?|setup)|"
    r"belt-tightening|cost base|cost pressure|austerity|penny-?pinch\w*|more cheaply|cheap (?:continuity|upkeep|"
    r"maintenance|run\w*)|frugal\w*|save (?:money|costs?|on)|savings?|pared-?down|skeleton (?:crew|team|staff)|"
    r"cutbacks?|downturn|restructur\w+|do(?:ing)? more with less|with less|for less|economis\w+|economiz\w+)\b"
)
# A pitch of growth where no layoff forbids every word of it.
_GROWTH_PITCH = at_words(
    r"\b(?:grow(?:th|ing)|scal(?:e|ing)(?: up)?|scale-?ups?|expan(?:d\w*|sion\w*)|newly funded|freshly funded|after "
    r"a (?:raise|round)|(?:fresh|new) (?:funding|money|capital)|hiring plan|hiring spree|growth plan|while you "
    r"(?:hire|recruit)|faster than you can (?:hire|recruit)|double the team)\b"
)
_OFFERS = re.compile(
    r"\b(?:we|we're|we'd|we'll|we've|our|ours|us|i|i'd|a (?:\w+ )?team|teams?|squads?|crews?|partners?|outside|"
    r"help\w*|let's|reviews?|audits?|assessments?|opinion|supplier|companies)\b"
)
_WE = re.compile(r"\b(?:we|our|us|i|let's|let us)\b")
_READER = re.compile(r"\byou\w*\b")
_DENIES = re.compile(
    r"\b(?:not|no|never|nor|neither|none|nothing|nobody|rather than (?:growth|more|expan\w+)|instead of|isn't|"
    r"aren't|don't|won't|can't|cannot|wasn't|wouldn't|shouldn't|doesn't|didn't|hardly|aside|far from|rather "
    r"(?:speak|talk|write|keep|not|leave|hear|ask)|out of respect|whatever|awkward|regardless|less about)\b"
)
_OF_SENDER = re.compile(
    r"\b(?:(?:backlog|queue|list|pile|debt|tickets|workload|costs?|bills?|pressure|risk)s? (?:\w+ ){0,3}?grow\w*|"
    r"(?:office|company|firm|branch|colleagues?) of ours|some (?:are )?(?:growing|shrinking|big|small|large)|our "
    r"own|ourselves|we(?:'ve| have)? (?:hired|grew|grown|raised|opened|expanded|doubled|are growing|are hiring|get "
    r"bigger|started)|i(?:'m| am) new|new (?:here|to this)|read more|more (?:detail|about|information|than|on|in)|"
    r"no more|once more|any ?more|some more|(?:bring|put|place|send|add)(?:ing)? (?:it|this|that|them|a (?:number|"
    r"price|name|stop|word))|full (?:answer|reply|picture|list))\b"
)


def growth_after_layoff(reading: Reading, facts: Facts) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """Words of growth, people or celebration in a draft to a company that has let people go or must save."""
    if facts.context.icp_segment != 2:
        return
    asked = (
        facts.layoff.state is not State.HAPPENED
        or facts.context.thread_stage is not ThreadStage.COLD_FIRST_TOUCH
        or bool(facts.context.capacity_request)
    )
    first = facts.context.company_name.lower().split(" ")[0] or "\n"
    for sentence, match in _sentences(reading, _GROWTH):
        text = sentence.text
        if asked and not _GROWTH_PITCH.search(text):
            continue
        if not _WE.search(text) and doubted(text):
            continue  # of what the company is at, not pitched
        if (
            (_OFFERS.search(text) or _READER.search(text) or first in text)
            and match.group() not in facts.prospect_text
            and not _excused(text)
        ):
            yield sentence, match


def unfounded_pitches(reading: Reading, facts: Facts) -> Iterator[tuple[Sentence, re.Match[str], str]]:
    """Pitches of a new leader's first months, of saving or of growth where the segment is another."""
    segment = facts.context.icp_segment
    if segment != 3 and facts.leader.state is not State.HAPPENED:
        for sentence, match in _sentences(reading, _FIRST_MONTHS):
            text = sentence.text
            if (_OFFERS.search(text) or _READER.search(text)) and not _excused(text):
                yield sentence, match, "leader"
    if segment != 2 and facts.layoff.state is not State.HAPPENED:
        for sentence, match in _sentences(reading, _SAVING):
            if _OFFERS.search(sentence.text) and not _excused(sentence.text):
                yield sentence, match, "saving"
    if segment in (3, 4) or (segment == 0 and facts.funding.state is not State.HAPPENED and not facts.open_roles):
        for sentence, match in reading.hits(_GROWTH_PITCH):
            if sentence.field == "body" and _OFFERS.search(sentence.text) and not _excused(sentence.text):
                yield sentence, match, "growth"


def _excused(text: str) -> bool:
    return _DENIES.search(text) is not None or _OF_SENDER.search(text) is not None


def _sentences(reading: Reading, pattern: re.Pattern[str]) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """Sentences of the body, without greeting and signature, that hold the pattern."""
    start, end = reading.core
    for sentence, match in reading.hits(pattern):
        if sentence.field == "body" and start <= sentence.start + 1 < end:
            yield sentence, match
