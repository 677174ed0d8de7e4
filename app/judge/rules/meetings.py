"""Times and meetings in the words of everyday mail: "my diary is open all Wednesday", "I'll ring you on Monday at ten".

A day with an hour, or with a part of the day, is a proposal only in a sentence that speaks of meeting; what recurs,
what is past and when somebody starts to work are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.phrasing import at_words, denied_before, word_set
from app.judge.rules.reading import Reading, Sentence

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tues?|weds?|thurs?|fri)"
_DAY = (
    rf"(?:{_WEEKDAY}|tomorrow|(?:the )?\d{{1,2}}(?:st|nd|rd|th)(?: of)?(?: {_MONTH})?|\d{{1,2}} {_MONTH}|"
    rf"{_MONTH} \d{{1,2}})"
)
HOUR_WORD = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_NO_HOUR = (
    rf"(?! (?:of |or |to |more )?(?:{_MONTH}|people|engineers?|minutes?|days?|weeks?|months?|hours?|others?|"
    r"months|roles|of)\b|[%\d-])"
)
_CLOCK = re.compile(
    rf"\b(?:at|after|before|from|around|about|till|until|by|past|between|say|@) (?:\d{{1,2}}|{HOUR_WORD})\b{_NO_HOUR}"
    rf"|\bhalf (?:past )?{HOUR_WORD}\b|\bquarter (?:past|to) {HOUR_WORD}\b|\b\d{{1,2}}(?::\d\d\b| ?[ap]\.?m\b| ?h\b|"
    rf" o'clock)"
    rf"|\b{HOUR_WORD} o'clock\b|\b(?:mornings?|afternoons?|evenings?|noon|midday|lunch(?:time)?|first thing)\b"
)
_DAY_SAID = re.compile(rf"\b{_DAY}\b")
_DAY_WORDS = word_set(
    "monday tuesday wednesday thursday friday saturday sunday tomorrow mon tue tues wed weds thu thur thurs fri jan "
    "january feb february mar march apr april  jun june jul july aug august sep sept september oct october nov "
    "november dec december 1st 2nd 3rd 4th 5th 6th 7th 8th 9th 10th 11th 12th 13th 14th 15th 16th 17th 18th 19th 20th "
    "21st 22nd 23rd 24th 25th 26th 27th 28th 29th 30th 31st mondays tuesdays wednesdays thursdays fridays"
)
_MEETS = re.compile(
    r"\b(?:calls?|meet|meeting|speak|talk|ring|phone|dial\w*|chat|catch up|coffee|zoom|teams call|on teams|slots?|"
    r"invit\w+|diary|calendar|gap|convenient|suits?|does \w+day|works? (?:for|at|with)|could (?:do|make)|can (?:do|"
    r"make)|"
    r"make it|do you have time|good for (?:me|us)|fine (?:at|for|by|with)|"
    r"(?:at|on|from) (?:my|our) (?:end|side)|(?:i'm|i am|we're|we are) (?:around|free|available|open|flexible)|fancy|"
    r"(?:drop|stop|come|pop) (?:by|in|over|round)|options?|shall we|let us|let's|how about|what about|your time|my "
    r"week|"
    r"yes or no|work\?|work for you)"
)
# What recurs, or is somebody's working day, or says when people begin.
_OTHER = re.compile(
    r"\b(?:each|every|daily|weekly|usually|always|stand-?ups?|office hours|deadline|releases?|deploy\w*|webinar|"
    r"conference|"
    r"mondays|tuesdays|wednesdays|thursdays|fridays|planning|retro\w*|demos?|reviews?|on call|on-call|support (?:is|"
    r"runs)|"
    r"(?:can|could|would|will|may|might|'ll) (?:all )?(?:start|join|begin)|(?:work|works|working) from)\b"
)
_PAST = re.compile(
    r"\b(?:you|your \w+|it|page|post|release|outage|incident|article|blog|i|we) (?:\w+ )?(?:wrote|posted|went|was|were|"
    r"released|published|appeared|happened|started|announced|sent|saw|read|noticed)\b|\b(?:your|the) (?:page|site|post|"
    r"blog|advert|ad|listing) |\bsince\b|\bof (?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
)
_TIME = r"(?:room|space|a gap|gaps|a window|an opening|openings|time|a slot|slots|half an hour|an hour|a moment)"
_BOOK = r"(?:diary|calendar|week|agenda|schedule|day)"
# Days that are offered without an hour: one's own diary laid open, a visit or a call announced.
_OPEN = at_words(
    rf"\b(?:my|our|his|her|\w+'s) {_BOOK} (?:is|has|looks|still has|would be)\b[^.?!]{{0,25}}\b(?:open|free|clear|"
    rf"empty|"
    rf"wide|{_TIME})\b"
    rf"|\bthere(?:'s| is)(?: still)? {_TIME}\b[^.?!]{{0,20}}\b(?:in|on) (?:my|our|his|her|\w+'s) {_BOOK}\b"
    rf"|\b(?:i|we)(?: still| do)?(?:'ve| have)(?: still)?(?: got)? {_TIME}\b[^.?!]{{0,25}}\b{_DAY}\b"
    rf"|\b(?:i|we)(?:'m| am|'re| are) (?:\w+ )?(?:free|around|available|reachable|flexible)\b[^.?!]{{0,25}}\b{_DAY}\b"
    rf"|\b(?:i|we|he|she|lead|\w+ and i)(?:'ll| will| shall| am going to|'m going to| would) (?:\w+ )?(?:ring|call|"
    rf"phone|"
    rf"dial|visit|drop by|drop in|stop by|come by|pop in|pop by|try you|knock|give you a (?:ring|call|bell|buzz))\b"
    rf"[^.?!]{{0,40}}\b{_DAY}\b"
    rf"|\b(?:expect|await) (?:my|our|a|his|her) (?:\w+ )?(?:call|visit|ring)\b"
    rf"|\b{_DAY}\b[^.?!,]{{0,25}} (?:would|will|could|is|are|works?|suits?)(?: both| all| either| also| well)?"
    rf"(?: be)?(?: fine| good| ok| okay| possible| best| great| perfect| convenient)? (?:at (?:my|our) end|for (?:me|"
    rf"us)\b|"
    rf"(?:on|from) (?:my|our) (?:end|side))"
)
_SLOTTED = rf"(?:{_DAY}|\d{{1,2}}(?::\d\d| ?[ap]m)|half past|{HOUR_WORD}\b|noon|next week)"
# A meeting spoken of as made, in the words that a calendar is not asked about.
_MADE = at_words(
    r"\b(?:taken|took|taking) the liberty (?:of|to) (?:\w+ )?(?:put|block|add|book|schedul|reserv|send|hold|set|creat|"
    r"pencil|plac|arrang|invit|mak|fix|drop|slot)\w*"
    r"|\b(?:invit(?:e|ation)|calendar (?:entry|hold|event)|placeholder|dial-in|meeting request|"
    r"hold)\b[^.?!]{0,45}?\b(?:has "
    r"been|have been|is|was|were|should be|went)(?: now| just| already)? (?:sent|out|on (?:its|the) way|in your|"
    r"waiting|with "
    r"you|issued|placed|created)\b"
    rf"|\b(?:i|we|i've|we've)(?: have| had)?(?: just| already| now| therefore)? (?:moved|shifted|pushed|rescheduled|"
    rf"changed|"
    rf"swapped|brought|put) (?:it|this|that|things|us|our \w+|the (?:time|hour|slot|call|meeting))(?: forward| back| "
    rf"out| "
    rf"along)? (?:to|until|for|by) (?:the )?{_SLOTTED}"
    r"|\b(?:you|we|you're|we're)(?: are)?(?: now| already| both| all)? (?:in|on) (?:the|my|our|his|her|\w+'s) (?:diary|"
    r"calendar|agenda|schedule)\b"
    rf"|\b(?:we|you|we're|you're)(?: are)?(?: now| already| all)? (?:set|fixed|booked|confirmed|scheduled|on|locked "
    rf"in) "
    rf"(?:for|on) (?:the )?{_SLOTTED}"
    rf"|\b(?:put|got|have|pencill?ed|marked|noted|slotted) (?:us|you|it|this|that|me)(?: down| in| both)?(?: down| "
    rf"in)? for "
    rf"(?:the )?{_SLOTTED}"
    rf"|\b(?:i|we|i've|we've)(?: have)?(?: just| already)? (?:blocked|kept|held|set aside|earmarked|ring-?fenced|saved|"
    rf"reserved)(?: off| out)? (?:half an hour|an hour|\d+ minutes|some time|time|a slot|the slot|{_DAY})\b"
    rf"|\b(?:before|ahead of|until|prior to) our (?:\w+ )?(?:call|meeting|chat|session)(?: on| this| next)? "
    rf"(?:{_DAY}|week)\b"
    rf"|\b(?:speak|talk|meet|chat)(?:ing)? (?:to you |with you |again )?(?:on )?{_DAY},? then\b"
)


def proposed(reading: Reading) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A time put forward by the sender: a day with an hour beside talk of meeting, or an open day of one's own."""
    if reading.words.isdisjoint(_DAY_WORDS):
        return
    for sentence in reading.sentences:
        text = sentence.text[:1_000]
        day = _DAY_SAID.search(text)
        if day is None or _PAST.search(text) or _OTHER.search(text):
            continue
        match = _OPEN.search(text)
        if match is None and _MEETS.search(text):
            match = _CLOCK.search(text, 0, day.start()) or _CLOCK.search(text, day.end())
        if match and not denied_before(text, min(day.start(), match.start())):
            yield sentence, match


_MADE_WORDS = word_set(
    "liberty invite invitation calendar placeholder dial-in request hold moved shifted pushed rescheduled changed "
    "swapped "
    "brought  diary agenda schedule  fixed booked confirmed scheduled locked got pencilled penciled marked noted "
    "slotted blocked kept held earmarked ringfenced ring-fenced saved reserved ahead prior    "
)


def made(reading: Reading) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A meeting that the draft says has been arranged, moved or entered somewhere."""
    if not reading.words.isdisjoint(_MADE_WORDS):
        yield from reading.hits(_MADE)
