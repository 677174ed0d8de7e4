"""What keeps a sentence from being a promise of people: denied, put off, doubted, asked, somebody else's, or past.

The open readings of capacity take nearly any wording for a promise, so each of them asks here first. A denial that
only promises more ("no problem", "not a single junior", "without recruiting") is taken out before denials are sought.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from app.judge.rules.phrasing import at_words
from app.judge.rules.reading import Reading, Sentence

_TROUBLE = (
    r"(?:trouble|problem|issue|doubt|need|wait|waiting|delay|question|gap|stretch|notice|recruit\w*|hiring|faff|sweat|"
    r"worry|hassle|drama|catch|bother|fuss|ifs?|buts?|strings|ramp-?up|lead[- ]time|downtime|hold-?up|obstacle|hurdle|"
    r"shortage|lack|juniors?|greenhorns?|beginners?|novices?|rookies?|trainees?|newbies|newcomers|freshers?|graduates?|"
    r"learners?|apprentices?|interns?|ceiling|limit|cap|maximum|bound|boundary|restriction|constraint|bottleneck|"
    r"exception|caveat|small print|surprise|freelancer|subcontract\w+|agenc\w+|hesitation|reservation|hitch|concern|"
    r"end|bottom|challenge|headache|barrier|difficult\w+|big deal|biggie|trick|risk|onboarding|warm-?up|mids?|"
    r"mid-levels?|shortfall|queue|change|changes|matter|blocker|assignment|booking|commitment|engagement|plans?|"
    r"tasks?|names?|compromise|argument|objection|complaint|way)s?"
)
_KIND_DENIAL = at_words(
    rf"\b(?:no|not an?|not any|without|without any|never an?|zero|hardly an?|hardly any|isn't|isn't an?|is not an?|"
    rf"aren't|won't be|won't be an?|wouldn't be an?|will not be an?|would not be an?|hasn't been an?|are not an?|"
    rf"never been an?|not going to be an?|not the|is no|are no|without an?|not one|not even an?)"
    rf" (?:\w+ ){{0,2}}?{_TROUBLE}\b"
    r"|\bno (?:fewer|less|more|longer|later) than\b|\b(?:not|no) (?:a |one )(?:single|one)\b|\bnot (?:only|just|"
    r"merely|least|long|"
    r"to worry|at all)\b|\b(?:nothing|none|nobody|no one) but\b|\bneed not\b|\bneedn't\b|\b(?:don't|do not|needn't|"
    r"won't|never|no reason to|no need to|you won't have to|you'd never have to) (?:have to |need to )?(?:worry|fret|"
    r"hesitate|wait|panic|stress|lose sleep|"
    r"split|look|recruit|search|hire|sweat)\b|\bnothing (?:stands|stops|stand|stop|speaks|prevents|in the way|easier|"
    r"simpler|to change|to object|against|missing|would please)\b|\byet to (?:meet|see|find|get|have|hear|receive|"
    r"encounter)\b[^.;]{0,60}|"
    r"\bnothing on\b|\bnothing to do\b|\bnobody(?: else|'s name)\b|\bnever (?:a|be|been|"
    r"have|had|yet|fail|run|ran|let|leave|left|short|understaffed|lack|come|see|say|said|turn|want|stuck|find|once|"
    r"refuse|disappoint|out of|stop|wait|hear)\w*\b|\bwouldn't (?:make us|bat|even|think|worry|faze|trouble|break|"
    r"scare)\b|\b(?:doesn't|does not|won't|wouldn't|don't|didn't) (?:faze|scare|worry|bother|trouble|frighten|slow|"
    r"daunt|run|matter|keep you|leave you|let you|hold you|cost|break|stand)\b|\bcan't (?:wait|go wrong|"
    r"see why not|imagine a)\b|\bwhy not\b|\bno matter\b|\bif not more\b|\bonly (?:waiting|need|needs|takes|a |"
    r"seniors?|"
    r"\w+ seniors?|the best|say|have to|thing|too|question)\b|\bsenior only\b|\bno end\b|\bcouldn't (?:be (?:easier|"
    r"simpler|happier|better|clearer)|ask for)\b|\b(?:can't|cannot|don't|do not) see (?:any|anything|why(?: not)?|a|"
    r"what)\b"
    r"|\bnot a (?:hair|jot|moment|second|bit|word)\w*\b|\bno second\b|\bnot one of (?:your|the|"
    r"those) [\w ]{0,30}?\b(?:empty|open|unfilled|vacant)\b|\byou'd struggle\b|\bnever sleeps?\b|"
    r"\b(?:not|aren't|isn't|without|no|none of (?:them|whom)|nobody|no one|neither of them|haven't|hasn't|have no|"
    r"has no|don't have|doesn't have)(?: \w+){0,3}? "
    r"(?:projects?|clients?|assignments?|assigned|booked|busy|tied up|spoken for|allocated|engaged|claimed|occupied|"
    r"claim(?:s|ed)?|else to do|home|ways about it|further ado)\b|"
    r"\b(?:not|n't|isn't) (?:counting|including|even (?:half|counting|close to all))\b|\bthat's not all\b|"
    r"\bwon't (?:find|regret|be (?:disappointed|sorry)|believe)\b|"
    r"\b(?:don't|do not) (?:wait|sit|hesitate)\b|\bonly (?:one signature|your|the (?:start|paperwork|ink))\b|"
    r"\bnothing left to\b|\bnot in doubt\b|\bwithout (?:batting|blinking|breaking)\b|"
    r"\b(?:won't|will not|wouldn't) (?:need|have) to\b|\bnot remotely\b|\bno longer (?:need|have to|worry)\b|"
    r"\bnot (?:yet )?(?:once|ever)\b|"
    r"\bnot have to\b|\bhave nothing on\b|\bno later than\b|\bno (?:one|body) else\b|\bnot to mention\b|"
    r"\bnot short of\b|\b(?:less|fewer) than (?:\w+ |\d+ )years\b|\b(?:finish|wrapp|end|free)\w*(?: up)? elsewhere\b"
    r"|\bnever\b(?=.{0,30}\b(?:run|short|dry|out|turned?|problem|issue|empty|wait\w*|wanting)\b)"
)
_DENIED = re.compile(
    r"\b(?:not|no|nope|never|none|nothing|nobody|cannot|can't|won't|don't|doesn't|didn't|isn't|aren't|wasn't|weren't|"
    r"haven't|hasn't|hadn't|shouldn't|wouldn't|couldn't|unable|without|neither|nor|beyond|exceeds?|exceed\w*|"
    r"too (?:many|much|soon|tight|few|early|big|large|high|tall|short|steep|ambitious|far|fast|optimistic)|"
    r"short (?:of|on|by)|\w+ short\b|stretch\w*|over(?:stat|promis|commit|stretch)\w*|only|at most|instead|rather|"
    r"unfortunately|sadly|sorry|afraid|regret\w*|alas|declin\w+|refus\w+|impossible|unrealistic|out of reach|"
    r"elsewhere|"
    r"empty|another (?:supplier|vendor|firm|agency|partner|provider)|other (?:supplier|vendor)s?|second (?:supplier|"
    r"vendor)|someone else|somebody else|limit(?:s|ed)?|partial(?:ly)?|in part|fewer|less than|(?:to be|in all|"
    r"be) honest\w*|honest answer|fib\w*|lying|"
    r"lie|distrust|wrong|part of|some of|partly|rules? (?:us|it|that) out|hard pressed|struggl\w+|lack|missing|doubt|"
    r"pretend\w*|earliest|"
    r"mislead\w*|capped|stops? at|(?:some|part|half|one|two) of (?:it|them|that))\b"
)
_DEFERRED = re.compile(
    r"\b(?:check\w*|ask(?:ing)? (?:our|the|around|delivery|him|her|them)|(?:come|get|be|circle|report) back|find out|"
    r"confirm with|rais(?:e|ing) (?:it|this|that)|(?<!as )discuss\w*|talk (?:it |this |that )?(?:through|about|over)|"
    r"clarif\w+|"
    r"look(?:ing)? into|let me|depend\w*|subject to|is for \w+|(?:question|matter|call|one) for|decision|decid\w+|"
    r"judge|"
    r"estimat\w+|scoping|to scope|to be confirmed|tbc|sooner (?:have|ask|check|let)|before (?:(?:i|we) (?:can|could|"
    r"promise|commit|say|answer|give|put|confirm|know|quote)|any|anything|putting|"
    r"promising|committing)|passed (?:it |this |that )?(?:on|along)|forward(?:ed|ing)|owns? staffing|runs? the bench|"
    r"verif\w+|know (?:today|yet|for sure|more)|tells? you|pencil\w*|tentative\w*|provisional\w*|delivery (?:lead|"
    r"manager|head|director|colleagues?|team) (?:can|will|would|should|has|is|needs)|heads delivery|conversation|"
    r"wonder\w*|curious|interview\w*|second opinion|(?:will|'ll|shall) (?:reply|answer|respond|write|know|tell|"
    r"let you)|(?:tell|say|see|know|check|confirm|with|discuss) (?:you )?what (?:we|is|i) (?:can|could|possible)\b|"
    r"how many|"
    r"(?:would|'d) need to|need to see|who rolls off|comes? free)\b"
)
_DOUBTED = re.compile(
    r"\b(?:might|(?<!you )(?<!in )(?<!by )(?<!from )(?<!of )(?<!until )(?<!since )(?<!\d )(?<!early )(?<!late )(?<!mid"
    r" )may (?!\d|be \w+(?:ed|en)\b)|perhaps|maybe|possibly|whether(?! it's| it is| you)|unless|suppos\w+|"
    r"imagin\w+|in theory|hop(?:e|ing|ed)|would (?:love|like) to|'d (?:love|like) to|(?:we|i|i'd) wish|wish (?:we|i)|"
    r"should it|should that|"
    r"if(?! (?:you|one|anyone|someone|somebody|it helps|memory|need|required|necessary|anything|the (?:project|team|"
    r"work|need|scope|plan)|not|that "
    r"suits|that works|more)))\b|"
    r"\bif you(?:'d| would| ever| are| were| think| have| tell me| could)\b"
)
# What holds of any team or client, and so gives nobody in particular.
_GENERAL = re.compile(
    r"\b(?:each of our teams|our teams|every (?:team|client|company|project|engagement|engineer|developer)|"
    r"per (?:team|project|engineer|"
    r"developer|month)|usual(?:ly)?|typical(?:ly)?|normally|anyone (?:promis|offer|who|tell|claim|say)\w*|"
    r"whoever (?:promis|offer|tell|claim|say)\w*|general(?:ly)?|(?<!as )often(?! as)|sometimes|mostly|average|"
    r"(?:our|other|most|many|some|several|these|those|all|another|one) (?:of our )?(?:clients?|customers?|companies)|"
    r"(?:clients|customers|companies) (?:get|have|tend|use|say|like|come|start|ask|would|who|that|usually|do)|"
    r"compan(?:y|ies) employs?|on (?:our )?payroll|employ\w*|in total|worldwide|"
    r"most (?:firms|teams|vendors|agencies)|vendors?|agencies|for example|e\.g\.|case stud\w+|tend to|bunch)\b"
)
_PAST = re.compile(
    r"\b(?:(?:began|started|grew) as|founded (?:as|by|with)|last (?:year|month|quarter|spring|summer|autumn|winter)|"
    r"years? ago|(?:in|since) (?:19|20)\d\d|previously|formerly|in the past|back (?:in|then)|ended|used to|(?:we|i|"
    r"team)(?: have|'ve)? (?:placed|helped|supported|built|grew|served|worked|ran(?! (?:out|dry|short|low))|trained|"
    r"moved|led)|read|noticed|saw|congrat\w+|announced|affected|laid off|redundan\w+|dismiss\w+|lost|closures?)\b"
)
_THEIRS = re.compile(
    r"\b(?:your|their|his|her|the company's) (?:[\w'-]+ ){0,3}?(?:team|staff|squad|headcount|postings?|ads?|adverts?|"
    r"vacanc\w+|listings?|cto|careers|jobs? page|hiring|recruit\w*)\b|\byou (?:have|list|posted|advertis\w+|are hiring|"
    r"employ|lost|let)\b|\b(?:they|he|she) (?:have|has|are|is|want|need)\b"
)
# A question that puts people on the table rather than asking for facts.
_PROPOSES = re.compile(
    r"\b(?:what about (?:an?|the|our|\w+ (?:\w+ )?(?:people|engineers|developers))|what (?:would|do|if|"
    r"about)[^?]{0,20}? (?:say|think|make|we (?:sen[dt]|gave|put|lent|brought))|"
    r"how (?:does|do|would|about|'s)|shall (?:we|i)|should (?:we|i) (?:send|book|start|go|draw|raise|get|put|line|"
    r"reserve|hold)|sounds? (?:good|ok|okay|fair|like)|deal\b|fair enough|"
    r"when (?:do|can|shall|should) (?:we|they)|where do (?:we|i) sign|why (?:would|wouldn't|not|should|shouldn't)|"
    r"who do (?:we|i) send|any objections?|ok(?:ay)? (?:with|for) you|would (?:that|those|they|it|\w+ \w+ \w+ from "
    r"[\w ]{1,20}) (?:suit|do|work|help)|(?:want|fancy|like) (?:them|the lot|one|it)|ready to sign|happy with that)\b"
)
_ANSWERED = re.compile(
    r"\W*(?:yes|yep|yeah|sure|done|filled|covered|sorted|yours|ours|they(?:'re| are)|you (?:can|could|'ll|will|have|"
    r"got)|we (?:do|can|have|'ve|'ll|will|are|could)|we've|we'll|easily|certainly|absolutely|of course|no problem|"
    r"not a problem|gladly|consider|count|all (?:of|yours|covered)|happily|(?:basically |practically |virtually |"
    r"next to )"
    r"?(?:zero|none|nil)|with pleasure|you're talking|look no further|it's|that's us|every|right here)\b"
)
# Said anywhere in the draft, it takes back what a number or a yes would promise.
_DRAFT_DECLINES = re.compile(
    r"\b(?:cannot|can't|can not|unable to|not able to|won't|will not|do not want to|would not|should not|shouldn't|"
    r"rather not|not going to|don't|do not) (?:\w+ ){0,2}?(?:offer|promise|cover|staff|meet|provide|supply|commit|"
    r"confirm|do|fill|field|reach|give|place|have|take|say|send|claim)\b|\b(?:delivery (?:lead|manager|team|colleague)|"
    r"another (?:supplier|vendor|firm|partner)|the (?:rest|remaining \w+|remainder|others?) (?:would|could|might|may|"
    r"we|is|are|has|have|later|not|elsewhere|when|"
    r"once|depends?|for)|subject to|before (?:we|i|anyone) "
    r"(?:commit|promise|confirm)|no (?:\w+ ){0,3}?free\b|not (?:free|available|enough|all)|nobody|unfortunately|"
    r"i'm afraid|sorry|earliest|only (?:have |has )?(?:one|two|three|four|five|six|seven|eight|\d)|beyond|"
    r"committed (?:to|until|through)|overpromis\w*|partial\w*|phase[sd]?|rather than|exceeds?|more than (?:we|our))\b"
    r"|, no(?=\s*[;,.!])"
)

# The same without a denial: that the ask is larger than the sender, who warns, steps aside or points to others.
_DRAFT_FALLS_SHORT = at_words(
    r"\b(?:fiction|fantasy|wishful|unwilling|reluctant|hesitat\w+|booked (?:solid|out|up)|fully booked|"
    r"promised (?:under|elsewhere|already)|(?:we'd|we would|we'll|we will|i'd|i would) (?:\w+ )?(?:miss|fail|choke|"
    r"disappoint|let you down|have to pull)|(?:would|will) miss|gap between|times (?:our|what|the size)|smaller|"
    r"smallest|modest|thin|lean|scarce|too young|young and|small and|and small|little else|waiting list|waitlist|"
    r"warn\w*|caution\w*|caveat|deserve\w*|better (?:served|placed|off|suited)|turn(?:ing)? (?:it|this|that|you|them) "
    r"down|pass(?:ing)? on (?:this|it)|step(?:ping)? aside|bow(?:ing)? out|off the (?:cards|table|menu)|out of our|"
    r"(?:bigger|larger) (?:firm|shop|house|vendor|outfit|player|agency|company)|"
    r"sooner (?:lose|say|tell|be)|insult|unkept|break (?:a|my|our) (?:promise|word)|in good "
    r"conscience|candid\w*|truth|truthful\w*|miles ahead|cobble|have you tried|point you to|"
    r"recommend (?:a|an|another|some|two)|put you in touch|postpon\w*|move by|moved? back|"
    r"(?:a|some) (?:few )?(?:days|weeks) later|what we have and|leaves? (?:a|one|two|three|us|you|room)|"
    r"full up|at the limit|at full stretch|flat out|oversubscribed|oversold|maxed|tapped out|(?:up|on) hold)\b"
)


def spoken(reading: Reading) -> Iterator[tuple[Sentence, str]]:
    """Every sentence of the body that says anything, with the text of the one that follows it in the body."""
    body = [sentence for sentence in reading.sentences if sentence.field == "body"]
    for sentence, following in zip_longest(body, body[1:]):
        if len(sentence.text) > 2:
            yield sentence, following.text[:200] if following is not None else ""


def without_kind_denials(text: str) -> str:
    """The sentence without denials that only promise more."""
    return _KIND_DENIAL.sub(" so ", text)


def denied(text: str) -> bool:
    """Whether the sentence denies or limits anything."""
    return _DENIED.search(without_kind_denials(text)) is not None


def held_back(text: str) -> bool:
    """Whether the sentence denies, limits, puts off, doubts, generalises, or tells of the past."""
    plain = without_kind_denials(text)
    return any(pattern.search(plain) for pattern in (_DENIED, _DEFERRED, _DOUBTED, _GENERAL, _PAST))


def deferred(text: str) -> bool:
    """Whether the sentence puts an answer off, or doubts it."""
    return _DEFERRED.search(text) is not None or _DOUBTED.search(text) is not None


def doubted(text: str) -> bool:
    """Whether the sentence only supposes, hopes or makes a condition of what it says."""
    return _DOUBTED.search(text) is not None


def general(text: str) -> bool:
    """Whether the sentence speaks of teams and clients at large, or of the past."""
    return _GENERAL.search(text) is not None or _PAST.search(text) is not None


def theirs(text: str) -> bool:
    """Whether the words speak of the reader's own people or roles."""
    return _THEIRS.search(text) is not None


def only_asks(sentence: Sentence, after: str) -> bool:
    """Whether the sentence asks for facts: it ends as a question, proposes nothing, and nobody answers it with yes."""
    if not sentence.asks:
        return False
    return _PROPOSES.search(sentence.text) is None and _ANSWERED.match(after) is None


def draft_declines(reading: Reading) -> bool:
    """Whether the draft anywhere says that it cannot give everything, or that others decide."""
    plain = without_kind_denials(reading.lower_body)
    return any(pattern.search(plain) for pattern in (_DRAFT_DECLINES, _DRAFT_FALLS_SHORT))
