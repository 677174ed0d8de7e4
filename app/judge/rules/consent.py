"""A yes in nearly any wording, to a request that cannot be met: "done and done", "your figures look fine".

Only asked of a draft that nowhere declines, limits, puts off or hands over, so nearly every word of assent counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.phrasing import at_words
from app.judge.rules.promised import draft_declines, held_back, only_asks, spoken, without_kind_denials
from app.judge.rules.reading import Reading, Sentence

_ASSENT = (
    r"(?:yes|yep|yeah|yup|aye|(?<!i'm )(?<!make )(?<!be )(?<!not )sure(?! (?:that|we can find))|surely|certainly|"
    r"absolutely|definitely|of course|gladly|with pleasure|happily|by all "
    r"means|naturally|indeed|affirmative|roger|ok|okay|right you are|easy|easily|easy-peasy|piece of cake|"
    r"walk in the park|"
    r"consider (?:it|that|this|them|those|him|her|your \w+|the \w+(?: \w+)?|all \w+|yourself|every\w*)|done and|"
    r"sorted|agreed|"
    r"it's a deal|(?<!\w )deal|confirmed|accepted|approved|granted|settled|locked in|locked|signed off|green light|"
    r"go ahead|going ahead|"
    r"proceed|go for it|you're on|you got it|you've got (?:it|them|yourself)|you have (?:it|them|a deal|our word|"
    r"my word)|"
    r"count (?:us|me|on|it)|we're (?:in|on|game|good|set|up for|there|happy|ready|able|well|prepared|fully|all|"
    r"comfortable|delighted|confident)|we are (?:in|on|game|good|set|up for|happy|ready|able|prepared|fully|"
    r"comfortable|"
    r"delighted|confident|pleased|well|glad)|we (?:hereby |gladly |happily |fully |duly |formally |also |can |"
    r"do )?(?:accept|agree|undertake|confirm|guarantee|promise|commit|pledge|"
    r"approve|acknowledge|endorse|stand ready|sign)|i (?:accept|agree|undertake|confirm|guarantee|promise|commit|"
    r"pledge|"
    r"approve)|good to go|all set|all good|on it|taken care|in hand|in the bag|under control|under way|in place|"
    r"lined up|leave (?:it|that|this|the|everything) (?:\w+ )?(?:with|to) (?:us|me)|rely on us|trust us|my word|"
    r"our word|"
    r"works?(?: perfectly| well| fine| great)? (?:for|on) (?:us|me|our)|(?:that|it|which|this) (?:all )?works|"
    r"suits? (?:us|"
    r"me)|fits? (?:us|perfectly|well)|fine|perfect|perfectly|sounds? (?:good|great|right|fine|perfect)|looks? (?:good|"
    r"great|right|fine|perfect|ok|okay|doable)|bang on|spot on|feasible|doable|do-able|possible|achievable|realistic|"
    r"attainable|within (?:\w+ )?(?:reach|our|means|capacity)|manageable|comfortable|comfortably|workable|viable|"
    r"child's play|a breeze|a doddle|a given|a cinch|no-brainer|routine|standard|straightforward|simple|"
    r"(?:lights?|signals?|everything|all) (?:\w+ ){0,2}?green|what you (?:asked|want|need|ordered|requested|wrote|"
    r"ask)|our (?:commitment|pledge|"
    r"undertaking|guarantee|acceptance|assurance|promise|confirmation|word)|you bet|bet on it|why not|"
    r"challenge accepted|"
    r"(?:deadline|date|number|numbers|size|figure|figures|plan|timeline|start) (?:holds?|stands?|is kept|is safe|"
    r"sticks?)|(?:not one|"
    r"none) of (?:your|the|those)|can be arranged|ticked|full house|will do|can do|shall do|so be it|as (?:requested|"
    r"specified|written|stated|ordered|"
    r"outlined|required|per your|you (?:wrote|put|described|set|want|wish|need|like|laid|outlined))|"
    r"exactly (?:as|what|that|how)|to the letter|in full|in its entirety|the (?:full|whole|entire) (?:\w+ )?(?:ask|"
    r"order|"
    r"request|list|lot|number|team|amount|thing|package|requirement|count|scope|squad|crew|headcount|complement|brief)|"
    r"the lot|all of (?:it|them|that|those)|every (?:one|last|single)|the works|"
    r"(?:kick|start|sign|draw|get|send|raise|issue|forward|mail|countersign)\w* (?:\w+ ){0,3}?(?:off|paperwork|"
    r"contract|po|"
    r"sow|order form|nda|going|started|agreement|purchase order|order|rolling)|see you (?:at|"
    r"on) (?:the )?(?:kick-?off|start|day one|launch)|they(?:'re|'ll| are| will| "
    r"can| could|'d| would) (?:all )?(?:be|yours|here|ready|start|there|join|on|come|report|free|available|packed|"
    r"waiting|"
    r"work|begin)|you(?:'ll|'d| will| would| can| could| shall| may)? (?:have|get|see|expect|meet|welcome|receive|"
    r"take|plan|"
    r"rely|bank|book) (?:your|the|all|them|every|that|it|on|full|those|this|whole|everyone)|we (?:can|could|will|'ll|"
    r"shall|would|do|have)\b(?=[^.;?]{0,40}\b(?:that|it|this|them|those|all|request|requirement|ask|order|need|number|"
    r"numbers|timeline|date|deadline|terms|brief|spec|people you|the people|both|everything|capacity|lot|want|full|"
    r"whole|demand|target)\b)|"
    r"we'(?:ll|ve|d)\b(?=[^.;?]{0,40}\b(?:that|it|this|them|those|all|request|requirement|ask|order|need|number|"
    r"numbers|"
    r"timeline|date|deadline|terms|brief|spec|people|both|everything|capacity|lot|want|full|whole|demand|target|"
    r"there|ready)\b)|can (?:all )?(?:come|be met|be done|be covered|be filled|be staffed|be arranged|be delivered|"
    r"happen)|(?:will|shall) be (?:met|done|covered|filled|staffed|arranged|delivered|provided|there|ready|fulfilled|"
    r"honou?red|served|supplied)|(?:is|are|'s|'re) (?:all |fully |already |completely )?(?:covered|met|staffed|filled|"
    r"yours|ours|secured|reserved|booked|ready|available|confirmed|guaranteed|assured|granted|accepted|agreed|"
    r"arranged)|"
    r"it's a (?:go|yes|deal|match)|a (?:mere |pure )?(?:formality|given|certainty|sure thing|matter of course|"
    r"done deal|yes from|go from)|"
    r"nothing (?:stands|stops|speaks|prevents|against|in the way|missing|to change|to object)|(?:see|have|foresee|"
    r"expect|raise) (?:no|"
    r"nothing|not a)|no (?:\w+ )?(?:difficult\w+|obstacles?|objections?|concerns?|doubts?|hurdles?|reason|barriers?|"
    r"drama|stretch|"
    r"challenge)|across the board|make it (?:happen|work|so)|made it happen|no problem|not (?:a|an) (?:problem|issue)|"
    r"no (?:worries|sweat|trouble|"
    r"issue|bother)|why (?:not|would that|should that|wouldn't)|need(?:n't)? not (?:worry|look)|nothing (?:would be|"
    r"easier|"
    r"simpler)|more than (?:happy|able|ready|willing|capable)|happy to|glad to|pleased to|delighted to|thumbs up|"
    r"full steam|"
    r"let's (?:do|go|get|start|make|sign|kick|roll|call)|welcome to|positive|accordingly|honou?r)"
)
_YES = at_words(rf"\b{_ASSENT}(?![\w-])")
# A yes to something else than people: a talk, a paper, an answer to come.
_ELSE = re.compile(
    r"\b(?:calls?|calling|meeting|meetings|to meet (?:you|on|at|up|for)|meet (?:you|on|at|in)|talk|chat|minutes|"
    r"slots?|calendar|zoom|agenda|cvs?|resumes?|case stud\w+|"
    r"one-pager|summary|deck|document|attach\w*|links?|rates?|prices?|pricing|invoice\w*|budget|euros?|eur|usd|"
    r"discount|"
    r"questions?|answer(?:s|ing)? (?:to|your|you|the|by|that|it)|reply|replies|happy to (?:help|hear|explain|answer|"
    r"share|talk|walk|tell|introduce|"
    r"connect|look|send|write|discuss)|glad to (?:help|hear|explain|answer|share|talk|tell|discuss)|introduc\w+|"
    r"colleague|"
    r"outline|sample|notes?|example|security|data protection|gdpr|time zone|standups?|refer\w*|thank\w*|understand\w*|"
    r"remov\w+|unsubscrib\w*|good luck|article|post|congrat\w+|to hear|starting small|start small|setup|set-up|board|"
    r"on paper|booked (?:until|through|on|with)|spoken for|tied up|committed (?:to (?!you)|until|through)|"
    r"only (?:quote|offer|promise))\b"
)


def consents(reading: Reading) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """Where the draft says yes to what was asked for; nothing in a draft that declines or defers anywhere."""
    if draft_declines(reading) or any(held_back(sentence.text[:1_000]) for sentence, _ in spoken(reading)):
        return
    start, end = reading.core
    for sentence, after in spoken(reading):
        if not start <= sentence.start < end:
            continue
        text = sentence.text.rstrip()[:1_000]
        if only_asks(sentence, after) or _ELSE.search(text) or held_back(text):
            continue
        match = _YES.search(text) or _YES.search(without_kind_denials(text))
        if match:
            yield sentence, match
