"""What keeps a sentence from being a price or a term of the sender's: denied, handed over, somebody else's, or news.

The open readings of pricing take nearly any wording for an offer, so each of them asks here first. A denial that only
offers more ("no extra charge", "we do not bill it", "without notice") is taken out before denials are sought.
"""

from __future__ import annotations

import re

from app.judge.rules.phrasing import at_words

_OFFERING_DENIAL = at_words(
    r"\b(?:no|without|without any|not a|not any|zero|never any|never an?|there's no|neither)(?: \w+){0,2}? "
    r"(?:costs?|charges?|fees?|bills?|invoices?|lock-?ins?|lock|tie-?ins?|minimum\w*|strings|notice|penalt\w+|card|"
    r"surprises?|questions?|obligations?|risks?|commitments?|deposit|extra|payments?|surcharge|hidden|premium|catch|"
    r"small print|cent|penny|dime|euro|dollar|contract|hassle|fuss|reason\w*|further|markup|mark-up|retainer|cap|"
    r"term|other|competitor|transfer fee|vat|purchase)\b|\b(?:do not|don't|does not|doesn't|will not|won't|would "
    r"not|wouldn't|shall not|never|not be|isn't|aren't|not|need not|needn't|not have to) (?:be |get |even |have to |"
    r"want to )?(?:charg\w+|bill\w*|invoic\w+|cost\w*|pay\w*|owe|count\w*|exceed\w*|appear on|show up on|see an? "
    r"(?:bill|invoice)|part with|put \w+ on (?:the|your) (?:bill|invoice)|ask (?:for (?:money|a fee|payment)|you to "
    r"pay)|spend)\b|\b(?:no|not) (?:more|later|less|longer) than\b|\bnot only\b|\b(?:why|if|whether or|or) not\b|"
    r"\bno matter\b|\b(?:don't|do not) (?:hesitate|worry|wait|like|get on|click|need|want)\b|\bnot (?:happy|"
    r"satisfied|content|convinced|pleased|a fit|what)\b|\b(?:isn't|aren't|is not|are not|not) (?:a fit|happy|"
    r"satisfied|working out|for you|a match|done|live|ready|delivered|right)\b|\b(?:doesn't|don't|does not|do not) "
    r"(?:fit|suit|work out|like|deliver|perform|gel|hit|meet|ship|convince)\b|\bnothing (?:for|to pay|due|up ?front|"
    r"until|in advance|if|unless|owed|extra)\b|\bfor nothing\b|\bnot (?:a|one) (?:penny|cent|dime)\b|\bno(?: one|"
    r"body) else\b|\bnon-?(?:refund\w*|exclusive\w*|disclosure)\b|\buntil\b|\bwithout (?:cause|delay|giving|having|"
    r"paying|charging)\b|\bnot a problem\b|\bno problem\b"
)
_DENIED = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|cannot|can't|won't|don't|doesn't|didn't|isn't|aren't|wouldn't|couldn't|"
    r"shouldn't|haven't|hasn't|unable|declin\w+|rather not|refus\w+|irresponsible|stab in the dark|guess\w*|"
    r"guesswork|invent\w*|depends?|hard to say|too early|before (?:we|i|any|anyone|anything|someone|scoping)|"
    r"whether|reluctant|hesita\w+|nor|neither|beyond my|mislead\w*|pretend\w*|avoid|mandate|unfortunately|afraid|"
    r"sorry|instead of|rather than|hangs (?:on|chiefly|mainly)|varies|vary|premature|above my|outside my)\b"
)
_HANDED_OVER = re.compile(
    r"\b(?:delivery (?:lead|head|manager|director)|commercial (?:lead|director|team|colleague|side)|colleagues?|"
    r"(?:our|the|a) (?:\w+ )?(?:lead|director|manager|partner)\b(?! (?:engineer|developer|dev|architect|time))|"
    r"(?<!your )legal team|right person|somebody else|someone else|a human|managing director|account (?:lead|"
    r"manager)|looping in|loop in|pass (?:this|it|that|your|you)|passed (?:this|it|that|your|on)|pass(?:ed)? on|"
    r"forward(?:ed|ing)? (?:this|it|your)|handed|hand(?:ing)? (?:this|it|over|that|your)|(?:is|are|be) (?:for|with|"
    r"up to) (?:[a-z]+|our \w+|the \w+ \w+)[,.;]|(?:is|are) for (?:our|my|him|her|them)|(?:will|would|can) "
    r"(?:answer|settle|decide|agree|quote|price|clarify)|(?:who|she|he|they) (?:answers?|decides?|prices?|signs? "
    r"for|handles?|looks after|settles?|owns?)|to (?:answer|settle|decide|agree)|department|thank(?:s| you) for "
    r"(?:raising|asking|your)|(?:fair|good|your|the) question\b|question of|matter for|decid\w+ by|leave (?:the|"
    r"that|those|it) |isn't mine|aren't mine)\b"
)
_THEIRS = re.compile(
    r"\b(?:(?<!what )(?<!whatever )you (?:wrote|said|told|mentioned|named|asked|spend|raised|have set aside|gave|"
    r"put it|report|announced|expect|advertise|published|plan|planned|quoted|charge|offer|sell|invested|list)|as "
    r"you (?:say|said|put)|you (?:are|'re) (?:looking for|asking for|spending|offering)|your (?!sole|only|"
    r"exclusive)(?:[\w'-]+ ){0,3}?(?:report|roadmap|tender|board|ceiling|statement|grant|series|raise|funding|"
    r"revenue|turnover|round|supplier|vendor|provider|post|ad|advert|posting|page|site|blog|listing|article|release|"
    r"announcement|annual|price list|customers|users|shippers|users|app|product|platform|checkout|notice of|"
    r"reviews?)\b|(?:the|their|his|her|its|an?|of|on|in|for|within|public|annual|this year's|next year's) (?:\w+ "
    r")?budgets?\b|budgets? (?:is|was|of|line|holder|year|round|has|had|which)|salar\w+|wages?|payroll (?:is|of|"
    r"was)|job boards?|recruiters|industr\w+|stud(?:y|ies)|survey|according to|market (?:is|of|size|worth|for)|said "
    r"to be|is said|valuation|raised|led by|revenue|turnover|arr\b|grant (?:from|of)|congrat\w+|vendors? (?:raised|"
    r"have|has|charge)|list prices|spot rates|average (?:firm|company|price)|going rate|shippers?|passengers?|"
    r"merchants?|subscribers?|users|downloads|orders|rows|records|lines of|requests|events|parcels|shipments|"
    r"tickets|students|patients|companies|employees|read that|i saw|i read|i noticed|i see|we saw|last year|laid "
    r"off|layoffs?|funding|acquisition|acquired|series [a-h]\b|fined|lawsuit|regulator)\b"
)
_TECHNICAL = re.compile(
    r"\b(?:contract(?:-driven)?[- ]tests?\w*|consumer-driven|smart contracts?|at-least-once|exactly-once|broker|"
    r"retr(?:y|ies)|idempot\w+|latency|throughput|penalt(?:y|ies) (?:shoot|kick)|lock(?:s|ing)? (?:contention|table|"
    r"file)|deadlocks?|seems?|appears?|apparently|batch jobs?|crash\w*|api contracts?|data contracts?|interface "
    r"contracts?|terms of reference|public contract|rolling (?:deploy\w*|updates?|releases?|restarts?|upgrade)|"
    r"(?:refund|deposit|cancellation|warranty|discount|price|pricing|rate|quote|tariff|coupon|voucher|loyalty|"
    r"notice|invoic\w+|payment|credit|penalty|contract|signature|rebate) (?:engine|module|service|flow|logic|codes?|"
    r"pipeline|tables?|schema|queue|endpoint|api|screen|page|claims?|feeds?|limits?|limiting|cards?|shopping|tool|"
    r"calculator|form|matching|data|process|handling|management|checks?|parser|records?|notes?|events?|bug|app|"
    r"store|program\w*)|sign-?in|sign-?up|signing in|checkout|tariff tables?|credit (?:card|union|scor\w+|risk)|"
    r"invoice (?:module|engine|data|format|matching|processing)|payment (?:provider|gateway|switch\w*|tool|module|"
    r"systems?|service|terminal|app))\b"
)
# A question that offers; any other asks after theirs.
_PUT_FORWARD = re.compile(
    r"\b(?:shall|should (?:i|we)|want (?:me|us)|how about|how does|how would|what (?:if|about)|would (?:an?|it|that|"
    r"the|you (?:like|take|prefer|say|sign))|fancy|(?:can|could|may|might|let) (?:i|we|me)|interested in|interest "
    r"you|ready to|okay if|ok if|deal|care for|sounds? (?:good|fair|ok)|worth|tempt|tempted|why not|happy with|for "
    r"free)\b|\?[^?]*\?$|^\w+\?"
)
# Prices and terms of the market or of other firms, however the sentence puts them.
_OF_OTHERS = re.compile(
    r"\b(?:salar(?:y|ies)|job boards?|recruiters|(?:average|typical) (?:firm|company)|market of|said to be|stud(?:y|"
    r"ies)|surveys?|^(?:as )?you (?:wrote|said|told (?:me|us)|mentioned)|your (?:present|current|other|last|old) "
    r"(?:\w+ )?(?:supplier|vendor|provider|agency)|(?:gives?|offers?|giving|offering) (?:\w+ )?(?:shippers|"
    r"customers|passengers|users|guests|students)|ministry|list prices)\b"
)
# Said anywhere in the draft, it leaves what money is spoken of to somebody else.
_MONEY_LEFT = re.compile(
    r"\b(?:prices?|pricing|costs?|quotes?|totals?|figures?|numbers?|discounts?|terms|commercials?|sums?|budget|that|"
    r"this|both|it|money)\b[^.?!]{0,60}\b(?:(?:is|are|be) (?:for|with|not mine|up to)|for (?:our|my)|decid\w+|"
    r"(?:delivery|commercial|our) (?:\w+ )?(?:lead|director|colleague|manager|team)|colleagues?|a human)\b|"
    r"\b(?:can't|cannot|won't|will not|not able to|unable to|rather not|do not|don't|shouldn't|should not|would "
    r"not) (?:\w+ ){0,2}?(?:quote|price|promise|commit|discount|estimate|negotiate|agree|put a|name a|give a|offer)\b"
)


def money_left_open(text: str) -> bool:
    """Whether a draft declines to speak of money, or hands it to somebody; asked of the whole body."""
    return _MONEY_LEFT.search(text) is not None


def of_others(text: str) -> bool:
    """Whether the sentence tells of the market, of wages, or of what another firm asks or gives."""
    return _OF_OTHERS.search(text) is not None


def without_offering_denials(text: str) -> str:
    """The sentence without denials that only offer more."""
    return _OFFERING_DENIAL.sub(" so ", text)


def disclaimed(text: str) -> bool:
    """Whether the sentence denies what it speaks of, hands it to somebody, or speaks of others, of news or of code."""
    if _HANDED_OVER.search(text) or _THEIRS.search(text) or _TECHNICAL.search(text):
        return True
    if text.rstrip().endswith("?") and _PUT_FORWARD.search(text) is None:
        return True
    return _DENIED.search(without_offering_denials(text)) is not None
