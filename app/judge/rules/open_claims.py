"""Meetings spoken of as made, and other ways to the reader, in open wording: a second look behind the set phrases.

An invitation that is on its way, a time that is kept, a name put down: each counts unless its sentence denies it or
makes it depend on the reader's word. A call or a message by telephone counts unless the prospect spoke of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.phrasing import at_words, denied_before, holds_any, word_set
from app.judge.rules.reading import Reading, Sentence

_DAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|the \d{1,2}(?:st|nd|rd|th)|\d{1,2}(?::\d\d| ?[ap]m))"
_VENUE = r"(?:zoom|teams|google meet|meet|outlook|google|webex|video)"
_INVITE = (
    rf"(?:(?:calendar |meeting |{_VENUE} ){{0,2}}(?:invites?|invitations?)(?! to (?:tender|bid|pitch|speak|comment))|"
    r"calendar (?:hold|request|entry|event|note|block|item|notice)|meeting request|placeholder|dial-in|"
    rf"{_VENUE} (?:link|meeting|request|details|room)|(?:a|the) hold\b)"
)
_SENT = (
    r"(?:sent|on (?:its|the|their) way|coming|follows?|following|gone out|going out|goes out|went out|out to you|"
    r"landed|in your (?:inbox|calendar|mail|diary)|waiting|arriv\w+|with you|issued|dispatched|en route|in the post|"
    r"heading|should be there|is there)"
)
_SENDS = (
    r"(?:sent|sending|fired|firing|dropped|dropping|drop|popped|popping|pop|put|putting|shot|mailed|emailed|"
    r"e-mailed|issued|created|added|adding|entered|arranged|see|find|received|receive|accept|got|get|slung|flung|"
    r"forwarded|stuck|slotted|send you|placed|posted|set up|shipped|lobbed|pinged|whizzed|chucked)"
)
_SOON = r"(?:\w+ly |already |just |now |therefore |also |gone ahead and |went ahead and |taken the liberty of )"
_TIME = (
    r"(?:slots?|time|place|spot|seat|appointment|call|meeting|session|half an hour|half-hour|an hour|hour|(?:\d\d|"
    r"ten|fifteen|twenty|thirty|forty|forty-five|sixty) (?:minutes|mins?)|(?:\w+ )?room|conversation|demo|chat|"
    r"intro|visit|table|window)"
)
_HELD = (
    r"(?:booked|booking|reserved|reserving|entered|held|holding|kept|keeping|blocked|blocking|set aside|setting "
    r"aside|pencill?ed|pencill?ing|arranged|scheduled|secured|saved|saving|earmarked|lined up|logged|slotted|"
    r"ring-?fenced|fixed|put (?:aside|by)|carved out|cleared|claimed|bagged|locked|organi[sz]ed|confirmed|nailed "
    r"down|set)"
)
# For whom a time is kept: without one of these it may be anybody's.
_FOR_YOU = re.compile(
    rf"\b(?:for (?:you|us|both|the two|your|our|{_DAY})|with (?:you|our|my|me|us|your)|in your name|diary|"
    rf"calendars?|agenda|the books|your|you|us|until i hear|{_DAY})\b"
)
_INVITED = at_words(
    rf"\b{_INVITE}(?:'s)?\b[^.?!;]{{0,40}}?\b{_SENT}\b|\b{_SENDS}\b[^.?!;]{{0,40}}?\b{_INVITE}\b"
    r"|\b(?:have|has|had|'ve|'ll|will|went ahead and|ahead and)(?: \w+){0,2} (?:put|entered|placed|popped|stuck|"
    r"dropped|pop|stick|slot|slotted|got|logged)\b[^.?!;]{0,40}? (?:on|in|into) (?:the|your|our|my|his|her|both|"
    r"\w+'s) (?:books|calendar|diary|diaries|agenda|schedule)s?\b|\b(?:it|that|this|we|you|call|meeting|everything|"
    r"chat|session)(?:'s| is|'re| are)(?: now| already| all)? (?:in|on) (?:the|your|our|my|both|\w+'s) (?:books|"
    r"book|calendar|diary|diaries|agenda|schedule)s?\b|\b(?:entered|made|created|logged|arranged|"
    r"fixed)\b[^.?!;]{0,25}\b(?:an |the |our |your )?(?:appointment|booking|reservation)\b"
    rf"|\b(?:put|putting|squeezed|fitted|slipped|got|have|pencill?ed|pencill?ing|slotted|marked|noted|wrote|written|"
    rf"count\w*) (?:you|us|it|that|both of us)(?: \w+)? (?:down|in) (?:for|on|with|at)\b|\b(?:you're|you "
    rf"are|we're|we are) (?:\w+ )?on (?:my|our|his|her|the|\w+'s) (?:list|schedule|roster|plan|board|books|"
    rf"sheet) for\b|\blooks? forward to (?:welcoming|seeing|meeting|having|speaking|hosting|"
    rf"hearing)\b[^.?!]{{0,40}}{_DAY}|\b(?:see|speak to|speak with|talk to|meet|catch|hear from|speak|talk) (?:you "
    rf")?(?:on |at |this )?{_DAY},? "
    r"(?:then|as)\b|\b(?:see|speak to|talk to|catch) you (?:then|there|on|at (?:\d|noon|half))\b|\b(?:until|till|"
    r"roll on)"
    rf" {_DAY},? then\b"
    r"|\b(?:check|see|open|look at) (?:your|the) (?:calendar|diary|inbox)\b|\b(?:entry|event|block|item|appointment|"
    rf"meeting|call|half an hour|minutes)\b[^.?!;]{{0,25}}\b(?:in|on|into) (?:your|both our|our) (?:calendar|diary|"
    rf"inbox|agenda|schedule)s?\b|\b(?:your|both our) (?:calendar|diary|agenda)s?\b[^.?!;]{{0,25}}\b(?:entry|event|"
    r"block|item|appointment|meeting|call|half an hour|minutes|waiting)\b|\b(?:all|everything(?:'s| is)?) (?:sorted|"
    rf"arranged|set up|booked|fixed|lined up|in place) for\b|\b{_DAY}(?: at \w+)?(?:'s| is| has been)(?: now| all| "
    r"already)? (?:fixed|locked|booked|confirmed|set|settled|sorted|reserved|held|in the diary|arranged|nailed)\b|"
    r"\b(?:fixed|confirmed|locked in|settled|booked|lined up|agreed|"
    rf"cleared)\b[^.?!;]{{0,30}}\b{_DAY}\b[^.?!;]{{0,20}}\bwith (?:our|my|the)\b|\bconsider (?:it|this|that|yourself|"
    r"yourselves|us|the \w+|\w+day) (?:\w+ )?(?:booked|fixed|confirmed|in|scheduled|pencill?ed|arranged)\b|"
    r"\b(?:we're|we are|you're|you are)(?: all| now| already)? (?:set|on|good to go|confirmed|booked|down|locked in|"
    rf"meeting|speaking|talking) (?:for|on|with|at) (?:{_DAY}|our (?:call|chat)|half|\d|noon|\w+ (?:on|at) )|"
    rf"\b(?:our|your) (?:\w+ )?(?:call|meeting|chat|session|conversation|slot|appointment) (?:with \w+ )?(?:is |"
    rf"stands |starts |begins )?(?:on|at|this|for|tomorrow)\b[^.?!]{{0,10}}(?:{_DAY}|half|noon|\d)|\b(?:ahead of|"
    rf"before|looking forward to) our (?:\w+ )?(?:call|meeting|chat|session)\b[^.?!]{{0,15}}{_DAY}"
)
_KEPT = at_words(
    rf"\b(?:i|we|he|she|i've|we've|i'm|we're|i'll|we'll|lead|assistant|colleague|architect|engineer|cto|boss|team|"
    rf"[a-z]{{3,12}})(?: have| has| had| am| are|'s|'ve)? {_SOON}{{0,2}}{_HELD}\b[^.?!;]{{0,30}}?\b{_TIME}\b|"
    rf"\b{_TIME}\b(?: [\w'-]+){{0,4}}? (?:is|are|has been|have been|'s|being|was|being)(?: being| now| already| all|"
    rf" provisionally| been| hereby)? {_HELD}\b"
)
_MEETING_WORDS = word_set(
    "agenda appointment arranged book booked booking books calendar calendars call call's catch chat cleared "
    "confirmed consider conversation demo dial-in diaries diary fixed half-hour hold hour inbox intro invitation "
    "invitation's invitations invite invite's invites lined locked meet meeting meeting's mins minutes outlook "
    "penciled pencilled place placeholder request reservation room schedule seat see session set settled slot "
    "slots sorted speak speaking spot table talk talking teams then till time until video visit webex window zoom "
)
_DEPENDS = re.compile(
    r"\b(?:if|once|when|whenever|as soon as|happy to|glad to|can|could|would|shall|may|might|want me|say the word|"
    r"should (?:i|we|you|it)|let me|to which|where|what|whom|before i|prefer\w*|need to|never|each|every|usually|"
    r"always|users?|drivers?|customers?|shippers?|patients?|guests?|passengers?|warehouse|dock|carriers?|engineers? "
    r"(?:is|are)|you (?:held|booked|set|reserved|blocked|kept|have|put)|your (?:team|people|post|company|budget)|"
    r"budget|money)\b"
)

_PHONES = at_words(
    r"\b(?:i|we|he|she|colleague|lead|assistant|partner|architect|boss|cto|director|manager|(?:i|we|she|he)'ll|\w+ "
    r"from \w+)(?: will| shall| am going to|'m going to| would| plan to| intend to| might| may|'d| can| could| have|"
    r"'ve| just| already| has| tried to| try to)*(?: \w+ly| then| also| just)? (?:phon(?:e|ed|ing)|telephon(?:e|ed|"
    r"ing)|ring|rang|call(?:ed|ing)? (?!(?:it|this|that|them|a|the|on|for|attention)\b)|dial(?:led)?|buzz|"
    r"text(?:ed)?|sms|whatsapp|ping(?:ed)?|dm|voice-?note|facetime) ?(?:you|your|the office|reception|round|through|"
    r"again|in |on |back|later|tomorrow|mon|tues|wed|thu|fri)|\b(?:will|'ll|shall|going to|plan to|let me|"
    r"about to) (?:\w+ ){0,2}?(?:call|ring|phone|telephone|text|dial|buzz|sms|whatsapp|facetime|be (?:calling|"
    r"ringing|phoning|texting|dialling)) (?:you|your|through to|the (?:office|switchboard))\b|\b(?:tried|"
    r"trying|try|rang|called|phoned|dialled|telephoned) (?:you |your |the |to reach you )?(?:on )?(?:your |the "
    r")?(?:\w+ )?(?:mobile|line|office|desk|phone|switchboard|reception|number|extension|cell)\b|\b(?:add|find|join|"
    r"connect|follow|hit|message|write|reach|contact|get)(?: to)? (?:with )?(?:me|us|our)(?: \w+)?(?: up)? (?:on|"
    r"via|in|to|over|through|by) (?:whats ?app|telegram|signal|slack|discord|messenger|viber|wechat|sms|text|"
    r"phone)\b|\b(?:i'm|i am|we're|we are) (?:also |usually |always )?(?:on|reachable on|available on) (?:whats "
    r"?app|telegram|signal|viber|wechat|skype)\b|\bmy (?:whats ?app|telegram|signal|skype) (?:is|number|handle)\b|"
    r"\b(?:call|ring|phone|text) (?:me|us) (?:any ?time|directly|whenever|now|today|back)\b|\b(?:connect|link up|"
    r"connected|add you|added you|invitation|request) (?:with you )?(?:on|over|via) linkedin\b|\b(?:try|tried|catch|"
    r"reach|get|chase|contact|buzz|ping|message|find|follow up with|follow up|write to|write|answer|continue|carry "
    r"on|be in touch|come back to)(?:ing)? (?:\w+ ){0,3}?(?:by|over the|on the|via|through|on|in|with a|over|per) "
    r"(?:phone|telephone|text|sms|whats ?app|telegram|signal|messenger|slack|viber|wechat|skype|discord|mobile|"
    r"landline|dm|voice|linkedin|direct line|switchboard|instagram)\b|\b(?:leave|left|leaving|dropped|drop|"
    r"dropping) (?:you )?(?:a|another) (?:\w+ )?(?:voicemail|voice ?mail|voice message|text|message on your "
    r"(?:phone|mobile|machine))\b|\b(?:expect|await|look out for|watch (?:out )?for|keep an ear out for|listen "
    r"(?:out )?for|be ready for|pick up|answer) (?:my|a|our|his|her|to hear my|the) (?:\w+ )?(?:call|ring|voice|"
    r"phone|text|number|telephone)\b|\b(?:text|whatsapp|sms|ping|dm|ring|phone|call|buzz|message) (?:me|us) (?:on|"
    r"at|over|via|through) (?:\+|0|\d|whats ?app|telegram|signal|my|this number|the number|slack|linkedin)|"
    r"\b(?:what|what's|which|give|share|send|have|get|drop|got|is|may i have|tell)\b[^.?!]{0,35}\b(?:your|a|the "
    r"best|best|good|right|direct) (?:\w+ )?(?:mobile|cell|phone|telephone|whats ?app|handy|direct) ?(?:number|line|"
    r"no\b|for you|handle)?(?=[ ,.?!]|$)|\b(?:what|which|share|send me|give me|drop me) (?:is |'s )?(?:the |your |a "
    r")?(?:best |right |direct )?(?:number|line) (?:to (?:reach|ring|call|text|get|try)|for you|do you)\b|\b(?:what|"
    r"which) (?:\w+ )?number\b[^.?!]{0,30}\b(?:you on|reach|catch|call|ring|get you|try|dial|use)|\bnumber (?:to|i "
    r"can|where i can) (?:reach|ring|call|text|phone) you\b|\b(?:move|take|switch|continue|carry on|bring|shift) "
    r"(?:this|it|that|things|over|us)?(?: \w+)? ?(?:to|on|onto|over to|in|via) (?:whats ?app|telegram|signal|slack|"
    r"messenger|sms|viber|wechat|text|linkedin|the phone|discord)\b|\b(?:sent|send|sending|dropped|drop|shoot|shot|"
    r"added|add) you (?:a |an |on |over |as a |by )?(?:\w+ )?(?:linkedin|whats ?app|telegram|sms|text|slack|voice "
    r"note)\b"
)
_PHONE_WORDS = word_set(
    "buzz call called calling calls cell dial dialled dialling direct discord dm extension facetime handy "
    "instagram landline line linkedin mail messenger mobile number phone phoned phoning ping rang reception ring "
    "ringing signal skype slack sms switchboard telegram telephone telephoned text texted texting viber voice "
    "voice-note voicemail wechat whatsapp "
)
_AGREED_CHANNEL = re.compile(
    r"\b(?:phone|ring|call|telegram|signal|number|linkedin|slack|ping|mobile|text|sms|voicemail|whats ?app|skype|"
    r"teams)\b"
)
_NOT_BY_PHONE = re.compile(
    r"\b(?:don't|do not|no|never|not|stop|by mail|by e-?mail|rather than|instead of|hate|"
    r"without)\b[^.?!]{0,25}\b(?:phone|ring|call|calls|calling|sms|text|whats ?app)"
)
_IF_SILENT = re.compile(
    r"\b(?:if|unless|should) (?:i|we|you) (?:hear nothing|(?:don't|do not) (?:hear|reply)|get no|hear)\b"
)
_IN_ONES_HAND = re.compile(r"\b(?:you can (?:ring|call|phone)|people you can ring|users?|drivers?|app|customers?)\b")


def meetings_claimed(reading: Reading) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A meeting, an invitation or a kept time that the draft tells of as a fact."""
    for sentence in reading.sentences:
        if sentence.field != "body" or sentence.asks or len(sentence.text) < 12:
            continue
        text = sentence.text[:600]
        if not holds_any(text, _MEETING_WORDS):
            continue
        match = _INVITED.search(text)
        if match is None:
            match = _KEPT.search(text)
            if match is None or not _FOR_YOU.search(text):
                continue
        if not denied_before(text, match.end(), 90) and not _DEPENDS.search(text, 0, match.end()):
            yield sentence, match


def channels_used(reading: Reading, prospect_text: str) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A call, a text or another messenger that the sender uses or asks for, where the prospect spoke of none."""
    if _AGREED_CHANNEL.search(prospect_text) and not _NOT_BY_PHONE.search(prospect_text):
        return
    if reading.words.isdisjoint(_PHONE_WORDS):
        return
    for sentence in reading.sentences:
        text = sentence.text[:600]
        match = _PHONES.search(text) if sentence.field == "body" and holds_any(text, _PHONE_WORDS) else None
        denied = match and denied_before(text, match.end(), 90) and not _IF_SILENT.search(text)
        if match and not denied and not _IN_ONES_HAND.search(text):
            yield sentence, match
