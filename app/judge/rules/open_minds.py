"""What a draft claims to know of its reader's troubles, needs and plans, in open wording: a second look.

The burden is reversed: where the reader, or the company, is the subject of a word for lack, delay, pressure, need or
intent, the sentence must ask, condition, doubt or deny it, or the facts or the prospect must have said it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.dates import MONTHS
from app.judge.rules.facts import Facts
from app.judge.rules.open_tiers import NAME, doubted
from app.judge.rules.phrasing import at_words, hedged, word_set
from app.judge.rules.reading import Reading, Sentence

_PEOPLE = (
    r"(?:teams?|engineers?|developers?|people|staff|leads?|managers?|management|board|investors?|recruiters?|group|"
    r"departments?|squad|crew|colleagues|leadership|company)"
)
_WHO = (
    rf"(?:you|you're|you've|you'll|you'd|yours|yourco|yourco's|your (?:[\w'-]+ ){{0,3}}?[\w'-]+|the (?:[\w'-]+ "
    rf")?{_PEOPLE} (?:at yourco|(?:over )?there|who (?:stayed|remain\w*|are left))|(?:the )?(?:board|management|"
    rf"investors|recruiters)|those (?:who|that) (?:stayed|remain\w*|are left)|(?:the )?(?:rest|survivors|remaining "
    rf"\w+))"
)
_ADVERB = (
    r"(?:(?:is|are|was|were|has|have|had|be|been|being|'s|'re|now|clearly|still|already|simply|also|just|all|"
    r"probably|plainly|certainly|surely|obviously|so|very|too|badly|really|quite|rather|must|will|gets?|getting|"
    r"feels?|feeling|looks?|going|have to|has to|in|on|at|of|the|a|an|to|up|far|well|long|right|currently|today|"
    r"this \w+|these days|by now|as \w+) ){0,6}?"
)
_LACK = (
    r"(?:short(?:-?\s?(?:handed|staffed)| of| on)|(?:people|engineers?|developers?|heads|hands|\w+) short(?! "
    r"(?:message|note|mail|e-?mail|line|call|list|term|one))|more (?:work|demand|projects?|roadmap|tickets?|orders?|"
    r"load) than|understaffed|under-staffed|under-?resourced|over-?stretched|stretched|strained|overload\w*|"
    r"overwork\w*|overwhelm\w*|swamped|drowning|buried|snowed under|underwater|under water|thin on the ground|"
    r"spread thin|behind(?! (?:it|this|that|them|the scenes|us|you))|late|slipp(?:ed|ing)|slips|slides|sliding|"
    r"stall(?:ed|ing|s)|on hold|on ice|blocked|stuck|struggl(?:e|es|ed|ing)|burn(?:t|ed|ing)[ -]?out|exhausted|"
    r"tired|frustrated|demorali[sz]ed|unsettled|nervous|worried|afraid|anxious|desperate|overdue|frozen|failing|"
    r"failed|losing|bleeding|fighting|firefighting|in (?:trouble|difficulty|difficulties|crisis|pain|disarray|chaos|"
    r"turmoil)|under (?:\w+ )?(?:pressure|strain|stress|fire|scrutiny)|at (?:its|their|your|the) (?:limits?|"
    r"breaking point|wits' end|edge)|at capacity|missing|missed|outgrown|too (?:small|few|thin|slow|big|busy|much|"
    r"many)|not enough|lack(?:s|ing|ed)?|without enough|bottleneck\w*|hurting|suffer\w*|creaking|cracking|groaning|"
    r"buckling|wobbl\w+|piling up|piled up|growing (?:by the|faster)|doing two|carrying (?:the|two|twice|more|"
    r"double)|covering for|work(?:s|ing)? (?:overtime|weekends|late|nights|double shifts)|running (?:out|low|late|"
    r"dry|on fumes)|run (?:out|low)|out of (?:time|options|hands|people|money|runway|control|patience)|bogged down|"
    r"crawling|paralys\w+|low on|dragging|quietly looking|looking around|polishing|updating (?:their|your) cv)"
)
_VERB = (
    r"(?:cannot|can't|can no longer|could not|couldn't|no longer|not|don't|doesn't|won't|isn't|aren't|hardly|barely|"
    r"scarcely|never) (?:\w+ ){0,2}?(?:keep|kept|find|hire|recruit|fill|carry|wait|cope|handle|manage|afford|ship|"
    r"deliver|scale|support|absorb|clear|meet|hold|go on|get|enough|sustain|stretch|sleep|solve|do (?:it|this|"
    r"everything))\b"
)
_NEED = (
    r"(?:need(?:s|ing)?(?! (?:not|to know|only|no|be)\b)|require[sd]?|wants?(?! to know)|crave[sd]?|long(?:s|ed|"
    r"ing)? for|crying out|desperate for|(?:hunting|shopping|scrambling|dying|itching|ready|keen|eager|set|"
    r"determined|about|forced|bound|expected|asked|told|pushed|pressed|under orders|preparing|planning|gearing up|"
    r"getting ready|intend\w*|aiming|hoping|waiting|racing) (?:for|to|on|by|against)|plans? to|mean(?:s|t)? to|"
    r"expects?|demands?|demanding|insist\w*|push(?:es|ed|ing)|asking for|asked for|has asked|approved|decided|"
    r"settled|made up|chosen|committed to|budgeted|set aside|urgent\w*|priority|top of|keeps? you|keeping you|"
    r"deadlines?|the clock|growing pains|headache\w*|problems?|trouble\w*|pain\w*|issues?|(?:a|the|your) (?:gap|"
    r"hole|crunch|squeeze|shortage|shortfall|mess|bind)|scaling|expanding|outgrow\w*|rebuilding|reorgani[sz]ing|"
    r"changing course|hyper-?growth|in (?:a|the middle of a) (?:hiring|growth) \w+|growing (?:fast|faster|quickly|"
    r"rapidly|beyond|out)|doubling|talks? about|lost (?:faith|trust|patience|confidence)|no longer (?:believes?|"
    r"trusts?)|resent\w*|regrets?|dislikes?|hates?|fears?|dreads?|discovered|reali[sz]ed)"
)
_STATE = at_words(
    rf"\b{_WHO}(?:,[^,.?!]{{3,60}},)? {_ADVERB}(?:{_LACK}|{_VERB}|{_NEED})\b"
    r"|\b(?:runway|money|cash|budget)\b[^.?!]{0,30} (?:getting|running|is|nearly|almost|growing) (?:short|low|tight|"
    r"thin|spent|gone|out)\b|\b(?:left|leaves|leaving|cost|costing|costs|put|puts|putting|hit|hits|hurt|hurts|"
    r"slow(?:s|ed)|slowing|gives|given|made|makes|keeps|hold(?:s|ing)|forc(?:es|ed|ing)|push(?:es|ed|ing)|weigh(?:s|"
    r"ed|ing) on|eats? into|biting|bites) (?:up |back |down |out |on )?(?:you|your (?:\w+ ){0,2}?\w+|yourco|"
    r"everything|gaps?|holes?|features?|engineering|those who|the (?:rest|people|remaining|team)) ?(?:with (?:more|"
    r"less|fewer|too|no|a|twice|nobody)|short|behind|overload\w*|thin|under|stretch\w*|in |a |hard\w*|about|"
    r"releases?|senior|deadlines?|sleep|back|every|delivery|time|money|of|up|that|whom|pressure)\b|\b(?:backlogs?|"
    r"roadmaps?|releases?|deadlines?|morale|delivery|velocity|hiring|recruiting|recruitment|technical debt|tech "
    r"debt|knowledge|launch|migration|budgets?|runway|tickets?|features?|projects?|money|cash|quality|customers?|"
    r"workload|schedule|timelines?|hours|nights|weekends|costs?)\b(?: (?:at yourco|of yours|work|dates?|plans?))? "
    rf"{_ADVERB}(?:{_LACK}|growing|grown|caught up|the (?:thing|part|bit)|a (?:nightmare|mess|problem|struggle)|"
    r"hard|tough|goes? down|going down|slow(?:ed|ing)?|painful|impossible|your (?:biggest|main|real|first|top)|gone|"
    r"suffer\w*|at risk|not kept|approved|set aside|hanging|wait\w*|eating|on (?:your|the) (?:mind|table|line))\b"
)
# A conclusion from what was seen to what cannot be seen.
_CONCLUDES = at_words(
    r"\b(?:means?|meaning|meant|tells? (?:me|us)|told me|shows?|proves?|proof|confirms?|reveals?|betrays?|signals?|"
    r"says|makes it (?:plain|clear|certain|obvious)|points? to|speaks? of|explains?|(?:which|that|this)(?:'s| is) "
    r"why|smells? of|spells?|comes? from|leads? me to|leaves no doubt|no doubt|a sure sign|sure sign|the sign of|"
    r"one thing|only happens?|would not|wouldn't|nobody|no one|never|does not|doesn't|always) [^.?!]{0,90}?\b(?:"
    rf"{_LACK}|deadlines?|pressure|urgent|budget|approved|ready|decided|approval|decision|need\w*|must|failed|"
    r"unless|trouble|problems?|ambitio\w+|hurry|rush\w*|serious|fast|growing|growth|hyper|scaling|gaps?|hole|"
    r"expects?|want\w*|plans?|front-?runner|shortlist\w*|patience|price is)\b"
)
_READER = re.compile(
    r"\b(?:you|your|yours|you're|you've|yourco|yourco's|the board|the team|management|tells? (?:me|us) that)\b"
)
# Who or what else the words may be about, or a sentence that owns its ignorance.
_ELSEWHERE = re.compile(
    r"(?:^|[,:] )\W*where\b|\b(?:many|most|some|other|few|plenty of|lots of|several|certain|typical|every|any|new|"
    r"growing) (?:\w+ ){0,2}?(?:teams?|companies|firms?|clients?|leaders?|businesses|organi[sz]ations|ctos?|people|"
    r"engineers?|founders?|groups?|places|start-?ups?|customers?)\b(?![^.?!]*\b(?:and (?:so|you|yours)|including "
    r"yours|like yours|and yours)\b)|\b(?:when|whenever|once|until|should|would you|or|no need|need not|needn't|in "
    r"case|please|whatever|(?:reports?|says|said|writes|wrote|claims?|believes?|has it)(?: (?:on|in) (?:\d{1,2} "
    r")?\w+)? (?:that )?(?:you|your|yourco)|takes? it to|you (?:know|will know|would know|can judge|decide|choose|"
    r"tell)|you (?:asked|wrote|said|mentioned|raised|told|described|put|listed|named|noted|explained)|as you|your "
    r"(?:question|note|message|mail|e-mail|reply|words|request) (?:about|on|of|says|said|was|mentions?|asks?)|happy "
    r"to|glad to|let me know|tell me|feel free|if you|i (?:do|did|can|could|would|will) not|i (?:don't|didn't|can't|"
    r"couldn't|wouldn't|won't)|i have no|not know|not assume|nothing (?:public|i)|cannot (?:see|tell|say|know|"
    r"judge)|can't (?:see|tell|say)|no idea|guess\w*|question|wonder\w*|ask\w*|assum\w+|imagine|suspect|probably|"
    r"suppose|presum\w+)\b"
)
_TURNS_TO_US = re.compile(
    r",? (?:(?:so|and|therefore|which is why|hence|then|for (?:this|that) reason)(?: then)? (?:we|i|our|let|of "
    r"course)|so let (?:us|me))\b"
)
_SENDER = re.compile(r"\b(?:we|our|us|ours|i|my|me|mine|i'm|i'd|i've|i'll|we're|we'd|we've|we'll)\b")
_DREW = at_words(
    r"\b(?:your (?:[\w'-]+ ){0,2}?(?:question|note|message|request|e-?mail|interest|asking|reply|answer|enquiry|"
    r"inquiry|silence|line|point|words)|you (?:would not |wouldn't |only |also |even )?(?:ask|asked|wrote|write|"
    r"want|wanted|bring|brought|mention|mentioned|raise|raised|come|came|need|inquire\w*|enquire\w*)|asking "
    r"(?:about|for|this|that)|the (?:question|fact|way|request)|people who (?:write|ask)|a question|with "
    r"[^,.]{3,50} on your mind)\b[^.?!]{0,110}?(?:\b(?:prov(?:es?|ing)|confirms|tells? (?:me|us)|makes us|makes it|"
    r"it is certain|it's certain|obviously|surely|clearly|unless|must (?:be|have)|has obviously|made up|can only "
    r"mean|(?:means?|shows?|says|suggesting) (?:that )?(?:you|your|the|hiring|price|we|money|budget|things?|there|"
    r"someone|it)|(?:is|are) (?:already|about to|now|ready|being|running|under|worried|unhappy)|one that "
    r"(?:companies|people|teams|firms) ask)\b|(?:,| )so (?:you(?!(?:'ll)? (?:can|will|could|may|know|see|get|would|"
    r"have (?:it|the|a|this)))|your|the (?:decision|budget|board|project|deadline|team|deal|contract|search|current|"
    r"old|last|build|launch|money|plan|problem|need))\b|\bbecause (?:you|your|the|its|their|nobody|no one|people|"
    r"someone)\b)|\b(?:from|by|given|judging by|going by|since) (?:your|the way|you)\b[^.?!]{0,80}?\b(?:it is "
    r"certain|it's certain|must|obviously|clearly|surely|certain|plain|evident|decided|has told)\b"
)
# Causes, mandates and orders that nobody published.
_CAUSES = at_words(
    r"\b(?:froze|stalled|delayed|derailed|killed|shook|wrecked|hurt|crippled|gutted|hollowed out|drained|knocked|"
    r"set back|sapped|dented|broke|eroded) (?:your|the|their|its|morale|yourco|delivery|trust|confidence|"
    r"everyone)\b|\b(?:the|your|its) (?:board|investors?|ceo|cfo|management|owners?|shareholders?|boss(?:es)?|"
    r"executives?|founders?) (?:\w+ ){0,2}?(?:asks?|asked|wants?|wanted|expects?|expected|demands?|demanded|"
    r"insists?|pushes|pushed|needs?|(?:has|have) (?:asked|told|decided|lost|set|given|approved)|told (?:you|"
    r"everyone|the team))\b|\bmandate\b|\b(?:brought in|hired|joined|arrived|came in|appointed|"
    r"there)\b[^.?!]{0,60}? to (?:fix|cut|rebuild|replace|clean|turn|shake|sort|save|rescue|change|steady|"
    r"restore)\b|\b(?:roles?|openings?|vacanc\w+|positions?|you|your \w+|yourco|round|cuts?|reduction|"
    r"layoffs?)\b[^.?!]{0,70}?\bbecause (?:you|your|the|its|their|people|nobody|no one|candidates|deadlines)\b"
)
# "Your question tells me": whatever follows, it was not said.
_READS_INTO = re.compile(
    r"\b(?:your|yourco's|the|that|this|such an?|two|three|a|an) (?:[\w'-]+ ){0,6}?[\w'-]+ (?:\w+ly )?(?:tells (?:me|"
    r"us)|told (?:me|us)|proves?|proved|confirms?|reveals?|betrays?|gives? (?:you |it )?away|smells? of|leaves? no "
    r"doubt|speaks? volumes|says it all|is (?:a |the )?(?:sure |clear |certain |plain |telltale )?(?:proof|evidence|"
    r"sign|symptom)|can only mean|only means)\b|\b(?:it|that|this|which|there)(?:'s| is| can be| was)? (?:clear|"
    r"obvious|evident|plain|certain|no (?:doubt|secret|wonder)|why you|because you)\b(?! from)|\b(?:your|the|their) "
    r"(?:main|biggest|real|first|top|greatest|chief|number one|only|true) (?:\w+ )?(?:worry|worries|concern|problem|"
    r"issue|headache|fear|challenge|obstacle|priority|bottleneck|pain|question|need|task|risk)s?\b|\byou(?:'re| "
    r"are) no exception\b|\bis (?:now |really |clearly )?(?:your|the|their) (?:bottleneck|problem|limit|constraint|"
    r"weak (?:spot|point))\b"
)
# Anything else that is, or has been, with the reader: told where the context has hardly a word of it.
_FELT = (
    r"(?:los(?:e|es)|spends?|resents?|worr(?:y|ies)|fears?|distrusts?|hates?|thinks?|feels?|believes?|miss(?:es)?|"
    r"wastes?|eats?|fights?|needs?|wants?|expects?|intends?|wish(?:es)?|dreads?|regrets?|prefers?|depends?|doubts?|"
    r"trusts?|lies|lie|sits?|bothers?|suffers?|dislikes?|can't|cannot|don't|doesn't|won't|didn't|hasn't|haven't|"
    r"isn't|aren't|wasn't|no longer|never|struggles?|drags?|grows?|keeps? (?:slipping|missing|losing|breaking|"
    r"failing))"
)
_GIVEN = (
    r"(?:asked|written|wrote|owed|vp|cto|head|chief|in (?:the )?(?:post|role|seat|job)|said|told|mentioned|raised|"
    r"closed|opened|launched|hired|appointed|named|announced|joined|started|become|taken|posted|published|listed|"
    r"advertis\w+|hiring|recruiting|looking|reading|writing|asking|welcome|free|right|busy|the (?:right )?(?:person|"
    r"one)|my|our|here|been (?:asked|told|kind|cto|vp|at|with|in|looking|named|appointed)|had (?:my|our|a note)|"
    r"seen|heard|read|got (?:my|our)|let|reduced|cut|parted|made|still (?:listed|open)|now (?:listed|open)|open|"
    r"live|up|not (?:open|listed)|on (?:your|the) (?:page|site)|in the (?:business|field))"
)
_ASSERTS = re.compile(
    rf"(?:^\W*|[,;:] |\b(?:and|that|since|because|but|so|now|hence|then) )(?:you|your (?:[\w'-]+ ){{0,2}}?[\w'-]+|"
    rf"yourco(?:'s (?:[\w'-]+ ){{0,2}}?[\w'-]+)?|"
    r"(?:the )?(?:management|finance|legal|hr|procurement|board|recruiting|morale|pressure|survivors|remaining "
    r"\w+)(?: (?:over )?(?:at|in|on) (?:yourco|your side|your team|the company))?|(?:nobody|no one|key people|"
    r"everyone|people) (?:left )?(?:in the building|at yourco|on your (?:side|team)|over there|in your \w+))"
    rf"(?:(?:'ve|'re|'d rather| is| are| has| have| had to)(?: (?:now|already|still|clearly|simply|also|evidently|"
    rf"never|always|probably|long|just|not|been|only|really|so|too|very))* (?!{_GIVEN}\b)[a-z'-]{{2,}}| {_FELT}\b)"
)
_DATES = "|".join(name for name in MONTHS if name != "may")
_PARTICULAR = re.compile(rf"\d+|\b(?:{_DATES}|spring|summer|autumn|winter)\b")
_PUBLISHED = re.compile(
    r"\b(?:(?:web)?sites?|pages?|posts?|postings?|blog|ads?|adverts?|listings?|articles?|reports?|releases?(?! "
    r"(?:dates?|calendar|schedule|cycle|plan))|changelog|notices?|papers?|statement|announcement|profile|calls?|"
    r"programme|register|filings?|statement|newsletter|lists?|record|notes)\b"
)
_WORDS = re.compile(r"[a-z]{5,}")
_COMMON = word_set(
    "about after their there which would could every other since team teams company engineers engineering people have "
    "your open roles where those being these first still might shall again quite rather always never right thing "
    "things while yourco"
)


def minds_read(reading: Reading, facts: Facts) -> Iterator[Sentence]:
    """Sentences of the body that tell the reader what the reader lacks, needs, feels or intends."""
    names = _names(facts)
    for sentence in reading.sentences:
        if sentence.field != "body" or len(sentence.text) < 12:
            continue
        text = sentence.text[:500]
        for name in names:
            text = text.replace(name, "yourco")
        if sentence.asks or hedged(text):
            continue
        match = _DREW.search(text) or _told(text, facts)
        if match is None or _PUBLISHED.search(match.group()):
            continue
        known = set(_WORDS.findall(match.group())) - _COMMON
        if not known or not all(word in facts.all_text for word in known):
            yield sentence


def _told(text: str, facts: Facts) -> re.Match[str] | None:
    """What is told of the reader in a sentence that nothing excuses."""
    if doubted(text) or _ELSEWHERE.search(text) or _SENDER.search(_TURNS_TO_US.split(text, maxsplit=1)[0]):
        return None
    match = _STATE.search(text)
    if match is None and _READER.search(text):
        match = _CONCLUDES.search(text) or _READS_INTO.search(text) or _CAUSES.search(text)
    return match or _asserted(text, facts)


def _asserted(text: str, facts: Facts) -> re.Match[str] | None:
    """A statement about the reader that repeats no number or month of the context and hardly a word."""
    match = _ASSERTS.search(text)
    if match is None or _PUBLISHED.search(match.group()):
        return None
    if any(piece in facts.all_text for piece in _PARTICULAR.findall(text)):
        return None
    words = set(_WORDS.findall(text)) - _COMMON
    unknown = [word for word in words if word[:5] not in facts.all_text]
    return match if len(unknown) >= max(3, 0.6 * len(words)) else None


def _names(facts: Facts) -> list[str]:
    """What the company and its people are called in the context, lower-case, longest first."""
    company = facts.context.company_name.lower()
    first = company.split(" ")[0]
    people = [m.group().lower() for m in NAME.finditer(facts.context.signal_brief.signal_line)]
    found = {company, first, *people, *(name.split(" ")[0] for name in people)}
    return sorted((name for name in found if " " in name or (len(name) > 3 and name.isalpha())), key=len, reverse=True)
