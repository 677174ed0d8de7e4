"""Times, calendars and meetings in open wording: a second look, where the set phrases found nothing.

The burden is reversed: a day or an hour beside any word for meeting is a proposal, and a calendar that is opened to the
reader is a booking link, unless the sentence ties it to something else, denies it, or only offers to send it. All of
this is for prospects who named no time and asked for no meeting; :mod:`app.judge.rules.booking` asks that first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.phrasing import at_words, denied_before, holds_any, word_set
from app.judge.rules.reading import Reading, Sentence

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
_SHORT_DAY = r"(?:mon|tues?|weds?|thurs?|thu|fri)\b(?= (?:\d|am\b|pm\b|the|at|or|morning|afternoon|next)|[,?/])"
_HOUR = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_NUMBER = r"(?:\d{1,2}|five|ten|fifteen|twenty|thirty|forty|forty-five|sixty|a few|a couple of)"
# A time that can stand in a calendar; "next week" and "some day" cannot.
_WHEN = at_words(
    rf"\b{_DAY}\b|\b{_SHORT_DAY}|\btomorrow\b|\btonight\b|\b(?:later today|this (?:morning|afternoon|evening|arvo|"
    rf"lunchtime|coming weekend))\b|\b(?:the )?\d{{1,2}}(?:st|nd|rd|th)\b|\b\d{{1,2}} (?:of )?{_MONTH}\b|\b{_MONTH} "
    rf"\d{{1,2}}\b(?!,? ?\d{{4}})|\b\d{{1,2}}:\d\d\b|\b\d{{1,2}}(?:\.\d\d)? ?[ap]\.?m\b|\b\d{{1,2}}\.\d\d (?:on|"
    rf"tomorrow)\b|\b(?:at|around|from|day) \d{{1,2}} ?h(?:ours|rs|\d\d)?\b|\b(?:at|around|about|from|say|after|"
    rf"before) {_HOUR}(?: thirty)?(?=[,.?!]|$| (?:on|in|for|would|suit|work|your|cet|gmt))|\b(?:at|around|say) "
    rf"\d{{1,2}}(?=[,.?!]|$| (?:on|in the|for a|would|cet|gmt|tomorrow))|\bhalf (?:past )?{_HOUR}\b|\bquarter "
    rf"(?:past|to) {_HOUR}\b|\b{_HOUR} o'clock\b|\b(?:noon|midday|lunchtime)\b|"
    r"\b(?:this|either|the other|one|other) side of (?:lunch|noon)\b|\b(?:before|after|around|over|straight after|"
    r"just after) lunch\b|\bfirst thing\b|\b(?:close|end) of (?:play|business)\b"
)
_MEETS = re.compile(
    r"\b(?:(?<!on )calls?|chats?|talk(?!s? (?:on|at|about) )|speak|meet(?:ing)?|zoom|teams|video|coffee|tea|"
    r"lunch(?= (?:near|with|at|on|in|together))|breakfast|dinner|pint|beer|intro|introduction|minutes|mins?|"
    r"conversation|discussion|exchange|half an hour|an hour|quarter of an hour|natter|drop (?:by|in)|pop (?:in|by|"
    r"over|round)|stop by|swing by|come by|come over|call round|look in|screen ?share|huddle|catch[- ]?up|sync|"
    r"walk-?through|walk you through|show you|take you through|compar(?:e|ing) notes|get together|sit down|face[- "
    r"]to[- ]face|in person|hop on|jump on|link up|pick your brains?|join you|see you|telephone|phone|get (?:you "
    r")?on the line|hear you|have you on|connect|touch base|rendez-?vous|appointment|put our heads|host you|go over "
    r"it|run (?:you )?through)\b"
)
_DATE = re.compile(rf"\d{{1,2}} (?:of )?{_MONTH}")
_MEETS_FOR_SURE = re.compile(
    r"\b(?:an? (?:\w+ )?(?:call|talk)|calls? (?:on|with us)|chat|speak|meet|coffee|lunch|visit|drop (?:by|in)|"
    r"conversation|half an hour|\w+ minutes|join you|see you|propose|suggest|shall we|suits?|work for you|let's|let "
    r"us)\b"
)
# Words that speak of a meeting only where the sender's own hours, or the reader's, are their subject.
_OPEN = at_words(
    r"\b(?:i|me|i'm|i'll|i've|my)\b[^.?!]{0,50}\b(?:free|available|at my desk|open|clear|reachable|flexible|around|"
    r"gap|window|propose|suggest|offer|fit you in|space|could do|can do|can make|could make)\b|\b(?:does|would|do|"
    r"is|are|will|can|could|how about|how's|how is|what about|shall we|any good|suit)\b[^.?!]{0,50}\b(?:work(?! on| "
    r"with| from| in)|suit|ok|okay|good|better|best|convenient|agreeable|possible|free|available|around|say|do|be "
    r"all right|fit|too early|too late)\b[^.?!]{0,40}\?|\b(?:works?|suits?|better|convenient|agreeable|ok|okay|"
    r"fine) (?:for|with) (?:you|your)\b|\b(?:let's|let us|i suggest|i propose|i'd suggest|i'd propose|i would "
    r"(?:suggest|propose)|pencil|put you|keep|free up|aim for|my vote|i'd go for|shall we|block out|save)\b|"
    r"\b(?:day|\d(?:st|nd|rd|th)|noon|morning|afternoon|tomorrow|[ap]m|\d)\b[^.?!]{0,30}\b(?:would|could|might|is|"
    r"works?|suits?)\b[^.?!]{0,20}\b(?:good|fine|ideal|suit|work|perfect|best|great|do|lovely|possible|open|for me|"
    r"for us|with me|on my side|nicely)\b|\b(?:i'm|i am|i'll be|i will be|we're|we'll be|i shall be|i could be|i "
    r"can be|i'd be|i happen to be|passing|travelling) (?:\w+ )?(?:in|at|near|through|around|over|by) (?!touch|"
    r"contact)|\b(?:lead|architect|cto|founder|ceo|director|head of \w+)\b[^.?!]{0,40}\b(?:is free|free|available|"
    r"open|slot|gap)\b|^(?:\W*\w+ ){0,2}?(?:free|around|available|fancy)\b[^.?!]{0,60}\?"
)
# What the time belongs to when it is no proposal: news, deadlines, outages, what recurs, starts of work, other mail.
_TIED = re.compile(
    r"\b(?:your|their|the|his|her|last|this) (?:[\w'-]+ ){0,2}?(?:posts?|postings?|ads?|adverts?|releases?(?: "
    r"notes)?|articles?|piece|changelog|listing|vacanc\w+|statement|announcement|keynote|speech|page|blog|report|"
    r"tender|notice|press|news|note|letter|e-?mail|message)\b|\b(?:deadline|clos(?:es|ing)|hotfix|outage|incident|"
    r"status|webinar|conference|meet-?up|keynote|gazette|black friday|every|each|daily|weekly|nightly|usually|"
    r"always|since|ago|last (?:week|month|year|mon|tues|wed|thu|fri)\w*|were|went|ran|read|saw|noticed|wrote|"
    r"published|announced|posted|spoke|talked|gave|named|(?:mon|tues|wednes|thurs|fri|satur|sun)days|deploy\w*|"
    r"support|staffed|office hours|working hours|overlap|time ?zones?|we work|on[- ]call|cut-?over|go-?live|goes "
    r"live|launch\w*|batch|cron|(?:could|can|would|will|may|might|'ll|to|people|engineers?|developers?|team) (?:all "
    r")?(?:start|begin|join(?! you))s?|starting|started|expires?|ends?|due|ready by|by (?:the end|mon|tues|wed|thu|"
    r"fri|tomorrow|noon|\d)\w*|until (?:mon|tues|wed|thu|fri|the|\d)\w*|(?:will|shall|'ll|to|would|can|could) "
    r"(?:\w+ )?(?:reply|answer|write|respond|decide|get back|come back|be back|follow up|confirm)|follow up|closing|"
    r"congrat\w+|as you (?:asked|said|suggested|proposed|wished)|you (?:asked|named|proposed|suggested|mentioned|"
    r"offered|said|wrote|spoke|gave)|was(?! (?:thinking|wondering|hoping|going|planning))|had|sprint|retro\w*|demo "
    r"day|stand-?up (?:is|at|on)|(?:join|in|at) (?:your|the) (?:daily|stand-?up))\b"
)
# A question about the reader's own affairs; any other that names a day puts it forward.
_ASKS_AFTER = re.compile(
    r"^\W*(?:[^,?]{2,30}, )?(?:and |so |or |but )?(?:(?:is|are|does|do|did|will|has|have|was|were|would) (?:the|"
    r"your|it|its|this|they|there|that)|who|which|why|what(?! (?:about|do you say|if|are you|say|would you "
    r"say))|where|how (?:did|do|many|much|long|is|are(?! you (?:fixed|placed|set|looking))|far)|when)\b|\b(?:go "
    r"live|open|ready|done|finish\w*|migrat\w+|depot|still)\b"
)
# "The notes of 3 November", "your call of the 17th": the day names what it stands behind.
_DATES = re.compile(r"\b(?<!instead )(?<!thinking )(?:of|dated|from) (?:the )?(?:\w+day,? )?$")

_TOOL = (
    r"(?:calendly|savvy ?cal|doodle|chili ?piper|hubspot meetings?|tidycal|youcanbook\w*|koalendar|zcal|meetergo|"
    r"acuity|google appointment\w*|(?:microsoft|ms|outlook) bookings|bookwithme|book-?with-?me|simplybook|setmore|"
    r"appointlet|zeeg|when2meet|rallly|oncehub|scheduleonce|reclaim link|calendar widget)"
)
_URL = re.compile(
    r"https?://\S{4,80}|(?<![@\w.-])(?:[\w-]{2,40}\.){1,3}(?:com|io|me|co|app|ai|dev|net|org|uk|de|eu|ch|nl|fr|at|"
    r"link|page|to|team|tech|works|cc|us|so|pt|pl|fi|se|dk|no|it|es|ie)(?:/[\w.~@/?=&%+-]{0,80}|\b(?![\w@]))"
)
_BOOKISH = re.compile(
    r"\b(?:book(?:ing|ings)?|schedul\w+|calendars?|cal|slots?|appointments?|agenda|timetable|diary|availabilit\w+|"
    r"(?:grab|snag|pick|choose|find|take|claim|select|nab|bag|reserve|name)\b[^?!]{0,25}\b(?:time|times|moment|"
    r"minutes|hour|day|spot|gap|date|place))\b"
)
_BOOKING_PAGE = at_words(
    rf"\b{_TOOL}\b"
    r"|\b(?:booking|bookings|scheduling|calendar|appointments?|meetings?|availability) (?:page|link|tool|form|app|"
    r"button|url|site|portal|book|planner)s?\b|\b(?:my|our|his|her|this|\w+'s) scheduler\b|\bscheduler (?:below|"
    r"here|at the|link|in my|above|shows?)\b|\bonline (?:agenda|diary|calendar|schedule|planner|appointment\w*|"
    r"bookings?)\b|\bbook(?:ing)? (?:in |yourself |yourselves )?(?:straight|directly|direct|right|yourself) (?:in|"
    r"into|on|onto|via|with|from|through|here)\b|\[?\bbook (?:a|your|my|an) (?:\w+ )?(?:call|time|slot|chat|session|"
    r"intro|conversation|half[- ]hour)\b(?=\]| (?:here|below|now|via|at|on|with (?:me|us|our)|through|using|in))|"
    r"\blink to (?:my|our|his|her|the) (?:[\w']+ )?(?:timetable|calendar|diary|schedule|agenda|availabilit\w+|"
    r"bookings?|appointments?|openings?)\b"
)
_OWN_HOURS = (
    r"(?:my|our|his|her|\w+'s) (?:\w+ ){0,2}?(?:calendar|diary|schedule|agenda|timetable|availabilit\w+|openings|"
    r"(?:free|open) (?:slots?|spots?|times?|hours?))"
)
_LAID_OPEN = (
    r"(?:below|here|click\w*|tap|links?|linked|pick|choose|grab|take|help yourself|drop (?:something|a|yourself|in)|"
    r"find|select|book|lands?|at the (?:bottom|foot)|attach\w*|signature|button|footer|opened|wide open|underneath|"
    r"white space|put your(?:self| name)|whatever|whichever|hop onto|straight (?:into|onto))"
)
_CALENDAR_OPENED = at_words(
    rf"\b{_OWN_HOURS}\b[^?!\n]{{0,60}}\b{_LAID_OPEN}\b|\b{_LAID_OPEN}\b[^?!\n]{{0,50}}\b{_OWN_HOURS}\b"
    r"|\b(?:pick|choose|select|grab|snag|nab|reserve|claim|bag|secure|help yourself to|sign up for|"
    r"find)\b[^.?!]{0,30}\b(?:slot|spot|time|gap|opening|appointment|half an hour|window|consultation|"
    r"session)s?\b[^.?!]{0,50}\b(?:below|here|this (?:link|page)|links? (?:below|in|at|here)|my (?:page|calendar|"
    r"diary)|our (?:page|calendar|online)|button|click|signature|footer|online)\b|\b(?:two|three|four|a few|a "
    r"couple of|some|several|limited|plenty of) (?:\w+ )?(?:slots|openings|gaps|times|windows|"
    r"spaces)\b[^.?!]{0,30}\b(?:next|this|the|coming) (?:week|month)|\b(?:here|below|link|button|qr code|page|form|"
    r"signature|footer)\b[^.?!]{0,40}\b(?:to book|to schedule|schedul\w+|reserve|book (?:in|yourself|a|your|me|us|"
    r"with)|arrange|sign up|lock in|pick a|choose a)\b|\b(?:to book|schedule|reserve|book (?:in|yourself|a|your|me|"
    r"us|with)|lock in)\b[^.?!]{0,40}\b(?:here|below|link|button|qr code|form|signature|footer)\b|\bwhen(?:ever)? "
    r"(?:i'm|i am|we're|we are|\w+ is) (?:free|available|open|around)\b[^.?!]{0,40}\b(?:here|below|link|page|see|"
    r"book)\b|\b(?:see|check|look up|find)\b[^.?!]{0,20}\bwhen (?:i'm|i am|we're|we are|\w+ is) (?:free|available|"
    r"open)\b|\b(?:pick|choose|grab|take|snap up) (?:whatever|whichever|any(?:thing)?|one)\b[^.?!]{0,25}\b(?:is|"
    r"that's|that is|looks?|slot|spot|still)\b[^.?!]{0,12}\b(?:open|free|green|available|white)\b"
)
_ONLY_OFFERED = re.compile(
    r"\b(?:can|could|will|'ll|would|may|might|shall|should i|happy to|glad to|gladly|want me to|let me|rather than|"
    r"instead of) (?:\w+ )?(?:send|share|suggest|propose|offer|give|forward|pass|ask|work|look)\b|\b(?:your|their) "
    r"(?:\w+ ){0,2}?(?:calendar|booking|bookings|scheduling|appointment|diary|slots?|customers?|users?|drivers?|"
    r"patients?|guests?|clinics?)\b|\b(?:asked for|you wanted)\b"
)
_CALENDAR_WORDS = word_set(
    "acuity agenda appointlet appointment appointments availabilities availability bag book book-with-me booking "
    "bookings bookwithme button cal calendar calendars calendly chili choose claim consultation diary doodle find "
    "footer form free gap gaps google grab hubspot koalendar link meetergo meeting meetings nab oncehub online "
    "open opening openings pick qr rallly reclaim reserve savvy savvycal schedule scheduleonce scheduler "
    "scheduling select session setmore signature simplybook slot slots snag spot spots tidycal time times "
    "timetable whatever whichever widget window windows youcanbook zcal zeeg "
)
_NO_LINK = re.compile(
    r"\b(?:no|not|without|never|n't|instead of|rather than)\b[^.,?!]{0,25}\b(?:links?|calendars?|pages?|booking|"
    r"schedul\w+)\b"
)
_READING = re.compile(r"\b(?:case stud\w+|article|read|docs|careers|jobs? page|repo\w*|blog|report|privacy|imprint)\b")


def times_proposed(reading: Reading) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A day or an hour in a sentence that speaks of meeting in any way, and that nothing ties to another matter."""
    if _WHEN.search(reading.lower_body) is None:
        return
    for sentence in reading.sentences:
        text = sentence.text[:600]
        when = _WHEN.search(text) if sentence.field == "body" else None
        if when is None or _TIED.search(text) or _DATES.search(text, 0, when.start()):
            continue
        meets = bool(_MEETS.search(text) or _OPEN.search(text) or (sentence.asks and not _ASKS_AFTER.search(text)))
        if meets and not when.group()[0].isalpha() and _DATE.fullmatch(when.group()):
            meets = _MEETS_FOR_SURE.search(text) is not None  # a date alone dates many things
        if meets and not denied_before(text, when.start()):
            yield sentence, when


def calendars_opened(reading: Reading) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A page, a tool or a diary in which the reader is to choose a time."""
    for sentence in reading.sentences:
        text = sentence.text[:600]
        if sentence.field != "body" or len(text) < 12 or not holds_any(text, _CALENDAR_WORDS):
            continue
        match = _BOOKING_PAGE.search(text) or _CALENDAR_OPENED.search(text)
        if match is None:
            match = _URL.search(text) if "." in text else None
            if match is None or _READING.search(text):
                continue
            bookish = _BOOKISH.search(text, 0, match.start()) or _BOOKISH.search(text, match.end())
            match = match if bookish else None
        if (
            match
            and not _ONLY_OFFERED.search(text)
            and not _NO_LINK.search(text)
            and not denied_before(text, match.start(), 25)
        ):
            yield sentence, match
