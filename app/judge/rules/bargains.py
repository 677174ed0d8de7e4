"""Reductions, payment, rights and dates of delivery as people put them when they avoid the word for it.

"The fourth is free", "you only pay when they start", "there is room on price", "your paper is fine as it stands". Each
entry has the shape of :data:`app.judge.rules.terms.TERMS`, and is excused in the same way.
"""

from __future__ import annotations

from app.judge.rules.phrasing import at_words, word_set
from app.judge.rules.terms import COUNT, PERIOD, WHEN

_SHARE = (
    r"(?:\d{1,2}(?:[.,]\d)? ?(?:%|per ?cent)|(?:five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|"
    r"fifty)(?:[- ]five)? per ?cent|(?:a|one|two) (?:fifths?|quarters?|thirds?|tenth|half)|half)"
)
_PRICE = r"(?:prices?|pricing|rates?|fees?|costs?|tariffs?|quotes?|charges?)"
_NTH = (
    r"(?:first|second|third|fourth|fifth|sixth|last|next|extra|additional|initial|trial|pilot|discovery|onboarding|"
    r"opening|\d(?:st|nd|rd|th))"
)
_UNIT = r"(?:one|engineer|developer|person|seat|month|week|fortnight|sprint|phase|day|workshop|audit|hour)s?"
_LATER = r"(?! (?:from|in|on|at|until|till|now|next|after|as|to|again|by|of|for \w+ (?:work|projects?)))"

_CHEAPER = at_words(
    r"\b(?:pilot|trial|sprints?|months?|weeks?|onboarding|workshop|audit|replacement|phase|\w+ one|"
    r"team)\b[^.?!]{0,30}? "
    r"costs? (?:nothing|zero)\b|\bcost(?:s|ing)? (?:you|them) (?:nothing|zero|not a (?:cent|penny|thing|dime))\b"
    r"|\b(?:get|gets|have|has|receive|run|comes?|start|do|does|throw|include|add|cover|offer|offers)\b"
    r"[^.?!]{0,40}?\bfor (?:nothing|free)\b"
    r"|\b(?:is|are|be|comes?|goes|go) (?:\w+ )?(?:on us|on our tab|gratis|free of (?:charge|cost)|without charge|at no "
    r"(?:charge|cost)|at our (?:cost|expense)|for free)\b"
    rf"|\b(?:the|your|our|every) (?:{_NTH} )(?:\w+ )?(?:{_UNIT} )?(?:is|are|comes?|would be|will be|'s) (?:\w+ )?free\b"
    rf"{_LATER}"
    r"|\b(?:pay|paying|owe|charged) (?:us )?(?:nothing|zero|half)\b"
    rf"|\b(?:at|for|costs?|is|with) (?:just |only )?{_SHARE} (?:of )?(?:the|our|your|that|this) (?:\w+ )?{_PRICE}\b"
    rf"|\b{_PRICE} (?:\w+ )?(?:(?:goes|go|comes|come|went|moves?) down|drops?|falls?|shrinks?|gets? (?:lower|cheaper|"
    rf"better)|decreases?|improves?)\b[^.?!]{{0,30}}\b(?:as|when|if|with|for|after|once|over|the more)\b"
    rf"|\b(?:do better|improve|sharpen|sweeten|flex|be flexible|flexib\w+|some flexibility|wiggle room|leeway|"
    rf"(?:some|a bit "
    rf"of|a little|still|is) (?:room|give|slack|margin|scope)|room to move|move a (?:bit|little))\b[^.?!]{{0,20}}?"
    rf"\b(?:on|in|with|for|about|around) (?:the |our |this |your |that )?(?:\w+ )?{_PRICE}\b"
    rf"|\b{_SHARE} (?:less|cheaper|lower|knocked off)\b(?! (?:time|effort|work|than the (?:time|effort)))"
    rf"|\b(?:we|i|{_PRICE})(?: can| could| will| would|'ll|'d| may| might)? (?:\w+ )?(?:down|reduc\w+|cut|lower|drop|"
    rf"trim)\b[^.?!]{{0,25}}? (?:by|of|to) (?:\w+ )?{_SHARE}"
    r"(?! (?:of (?:the|your|our) (?:time|work|backlog|roles)|faster|the time))"
    rf"|\b(?:save|saves|saving|savings)\b[^.?!]{{0,25}}\b{_SHARE}(?! (?:of (?:the|your) )?(?:\w+ )?(?:time|hours|days|"
    r"effort|work))"
    r"|\bfree of (?:charge|cost)\b|\b(?:make|made|do|give|cut) you (?:a|an) (?:\w+ )?(?:deal|better (?:price|rate|"
    r"offer)|"
    r"special|favou?r on)\b"
    rf"|\b(?:waiv\w+|forgo|drop|skip|leave out|not charge|won't charge|no charge for|throw "
    rf"in)\b[^.?!]{{0,30}}\b{_PRICE}\b"
)
_PAYMENT = at_words(
    r"\b(?:only|not|nothing) (?:pay|start paying|be (?:billed|invoiced|charged)|billed|invoiced|charged)\b"
    r"[^.?!]{0,15}\b(?:when|once|if|after|until|for)\b"
    rf"|\b(?:you|clients?|your \w+)(?:'d|'ll| would| will| can)?(?: have| get| take|'ve)(?: got)? {COUNT} {PERIOD} "
    rf"(?:to "
    rf"(?:pay|settle)|from|after|for payment)"
    rf"|\b(?:payment|invoic\w+|bills?|terms)\b[^.?!]{{0,40}}?\b(?:due|payable|within|net|of|are|is) (?:\w+ )?{COUNT} "
    rf"{PERIOD}\b"
    r"|\b(?:hold|keep|freeze|guarantee|fix|lock(?: in)?|honou?r|maintain|peg|cap) (?:\w+ ){0,3}?(?:rates?|prices?|"
    r"fees?|"
    r"quotes?|tariffs?)\b[^.?!]{0,20}\b(?:for|until|till|through|all|as long|at)\b"
    r"|\b(?:no|without|never any) (?:upfront|up-front|advance|hidden|extra|set-?up|onboarding|exit|cancellation|"
    r"placement) "
    r"(?:payment|fee|cost|charge|deposit)s?\b|\bnothing (?:up ?front|in advance|before|to pay)\b"
)
_BINDS = at_words(
    r"\b(?:there(?:'s| is| are| would be)|(?:we|i) (?:have|ask for|need|set|require|impose)|with|comes with|it has) no "
    r"(?:minimum|lock|tie|long[- ]term|fixed)[- ]?(?:in|term|period|commitment|contract|duration|spend|engagement|"
    r"length)?\b"
    r"|\bput (?:in )?(?:a|an|the) (?:\w+ )?(?:penalty|clause|cap|guarantee)\b|\bpenalty clause\b"
    r"|\b(?:rolling (?:\w+ )?(?:contract|agreement|term)|month(?:[- ]to[- ]month|-by-month) (?:\w+ )?(?:contract|basis|"
    r"agreement|term))\b"
    rf"|\b{COUNT} {PERIOD}'?(?: notice)?,? (?:either|each|both) (?:way|side|part(?:y|ies))"
    r"|\b(?:you|your team|your company)(?:'d| could| can| may|'re free to| are free to|'re able to| would be able to) "
    r"(?:\w+ )?(?:cancel|stop|leave|end|quit|walk|pull out|terminate|drop out|get out|step out|scale "
    r"down)\b[^.?!]{0,30}?"
    rf"\b(?:any ?time|when(?:ever)? you|with(?:in)? (?:a|one|only|just|{COUNT})|{COUNT} {PERIOD}'?s? notice|no "
    rf"(?:penalty|"
    rf"notice|strings|questions)|without)\b"
    r"|\b(?:bear|carry|take|takes|shoulder|assume|accept)(?: on)? (?:\w+ ){0,2}?(?:liability|risks?)\b(?! "
    r"(?:seriously|into))"
    rf"|\bnot happy\b[^.?!]{{0,40}}\b(?:back|pay nothing|no (?:charge|invoice))"
    rf"|\breplac(?:e|es|ed|ing|ement)s?\b[^.?!]{{0,40}}\b(?:at no (?:cost|charge)|free|without (?:charge|cost))\b"
    rf"|\bagreements?\b[^.?!]{{0,15}}\bfor (?:at least )?{COUNT} {PERIOD}\b"
    r"|\b(?:we|i|you|both sides)(?: would|'d| will|'ll| can)? (?:commit|sign up|sign on|tie (?:yourself|ourselves)) "
    rf"(?:\w+ )?for (?:at least )?{COUNT} {PERIOD}\b"
)
_WORK = (
    r"(?:phase (?:one|two|three|\d)|(?:first|second|both|third|next|final|pilot) (?:phases?|release|milestone|version)|"
    r"migration|project|release|rewrite|mvp|port|system|platform|app|product|integration|deliverables?|prototype|"
    r"everything|the work|it)"
)
_DELIVERED = at_words(
    rf"\b{_WORK}(?: \w+){{0,3}}?(?:'ll| will| would|'d| is going to| are going to| can| could| shall| should)(?: \w+)? "
    rf"(?:be )?(?:deliver\w*|finish\w*|complet\w+|done|ready|live|shipped|wrapped up|handed over|go live|in "
    rf"production)\b"
    rf"[^.?!]{{0,40}}?\b(?:(?:by|before|no later than|until|on|at|ahead of) {WHEN}|(?:in|within|inside|after) (?:\w+ )?"
    rf"{COUNT} {PERIOD}\b)"
    r"|\b(?:we|i)(?:'d|'ll| would| will| can| could| shall| are going to|'re going to)(?: \w+ly)? (?:have |be |get )?"
    rf"(?:\w+ly |it |this |that |everything |all |phase \w+ )?(?:finish\w*|complet\w+|done|through|deliver\w*|"
    rf"ship\w*|wrap\w*)\b[^.?!]{{0,40}}?"
    rf"\b(?:(?:by|before|no later than|ahead of) {WHEN}|(?:in|within|inside) (?:\w+ )?{COUNT} {PERIOD}\b)"
)
_PAPER = at_words(
    r"\b(?:we|i|we'd|we'll|i'd|i'll|happy to|glad to|ready to|fine to|able to)(?: would| will| can| could| shall| "
    r"are| am)?"
    r"(?: be)?(?: \w+)?(?: to)? (?:sign|countersign|accept|take|execute|work (?:on|under|with|from)) (?:\w+ "
    r"){0,2}?(?:nda|dpa|"
    r"msa|paper|paperwork|contract|terms|template|agreement|clauses?|non-?disclosure)\b"
    r"|\b(?:your|the) (?:\w+ )?(?:nda|dpa|msa|paper|paperwork|template|standard contract|terms|"
    r"clauses?)\b[^.?!]{0,20}? (?:is|"
    r"are|would be|works?) (?:\w+ )?(?:fine|ok|okay|acceptable|good|agreed|for us|no problem|not a problem)\b"
    r"|\b(?:contract|agreement|terms|clause)s?\b[^.?!]{0,40}\b(?:under|by|governed by) (?:\w+ )?(?:german|english|"
    r"french|"
    r"dutch|swiss|your|our|local|delaware|new york|uk|eu|irish|austrian|\w+an|\w+ish) law\b"
    r"|\b(?:cap|capped|ceiling|limit)(?: \w+)? (?:on|for) (?:our |the |any )?liabilit\w+|\bliabilit\w+ (?:\w+ "
    r")?(?:cap|capped|"
    r"limited)\b"
    r"|\b(?:agree to|be|stay|work|grant|give|offer|guarantee|promise|sign)\b[^.?!]{0,20}\bexclusiv\w+ (?:in|for|to|"
    r"with|on|"
    r"deal|clause)\b"
    r"|\b(?:you|your company)(?:'ll| will| would|'d| fully| always)?(?: \w+)? (?:own|keep|retain|hold)s? "
    r"(?:(?!and\b|while\b|we\b|our\b|who\b)[\w'-]+ ){0,4}?(?:code|"
    r"ip|rights|copyright|source)\b|\b(?:code|ip|copyright|source|rights)\b[^.?!]{0,30} (?:is|are|would be|will be|"
    r"becomes?|"
    r"stays?|remains?|belongs? to) (?:\w+ )?(?:yours|you)\b"
)
_HUMAN = "The draft commits to terms that a human must agree."
BARGAINS = (
    (
        "pricing.discount",
        word_set(
            "  costing free nothing  tab gratis charge pay paying owe charged half third thirds quarter "
            "rate rates "
            "price prices pricing fee fees percent cent  cheaper  reduce reduced reduction cut save saves "
            "saving "
            "savings deal waive forgo skip throw  room leeway flexible wiggle tariff quote"
        ),
        _CHEAPER,
        "The draft offers a discount, a saving or something free.",
    ),
    (
        "pricing.commitment",
        word_set(
            "pay paying billed invoiced charged payment invoice invoices bill bills terms hold keep freeze guarantee "
            "fix lock "
            "honour honor maintain peg cap upfront up-front advance hidden fee fees deposit settle nothing cost"
        ),
        _PAYMENT,
        _HUMAN,
    ),
    (
        "pricing.commitment",
        word_set(
            "minimum either lock lock-in tie tie-in  long-term penalty clause cap rolling contract agreement cancel "
            "stop leave  quit "
            "walk  terminate     liability risk risks  replace replaced replacing "
            "replacement commit "
            "    "
        ),
        _BINDS,
        _HUMAN,
    ),
    (
        "pricing.commitment",
        word_set(
            "deliver delivered delivers delivery finish finished complete completed done  live shipped ship "
            "wrapped wrap "
            "handed  land production"
        ),
        _DELIVERED,
        "The draft commits to a date of delivery that a human must agree.",
    ),
    (
        "coordination.legal",
        word_set(
            "nda dpa msa paper paperwork contract terms template agreement clause clauses non-disclosure law liability "
            "exclusive exclusivity exclusively code ip rights copyright source"
        ),
        _PAPER,
        "A legal assurance is given; it is for a human.",
    ),
)
