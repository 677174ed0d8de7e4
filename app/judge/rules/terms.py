"""Terms of a contract as drafts promise them: lengths, notice, dates, liability, money back, rights, law, payment.

Each of them binds the vendor, and only a human may bind it. A term that is handed to a colleague binds nobody.
"""

from __future__ import annotations

import re

from app.judge.rules.phrasing import at_words, word_set

COUNT = (
    r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|fifteen|eighteen|"
    r"twenty(?:-four)?|"
    r"thirty|forty|sixty|ninety)"
)
PERIOD = r"(?:days?|weeks?|months?|quarters?|years?)"
_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
WHEN = (
    rf"(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}|{_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?)?|q[1-4]|"
    rf"christmas|easter|"
    rf"new year|summer|autumn|winter|spring|(?:end|middle|start|beginning) of (?:the |next |this )?(?:month|"
    rf"quarter|year|week|{_MONTH}|q[1-4])|"
    rf"next (?:week|month|quarter|year)|week {COUNT}|(?:mon|tues|wednes|thurs|fri)day|year[- ]end|"
    rf"\d{{1,2}}(?:st|nd|rd|th))\b"
)
_AGREEMENT = r"(?:contract|agreement|framework|msa|statement of work|commitment|engagement|term|lock-?in)"

_LENGTH = at_words(
    rf"\b{_AGREEMENT}s? (?:\w+ ){{0,3}}?(?:runs?|lasts?|is|of|for|be|to) (?:for |at least |a minimum of "
    rf")?{COUNT} {PERIOD}\b"
    rf"|\b{COUNT}[- ](?:month|year|week|quarter)s? (?:\w+ )?{_AGREEMENT}\b"
    rf"|\b(?:sign|commit|signing|lock(?:ed)? in) (?:\w+ )?(?:up )?for (?:at least |a minimum of )?{COUNT} "
    rf"{PERIOD}\b"
    rf"|\bminimum (?:term|period|duration|length) (?:is|of|would be|will be)\b"
    rf"|\brenew(?:s|ed|ing|al)?(?: is)? (?:by itself|automatic\w*|on its own)\b|\bauto[- ]?renew\w*"
)
_ENDING = (
    rf"(?:cancel\w*|end(?:ed|s|ing)?|exit\w*|leav\w+|terminat\w+|walk|stop\w*|step out|pull out|out|either side|"
    rf"{_AGREEMENT}s?)"
)
_NOTICE = at_words(
    rf"\bnotice (?:period )?(?:\w+ ){{0,2}}?(?:of|is|be|at) (?:only |just )?{COUNT} {PERIOD}\b"
    # "They need eighteen days' notice" speaks of people; beside a word for an end, or a contract, it is a term.
    rf"|\b{_ENDING}\b[^.?!]{{0,60}}?\b{COUNT} {PERIOD}'? notice\b"
    rf"|\b{COUNT} {PERIOD}'? notice\b(?:[^.?!]{{0,60}}?\b{_ENDING}\b| (?:is (?:all|enough)|suffices|applies|"
    r"from (?:you|either)|on (?:either|both)))"
    r"|\b(?:can|could|may|free|right|entitled|allowed|able)(?: to)? (?:cancel|leave|terminate|exit|walk away|"
    r"step out|pull out|get out|"
    r"end (?:it|this|the (?:contract|agreement|engagement)))"
    rf"\b[^.?!]{{0,30}}?\b(?:any ?time|without (?:any )?(?:cost|penalty|fee|notice|reason)|(?:after|within|with) "
    rf"{COUNT} {PERIOD}|at once|"
    r"whenever|from one day to the next)\b"
)
# A date for the work itself; when engineers can start is a matter of capacity.
_DELIVERY = at_words(
    r"\b(?:we|i|our \w+|team|engineers|release|version|product|migration|project|mvp|prototype|platform|work|"
    r"rewrite|system|feature|app|"
    r"integration|everything|it|you)(?:'ll| will| shall| would| can| is| are| have| be| get| see)?(?: \w+){0,3}? "
    r"(?:deliver\w*|finish\w*|complet\w+|ship\w*|hand(?:ed)? over|go(?:es)? live|live|done|launched|in "
    r"production|in your hands)\b"
    rf"[^.?!]{{0,40}}?\b(?:by|on|before|in|no later than|until|ahead of) {WHEN}"
    rf"|\b(?:acceptance|delivery|hand-?over|go-?live|release|launch|completion)\b[^.?!]{{0,25}}?\b(?:in|by|"
    rf"before|on) "
    rf"(?:week {COUNT}|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH})\b"
    r"|\b(?:give|have) you (?:my|our) word\b|\b(?:my|our) word on (?:that|it)\b"
)
_LIABILITY = at_words(
    r"\b(?:accepts?|assumes?|takes?|bears?|carr(?:y|ies)|shoulders?) (?:\w+ ){0,2}?(?:liability|the risk of|all "
    r"risks?|responsibility for (?:any|"
    r"every|all) (?:delay|damage|loss|bug))"
    r"|\b(?:we|i|vendor) (?:are|am|is|would be|will be) (?:fully )?liable\b|\bliability (?:is|would be|will be) "
    r"(?:capped|limited|unlimited|ours|with us)\b"
    r"|\b(?:penalt(?:y|ies)|damages) (?:of|for each|for every|per|would|are|is)\b"
    rf"|\bwarranty (?:of|for|runs?|lasts?|covers?|period)\b|\b{COUNT}[- ](?:month|year|day)s? (?:of )?warranty\b"
    r"|\b(?:your )?money back\b|\brefund\w*|\breimburs\w+|\bindemnif\w+|\bservice credits?\b"
)
_RIGHTS = at_words(
    r"\b(?:intellectual property|\bip\b|copyrights?|all rights|ownership of (?:the|all) (?:code|work))(?: \w+){0,3}? "
    r"(?:pass\w*|transfer\w*|belongs?|goes|vests?|yours|assigned|moves?)\b"
    r"|\b(?:hir(?:e|ing)|tak(?:e|ing) (?:over|on)|employ(?:ing)?) (?:our|any of our|one of our) (?:engineers?|"
    r"people|developers?)\b[^.?!]{0,50}"
    r"\b(?:allowed|permitted|free|fine|no fee|possible|without)\b"
)
_PAYMENT = at_words(
    rf"\bpayment(?: terms?)? (?:is|are|would be|falls|will be|of)(?: \w+){{0,2}}? {COUNT} days\b|\b{COUNT} "
    rf"days (?:after|from|of) (?:the |receipt of "
    rf"(?:the )?)?invoice\b|\bnet[- ]?(?:15|30|45|60|90)\b|\binvoices? (?:is|are|would be|will be) (?:due|"
    rf"payable)\b|\bpay (?:\w+ ){{0,3}}?in (?:\w+ )?"
    r"instal?ments\b|\b(?:pay|billed) (?:only )?(?:on|after|upon) (?:acceptance|delivery|success|completion)\b"
    r"|\b(?:freeze|lock in|lock|hold) (?:the |your |our |this |that )?(?:price|rate)s?\b|"
    r"\b(?:prices?|rates?) (?:\w+ )?(?:fixed|frozen|locked|stable|unchanged) (?:for|until|through)\b|\bfixed "
    r"rates? for\b"
    r"|\b(?:begin|start|go ahead|work) without (?:a |any )?(?:signed )?(?:contract|paperwork|agreement)\b"
    r"|\b(?:paperwork|contract|signature) (?:\w+ )?(?:afterwards|later|can wait|can follow|follows)\b"
    r"|\b(?:agree|agreed|accept|consent) to (?:all (?:of )?)?your (?:\w+ )?(?:terms|conditions|clause|contract)\b"
)
_LAW = at_words(
    r"\b(?:contract|agreement|terms|clause|services?|set-?up|arrangement)(?: [\w']+){0,5}? (?:(?:complian\w+|"
    r"compl(?:y|ies)|in line|conforms?) with|is (?:legally )?(?:"
    r"valid|void|unenforceable|enforceable|binding)|does not bind|(?:is|are) not binding)\b"
    r"|\bunder (?:the |your |local |german |french |english |eu |us )?law\b[^.?!]{0,30}\b(?:you|we|your)\b|"
    r"\blegally,? you (?:are|can|may|have)\b"
    r"|\blawyers? (?:need|can|do|will|would|should)(?: not|n't)? (?:need )?(?:to )?(?:worry|look|object|be "
    r"involved|relax|rest)\b"
    r"|\bno need (?:for|of) (?:an? |any )?(?:data processing agreement|dpa|nda|lawyers?|legal (?:review|check)|"
    r"contract|msa)\b"
    r"|\b(?:not|no|n't) (?:owe|pay|have to pay|be charged|be liable for)(?: any)? (?:taxe?s?|vat|duty|duties|"
    r"withholding)\b|\btax[- ](?:free|exempt|neutral)\b"
    r"|\bno (?:tax|vat|duty) (?:is|will be|would be|applies)\b"
)
# Who answers instead; a term in such a sentence is only named.
ROUTED = re.compile(
    r"\b(?:delivery lead|colleagues?|legal team|contracts? (?:team|person)|right person|somebody else|someone "
    r"else)\b(?! (?:agreed|confirmed|approved|signed|accepts?))"
    r"|\b(?:you|they) (?:wrote|said|plan|planned|announced|mentioned|asked|raised)\b|\b(?:i|we) (?:read|saw|"
    r"noticed|understand|see)\b|\bannounce\w*|\byour (?:\w+ )?(?:page|post|site|blog|report|roadmap)\b|\bwent live\b|"
    r"\b(?:was|were) (?:\w+ )?(?:live|launched|released|done|finished|completed|delivered)\b"
)
# Each with the words of which a draft holds at least one if the pattern can match.
TERMS = (
    (
        "pricing.commitment",
        word_set(
            "agreement agreements auto auto-renew auto-renewal auto-renews autorenew autorenews commit "
            "commitment commitments contract contracts engagement engagements framework frameworks lock lock-in "
            "locked lockin minimum msa renew renewal renewed renewing renews sign signing statement term terms "
        ),
        _LENGTH,
        "The draft commits to terms that a human must agree.",
    ),
    (
        "pricing.commitment",
        word_set("cancel end exit leave notice pull step terminate walk "),
        _NOTICE,
        "The draft commits to terms that a human must agree.",
    ),
    (
        "pricing.commitment",
        word_set(
            "10th 11th 12th 13th 14th 15th 16th 17th 18th 19th 1st 20th 21st 22nd 23rd 24th 25th 26th 27th 28th "
            "29th 2nd 30th 31st 3rd 4th 5th 6th 7th 8th 9th april august autumn christmas december easter "
            "february friday january july june march may monday month new november october q1 q2 q3 q4 quarter "
            "september spring summer thursday tuesday wednesday week winter word year year-end "
        ),
        _DELIVERY,
        "The draft commits to a date of delivery that a human must agree.",
    ),
    (
        "pricing.commitment",
        word_set(
            "credit credits damages indemnified indemnify liability liable money penalties penalty refund "
            "refundable refunded refunds reimburse reimbursed reimbursement responsibility risk risks warranty "
        ),
        _LIABILITY,
        "The draft commits to terms that a human must agree.",
    ),
    (
        "pricing.commitment",
        word_set("copyright copyrights employ employing hire hiring ip ownership property rights take taking "),
        _RIGHTS,
        "The draft commits to terms that a human must agree.",
    ),
    (
        "pricing.commitment",
        word_set(
            "accept agree agreed agreement billed consent contract days freeze hold invoice invoices lock net "
            "net-15 net-30 net-45 net-60 net-90 net15 net30 net45 net60 net90 paperwork pay payment price "
            "prices rate rates signature "
        ),
        _PAYMENT,
        "The draft commits to terms that a human must agree.",
    ),
    (
        "coordination.legal",
        word_set(
            "bind binding compliance compliant complies comply conform conforms dpa duties duty enforceable law "
            "lawyer lawyers legal legally line msa nda processing tax tax-exempt tax-free tax-neutral taxes "
            "unenforceable valid vat void withholding "
        ),
        _LAW,
        "A legal or tax assurance is given; it is for a human.",
    ),
)
