"""Booking: links and slots wait for the prospect, and a meeting is fixed only by the prospect's own word.

Asking for a quarter of an hour is no booking. A slot that is claimed as booked, or another time than the prospect gave,
fails at any stage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.policy import Policy
from app.judge.rules.facts import Facts
from app.judge.rules.meetings import made, proposed
from app.judge.rules.open_booking import calendars_opened, times_proposed
from app.judge.rules.open_claims import meetings_claimed
from app.judge.rules.phrasing import at_words, denied_before
from app.judge.rules.reading import Hit, Reading
from app.judge.rules.slots import contradicts, read_slot

_LINK_TALK = at_words(
    r"\b(?:here(?:'s| is) (?:my|our|the|a) (?:calendar|booking|scheduling)(?: link)?|(?:use|click|follow|via|"
    r"through|with|using) (?:my|our|the|this) (?:calendar|booking|scheduling)(?: link)?|"
    r"(?:book|grab|pick|choose|reserve|schedule|select) (?:a |any |your |some )?(?:time|slot|spot|call|meeting|"
    r"demo|session)s?(?: (?:directly|with me|with us))?(?: \w+){0,3}? (?:here|below|at|via|through|using|"
    r"on (?:my|our) calendar)|book (?:here|directly)|"
    r"my calendar (?:is|:)|calendar link:|on my calendar|here(?:'s| is) \w+'s calendar|(?:dropping|sharing|"
    r"sending|leaving) (?:you )?(?:my|our|the|a) (?:calendar|booking))\b"
    r"|\b(?:calendar|book(?:ing)?|schedul\w+|slot|time)\b[^.?!\n]{0,60}https?://\S|"
    r"https?://(?!(?:www\.)?(?:github|gitlab|facebook)\b)\S{0,60}(?:calendar|"
    r"book|schedul|meeting)"
)
_SLOT = at_words(
    r"\b(?:how (?:about|does|is)|does|would|are you (?:free|available)(?: on| for)?|let's (?:meet|talk|speak|do|"
    r"say|connect)(?: on)?|shall we (?:say|do)|can we (?:do|meet|talk|speak)(?: on)?|i (?:have|can do|am free|"
    r"'m free)|i've got|options?(?: \w+){0,4}:|available(?: on| at)?|proposed? times?)\b[^.?!]{0,40}?"
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow)\b[^.?!]{0,15}?(?:\b(?:at |"
    r"@ ?)?\d{1,2}(?::\d\d)? ?(?:am|pm|h\b|utc|gmt|cet|est|et|pt|eat)|\bat (?:\d{1,2}(?::\d\d)?|noon)|"
    r"\b(?:morning|afternoon|noon)\b)"
    r"|\b20\d\d-\d\d-\d\dt\d\d:\d\d"
)
_CLAIMED = re.compile(
    r"\b(?:(?:i|we)(?:'ve| have|'ll go ahead and| went ahead and| took the liberty of)? (?:just |already |"
    r"gone ahead and )?"
    r"(?:booked|scheduled|reserved|blocked|confirmed|set up|put|added|penciled|pencilled|booking|scheduling) "
    r"(?:us |you |your |a |an |the |our |in |this )?(?:\w+ ){0,4}?(?:call|meeting|slot|time|calendar|invite|"
    r"session|demo|in(?! (?:touch|contact|the picture|the loop|copy|front|order|mind|writing|place))|"
    r"for (?:mon|tues|wednes|thurs|fri|satur|sun)day|for tomorrow|intro)"
    r"|(?:call|meeting|slot|demo|session|booking|appointment)(?: \w+){0,4}? (?:is|has been|are|was) (?:now |"
    r"already |all )?"
    r"(?:booked|scheduled|confirmed|set|reserved|locked)"
    r"|i(?:'ve| have) booked|it(?:'s| is) (?:now )?(?:in|on) (?:the|your) calendar"
    r"|confirmed for (?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|invit(?:e|ation) (?:has been|is|was) (?:sent|on its way|in your)"
    r"|(?:i|we)(?:'ve| have)? (?:just |already )?sent (?:you )?(?:a |the )?(?:calendar )?invit(?:e|ation)"
    r"|you(?:'re| are) (?:all )?(?:booked|confirmed|set) (?:in|for)"
    r"|see you (?:on )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow|then)"
    r"|(?<![\w,)] )(?:confirmed|booked)\b[^.?!]{0,30}\b(?:call|meeting|monday|tuesday|wednesday|thursday|friday)"
    r"|(?:looking forward to|talk to you|speak) (?:our |the )?(?:call |meeting |chat )?(?:on )?(?:mon|tues|"
    r"wednes|thurs|fri)day)\b"
)
_WHEN = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow)s?\b|\b\d{1,2}(?::\d\d| ?[ap]m\b|(?:st|nd|rd|"
    r"th)\b| [a-z]{3,9}\b)"
    r"|\bat \d{1,2}\b|\bnoon\b"
)
_ANOTHER_MATTER = re.compile(r",? (?:and|but|so) (?:i|we|our|the|you|he|she|they)(?:'\w+)? (?!confirm)")
_CONFIRMS = re.compile(
    r"\b(?:confirm\w*|works?|suits?|noted|agreed|down for|it is|(?:in|on) (?:the|our|my|your) (?:diary|"
    r"diaries|calendar)|booked|scheduled|set|see you|locked|perfect|great|invite|done|"
    r"talk (?:to you )?(?:on|at)|(?:i|we)(?:'ll| will| shall)? (?:call|ring|phone|dial|meet|speak|talk)|"
    r"as (?:you )?(?:suggested|proposed|asked|agreed|requested|wished)|put (?:us|you) down|sent (?:you )?(?:the|an) "
    r"inv)\b"
)
_OFFERS_TO = re.compile(r"\b(?:shall|should|can|could|may|might|would|did|if|let us|let's) $")
_AGREES = re.compile(r"see you|confirmed|looking forward|talk to you|speak")
_WHEN_AGREED = re.compile(r"\b(?:if|once|when)\b")
_OFFERED = re.compile(r"\b(?:if|once|can|could|would|want|shall|should|happy to)\b")

_MEETING = (
    r"(?:calls?|meetings?|talks?|sessions?|appointments?|workshops?|demos?|chats?|conversations?|slots?|visits?|"
    r"kick-?offs?)"
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_FIXED = r"(?:booked|fixed|set|arranged|confirmed|scheduled|reserved|settled|agreed|locked in|in place|planned)"
_DATED = rf"(?:(?:on |for )?(?:the )?(?:{_DAY}|tomorrow|next week|\d{{1,2}}(?:st|nd|rd|th)?\b|{_MONTH} \d))"
# A meeting spoken of as one that stands: fixed, in a calendar, moved, accepted, looked forward to on its day.
_STANDS = at_words(
    rf"\b{_MEETING}\b[^.?!]{{0,40}}?\b(?:is|are|has been|have been|was|stays|which is)(?: now| already| all)? "
    rf"(?:{_FIXED}\b|"
    r"(?:in|on) (?:the|your|my|our|both) (?:calendar|diary|diaries|agenda)s?\b)"
    rf"|\b(?:everything|it|all|that|we|you) ?(?:is|'s|are|'re)(?: now| all| already)? "
    rf"{_FIXED}\b[^.?!]{{0,12}}\b(?:for|:|on|with)"
    rf"[^.?!]{{0,30}}\b(?:{_MEETING}|{_DAY}|tomorrow|half an hour)\b"
    rf"|\b(?:look(?:ing)? forward to|excited for|ready for|prepare for|preparing for) (?:our|the|your) "
    rf"[^.?!]{{0,20}}?{_MEETING}\b"
    rf"(?=[^.?!]{{0,20}}(?:{_DATED}|fixed|as planned))"
    rf"|\b(?:look(?:ing)? forward to) (?:speaking|talking|meeting|seeing|chatting)[^.?!]{{0,25}}(?:{_DATED}|as "
    rf"(?:planned|agreed|arranged))"
    rf"|\bas (?:agreed|planned|arranged|discussed),? (?:we|i|our \w+)(?:'ll| will| are|'re)? (?:speak|talk|meet|"
    rf"meeting|see|call)"
    rf"|\breminder (?:of|about|for|that) (?:our|the|your|we)\b[^.?!]{{0,25}}\b(?:{_MEETING}|meet|speak|talk)\b"
    rf"|\b(?:accept\w*|received?|got|confirm\w*) (?:of )?(?:the|my|our|your) (?:calendar )?invit\w+|\b(?:your "
    rf"team|you) (?:has|have) been invited\b"
    rf"|\b(?:has|have|had|'ve|'s) (?:(?:put|got|pencill?ed|slotted|marked) )?(?:you|me|us|him|her|them) (?:down |"
    rf"in |in )?(?:down|in|for)(?: for)? "
    rf"(?:the )?(?:{_DAY}|tomorrow|\d)"
    rf"|\b(?:i|we)(?:'ve| have)?(?: just| already| now)? (?:moved|changed|shifted|rescheduled|pushed|postponed|"
    rf"brought forward) (?:our|the|your) "
    rf"(?:\w+ )?{_MEETING}\b|\bupdated the (?:calendar )?invit\w+"
    rf"|\b(?:since|as|when|because|given that) (?:we|you)(?:'re| are)(?: already)? (?:meeting|speaking|talking|"
    rf"seeing each other)[^.?!]{{0,15}}(?:{_DATED}|anyway)"
    rf"|\bconsider [^.?!]{{0,40}}\b(?:as )?{_FIXED}\b|\b(?:a|the|our) room (?:is|has been) {_FIXED}\b"
    rf"|\bagenda for (?:our|the) {_MEETING}\b|\b(?:i|we)(?:'ve| have)? (?:already )?{_FIXED} (?:the|a|our) "
    rf"(?:date|time|day|slot|hour)\b"
    rf"|\b{_MEETING} (?:will be|takes place|starts|begins|is) (?:on |at )?(?:{_DAY}|the \d|\d)"
)
_TWO_SIDED = re.compile(r"look|as (?:agreed|planned|arranged)|reminder|since|when|as we")
_HOUR_SAID = re.compile(
    r"\b\d{1,2}(?::\d\d| ?[ap]\.?m\b|[.]\d\d\b|\s?-\s?\d{1,2} ?[ap]m\b)|\bat (?:\d{1,2}|one|two|three|four|five|"
    r"eight|nine|ten|eleven|noon)\b"
    r"|\bnoon\b|\b\d{1,2} o'clock\b"
)
_DAY_SAID = re.compile(
    rf"\b(?:{_DAY}|tomorrow|mon|tues?|weds?|thurs?|fri)\b|\b(?:the )?\d{{1,2}}(?:st|nd|rd|th)\b|\b\d{{1,2}}(?: "
    rf"of)? {_MONTH}\b|\b{_MONTH} \d{{1,2}}\b"
)
# The words by which a day and an hour are an offer to meet, not the date of something that happened.
_OFFERS_SLOT = re.compile(
    r"\b(?:call|meet|speak|talk|ring|video|free|suits?|hold|holding|kept|keep|slot|invit\w+|dial-in|propos\w+|"
    r"suggest\w*|diary|"
    r"half an hour|minutes|works?|available|open|how about|what about|let us|let's|shall we|put you down|"
    r"pencil\w*|phone)\b"
)
_PAST_EVENT = re.compile(
    r"\b(?:you|your \w+|it|page|post|release|outage|incident|article|blog) (?:\w+ )?(?:wrote|posted|went|was|"
    r"were|released|"
    r"published|appeared|happened|started|announced|sent)\b|\bsince\b"
)
_TIMETABLE = (
    r"(?:cal|calendar|calendly|book|bookings?|schedule|scheduling|meet|meetings?|appointments?|slots?|diary|termin|"
    r"times?|calls?)"
)
_PLANNER = re.compile(
    rf"https?://(?:[\w-]{{1,40}}\.){{0,2}}{_TIMETABLE}\.[a-z][\w.-]{{1,30}}(?:/[\w/.?=&%+-]{{0,120}})?"
    rf"|(?<![\w./@-])(?:www\.)?{_TIMETABLE}\.[a-z]{{2,12}}/[\w/.?=&%+-]{{1,120}}|"
    rf"(?<![\w/@-])www\.{_TIMETABLE}\.[a-z]{{2,12}}\b"
    rf"|(?:https?://|(?<![\w@/.-]))(?!(?:www\.)?(?:github|gitlab|bitbucket|docs|linkedin|medium|"
    rf"youtube)\b)[\w-]{{1,40}}(?:\.[\w-]{{1,30}}){{1,3}}/(?:[\w.%-]{{1,60}}/){{0,3}}"
    r"(?:book|booking|schedule|calendar|meet|meeting|appointment|intro-?call|first-?call|discovery|demo|"
    r"quick-?chat|intro|\d\d-?min\w*)(?![\w.])"
)

# The prospect asks for a meeting, or for times, without naming one.
_WANTS_TO_MEET = re.compile(
    r"\b(?:let's|let us|can we|could we|shall we|happy to|glad to|want to|like to|love to|up for|open to|free to|"
    r"yes to|"
    r"agree to|propose|suggest|send (?:me|us|over)?|have)\b[^.?!]{0,25}\b(?:an? (?:\w+ )?call|an? (?:\w+ )?(?:chat|"
    r"meeting|demo|conversation|slot)|meet|speak|talk (?:to|with|it|this|about|next|soon|some|on)|talk[.?!]|calendar|"
    r"invite|invitation|times|slots|dates?|availabilit\w+)\b"
)


class Booking:
    """Checks ``coordination.booking``, ``slot_claimed`` and ``slot_altered``."""

    def __init__(self, policy: Policy) -> None:
        self._rule = policy.booking.before_ready
        domains = sorted((re.escape(domain) for domain in policy.booking.link_domains), key=len, reverse=True)
        self._domains = (
            re.compile(
                rf"(?<![\w.-])(?:https?://)?(?:www\.|[\w-]{{1,40}}\.)?(?:"
                rf"{'|'.join(domains)})(?![\w.-]*\.[a-z])[\w/?=&%.-]{{0,200}}"
            )
            if domains
            else None
        )

    def __call__(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        found = list(self._set_phrases(reading, facts))
        yield from found
        if not found and not facts.ready and not _answers_time(facts) and not _WANTS_TO_MEET.search(last_said(facts)):
            yield from self._open(reading)

    def _open(self, reading: Reading) -> Iterable[Hit]:
        """A second look, where no set phrase was found and the prospect asked for no meeting."""
        detail = "A meeting is claimed as booked; only the prospect's own booking makes it so."
        for sentence, match in meetings_claimed(reading):
            yield Hit("coordination.slot_claimed", detail, (sentence.at(match),))
        if self._rule != "forbid":
            return
        for sentence, match in times_proposed(reading):
            detail = "A time is proposed before the prospect asked to meet."
            yield Hit("coordination.booking", detail, (sentence.at(match),))
        for sentence, match in calendars_opened(reading):
            detail = "A booking link is offered before the prospect asked to meet."
            yield Hit("coordination.booking", detail, (sentence.at(match),))

    def _set_phrases(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        if not facts.ready and self._rule != "allow_link":
            yield from self._links(reading)
        if not facts.ready and self._rule == "forbid" and not _answers_time(facts):
            for sentence, match in reading.hits(_SLOT):
                detail = "A time is proposed before the prospect asked to meet."
                yield Hit("coordination.booking", detail, (sentence.at(match),))
            yield from self._slots(reading)
            for sentence, match in proposed(reading):
                detail = "A time is proposed before the prospect asked to meet."
                yield Hit("coordination.booking", detail, (sentence.at(match),))
        for sentence, match in (*reading.hits(_CLAIMED), *reading.hits(_STANDS)):
            text = sentence.text
            if _OFFERS_TO.search(text[: match.start()]):
                continue  # "shall I", "may we": what is asked for leave is not done
            if sentence.asks and match.re is _STANDS:
                continue
            if (_AGREES.match(match.group()) or _TWO_SIDED.match(match.group())) and _answers_time(facts):
                continue  # the prospect named the time; whether it is the same one is slot_altered's question
            if not denied_before(text, match.start()) and not _WHEN_AGREED.search(text[: match.start()]):
                detail = "A meeting is claimed as booked; only the prospect's own booking makes it so."
                yield Hit("coordination.slot_claimed", detail, (sentence.at(match),))
        for sentence, match in made(reading):
            text = sentence.text
            if sentence.asks or _OFFERS_TO.search(text[: match.start()]) or _WHEN_AGREED.search(text[: match.start()]):
                continue
            moved = re.search(r"mov|shift|push|chang|swap|brought|liberty|diary|calendar", match.group())
            if denied_before(text, match.start()) or (_answers_time(facts) and not moved):
                continue
            detail = "A meeting is claimed as booked; only the prospect's own booking makes it so."
            yield Hit("coordination.slot_claimed", detail, (sentence.at(match),))
        yield from self._altered(reading, facts)

    def _links(self, reading: Reading) -> Iterable[Hit]:
        for field, text in reading.fields:
            if self._domains is not None:
                for match in self._domains.finditer(text):
                    yield Hit(
                        "coordination.booking",
                        "A booking link stands before the prospect asked to meet.",
                        ((field, *match.span()),),
                    )
        if "/" in reading.joined or "www." in reading.joined:
            for field, text in reading.fields:
                for match in _PLANNER.finditer(text):
                    detail = "A booking link stands before the prospect asked to meet."
                    yield Hit("coordination.booking", detail, ((field, *match.span()),))
        if self._rule != "forbid":
            return
        for sentence, match in reading.hits(_LINK_TALK):
            if not denied_before(sentence.text, match.start()) and not _OFFERED.search(sentence.text[: match.start()]):
                detail = "A booking link is offered before the prospect asked to meet."
                yield Hit("coordination.booking", detail, (sentence.at(match),))

    def _slots(self, reading: Reading) -> Iterable[Hit]:
        """A day and an hour in one sentence that speaks of meeting."""
        for sentence, match in reading.hits(_HOUR_SAID):
            text = sentence.text
            day = _DAY_SAID.search(text)
            if day is None or not _OFFERS_SLOT.search(text) or _PAST_EVENT.search(text):
                continue
            if not denied_before(text, min(day.start(), match.start())):
                detail = "A time is proposed before the prospect asked to meet."
                yield Hit("coordination.booking", detail, (sentence.at(match),))

    def _altered(self, reading: Reading, facts: Facts) -> Iterable[Hit]:
        """The draft confirms a weekday or hour that the prospect did not name."""
        given = read_slot(last_said(facts))
        if not given.named:
            return
        for sentence in reading.sentences:
            text = sentence.text[:1_500]
            text = re.split(r" - |, (?:just|is|does|would|could)\b", text)[0] if sentence.asks else text
            text = _ANOTHER_MATTER.split(text)[0]
            if sentence.field == "subject" or text.rstrip().endswith("?") or not _CONFIRMS.search(text):
                continue
            match = _WHEN.search(text)
            if match and contradicts(read_slot(text), given) and not denied_before(text, match.start()):
                detail = "Another time is confirmed than the prospect gave."
                yield Hit("coordination.slot_altered", detail, (sentence.at(match),))


def last_said(facts: Facts) -> str:
    """The prospect's latest message, lower-case, or nothing."""
    for message in reversed(facts.context.prior_thread):
        if message.role == "prospect":
            return message.content.lower()[:4_000]
    return facts.prospect_text[:4_000]


def _answers_time(facts: Facts) -> bool:
    """Whether the prospect named a time, so that naming one back is an answer."""
    said = read_slot(last_said(facts))
    return bool(said.days or said.hours)
