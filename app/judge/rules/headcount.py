"""Numbers of people that a draft speaks of without one of the set phrases of an offer.

"Ten Scala engineers, first day in two weeks" offers ten although no verb says so. So a number beside a word for people,
a stack or a seat is an offer here, unless the sentence gives it another part: it is denied or called too much, it is
what was asked for, it is somebody else's, it lies in the past, or it stands after "of", "below", "rather than".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.phrasing import clauses, denied_before
from app.judge.rules.reading import Reading, Sentence

PEOPLE = (
    r"(?:engineers?|developers?|devs?|specialists?|experts?|people|folks|seniors?|mids?|juniors?|consultants?|"
    r"candidates?|profiles?|resources|colleagues|hands|"
    r"scientists?|architects?|contractors?|programmers?|coders?|hires|testers?|professionals|"
    r"\w+istas?|gophers?|rustaceans?|techies|heads|bodies)"
)
SEAT = r"(?:roles?|positions?|seats?|posts?|openings?|vacanc(?:y|ies)|spots?)"
_NUMBER = re.compile(rf"(?<![\w$€£.,:/%#+-])({NUMBER})(?:\s?(?:-|–|to|or)\s?{NUMBER})?(?![\w%$€£/:]|[.,]\d)")
_STOP = (
    "of for to and from with at by in on or as is are was were will would can could if that which who we you they it "
    "i more other open new day days week weeks month months hour hours year years minute minutes time times round "
    "rounds sprint sprints question questions call calls point points thing things option options percent usd "
    "dollars "
    "euros am pm client clients customer customers company companies office offices step steps about question "
    "whether because so"
)
WORD = rf"(?!(?:{_STOP.replace(' ', '|')})\b)[\w+#./'&]{{1,20}}"
_NOUN = re.compile(
    rf"[\s-](?:of (?:the |our |your |these |those )?)?(?:{WORD},?[\s-]){{0,5}}?(?:({PEOPLE})|({SEAT}))\b"
)
_PHRASE = re.compile(
    rf"[\s-](?:of (?:the |our )?)?({WORD}(?: {WORD}){{0,2}})(?=\s*(?:$|[,.;:!)(]|-\s|"
    rf"(?:{_STOP.replace(' ', '|')})\b))"
)
TOKEN = re.compile(r"\.?[a-z0-9+#]+(?:\.[a-z0-9+#]+)*")
# A number that stands alone: what follows can be no thing that it counts.
_ALONE = re.compile(
    r"\s*(?:$|[,.;:!)]|-\s|(?:in|within|by|from|with|at|on|of (?:them|those)|now|today|starting|beginning|ready|"
    r"available|free|is|are|it is|can|could|will|would|as|right|immediately|fits|works|for you)\b)"
)
_GROUP = re.compile(
    r"\b(?:team|squad|pod|group|crew|unit|number|total|headcount|complement|whole|all|entire)(?: of)?(?: up to| "
    r"about| around|"
    r" at least| the| your| those| these)?\s$"
)
_ALL = re.compile(
    r"\b(?:all|(?:the |your )(?:full|whole|entire|complete)|yes to(?: all)?|your)(?: of)?(?: the| your| those| "
    r"them)?\s$"
)
_TAKEN = re.compile(
    r"(?:\b(?:can|could|will|'ll|would|able to|happy to|glad to|ready to) (?:\w+ )?(?:do|bring|offer|place|staff|"
    r"cover|"
    r"supply|provide|send|start|commit|confirm|put|fill|give|field|deploy|deliver|meet)(?: you| to| in| up| "
    r"forward)?|"
    r"\b(?:offer|confirm(?:ed)?|commit to|free|possible|available|ready) (?:is|are|now|today)|"
    r"\b(?:we|i) (?:do )?have|\bcount on|\bplan (?:with|on|for)|\bget)(?: only| just| up to| exactly| all| the| a| "
    r"about)?\s$"
)
_ACCEPTED = re.compile(
    r"^[^,;:.]{0,50}?\b(?:(?:is|are|will be|can be|could be|would be|have been|has been|be)(?: all| fully| now| "
    r"also| "
    r"already)? (?:covered|confirmed|filled|staffed|met|reserved|booked|secured|provided|supplied|delivered|"
    r"arranged|set|"
    r"granted|approved|placed|ready|available|fine|ok|okay|easy|doable|feasible|realistic|yours|routine|standard|"
    r"possible|"
    r"settled|agreed|done|no problem|within reach|in place|what we (?:can|have|offer))|it is\b|fits? (?:us|our)|"
    r"works for us|"
    r"(?:we|i) (?:can|will|'ll)|(?:can|will|could) (?:all )?(?:start|join|begin|be))\b"
)
# The part of a sentence in which the number is not what the sender gives.
_OTHER_PART = re.compile(
    r"\b(?:(?:more|less|fewer|rather|other|better|greater|larger|bigger|higher|lower) than|(?<!all )(?<!each "
    r")(?<!every )(?<!one )of|out of|"
    r"below|under|short of|beyond|over|above|instead of|versus|vs|against|answer to|compared to|compared with|up "
    r"from|"
    r"reach(?:ing)?|from|between|no to|not|nor|neither|"
    r"never|without|than|past|towards?|near|nearly all|half|some|most|another|first|last)(?: the| your| our| all| "
    r"those| these| full| whole| entire)*\s$"
)
# "Five seniors, no"; "four seniors I don't have".
REFUSED = re.compile(
    r",? (?:(?:sadly|alas|honestly),? )?(?:no(?=\s*[,;:.!]|\s*$)|(?:that )?(?:we|i) (?:do not|don't|cannot|can't) "
    r"(?:currently )?(?:have|offer|give|promise|do|place)\b)"
)
TOO_MUCH = re.compile(
    r"^[^;:.]{0,60}?(?:\b(?:is|are|was|were|would be|will be|might be|may be|seems?|looks?|sounds?|goes|go|lies?|"
    r"stays?|"
    r"remains?|exceeds?|would (?:need|take|require|mean|leave|have|stretch|overstretch|"
    r"exceed))\b[^,;:.]{0,24}?\b(?:more|beyond|too|not|above|over|hard|"
    r"difficult|stretch\w*|out of|ambitious|unrealistic|impossible|off the table|short|only|another|past|outside|"
    r"further|"
    r"larger|bigger|higher|lot|big|tall|steep|tight|many|heavy|question|matter|something|where)\b|exceeds?\b|"
    r"\bwould (?:exceed|stretch|overstretch)|\b(?:we|i|nobody|no one)\b[^,;:.]{0,20}?\b(?:cannot|can't|could not|"
    r"couldn't|do not|don't|"
    r"won't|will not|lack|would not|wouldn't|unable|never)\b|\b(?:isn't|aren't|is not|are not|cannot|can't|could "
    r"not|couldn't|won't|will not|"
    r"would not|wouldn't|doesn't|does not)\b|\b(?:unavailable|no longer|later|eventually|long run|in theory|busy|"
    r"taken|tied up|spoken for|on (?:a |other |another )?(?:project|client)|"
    r"(?:committed|allocated|engaged|booked|promised|reserved|assigned|deployed)(?! (?:to|for) you| as of))\b)"
)
_QUOTED = re.compile(
    r"\b(?:you|your|they|their|its|his|her|he|she|it|who|prospect|team|company|companies|startups|vendors?|firms?|"
    r"others|teams|most|many)\b"
    r"[^,;:]{0,40}?\b(?:ask\w*|need\w*|want\w*|request\w*|look\w*|mention\w*|list\w*|post\w*|advertis\w*|hir\w+|"
    r"have|has|had|"
    r"said|wrote|named|open\w*|requirement|plan\w*|team|grew|grown|lost|let go|laid|employ\w*|search\w*|seek\w*|"
    r"recruit\w*|about|of|for|own|"
    r"engineers|developers|people|existing|current)\b|\b(?:saw|see|seen|noticed|noted|read|counted|spotted|"
    r"congratulations|announced|looking for|search for|hiring|request (?:for|of)|need (?:for|of)|need|needs)\b"
)
_CONDITION = re.compile(
    r"\b(?:if|whether|unless|should you|suppose|imagine|assuming|in case|would love to|(?:i|we) wish|would like to|"
    r"would "
    r"have liked|hope to|hoping)\b"
)
_PAST = re.compile(
    r"\b(?:(?:began|started|grew) as|founded (?:as|by|with)|"
    r"last (?:year|month|quarter|spring|summer|autumn|winter|week)|years? ago|in 20\d\d|since 20\d\d|"
    r"previously|formerly|in the past|"
    r"(?:we|i|team)(?: have|'ve)? (?:placed|helped|supported|built|grew|served|worked|ran|hired|trained|moved|led|"
    r"began|started|did|were)|"
    r"another (?:client|customer|company|firm)|(?:a|one|other|our|recent|similar) (?:client|customer|engagement|"
    r"project)s?|case stud\w+|for example|e\.g\.|typical(?:ly)?|usual(?:ly)?|on average|"
    r"often|employs?|employees|headquarter\w*)\b"
)
_LATER = re.compile(
    r"\b(?:remain(?:der|ing|s)?|rest|later|eventually|over time|phased?|phasing|ramp\w*|scop(?:e|ing)|subject to|"
    r"depend\w*|"
    r"explore|refer\w*|partner\w*|second (?:supplier|vendor|wave|phase|group)|another (?:supplier|vendor|firm)|next "
    r"(?:phase|wave|group)|"
    r"once (?:we|they|their)|after (?:that|their|the (?:first|pilot|initial|current|next))|until|not before|would "
    r"(?:need|require|take|have to))\b"
)
# What limits the sentence as a whole: then the number that was asked for is not the one that is offered.
_LIMITED = re.compile(
    r"\b(?:not|no|cannot|can't|can not|couldn't|don't|won't|wouldn't|isn't|aren't|doesn't|unable|only|part(?:ial|"
    r"ly)?|instead|rather|less|fewer|"
    r"smaller|short|beyond|too|above|exceed\w*|stretch\w*|nobody|none|nothing|never|unfortunately|sorry|afraid|"
    r"honest(?:ly)?|elsewhere|"
    r"gap|lower|below|remain\w*|rest|difficult|hard|limit\w*|first|half|however|but|although|though|yet|would need|"
    r"would have)\b"
)
_NO_LIMIT = re.compile(
    r"\b(?:no (?:trouble|problem|issue|doubt|need|wait|delay|question|gap)s?|nothing [^,;:.]{0,30}\b(?:cannot|can't|"
    r"could not|couldn't)\b|"
    r"need not|not only|(?:isn't|is not|aren't|are not|won't be|will not be) (?:an? |any |going to be a "
    r")?(?:problem|issue|trouble|stretch)|"
    r"no fewer|no less|not just|do not worry|don't worry|do not need|don't need|don't have to|never a problem|not "
    r"long|first day|short notice|hard(?:ly)? a problem|nobody else)"
)
_SPAN = rf"(?:{NUMBER}|a|one|a few|some) (?:business |working |calendar )?(?:day|week|fortnight|month)s?"
# Signs that people are being given: a time, a verb of starting, a word of giving, where they come from.
_GIVEN = re.compile(
    rf"\b(?:in|within|after|inside|under|takes us|give us|lead time of|by) {_SPAN}\b|\b(?:start(?!up)\w*|begin\w*|"
    rf"join\w*|"
    r"on ?board\w*|first day|day one|free|available|ready|unassigned|idle|at your disposal|standing by|on standby|"
    r"between projects|"
    r"open for|reserved|held|waiting|confirm\w*|agreed|consider it done|deal|certainly|gladly|yours|for you|with "
    r"you|from us|from our side|"
    r"put down|pencil in|plan with|count on|reserve|(?:can|could|will|'ll|would|able to|happy to|glad to|pleased "
    r"to) (?:\w+ )?(?:send|supply|provide|"
    r"offer|place|cover|staff|fill|deploy|deliver|bring|get|give|put|field|do|take|have|commit|assign)|next monday|"
    r"tomorrow|immediately|"
    r"right away|at once|this week|next week|this month|next month|(?:by|in|from|before) (?:january|february|march|"
    r"april|may|june|"
    r"july|august|september|october|november|december|q[1-4]|spring|summer|autumn|winter))\b"
)
# What holds of any team or client, and so gives nobody in particular.
_GENERAL = re.compile(
    r"\b(?:(?:anyone|whoever) (?:who )?(?:promis|offer|tell|claim)\w*|each(?! of the)|every|per|usual(?:ly)?|"
    r"typical(?:ly)?|normal(?:ly)?|general(?:ly)?|often|sometimes|"
    r"mostly|average|"
    r"(?:teams|squads|pods|groups|crews) of|clients?|customers?|we are|we're|we were|on (?:our )?payroll|on staff|"
    r"in total)\b"
)
# What is put off until somebody has looked.
_DEFERRED = re.compile(
    r"\b(?:check|look (?:into|at)|come back|get back|find out|ask our|confirm with|raise (?:it|this|that)|discuss|"
    r"talk (?:through|about)|clarify|"
    r"(?:is |one )?for (?:delivery|\w+ delivery|others|them|someone|somebody|a colleague) to (?:judge|decide|say|"
    r"confirm|answer|tell)|"
    r"before (?:i|we)|let me (?:ask|look|find|come|get|speak|see)|would have to|has to|have to|question for|matter "
    r"for|one for|decision)\b"
)
# A limit stated anywhere in the draft speaks of the number that was asked for.
_DECLINED = re.compile(
    r"\b(?:(?:more|larger|bigger|higher) than (?:we|our|what|i|is|the number)|(?:cannot|can't|can not|unable to|not "
    r"able to|won't|will not|do not want to|"
    r"would not|should not|shouldn't|rather not|not going to) (?:\w+ ){0,2}?(?:offer|promise|cover|staff|meet|"
    r"provide|supply|commit|confirm|do|fill|field|"
    rf"reach|stretch|give|place|say)|(?:only|just|no more than|at most) (?:have )?{NUMBER}|(?:do not|don't|does "
    rf"not) (?:currently )?have (?:that|enough|so|as|the)|not (?:all|enough|"
    r"the full|that many|so many|more)|the rest\b|the remaining|nobody (?:else )?(?:is )?free|out of reach|(?:is|"
    r"are) not (?:free|available)|beyond (?:us|our|what))\b"
)
_SHORT_AFTER = re.compile(
    r"\W{0,2}(?:that|this|it|which|those|they|so many|as many)\b[^.;]{0,40}?\b(?:more|beyond|not|too|cannot|can't|"
    r"isn't|aren't|hard|nobody|lot|committed|taken)\b"
)
_FILLED = re.compile(r"\b(?:cover|fill|staff|take|supply|provide|meet|close|handle)(?:s|ed|ing)?\b")
_OURS = re.compile(
    r"\b(?:we|we'll|we've|i|i'll|i've|our|ours|us|you(?:'ll| will| would| could| can)? (?:get|have|receive|work "
    r"with)|can|could|will|would|'ll|put down|count on|reserve[ds]?|plan with|pencil in)\b"
)


@dataclass(frozen=True, slots=True)
class Headcount:
    """A number of people put forward; ``alone`` when only the request tells that it counts people."""

    count: int
    sentence: Sentence
    start: int
    end: int
    alone: bool


def find_headcounts(
    reading: Reading, names: frozenset[str], asked: frozenset[int], ours: frozenset[str]
) -> list[Headcount]:
    """Every number of people that the draft puts forward; one that it also denies counts as denied throughout.

    ``names`` are the words of the stacks in question, ``asked`` the counts that were asked for, ``ours`` the words of
    the sender's company.
    """
    found: list[Headcount] = []
    denied: set[int] = set()
    following = [*reading.sentences[1:], None]
    for sentence, after in zip(reading.sentences, following, strict=False):
        if sentence.field == "subject" or sentence.asks:
            continue
        if len(sentence.text) > 1_000:
            sentence = sentence._replace(text=sentence.text[:1_000])
        for number, count in _numbers(sentence.text):
            mention = _mention(sentence, number, count, names, asked)
            if mention is None:
                continue
            verdict = _given(mention, asked, ours)
            if verdict and after is not None and _SHORT_AFTER.match(after.text):
                verdict = None
            if verdict is None:
                denied.add(count)
            elif verdict:
                found.append(mention)
    if found and _DECLINED.search(reading.lower_body):
        denied |= asked
    return [mention for mention in found if mention.count not in denied]


def _numbers(text: str) -> Iterator[tuple[re.Match[str], int]]:
    for index, match in enumerate(_NUMBER.finditer(text)):
        if index >= 20:
            return
        count = value_of(match.group(1))
        if count is not None and 1 < count < 1_000:
            yield match, count


def _mention(
    sentence: Sentence, number: re.Match[str], count: int, names: frozenset[str], asked: frozenset[int]
) -> Headcount | None:
    """The number with what it counts, or None when that is no people."""
    text, end = sentence.text, number.end()
    noun = _NOUN.match(text, end)
    if noun:
        if noun.group(2) and not (_FILLED.search(text) and _OURS.search(text)):
            return None  # open roles of the reader, nobody says that they would be filled
        return Headcount(count, sentence, number.start(), noun.end(), alone=False)
    phrase = _PHRASE.match(text, end)
    if phrase and (words := TOKEN.findall(phrase.group(1))) and names.intersection(words[-1:]):
        return Headcount(count, sentence, number.start(), phrase.end(), alone=False)
    if not _ALONE.match(text, end):
        return None
    before = text[: number.start()]
    grouped = _GROUP.search(before) is not None
    if grouped or count in asked or _TAKEN.search(before):
        return Headcount(count, sentence, number.start(), end, alone=not grouped)
    return None


def _given(mention: Headcount, asked: frozenset[int], ours: frozenset[str]) -> bool | None:
    """Whether the sender gives the number; None when the sentence denies it."""
    text = mention.sentence.text
    start, clause = next(((at, part) for at, part in reversed(clauses(text)) if at <= mention.start), (0, text))
    before, after = text[start : mention.start], text[mention.end : start + len(clause)]
    easy = _NO_LIMIT.search(after) is not None
    if REFUSED.match(after + text[start + len(clause) :]):
        return None
    if (denied_before(_NO_LIMIT.sub(" ", before), len(before), 80)) or (TOO_MUCH.search(after) and not easy):
        return None
    if _OTHER_PART.search(before) and not _GROUP.search(before) and not _ALL.search(before):
        return None if mention.count in asked else False
    if _LATER.search(clause) or _PAST.search(clause):
        return False
    if _GENERAL.search(clause) or _DEFERRED.search(text):
        return False
    accepted = easy or _ACCEPTED.search(after) is not None
    if _CONDITION.search(before):
        return False
    by_us = _OURS.search(before[-40:]) is not None or not ours.isdisjoint(TOKEN.findall(before))
    if _QUOTED.search(before) and not by_us:
        return accepted
    if re.search(r"^\W{0,3}for\s$", before):
        return False
    if mention.count in asked and _LIMITED.search(_NO_LIMIT.sub(" ", text)):
        return False
    if mention.count in asked and _ALL.search(before):
        return True
    if mention.alone:
        taken = _TAKEN.search(before)
        if mention.count not in asked:
            return taken is not None
        return bool(taken or accepted)
    return accepted or _GIVEN.search(text) is not None or not ours.isdisjoint(TOKEN.findall(text))
