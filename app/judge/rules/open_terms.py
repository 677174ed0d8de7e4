"""Reductions and terms in open wording: a second look, where the set phrases of pricing found nothing.

A word for giving something away, or for what binds two firms, is an offer wherever its sentence neither denies it,
hands it over, nor speaks of somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.disclaimed import disclaimed
from app.judge.rules.phrasing import at_words, holds_any, word_set
from app.judge.rules.reading import Reading, Sentence
from app.judge.rules.terms import COUNT, PERIOD, WHEN

_PART = (
    r"(?:\d{1,2}(?:[.,]\d)? ?(?:%|per ?cent|pct)|(?:five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|"
    r"forty|fifty)(?:[- ]five)? per ?cent|(?:a|one|two|three) (?:fifths?|quarters?|thirds?|tenths?|half|twentieths?|"
    r"eighths?)|half)"
)
_PRICE = (
    r"(?:prices?|pricing|rates?|fees?|tariffs?|quotes?|invoices?|bills?|day rates?|costs?|cost base|spend|spending|"
    r"payroll|budget|outlay|wage bill)"
)
_OURS = r"(?:prices?|pricing|rates?|fees?|tariffs?|quotes?|day rates?)"
_CHEAPER = at_words(
    rf"\b(?:rebates?|gratis|freebies?|vouchers?|coupons?|promos?|promotion(?:al)? (?:price|rate|offer|code)|"
    rf"cashback|kickback|sweeteners?|giveaway|bogof|pro bono|half[- ]price|mates'? rates?|friends[- ]and[- ]family|"
    rf"goodwill|(?:my|our) treat|with our compliments|compliments of|(?:is|are|be|do|done|work|works|it|that|run|"
    rf"billed|charged|audit|workshop|sprint|phase|pilot) at cost\b|cost price|(?:bargain|knock-?down|rock-?bottom|"
    rf"cut|reduced|discounted|favou?rable|preferential|special|introductory|intro|launch|loyalty|volume|bundle|bulk|"
    rf"friendly|welcome|early[- ]bird|first[- ]timer|new[- ]client|better|softer|concessionary) (?:\w+ )?(?:prices?|"
    rf"pricing|rates?|fees?|tariffs?|terms|deals?|tiers?|bonus|offers?|quotes?|conditions|brackets?)|volume "
    rf"(?:tiers?|bonus|pricing)|price (?:breaks?|cuts?|drops?|reductions?|match\w*|concessions?|holiday))\b|"
    rf"\b(?:(?:is|are|be|go|goes|come|comes|'s|week|month|sprint|pilot|days?|weeks|hours?|audit|workshop|review|"
    rf"session|trial|onboarding|travel|one|it|that|this|first|drinks) on us|on the house|on our (?:tab|dime|account|"
    rf"nickel)|at our (?:expense|own expense|cost)|free of (?:charge|cost)|without (?:a |any )?(?:bill|charge|cost|"
    rf"fee|invoice)|no (?:extra |added |additional )?(?:bill|charge|cost)|for (?:free|zero|a song|peanuts)|(?:days?|"
    rf"weeks?|months?|hours?|sprint|pilot|trial|work|audit|workshop|phase|one)[^.?!]{{0,15}} for nothing|(?:zero|0|"
    rf"nil) (?:dollars?|euros?|pounds?|cost|charge|fee)|not a (?:penny|cent|dime))\b"
    r"|\b(?:(?:we|i|you)(?: \w+)?|project \w+|\w+ing|that|this|it|which) (?:do not|don't|won't|will not|wouldn't|"
    r"never|aren't|isn't|are not|is not|not be) (?:be |get |going to |have to )?(?:charg\w+|bill\w*|invoic\w+|pay|"
    r"cost)\b"
    rf"|\b(?:offer|give|grant|authori[sz]ed|allow|agree|arrange|promise)\w*\b[^.?!]{{0,30}}\b(?:reduction|deduction|"
    rf"concession|abatement|allowance|markdown|saving)s? (?:of|by) (?:\w+ )?(?:{_PART}|\d)|\b{_PART}(?: "
    rf"\w+){{0,2}}? (?:off|less|cheaper|lower|down|back|below|under|saved|knocked|trimmed|shaved|returned|refunded|"
    rf"paid back|price reduction|rebate)\b(?! (?:time|effort|latency|traffic|outages))|\b(?:costs?|pay|pays|billed "
    rf"at|charged at) (?:only |just )?{_PART}(?=[.,;!]|$| (?:of )?(?:the |our |your )?(?:price|rate|fee|usual|"
    rf"normal|list|standard|as much))|\b(?:trim|trims|cut|cuts|slash|slashes|shave|shaves|reduc\w+|lower|lowers|"
    rf"knock|knocks|drop|drops|shrink|shrinks|take|takes|halve|halves|bring)\b[^.?!]{{0,30}}\b(?:{_PART}|[$€£] ?\d|"
    rf"\d+ ?k|thousand)[^.?!]{{0,25}}(?:\b(?:off|from) (?:your|the|our|their)\b|\b{_PRICE}\b)|\b(?:trim|cut|slash|"
    rf"shave|reduce|lower|knock|drop|shrink|halve|undercut|sharpen|soften|sweeten|ease|beat|better|match|shade|"
    rf"haggle|waive|forgo|forego|scrap|write off|discount|negotiate|come down|budge|"
    rf"flex)\w*\b[^.?!]{{0,25}}\b(?:(?:the|your|our|that|this|any|their|it|whatever|on|a) ?(?:\w+ )?(?:price|"
    rf"pricing|fee|fees|quote|bid|tariff|retainer|day rate|hourly rate)|(?:the|our|my|your) rates?|undercut it|"
    rf"(?:match|beat|better|improve)\w* (?:any|their|that|your|every) (?:\w+ )?offer)\b|\b(?:undercut (?:it|them|"
    rf"that|theirs|any|whatever|whoever|every|what)|(?:beat|match|go (?:below|under)|come in (?:below|under)) "
    rf"(?:them|theirs|any(?: \w+)? (?:quote|price|offer|bid|rate)|whatever (?:they|you|the|your|others)|whoever|"
    rf"what (?:they|others|your|the (?:other|others))))\b|\bmeet you (?:halfway|half way|in the middle|part ?way)\b|"
    rf"\b(?:wiggle|wriggle|some|bit of|little) (?:room|give|leeway|latitude|slack)\b[^.?!]{{0,30}}\b(?:{_PRICE}|"
    rf"money|numbers?)\b|\b(?:free(?! (?:in|within|from|for|until|to|on|after|before|as|at|of)\b)|complimentary|"
    rf"unbilled|unpaid|no-cost|cost-free|gratis)(?: [\w-]+){{0,2}} (?:trial|month|week|days?|pilot|sprint|workshop|"
    rf"audit|consultation|assessment|review|onboarding|hours?|session|fortnight|phase|set-?up|engineer|developer|"
    rf"poc|prototype|health check|replacement|support|shadow\w*|handover|extra)\b|\b(?:trial|month|week|days|pilot|"
    rf"sprint|workshop|audit|consultation|assessment|onboarding|fortnight|phase|set-?up|handover|qa|pm)(?:'s| is| "
    rf"are| comes?| goes?| would be| will be|'d be|'ll be)(?: \w+)? (?:free|gratis|thrown in|complimentary|on us|on "
    rf"me|our gift|waived|unbilled)\b(?! (?:from|in|on (?:the \d|mon|tues|wed|thu|fri)|at|until|now|next|after|as|"
    rf"to|again|by|of))|\b(?:throw|throwing|thrown|chuck|toss)(?: \w+){{0,4}} in\b|\bthrow in\b|\b(?:a "
    rf")?credit(?:ed)?\b[^.?!]{{0,40}}\b(?:against|toward\w*|to your|on your|invoice|back|note)\b|\b(?:pay|paid|"
    rf"paying|charged?) (?:only |just |us )?(?:for (?:{COUNT}|only)|nothing|half|the (?:first|junior|same))\b|\bfor "
    rf"the price of\b|\b(?:get|gets|buy|book|hire|enjoy|earns?|gives? you|you'll|have)\b[^.?!]{{0,40}}\b(?:months?|"
    rf"weeks?|sprints?|hours?|days?) (?:free(?! (?:in|from|within|on))|gratis|on top|on us|for nothing)\b|"
    rf"\b(?:gets?|becomes?|works out|comes out|turns out|is|are|grows?) (?:\w+ )?(?:cheaper|less expensive)\b(?! to "
    rf"(?:run|fix|keep|maintain))|\b(?:{_OURS}) (?:\w+ )?(?:drops?|falls?|comes? down|goes down|shrinks?|halves?|"
    rf"melts?|slides?|gets? (?:lower|better|cheaper|friendlier))\b|\b(?:save|saves|saving|"
    rf"savings)\b[^.?!]{{0,25}}(?:\b{_PART}|[$€£] ?\d|\b\d+ ?k\b|\bthousand|\bmoney\b|\ba fortune|\bon (?:salar|"
    rf"payroll|your (?:budget|spend|bill|costs)))|\b(?:fraction|half|third) (?:of )?(?:the|your|their|"
    rf"what)\b[^.?!]{{0,25}}\b(?:price|costs?|pay|salary|rate)\b|\b(?:we|i)(?: can| could| would| might|'d| may|"
    rf"'ll)? (?:\w+ )?(?:come down|go lower|do better|do (?:you )?a deal|be flexible|meet you) (?:a (?:bit|little|"
    rf"touch|notch)|some|somewhat|slightly|further|on (?:price|the)|in price)|\bcosts? (?:per \w+ )?(?:\w+ "
    rf")?(?:falls?|drops?|goes down|shrinks?)\b[^.?!]{{0,20}}\b(?:by|to) {_PART}|\b(?:quot\w+|offer\w*|pric\w+|"
    rf"bids?|charges?|asks?)\b[^.?!]{{0,30}}\b(?:match|beat|better|undercut) (?:it|that|them)\b|\b(?:won't|will not|"
    rf"never|not) (?:see|get|receive) (?:a|any|one|our) (?:bill|invoice)\b|\bpaid back\b|\bmoney off\b|\bbest "
    rf"price\b|\bprice (?:is )?negotiable\b|\bdiscount\w*\b"
)
_PAPER = (
    r"(?:msa|sow|nda|dpa|loi|mou|mutual nda|letter of intent|order form|framework agreement|master (?:services? "
    r")?agreement|statement of work|work order|purchase order|term sheet|service agreement|engagement letter|"
    r"paperwork|non-?disclosure(?: agreement)?|contract|agreement|retainer|terms and conditions|data processing "
    r"agreement)"
)
_BINDS = at_words(
    rf"\b(?:deposit|down payment|prepay\w*|advance payment|retainer fee|kick-?off fee)\b|\b(?:pay\w*|paid|invoic\w+|"
    rf"bill\w*|half|months?|cent|fees?|weeks?|third|quarter|money)\b[^.?!]{{0,25}}\b(?:up[- ]?front|in advance)\b|"
    rf"\bup[- ]?front (?:payment|fee|invoice|deposit)|\b(?:half|third|quarter|{COUNT}(?: ?%| per ?cent)|balance|"
    rf"rest|remainder|first (?:half|instalment)) (?:\w+ ){{0,3}}?(?:up ?front|up-front|in advance|on (?:signature|"
    rf"signing|delivery|acceptance|completion|kick-?off|go-?live|start)|at (?:the )?(?:start|end|signature|signing|"
    rf"kick-?off))\b|\bnet[- ]?(?:\d{{2}}|fifteen|thirty|forty-five|sixty|ninety)\b|\b(?:payable|payment|paid|pay|"
    rf"settle\w*|invoic\w+|bill(?:ed|ing)?)\b[^.?!]{{0,45}}\b(?:milestones?|in arrears|monthly|quarterly|weekly|"
    rf"fortnightly|month'?s? end|end of (?:each|the|every) (?:month|quarter|sprint)|on receipt|bank transfer|"
    rf"instal?ments?|within (?:a|{COUNT})|(?:in|after|not later than|no later than|later than|of) {COUNT} {PERIOD}|"
    rf"on (?:signature|delivery|acceptance|completion)|once (?:it|the|they|you)|per sprint|after (?:each|every|"
    rf"acceptance|delivery))\b|\b(?:milestone|monthly|quarterly|staged) (?:payments?|billing|invoic\w+|"
    rf"instal?ments?)\b|\b(?:penalt(?:y|ies)|a fine (?:of|for|per|if)|fines (?:of|for)|forfeit\w*|liquidated "
    rf"damages|late fee|service credits?|claw-?back|refunds?|refund\w+|money[- ]back|money (?:is )?back|reimburs\w+|"
    rf"indemnif\w+|indemnity|compensat\w+|warrant(?:y|ies)|make good (?:on|any|every|the)|fix \w+ (?:at our|for "
    rf"free|free))\b|\b(?:every|each|the full|all (?:of )?(?:the|your)|your) (?:last )?(?:cent|penny|amount|fees?|"
    rf"money|euro|dollar|payment)\b[^.?!]{{0,15}}\bback\b|\b(?:pay|owe) (?:you )?(?:a (?:fine|penalty)|damages|"
    rf"back)\b|\b(?:free|gratis) replacement\b|\breplace(?:d|ments?)\b[^.?!]{{0,40}}\b(?:within|in|inside) "
    rf"(?:{COUNT}|a|the same|twenty-four|48) ?(?:{PERIOD}|hours|working|business)|\b(?:minimum|min\.?) (?:\w+ "
    rf")?(?:term|period|duration|commitment|engagement|spend|contract|stay|length|of {COUNT} {PERIOD})\b|"
    rf"\b(?:{COUNT} {PERIOD}|{PERIOD}) (?:is (?:the|our) )?minimum\b|\b(?:at least|no less than|not less than|"
    rf"minimum of) {COUNT} {PERIOD}(?=[.,;!]|$| (?:is|are|to|commitment|of (?:work|engagement)))|\b(?:lock(?:ed)?[- "
    rf"]in|tied[- ]in|tie-?in|break clause|exit clause|opt[- ]out clause|evergreen (?:contract|agreement)|rolling "
    rf"(?:\w+ )?(?:contract|agreement|term|month\w*|commitment|notice|retainer)|auto-?renew\w*|(?:contract|"
    rf"agreement|retainer|term|engagement|it)s? (?:\w+ )?(?:renews?|rolls? over))\b|\b(?:contracts?|agreements?|"
    rf"terms?|engagements?|basis|commit\w*|billing|invoiced|billed|roll\w*|paid|cancel\w*|"
    rf"leave)\b[^.?!]{{0,30}}\b(?:month|week)[- ](?:to|by)[- ](?:month|week)\b|\bmonth-to-month\b|\b(?:cancel\w*|"
    rf"terminat\w+|walk away|pull the plug|call it (?:off|quits)|step out|bail|opt out|end (?:it|the (?:contract|"
    rf"engagement|agreement))|stop (?:whenever|any ?time|at any)|leave (?:whenever|any ?time|at any)|part ways|quit|"
    rf"get out|scale (?:down|back)|drop out|exit)\b[^.?!]{{0,45}}\b(?:any ?time|any (?:point|moment|month|day|week)|"
    rf"when(?:ever)? you|if you|at will|notice|{COUNT} {PERIOD}|without|either (?:party|side)|penalty|at no|for "
    rf"convenience|at (?:the end|month)|overnight|freely|without)\b|\btermination (?:for|is|by|with|on|at|clause|"
    rf"right)\b|\b(?:{COUNT}|a (?:fortnight|month|week|quarter)(?:'s)?)(?: (?:{PERIOD}'?s?|calendar \w+|working "
    rf"\w+))?(?:'|'s)?(?: written)? notice\b(?=[^.?!]{{0,40}}\b(?:either|each|both|ends?|cancel|leave|out|"
    rf"terminat\w+|is all|suffices|stop|done|wind|suffice|contract|agreement|no questions)\b)|\bnotice (?:period|of "
    rf"termination)\b|\bnotice\b[^.?!]{{0,20}}\b(?:either (?:way|side|party)|both (?:ways|sides))|\b{COUNT} "
    rf"{PERIOD} (?:either|each|both) (?:way|side|part)|\b(?:exclusiv\w+|sole(?:ly)? (?:supplier|vendor|partner|"
    rf"provider|for you)|only (?:supplier|vendor|partner) for|bound to you|(?:no|not|never|nor)(?: \w+){{0,4}} "
    rf"(?:other|another|any other|competing|rival) (?:carrier|client|company|customer|firm|competitor|vendor|"
    rf"supplier|agency|shop)|non-?compete|non-?solicit\w*|right of first refusal|first refusal|work for (?:nobody|"
    rf"no one|none|(?:a|any|your) (?:\w+ )?(?:competitors?|rivals?)))\b|\b(?:docu-?sign|hello-?sign|adobe sign|"
    rf"counter-?sign\w*|e-?sign\w*|for (?:your )?signature|wants is a signature|sign (?:on page|at the|here|off on "
    rf"our|below|it and|and (?:return|send)|our)\b|dotted line|initial (?:the|each)|signature (?:away|and|page)|"
    rf"your signature)\b|\b(?:send|sending|sent|attach\w*|enclos\w+|draw(?:n|ing)? up|draft\w*|prepar\w+|get|"
    rf"forward|have|issue|put together|ready|turn around|knock up|whip up|here(?:'s| is)|start (?:on|with) (?:an?|"
    rf"our|the)) (?:\w+ ){{0,3}}?{_PAPER}\b(?! (?:tests?|work|people|roles|with (?:them|the agency)))|"
    rf"\b{_PAPER}s?\b[^.?!]{{0,30}}\b(?:attached|enclosed|ready|drafted|follows?|on (?:its|the) way|tonight|"
    rf"tomorrow|in your inbox|to (?:sign|follow|you)|with you|waiting|prepared|by (?:tomorrow|mon|tues|wed|thu|"
    rf"fri)\w*|goes out|sent|binding)\b|\bin (?:the|our|every) (?:contract|sla|agreement|terms|msa)\b|\bby "
    rf"contract\b|\bcontractual\w*\b|\bwritten into\b|\bin black and white\b|\bour (?:sla|standard terms|terms)\b|"
    rf"\bservice[- ]level (?:agreement|guarantee)\b|\b\d\d(?:\.\d{{1,3}})? ?% (?:uptime|availability)\b"
)
_DATED = at_words(
    rf"\b(?:guarantee|promise|commit|pledge|vouch|undertake|warrant|swear|give you (?:our|my) "
    rf"word)\w*\b[^.?!]{{0,60}}\b(?:by|before|within|on|in|no later than|ahead of) (?:the (?:\w+ )?)?(?:{WHEN}|"
    rf"{COUNT} {PERIOD}|\d|peak|launch|end|deadline|your)|\b(?:live|shipped|delivered|finished|complete|completed|"
    rf"released|handed over|in production|go-?live|deployed|delivery|wrapped up|out the door|over the "
    rf"line)\b[^.?!]{{0,25}}\b(?:(?:by|before|no later than|ahead of|in time for|within) (?:the (?:\w+ "
    rf")?)?(?:{WHEN}|peak|{COUNT} {PERIOD})|in {COUNT} (?:weeks|months)|guaranteed)\b"
)
_HOLDS = at_words(
    rf"\b(?:hold|fix|freeze|lock|peg|cap|keep|guarantee|frozen|locked|fixed|held|capped|"
    rf"stays?)\b[^.?!]{{0,30}}\b{_OURS}\b[^.?!]{{0,30}}\b(?:for|until|till|through|all year|at|{COUNT} {PERIOD})\b|"
    rf"\b{_OURS}\b[^.?!]{{0,25}}\b(?:frozen|locked|fixed|held|capped|guaranteed|pegged|stay(?:s)? (?:put|the same|"
    rf"flat|where|as))\b|\b(?:ip|intellectual property|copyright|source code|ownership|rights|code) (?:\w+ "
    rf")?(?:passes|transfers?|goes|is|are|belongs?|vests?|stays?|moves|remains?) (?:\w+ )?(?:(?:to|with) you|"
    rf"yours)\b|\b(?:transfer fee|buy-?out|hire (?:our|them|him|her) (?:\w+ )?(?:away|after|outright|directly)|take "
    rf"over our)\b|\b(?:liab(?:le|ility)|insured|professional indemnity)\b[^.?!]{{0,40}}\b(?:up to|capped|cover|for|"
    rf"million|us|ours|we)\b|\bcommitment of\b|\bsign(?:ing)? (?:on |up )?for {COUNT} {PERIOD}\b"
)
_CHEAP_WORDS = word_set(
    "allowance back beat better bill billed bills bogof bono bonus brackets budget cashback cent cents charge "
    "charged charging cheaper chuck come complimentary compliments concession concessionary cost cost-free "
    "costing costs coupon coupons credit credited cut cuts deduction dime discount discounted discounts expense "
    "favorable favourable fee fees flexible forego forgo fraction free freebie freebies friends-and-family "
    "giveaway goodwill gratis half half-price halfway halve halves house introductory invoice invoiced invoices "
    "kickback knock knocks less lower loyalty markdown match mates mates' middle money negotiable no-cost nothing "
    "off offers paid pay paying payroll pays penny percent preferential price prices pricing promo promos "
    "promotion promotional quote quotes rate rates rebate rebates reduction save saves saving savings scrap shave "
    "shaves slash slashes spend spending sweetener sweeteners tab tariff tariffs throw throwing thrown tier tiers "
    "toss treat trim trims unbilled undercut unpaid us volume voucher vouchers waive waived waiving zero "
)
_BINDING_WORDS = word_set(
    "advance agency agreement agreements anytime auto-renew auto-renews availability back bail balance bill "
    "billed billing black both bound cancel cancellation cancelled cancelling cancels carrier clause claw-back "
    "clawback client company compensate compensated compensation competitor competitors conditions contract "
    "contracts contractual contractually countersign countersigned credits customer damages deposit docu-sign "
    "docusign dotted dpa drop e-sign either evergreen exclusive exclusively exclusivity exit fine fines firm "
    "forfeit forfeited free front good gratis half indemnify indemnity installment installments instalment "
    "instalments intent invoice invoiced invoices invoicing late least leave letter lock lock-in locked locked-in "
    "loi milestone milestones min minimum money money-back month month-to-month mou msa nda net nobody "
    "non-compete notice opt order paid paperwork party pay payable payment payments penalties penalty plug "
    "prepaid prepay prepayment quarter quit quits refund refundable refunded refunds refusal reimburse reimbursed "
    "reimbursement remainder renew renews replaced replacement replacements retainer rival rivals rolling rolls "
    "scale settle settled sheet shop sign signature sla sole solely sow statement stop supplier terminate "
    "terminated termination terms third tie-in tied up-front upfront uptime vendor walk warranties warranty week "
    "whenever work written "
)
_HELD_WORDS = word_set(
    "buy-out buyout code commitment copyright fee fees hire indemnity insured ip liability liable ownership price "
    "prices pricing property quote quotes rate rates rights sign signing take tariff tariffs transfer "
)
_DATED_WORDS = word_set(
    "commit committed complete completed delivered delivery deployed door finished go-live guarantee guaranteed "
    "guarantees handed line live pledge production promise promised released shipped swear undertake vouch "
    "warrant word wrapped "
)
# When people could begin is a matter of capacity, and no date of delivery.
_PEOPLE = re.compile(
    r"\b(?:engineers?|people|developers?|testers?|juniors?|seniors?|onboard\w*|start|begin|staff(?:ed)?|crew|"
    r"squads?|join|roadmap|page|launched)\b"
)
# What engineers make cheaper or faster is no reduction of a price.
_OF_MACHINES = re.compile(
    r"\b(?:cloud|hosting|aws|azure|gcp|compute|fuel|emissions?|co2|quer(?:y|ies)|(?:release|build|load|cycle|"
    r"response|lead|deploy|waiting|processing|pick|turnaround|delivery|test) times?|latency|memory|cpu|page loads?|"
    r"downtime|errors?|incidents?|outages?|empty (?:runs|miles|kilomet\w+)|storage|bandwidth|infrastructure|bugs|"
    r"defects|returns|churn|no-shows?|mileage|manual work|paperwork|dispatchers|alerts|pages at night)\b"
)
# Somebody of the deal stands in the sentence: without one it tells of the world.
_OFFERS = re.compile(
    r"\b(?:we|i|our|us|my|you|your|yours|(?:we|you|i|they)'(?:d|ll|re|ve|m)|take|try|refer|buy|sign|book|hire|stay|"
    r"clients?|"
    r"customers?|either|party|parties|free|zero|half|net|payment|month|pilot|onboarding|sprint|trial|price|prices|"
    r"engineers?|replacement|attached|contracts?|agreement)\b"
)


def reductions(reading: Reading) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """Something cheaper, free or given back, that the sentence offers."""
    yield from _offered(reading, _CHEAPER, _CHEAP_WORDS, at_code=True)


def commitments(reading: Reading) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A term, a paper, a date or a remedy that the sentence offers."""
    yield from _offered(reading, _BINDS, _BINDING_WORDS)
    yield from _offered(reading, _HOLDS, _HELD_WORDS)
    for sentence, match in _offered(reading, _DATED, _DATED_WORDS):
        if _PEOPLE.search(sentence.text) is None:
            yield sentence, match


def _offered(
    reading: Reading, pattern: re.Pattern[str], words: frozenset[str], *, at_code: bool = False
) -> Iterator[tuple[Sentence, re.Match[str]]]:
    if reading.words.isdisjoint(words):
        return
    for sentence in reading.sentences:
        if sentence.field != "body" or len(sentence.text) < 8:
            continue
        text = sentence.text[:600]
        match = pattern.search(text) if holds_any(text, words) else None
        if match and _OFFERS.search(text) and not disclaimed(text) and not (at_code and _OF_MACHINES.search(text)):
            yield sentence, match
