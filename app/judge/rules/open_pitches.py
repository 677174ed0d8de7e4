"""Pitches made for another situation than the facts, in open wording: a second look where the set phrases found nothing.

The burden is reversed. After a layoff any word of growth, expansion or more people pitches growth unless the sentence
denies it or speaks of the sender; a word for somebody's first months in a post needs a new leader in the facts; saving
and getting by with fewer people need a layoff or a restructuring. Only a segment that the context types is held against
a draft here: where an agent names none, the set phrases alone decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.events import State
from app.judge.rules.facts import Facts
from app.judge.rules.phrasing import at_words, holds_any, word_set
from app.judge.rules.reading import Reading, Sentence
from app.schemas import ThreadStage

_PEOPLE = r"(?:engineers?|developers?|people|hands|heads|headcount|capacity|staff|teams?|squads?|crews?|pods?|bench|talent|hires?|seats?|desks?|groups?|organi[sz]ations?|departments?|units?)"
_GROWTH = at_words(
    r"\bgrow(?:s|th|ing|n)?\b|\bscal(?:e|es|ing|ed)(?: up)?\b|\bscale-?ups?\b|\bexpan(?:d\w*|sion\w*)\b|\bramp(?:s|ing)?[ -]?up\b|"
    r"\b(?:hiring|recruit\w*|hires|onboard\w*)|\bheadcount (?:up|has to|growth|grows?|to out\w+|can)\b|"
    rf"\b(?:additional|extra|bigger|larger|more|further|new|whole|broader|wider|fuller) (?:\w+ ){{0,2}}?{_PEOPLE}\b|"
    rf"\b(?:add|adding|broaden\w*|enlarg\w*|widen\w*|double|doubling|triple|multiply\w*|extend\w*|build(?:ing)? (?:out|up)|"
    rf"swell\w*|beef\w* up|bulk\w* up|fill\w*) (?:[\w-]+ ){{0,4}}?{_PEOPLE}\b|"
    r"\b(?:twice|double|three times|half again) (?:its|your|the) size\b|\b(?:new|more) (?:markets?|products?|features?|territor\w+|"
    r"regions?|customers?)\b|\b(?:congrat\w*|celebrat\w*|toast|hats off|exciting times|thrilled|momentum|"
    r"boom\w*|tailwinds?|wind at your back|hunger for talent|ambitio\w+|next (?:stage|level|chapter)|new heights|"
    r"take-?off|rocket\w*|land grab|accelerat\w+|in parallel|(?:fresh|new) (?:funding|money|capital)|after a raise|newly funded|open roles|"
    r"staff(?:ing)? up|at pace|vacanc\w+|(?:country|office|depot|market|region|city)s? you open|thriving|next leap|on the way up|war for talent|conquer\w*|bigger than ever|full speed|shipping (?:faster|more)|roadmap items)\b"
)
_GROWTH_WORDS = word_set(
    "grow grows growth growing grown scale scales scaling scaled scaleup scale-up scale-ups scaleups expand expands expanding "
    "expansion ramp ramps ramping ramp-up hiring recruit recruiting recruiter recruiters recruits recruitment hires headcount onboard "
    "onboarding additional extra bigger larger more further new whole broader wider fuller add adding broaden broadening enlarge "
    "enlarges enlarging widen widening widens double doubling triple multiply multiplying extend extending extends build building put "
    "place bring send lend swell fill filling twice congratulations congrats celebrate celebrating celebration toast hats exciting thrilled momentum "
    "boom booming tailwind tailwinds wind hunger ambition ambitions ambitious next rocket accelerate accelerating acceleration "
    "staff staffing pace vacancy vacancies country office depot market region city thriving leap way parallel fresh raise newly open talent conquer conquering full shipping roadmap"
)
_FIRST_MONTHS = at_words(
    r"\b(?:new|incoming|newly (?:\w+ ){0,2}?(?:minted|appointed|arrived|installed|hired)|fresh|recently (?:appointed|arrived|hired)|newcomer) (?:[\w-]+ ){0,3}?(?:leaders?|ctos?|vps?|"
    r"chiefs?|heads?|directors?|executives?|managers?|bosses|boss|incumbents?)\b|\b(?:newly (?:appointed|arrived|installed|in)|incoming|newcomers?)\b|"
    r"\b(?:first|opening|early|initial) (?:\w+ ){0,2}?(?:days|months?|weeks?|quarter) (?:(?:in|of|on|at|into) (?:the |your |a |an? new |any )?(?:[\w'-]+ ){0,2}?(?:role|post|job|chair|seat|position|office|charge|tenure)|as|are when|is when)\b|"
    r"\b(?:your|his|her|their) (?:first|opening|early) (?:\w+ )?(?:days|months|weeks|quarter)\b|\bfind(?:ing)? (?:your|their) (?:feet|bearings|way around)\b|"
    r"\bsettl(?:e|es|ed|ing) in(?:to)?\b|\b(?:you|you've|you have|they|who) (?:have |has |just |'ve |recently )*(?:taken over|took over|tak(?:e|ing) over|inherit(?:ed|s)?|stepped in(?:to)?)\b|"
    r"\b(?:department|team|systems?|contracts?|vendors?|estate|code ?base|stack|setup|set-up|organi[sz]ation|people|suppliers?) (?:that |which )?you(?:'ve| have)? (?:just )?(?:inherit(?:ed)?|taken over|took over)\b|"
    r"\b(?:you|you've|leaders?|they) (?:just |recently )?inherited\b|\b(?:new|unfamiliar|different|bigger) (?:chair|seat|post|role|job|position|remit|desk|hat)\b|"
    r"\bnew (?:in|to) (?:the|your|a|this) (?:chair|seat|post|office|role|job|position)\b|"
    r"\b(?:getting to know|learning) (?:the|your) (?:organi[sz]ation|company|team|ropes|lie of the land|place)\b|\bfresh (?:eyes|pair of eyes|start in)\b|"
    r"\b(?:your|the) predecessors?(?:'s)?\b|\b\b(?:leadership (?:transition|change)|change (?:at the top|of (?:leader|guard)\w*)|"
    r"honeymoon|first hundred days|hundred days (?:in|as|of)|(?:first|opening|your) (?:90|ninety|100) days|(?:90|ninety|100) days (?:in|as)\b|100-day|90-day|hundred-day|ninety-day|onboarding as|as (?:the|its|their) new|day one in|tenure|before you pick|your mandate)\b"
)
_LEADER_WORDS = word_set(
    "new incoming newly fresh recently newcomer newcomers first opening early initial finding find settle settles settled "
    "settling taken took taking take inherit inherits inherited inheriting stepped unfamiliar different getting learning "
    "predecessor predecessor's predecessors handover hand-over leadership change honeymoon days 100-day 90-day hundred-day "
    "ninety-day onboarding tenure pick mandate day"
)
_SAVING = at_words(
    r"\b(?:lower|lowers|lowering|reduc(?:e|es|ing|ed)|cut|cuts|cutting|trim(?:s|med|ming)?|shrink(?:s|ing)?|bring(?:s|ing)?|brought|drive|driving|push(?:es)?|"
    r"shav(?:e|es|ing)|slash(?:es|ing)?|halv(?:e|es|ing)|smaller|slimmer|tighter|reduced|less|tame|curb) (?:[\w'-]+ ){0,5}?(?:costs?|budgets?|spend(?:ing)?|payroll|wage bill|bills?|invoices?|burn|"
    r"overheads?|salar(?:y|ies)|expenses?|outlay|run rate|fixed cost)\b|\b(?:costs?|budgets?|payroll|wage bill|bills?|spend|burn|salar(?:y|ies)|overheads?)\b[^.?!]{0,40}\b(?:down|shrinks?|trimmed|lower(?:ed)?|cut|tight\w*|"
    r"back|smaller|come down|under control)\b|\bfewer (?:people|engineers|salaries|staff|hands|heads|colleagues|developers)\b|\b(?:half|a third|a quarter|two thirds|a fraction)(?: of)? (?:the|your|what) (?:staff|people|team|cost|budget|crew|price|payroll)\b|"
    r"\bkeep(?:s|ing)? (?:\w+ ){0,3}?(?:the (?:lights on|lamps \w+)|ticking over|afloat|running for less|alive cheaply)\b|\bhold(?:s|ing)? the fort\b|\btighten\w* (?:your|the|their) belts?\b|\b(?:lean(?:er)? (?:times|year|organi[sz]ation|team|months?|setup)|belt-tightening|cost base|"
    r"cost pressure|austerity|penny-?pinch\w*|more cheaply|cheap (?:continuity|upkeep|maintenance|run\w*)|frugal\w*|save (?:money|costs?|on)|savings?|pared-?down|skeleton (?:crew|team|staff)|cutbacks?|downturn|restructur\w+|do(?:ing)? more with less|with less|for less|economis\w+|economiz\w+)\b"
)
_SAVING_WORDS = word_set(
    "lower lowers lowering reduce reduces reducing reduced cut cuts cutting trim trims trimming trimmed shrink shrinks shrinking "
    "bring brings bringing brought drive driving push shave slash halve smaller slimmer tighter less tame curb cost costs budget budgets "
    "payroll wage bill bills spend burn salary salaries overhead overheads fewer half third quarter thirds fraction keep keeps keeping "
    "hold holds holding tighten tightening lean leaner belt-tightening austerity cheap cheaper cheaply frugal frugally save "
    "saving savings pared-down skeleton cutbacks downturn restructuring restructured economise economize"
)
# A pitch of growth where no layoff forbids every word of it.
_GROWTH_PITCH = at_words(
    r"\b(?:grow(?:th|ing)|scal(?:e|ing)(?: up)?|scale-?ups?|expan(?:d\w*|sion\w*)|newly funded|freshly funded|after a (?:raise|round)|(?:fresh|new) (?:funding|money|capital)|"
    r"hiring plan|hiring spree|growth plan|while you (?:hire|recruit)|faster than you can (?:hire|recruit)|double the team)\b"
)
_OFFERS = re.compile(
    r"\b(?:we|we're|we'd|we'll|we've|our|ours|us|i|i'd|a (?:\w+ )?team|teams?|squads?|crews?|partners?|outside|help\w*|let's|reviews?|audits?|assessments?|opinion|supplier|companies)\b"
)
_READER = re.compile(r"\byou\w*\b")
_DENIES = re.compile(
    r"\b(?:not|no|never|nor|neither|none|nothing|nobody|rather than (?:growth|more|expan\w+)|instead of|isn't|aren't|don't|won't|can't|cannot|wasn't|"
    r"wouldn't|shouldn't|doesn't|didn't|hardly|aside|far from|rather (?:speak|talk|write|keep|not|leave|hear|ask)|out of respect|whatever|awkward|regardless|less about)\b"
)
_OF_SENDER = re.compile(
    r"\b(?:of ours|some (?:are )?(?:growing|shrinking|big|small|large)|our own|ourselves|we(?:'ve| have)? (?:hired|grew|grown|raised|opened|expanded|doubled|are growing|are hiring|"
    r"get bigger|started)|i(?:'m| am) new|new (?:here|to this)|read more|more (?:detail|about|information|than|on|in)|no more|once more|any ?more|"
    r"some more|(?:bring|put|place|send|add)(?:ing)? (?:it|this|that|them|a (?:number|price|name|stop|word))|full (?:answer|reply|picture|list))\b"
)


def growth_after_layoff(reading: Reading, facts: Facts) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """Words of growth, people or celebration in a draft to a company that has let people go or must save."""
    segment = facts.context.icp_segment
    if segment not in (None, 2) or (segment is None and facts.layoff.state is not State.HAPPENED):
        return
    asked = (
        facts.layoff.state is not State.HAPPENED
        or facts.context.thread_stage is not ThreadStage.COLD_FIRST_TOUCH
        or bool(facts.context.capacity_request)
    )
    first = facts.context.company_name.lower().split(" ")[0] or "\n"
    for sentence, match in _sentences(reading, _GROWTH, _GROWTH_WORDS):
        text = sentence.text
        if asked and not _GROWTH_PITCH.search(text):
            continue
        if (_OFFERS.search(text) or _READER.search(text) or first in text) and match.group() not in facts.prospect_text and not _excused(text):
            yield sentence, match


def unfounded_pitches(reading: Reading, facts: Facts) -> Iterator[tuple[Sentence, re.Match[str], str]]:
    """Pitches of a new leader's first months, of saving or of growth where the typed segment is another."""
    segment = facts.context.icp_segment
    if segment is None:
        return
    if segment != 3 and facts.leader.state is not State.HAPPENED:
        for sentence, match in _sentences(reading, _FIRST_MONTHS, _LEADER_WORDS):
            text = sentence.text
            if (_OFFERS.search(text) or _READER.search(text)) and not _excused(text):
                yield sentence, match, "leader"
    if segment != 2 and facts.layoff.state is not State.HAPPENED:
        for sentence, match in _sentences(reading, _SAVING, _SAVING_WORDS):
            if _OFFERS.search(sentence.text) and not _excused(sentence.text):
                yield sentence, match, "saving"
    if segment in (3, 4) or (segment == 0 and facts.funding.state is not State.HAPPENED and not facts.open_roles):
        for sentence, match in reading.hits(_GROWTH_PITCH):
            if sentence.field == "body" and _OFFERS.search(sentence.text) and not _excused(sentence.text):
                yield sentence, match, "growth"


def _excused(text: str) -> bool:
    return _DENIES.search(text) is not None or _OF_SENDER.search(text) is not None


def _sentences(
    reading: Reading, pattern: re.Pattern[str], words: frozenset[str]
) -> Iterator[tuple[Sentence, re.Match[str]]]:
    start, end = reading.core
    for sentence in reading.sentences:
        if sentence.field != "body" or not start <= sentence.start + 1 < end or not holds_any(sentence.text, words):
            continue
        match = pattern.search(sentence.text[:500])
        if match:
            yield sentence, match
