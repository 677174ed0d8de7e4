"""No end of people, said in freer words than :mod:`app.judge.rules.supply` knows.

Each family is one idea: nothing runs out, nothing bounds it, every need is met, we grow as you grow, a crowd stands
by, keep asking and we keep sending, supply is nobody's worry. The sentence must also speak of people or of the sender.
"""

from __future__ import annotations

import re

from app.judge.rules.headcount import TOKEN
from app.judge.rules.phrasing import at_words
from app.judge.rules.promised import deferred, denied, general, only_asks, spoken, theirs
from app.judge.rules.reading import Reading, Sentence
from app.judge.rules.tallies import SEAT, WORKER

_NEVER = (
    r"(?:never|not once|won't|will not|wouldn't|don't|do not|doesn't|didn't|can't|cannot|haven't|hasn't|not|no one|"
    r"nobody|no client|impossible to|hard to|hardly ever|rarely)"
)
_SPENT = (
    r"(?:run(?:s|ning)? (?:out|short|dry|low|thin)|ran (?:out|short|dry|low)|dries up|dry up|short[- ]?(?:handed|"
    r"staffed|"
    r"of)|under-?staffed|come up short|fall short|be short|left (?:short|waiting|wanting|empty|stranded|without)|"
    r"(?:go|be|stand|leave you|walk away) (?:without|wanting|empty-?handed)|say(?:s|ing)? no|said no|hear (?:a )?no|"
    r"(?:turn\w*|sen[dt]) (?:\w+ ){0,4}?(?:down|away)|exhaust\w*|deplet\w*|drain\w*|empt(?:y|ied)|hit (?:the |a )?"
    r"(?:bottom|ceiling|limit|wall)|reach (?:the |a )?(?:bottom|end|limit)|see(?:n)? the bottom|find (?:the|a) bottom|"
    r"outgrow\w*|out-?pace|outstrip|be the (?:bottleneck|limit|constraint|problem)|wait(?:ing)? for (?:a |an )?"
    r"(?:people|engineers?|developers?|capacity|someone|anyone)|lack\w*|wanting for|want for|scrap\w* (?:for|the)|"
    r"scrambl\w+|stuck for|(?:had|have|need) to (?:decline|refuse|wait|queue|turn|ration)|unfilled|unstaffed|vacant|"
    r"disappoint\w*|slow(?:s|ed)? you down|hold(?:s|ing)? you (?:back|up)|out of (?:people|engineers|developers|hands|"
    r"stock|talent|options))"
)
_BOUND = (
    r"(?:ceiling|limit|limits|cap|caps|maximum|upper (?:bound|limit|end)|bound|bounds|restriction|restrictions|end|"
    r"bottom|shortage|scarcity|lack|dearth|stopping (?:us|point)|roof|threshold|quota|boundary|boundaries|constraints?|"
    r"top end|cut-?off|minimum or maximum)"
)
_SIZE = (
    r"(?:size|number|numbers|amount|quantity|scale|headcount|volume|pace|speed|growth|scope|demand|figure|"
    r"magnitude|extent|appetite|requirement|need|count|target|ambition|peak)s?"
)
_NEED = (
    r"(?:need|gap|hole|seat|role|request|demand|requirement|vacanc(?:y|ies)|opening|order|headcount|position|spike|"
    r"peak|ask|shortfall|slot|chair|box|desk|post|brief|staffing \w+|absence|departure|wish|profile|skill|spot|job|"
    r"resourcing \w+|hiring \w+)s?"
)
_FILL = (
    r"(?:cover\w*|fill\w*|staff(?:ed|ing)?|plug\w*|met|meet|meeting|serve[ds]?|satisf\w+|resourc\w+|handl\w+|suppl\w+|"
    r"provid\w+|man|manned|accommodat\w+|fulfil\w*|close[ds]?|absorb\w*|deliver\w*|match\w*|answer\w*|supported?|"
    r"support|taken care|take care|wipe out|clear\w*|put (?:a |some)?(?:name|person|somebody|someone|body|people)|"
    r"find\w*|send\w*|solve[ds]?|occup\w+|back-?fill\w*|honou?r\w*|populat\w+)"
)
_ALL_OF = (
    r"(?:any(?: and (?:all|every))?|every(?: single| last)?|each(?: and every)?|whatever|whichever|"
    r"all(?: of)?(?: your| "
    r"the| those)?|your (?:whole|entire|full|complete)|the (?:whole|entire|full|complete)|any and all)"
)
_GROW = (
    r"(?:scal(?:e|es|ed|ing)|grow\w*|flex\w*|swell\w*|expand\w*|ramp\w*|keep (?:up|pace|step)|kept up|stretch\w*|"
    r"adapt\w*|rise\w*|"
    r"follow\w*|match\w*|top up|step up|multipl\w+|stack\w*|go (?:up|higher|bigger|further)|add\w*|send\w*|suppl\w+|"
    r"bring\w*|put\w*|provid\w+|deliver\w*|staff\w*|find|field|source|get you|fill|cover|support|handle|cope|manage)"
)
_CROWD = (
    r"(?:arm(?:y|ies)|legions?|floods?|fleets?|battalions?|regiments?|brigades?|troops|hordes?|swarms?|oceans?|seas?|"
    r"mountains?|masses|crowds?|stadiums?|departments?|floors?|warehouses?|factor(?:y|ies)|reservoirs?|wells?|hundreds|"
    r"thousands|dozens|scores|oodles|tons|heaps|loads|bags|stacks|piles|an abundance|a wealth|a surplus|no end|"
    r"a bottomless \w+|an endless \w+|a never-ending \w+|a constant (?:stream|flow)|a steady (?:stream|flow)|"
    r"a conveyor belt|buildings?|villages?|more \w+ than (?:we|you) (?:can|could|know)|galaxy|busloads?|any number|"
    r"whole \w+s|entire \w+s|a deep \w+|as many|waves?)"
)
_PATTERNS = (
    # Nothing runs out.
    at_words(
        rf"\b{_NEVER}\b[^.;?]{{0,40}}?\b{_SPENT}\b"
        r"|\b(?:running|to run|run) (?:out|dry|short|low)\b[^.;]{0,50}?\b(?:not|never|isn't|doesn't|won't|nobody|no)\b"
        r"|\b(?:before|long before|sooner than) (?:we|our \w+|us)(?:'d| would| will| ever|'ll)*(?: ever)? (?:do|did|"
        r"run|"
        r"ran|would|will|are|were|reach|hit|come|say|stop|lack)\b|\b(?:never|hardly|not)[- ](?:empt\w+|ending|dry|full|"
        r"finite)\b|\b(?:inexhaustible|bottomless|limitless|unlimited|boundless|endless|infinite|uncapped|self-filling|"
        r"unrestricted|indefinite(?:ly)?|open-ended|ever-\w+)\b|\bplenty (?:more|of (?:more|others))\b|\b(?:more|"
        r"others|"
        r"many more|lots more|plenty) where (?:that|those|they|these|he|she)\b"
    ),
    # Nothing bounds it.
    at_words(
        rf"\b(?:no|without|without any|zero|isn't any|is no|no such thing as an?|not any|free of|knows? no|has no|have "
        rf"no|never an?) (?:\w+ ){{0,2}}?{_BOUND}\b"
        rf"|\b(?:regardless of|irrespective of|independent(?:ly)? of|no matter|never mind|whatever|whichever|"
        rf"any) (?:what |how |the "
        rf"|your |its |their |eventual |final |of )*(?:\w+ )?{_SIZE}\b"
        r"|\b(?:however|no matter how|never mind how|regardless of how|don't care how|not matter how) (?:many|large|"
        r"big|"
        r"much|fast|high|quick\w*|hard|often|far|steep\w*|wide|sudden\w*|ambitious|long|the|you|it)\b"
        r"|\bno matter (?:what|where|when|which|the)\b|\b(?:sky|the sky) is the limit\b|\bsky's the limit\b"
        r"|\b(?:as|so) (?:many|much|often|far|hard|fast|high|big|large|wide|long|deep|quickly|steeply) (?:[\w+#.'-]+ "
        r"){0,4}?as (?:you|your|it|the|they|needed|required|necessary|anyone|is|are|that|this|and when|your)\b"
        rf"|\b(?:of|at|in|to|for) any (?:\w+ )?{_SIZE}\b|\bup to (?:whatever|any|as)\b|\b(?:any|whatever) (?:time|"
        rf"month|"
        r"day|moment) (?:of|you)\b|\bon (?:tap|demand|call)\b|\bwhether (?:it's|it is|you \w+|"
        r"that's) (?:\w+ )?[\w-]+ or "
        r"(?:\w+ )?[\w-]*(?:hundred|dozen|fifty|thirty|forty|twenty|sixty|ten|\d\d+)"
        r"|\b(?:from|be it|one,?) (?:an? |the )?(?:one|two|single|lone|1|2|solo|couple)?\b[^.;]{0,30}?\b(?:to|"
        r"or) (?:an? |"
        r"the )?(?:\w+ )?(?:whole|full|entire|\d{2,4}|twenty|thirty|forty|fifty|sixty|hundred|hundreds|dozens|army|"
        r"department|floor|fifty)\b"
    ),
    # Every need is met.
    at_words(
        rf"\b{_ALL_OF} (?:[\w+#.'/-]+ ){{0,4}}?{_NEED}\b[^.;?]{{0,50}}?\b{_FILL}\b"
        rf"|\b{_FILL}\b (?:\w+ ){{0,2}}?{_ALL_OF} (?:[\w+#.'/-]+ ){{0,4}}?{_NEED}\b"
        r"|\b(?:whatever|anything|everything|whoever|anyone|anybody|all the \w+|all) (?:that )?(?:you|your \w+|they|"
        r"it|the "
        r"(?:project|roadmap|plan|board|business|budget|market))(?:'d|'ll| may| might| can| could| would| will| "
        r"ever)*(?: \w+){0,2}? "
        r"(?:need\w*|throw\w*|ask\w*|want\w*|require\w*|buy\w*|call\w*|order\w*|dream\w*|put\w*|bring\w*|come\w*|"
        r"demand\w*|"
        r"request\w*|end\w*|pay\w*|allow\w*|say|like|fancy|choose|decide\w*|set|have|take\w*)\b"
        r"|\b(?:whole|entire|full|complete|all of your|all your) (?:[\w-]+ ){0,3}?(?:roadmap|backlog|programme|program|"
        r"hiring plan|org chart|plan|portfolio|list|department)\b[^.;?]{0,50}?\b(?:staffed|resourced|covered|filled|"
        r"manned|"
        r"met|ours|by us|from us|people|served)\b"
        r"|\b(?:sufficient|enough|necessary|required|needed|adequate|ample|requisite) (?:quantit\w+ of |number\w* of |"
        r"supply"
        rf" of )?(?:[\w+#.'-]+ ){{0,2}}?(?:{WORKER}|capacity|staff|manpower|talent|quantit\w+|numbers)\b"
        r"[^.;?]{0,60}?\b(?:all times|any time|always|guarantee\w*|irrespective|regardless|whenever|disposal|at every|"
        r"throughout|assured|ensured?|whatever)\b"
        r"|\b(?:guarantee\w*|ensure|assure) (?:you )?(?:\w+ ){0,2}?(?:sufficient|enough|ample|adequate|constant|"
        r"permanent|"
        r"full|continuous|the necessary) \w+"
        rf"|\b{_NEED} (?:[\w'-]+ ){{0,6}}?{_FILL} (?:completely|entirely|in full|fully|altogether|for good|"
        rf"down to the last)\b"
        rf"|\b(?:none|not one|no) (?:of (?:your|those|the) )?(?:[\w+#.'-]+ ){{0,2}}?{_NEED}\b[^.;?]{{0,50}}?\b(?:unfil"
        rf"led|"
        r"open|empty|vacant|unanswered|unmet|unstaffed|uncovered|refused|too (?:big|large|many|much)|declined)\b"
    ),
    # We grow as you grow; keep asking and we keep sending.
    at_words(
        rf"\b{_GROW}\b[^.;?]{{0,50}}?\b(?:as|until|till|whenever|wherever|with you|alongside|in step|at will|to order|"
        rf"on "
        r"request|every time|each time|forever|for ever|without end|indefinitely|upwards|"
        r"to infinity)\b(?= (?:you (?:say|tell|"
        r"like|want|please|wish|need|ask)|needed|required|demand|your (?:needs?|demand|workload|plans?)|stop|enough))"
        r"|\b(?:until|till) (?:you|they) (?:\w+ )?(?:say|tell|cry|shout|ask|beg|call|have had|had|run out)\b"
        r"|\b(?:growth|growing|more work|bigger|larger|demand|new projects?|expansion|extra work|"
        r"peaks?)\b[^.;?]{0,40}?\b(?:means?|brings?|gets?|"
        r"met|triggers?|equals?|calls? up)\b[^.;?]{0,20}?\b(?:more|extra|additional|further|another)\b"
        r"|\b(?:faster|quicker|sooner|more quickly|earlier) than (?:you|your \w+)(?: \w+)? (?:can|could|will|ever|are|"
        r"hire|onboard|need)\b"
        r"|\b(?:dream|think|aim|plan|go) (?:big|bigger|high|higher|wild|large)\b|\byet to (?:meet|see|find|get|have|"
        r"hear|receive|encounter)\b"
        r"|\b(?:we|we'd|we'll|our \w+)(?: \w+){0,2}? (?:double|triple|quadruple)\b|\b(?:doubl\w+|tripl\w+|quadrupl\w+|"
        r"ten times|tenfold|twice the|three times)\b[^.;?]{0,50}?\b(?:we|our|us|"
        r"available|extra|additional|more)\b"
        r"|\bjust (?:say|name|ask|shout|call|tell|send|give|whistle|point)\b[^.;]{0,60}?\b(?:and|we)\b"
        r"|\b(?:name|say|give us|tell us|pick|set|choose|state|quote|send over|send us)\b (?:me |us )?(?:\w+ ){0,3}?"
        r"(?:number|figure|headcount|many|size|word|count|quantity|chart|list|how big)\b[^.;]{0,40}?\b(?:and|we|we'll|"
        r"is|"
        r"it's)\b"
        r"|\b(?:grow|scale|expand|ramp|flex|hire|plan|build|dream|order|ask|go|think)(?: up)? (?:as|all|away|freely|"
        r"without)\b"
        r"|\b(?:scale|team|crew|squad|bench|headcount|supply|people|we|our \w+)\b[^.;?]{0,20}? (?:swells?|grows?|"
        r"scales?|"
        r"flexe?s?|expands?|rises?|stretche?s|keeps? (?:up|pace)) (?:up )?(?:with|to match|in step|alongside|"
        r"accordingly|"
        r"to whatever|as)\b|\b(?:will|'ll|can) keep (?:up|pace)\b|\bperson for person\b|\b(?:head|body|man|one) for "
        r"(?:head|body|man|one)\b|\bcarte blanche\b|\bblank che(?:ck|que)\b"
    ),
    # A crowd stands by, and from one to many is all the same.
    at_words(
        r"\b(?:one|two|three|a single|1|2)\b[^.;]{0,25}?\b(?:or|to)\b[^.;]{0,25}?\b(?:\d\d+|twenty|thirty|forty|fifty|"
        r"sixty|seventy|"
        r"eighty|ninety|hundred|hundreds|dozens)\b(?! ?(?:days|weeks|minutes|hours|months|per|%|business|working))"
        r"|\b(?:elastic\w*|stretchy|rubber)\b|\bso (?:deep|large|big|wide|vast|full|long) that\b|\bus(?:e|ing) (?:it|"
        r"them|us) up\b|"
        r"\b(?:phone )?call away\b|\bqueu(?:e|es|ed|ing|eing)(?: up)? (?:to|for|behind)\b|\bbench is yours\b|"
        r"\bhelp yourself\b|"
        r"\bas big as\b|\btake your pick\b|\bno request\b[^.;]{0,40}?\b(?:too|ever)\b|"
        r"\balways (?:\w+ ){0,2}?(?:another|more|one more|someone|somebody|enough|plenty|a next|room|spare)\b"
        rf"|\b{_CROWD} (?:upon \w+ )?of (?:[\w+#.'-]+ ){{0,3}}?(?:{WORKER}|talent|capacity|staff)\b"
        rf"|\b(?:always|permanently|at all times|at any (?:given )?(?:time|moment)|constantly|round the clock|"
        rf"any time|day or "
        rf"night|year[- ]round)\b[^.;?]{{0,60}}?\b(?:{WORKER}|someone|somebody|capacity|"
        rf"bench)\b[^.;?]{{0,40}}?\b(?:free|"
        r"available|ready|hand|spare|waiting|bench|idle|disposal|standing|more|another)\b"
        rf"|\b(?:{WORKER}|someone|somebody|capacity|bench|more|another)\b[^.;?]{{0,30}}?\b(?:always|permanently|"
        rf"at all times|"
        r"at any (?:time|moment)|constantly|round the clock|never far)\b[^.;?]{0,30}?(?:\b(?:free|available|ready|hand|"
        r"spare|waiting|bench|idle|disposal|more|another|next)\b|$|[.!])"
        r"|\b(?:full|stocked|deep|big|large|wide) enough (?:for|to)\b|\b(?:over|bursting|brimming|overflowing|swimming|"
        r"awash|teeming|packed|crawling|rolling|drowning)(?: (?:with|in|at the seams))\b|\b(?:all|everything|"
        r"everyone)\b"
        r"[^.;?]{0,10}? in stock\b|\b(?:tap|faucet|hose|pipe|floodgates?)\b[^.;?]{0,30}?\b(?:open|turn|on|full)\b"
        r"|\bmore (?:[\w+#.'-]+ ){1,3}?than (?:you|your|we|anyone|anybody|any)\b[^.;?]{0,20}?\b(?:could|can|will|ever|"
        r"need|"
        r"want|desks?|know|use)\b|\b(?:another|a (?:new|fresh|further)|"
        r"the next) (?:(?!without)[\w-]+ ){0,2}?(?:waiting|ready|lined up|"
        r"always|every)\b"
    ),
    # Supply is nobody's worry.
    at_words(
        rf"\b(?:capacity|supply|supplying|headcount|numbers?|scale|size|staffing|availability|talent|bench|finding|"
        rf"sourcing|quantity|volume|shortage of \w+)\b[^.;?]{{0,50}}?\b(?:never|isn't|aren't|won't|not|hardly|no|last|"
        rf"least|"
        r"nothing|wouldn't|one thing)\b[^.;?]{0,30}?\b(?:issue|constraint|problem|limit|bottleneck|concern|obstacle|"
        r"worry|"
        r"worries|factor|question|trouble|fret|hurdle|slow\w*|challenge|obstacles?|headache|topic|subject|theme|"
        r"consideration|discussion|obstacle)\b"
        r"|\b(?:shortages?|gaps?|bottlenecks?|understaff\w*|vacanc\w+|hiring|recruit\w*|capacity \w+|staffing \w+|"
        r"empty seats?|"
        r"unfilled \w+)\b[^.;?]{0,40}?\b(?:things? of the past|history|behind you|forgotten|a memory|disappear\w*|"
        r"vanish\w*|"
        r"never again|no longer|gone for good)\b"
        rf"|\b(?:least|last|none|smallest) (?:of )?(?:\w+ ){{0,2}}?(?:worr\w+|problems?|concerns?|"
        rf"thing)\b[^.;?]{{0,50}}?\b"
        rf"(?:capacity|supply|headcount|numbers?|scale|staffing|talent|people|{WORKER})\b"
        r"|\b(?:never|not|don't|won't)(?: have to| need to| be)? (?:worry|fret|think|wait|ask|count|queue|ration|hunt|"
        r"search|look|lose sleep)\w*\b[^.;?]{0,40}?\b(?:again|numbers?|capacity|headcount|people|engineers|developers|"
        r"supply|"
        r"elsewhere|scale|size)\b"
        r"|\b(?:wouldn't|won't|doesn't|not) (?:make us|bat|faze|scare|worry us|trouble us|break us|daunt)\b"
    ),
)
_CORE = re.compile(
    rf"\b(?:{WORKER}|{SEAT}|teams?|squads?|crews?|bench|capacity|headcount|staff\w*|talent|suppl\w+|hiring|manpower|"
    rf"roster|well|tap|reservoir|replacement|ask for|order|network|numbers|whoever|"
    r"resourc\w+|recruit\w*|scale|our (?:side|end|pool|network)|short-handed|understaffed|hole|org chart|from us|by us|"
    r"we|we'll|we've|we'd)\b"
)
_OURS = re.compile(
    r"\b(?:we|we'll|we've|we'd|we're|us|our|ours|i|i'll|i've|i'd|here|you'd|you'll|you (?:can|could|will|would|may|get|"
    r"have|never|won't)|available|disposal|yours|guaranteed|supplied|covered|filled|staffed|stock|on tap|stands?|"
    r"waiting|ask|queu\w+|"
    r"as (?:you|your)|you're talking|just|name|say|grow|scale|ramp|plan|think|always)\b"
)
_OTHER = re.compile(
    r"\b(?:market|industry|out there|on linkedin|questions?|budget for|time you need|as long as (?:you|"
    r"it) (?:\w+ )?(?:like|"
    r"need|want|take\w*) (?:to|for)|decide|reply|answer|no reply|read|minutes?|(?<!phone )call(?! away)|meeting|"
    r"calendar|cancel\w*|"
    r"notice|hours?|invoice|rate|price\w*|cost\w*|e-?mail|write|either way|whatever (?:you|your) (?:decide|choose|"
    r"team decides|answer|plan))\b"
)
_LIMITED = re.compile(
    r"\b(?:but|except|only|although|though|however,|; however|unless|within (?:the )?limits?|up to (?:\d|two|three|"
    r"four|five|six)|"
    r"unfortunately|sorry|afraid|cannot|unable|pretend|would be (?:wrong|untrue)|never (?:tell|say|claim|promise)|"
    r"myth|fiction|be reached|contact\w*|claim|distrust|can't (?:promise|"
    r"offer|say)|won't promise|not promise)\b"
)


def find_plenty(reading: Reading, names: frozenset[str]) -> list[tuple[Sentence, re.Match[str]]]:
    """Each sentence that offers people without end, with the words that say so. ``names`` are words of stacks."""
    found = []
    for sentence, after in spoken(reading):
        if only_asks(sentence, after):
            continue
        text = sentence.text.rstrip()[:1_000]
        if sentence.asks:
            text = f"{text} {after}"
        core = _CORE.search(text) is not None or not names.isdisjoint(TOKEN.findall(text))
        if not core or _OTHER.search(text) or not _OURS.search(text):
            continue
        if _LIMITED.search(text) or deferred(text) or general(text) or theirs(text):
            continue
        own = sentence.text.rstrip()[:1_000]
        match = next((hit for pattern in _PATTERNS if (hit := pattern.search(own))), None)
        if match is not None and denied(f"{own[: match.start()]} {own[match.end() :]}"):
            match = None
        if match is not None:
            found.append((sentence, match))
    return found
