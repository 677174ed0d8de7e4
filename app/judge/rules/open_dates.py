"""Months, seasons and ages that a draft gives to an event of its reader, in open wording: a second look.

The burden is reversed: where the context dates its events, any other month, season or age in a sentence that speaks of
such an event, hedged or flat, dates it otherwise, unless it belongs to a plan, to an offer or to what recurs.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from app.judge.rules.dates import MONTHS
from app.judge.rules.facts import Facts
from app.judge.rules.numbers import value_of
from app.judge.rules.phrasing import denied_before, word_set
from app.judge.rules.reading import Reading, Sentence

_NAMES = "january|february|april|june|july|august|september|october|november|december|sept|jan|feb|oct|nov|dec"
# "May" and "March" are verbs too; they are months where a preposition or a year says so.
_MONTH = re.compile(
    rf"\b(?:{_NAMES})\b|(?:(?<=\bin )|(?<=\bof )|(?<=since )|(?<=from )|(?<=last )|(?<=early )|(?<=late )|"
    rf"(?<=around )|(?<=during )|(?<=\bmid-)|(?<=back )|(?<=this )|(?<=that ))(?:march|may)\b|\b(?:march|may)(?= "
    rf"20\d\d|'s )"
)
MONTH_WORDS = word_set(
    " ".join([*MONTHS, *(f"{month}'s" for month in MONTHS), "sept jan feb mar apr jun jul aug sep oct nov dec"])
)
_IN_CONTEXT = re.compile(r"\b(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\b|\b20\d\d-(\d\d)\b")
_UNNAMED = re.compile(
    r"(?<![\w./-])\d{1,2}[./]\d{1,2}(?:[./](?:20)?\d\d)?(?![\w%/])|\bq[1-4]\b|\bquarter\b|\b(?:spring|summer|autumn|"
    r"winter|fall)\b|\b(?:days?|weeks?|months?) ago\b"
)
_SEASON = re.compile(
    r"\b(?:last|previous|prior|this|that|since|in|of|around|back in|over|during|past|the|early|late|before|after|a) "
    r"(?:the )?(spring|summer|autumn|fall|winter|easter|christmas)(?:'s)?\b(?! (?:short|behind|back|apart|in love|"
    r"into|asleep|of))"
)
# A month either side belongs to a season too.
_SEASON_MONTHS = {
    "spring": {2, 3, 4, 5, 6},
    "easter": {3, 4, 5},
    "summer": {5, 6, 7, 8, 9},
    "autumn": {8, 9, 10, 11, 12},
    "fall": {8, 9, 10, 11, 12},
    "winter": {11, 12, 1, 2, 3},
    "christmas": {11, 12, 1},
}
_WRITTEN_YEAR = re.compile(
    r"\b(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\b,? (20\d\d)\b|\b(20\d\d)-(\d\d)\b"
)
_COUNT = (
    r"(?:a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|eighteen|half a|a couple of|a few|"
    r"several|\d{1,2})"
)
_AGE = re.compile(
    rf"(?<!third of )(?<!quarter of )(?<!quarters of )(?<!thirds of )(?<!half )\b({_COUNT}) (?:whole |full |good |"
    rf"odd |short |long )?(day|week|month|year)s?(?:'s?)?(?: or so|, give or take,)? (?:ago|back|earlier|old|since|"
    rf"on from|now since|"
    r"after|has (?:gone|passed)|have (?:gone|passed)|into|(?:, )?give or take,? since|before this)\b|"
    rf"(?:has|have|'s|'ve) been [^.?!]{{0,40}}\bfor (?:about |over |nearly |almost |some )?({_COUNT}) (day|week|"
    rf"month|year)s\b|\b(?:coming up to|going on|getting on|nearly|almost|over|more than|about|around|barely|not "
    rf"yet|only) ({_COUNT}) (day|week|month|year)s?(?: old)?\b|"
    r"\b(?:just |only )?(?:last|this|earlier this) (week|month)(?:'s)?\b|\b(?:only|just|mere|barely) (day|week)s "
    r"(?:old|ago|in|into)\b|\b(yesterday|today)(?:'s)?\b"
)
_LOOSE = {"a": 1.0, "an": 1.0, "half a": 0.5, "a couple of": 2.0, "a few": 3.0, "several": 5.0}
_UNIT = {"day": 1.0, "week": 7.0, "month": 30.4, "year": 365.0}
EVENT_WORDS = {
    "layoff": re.compile(
        r"\b(?:lay-?offs?|laid|cuts?|cutting|cutbacks?|reduc\w+|let(?:ting)? (?:\w+ ){0,4}?go|lost|losing|"
        r"restructur\w*|reorgani[sz]\w+|downsiz\w*|redundan\w+|parted|smaller|shrank|shrunk|shrink\w*|trim\w*|axed|"
        r"dismiss\w*|clos(?:ed|ure|ing)|loss(?:es)?|jobs|went|gone|(?:people|staff|colleagues|engineers|posts|"
        r"employees) (?:\w+ )?left|shut\w*|job losses|slimm\w+|headcount|workforce|departures?|said goodbye|"
        r"goodbyes|fewer|sent home|staff|layoff\w*|percent|%)(?!\w)"
    ),
    "funding": re.compile(
        r"\b(?:rais\w+|round|series|seed|fund\w*|capital|invest\w+|money|million|clos(?:ed|ing)|announce\w*|"
        r"back(?:ed|ers?|ing)|cheque|financ\w+|cash|landed|bank)\b|[$€£]\s?\d"
    ),
    "leader": re.compile(
        r"\b(?:join\w*|start(?:ed|ing)?|appoint\w*|took|taken|nam(?:ed|ing)|seat|since|became|become|arriv\w+|came|"
        r"new|hired?|hiring|in(?:to)? (?:the )?(?:job|post|role|charge)|cto|vp|chief|head of|leader\w*|moved|"
        r"promot\w+|installed|stepp\w+)\b"
    ),
}
# What the month belongs to when it dates no event of the past: plans, offers, deadlines, other people's calendars.
_PLANNED = re.compile(
    r"\b(?:by|until|till|before|next|through|from|starting(?: in)?|as of|towards?|ahead of|for) (?:the )?(?:end |"
    r"middle |beginning |start |first week |second half )?(?:of )?(?:early |late |mid-?)?$"
)
_AHEAD = re.compile(
    r"\b(?:available|availability|free (?:in|from|as of)|deadline|go-?live|launch\w*|release\w*|conference|webinar|"
    r"summit|call|meet\w*|calendar|diary|holiday\w*|deliver\w*|onboard\w*|roll-?out|migrat\w+|(?:we|our|us|"
    r"i)\b[^.,;]{0,40}\b(?:could|can|will|would|shall|may|might|have (?:\w+ ){0,3}?(?:free|available|people|"
    r"engineers|team)|start|begin|free)|we(?:'ll|'d|'ve)|(?:will|'ll|going to|plan(?:s|ned|ning)? to|due|expected|"
    r"scheduled|about to)|we (?:did|worked|ran|built|helped|wrote|finished|first|last|spoke)|(?:i|we) (?:first |"
    r"last |once )?(?:wrote|called|rang|tried|e-?mailed)|answers?|repl(?:y|ies)|hear(?:ing)? (?:from|back)|another|"
    r"case stud\w+|our (?:own )?\w+|every|each|years? ago|founded|incorporated|somebody|someone)\b"
)


def months_in(text: str) -> frozenset[int]:
    """Months 1-12 that lower-cased ``text`` names, as words or in ISO dates."""
    found = set()
    for match in _IN_CONTEXT.finditer(text):
        if match.group(2):
            found.add(int(match.group(2)))
        else:
            found.add(next(i for i, name in enumerate(MONTHS, 1) if name.startswith(match.group(1)[:3])))
    return frozenset(found)


def dated_otherwise(reading: Reading, facts: Facts) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """A month, a season or an age beside an event, where the context dates its events to other months only."""
    known = months_in(facts.text)
    if not known or _UNNAMED.search(facts.text):
        return
    said = months_in(facts.prospect_text)
    kinds = [pattern for pattern in EVENT_WORDS.values() if pattern.search(facts.text)]
    for sentence, match in _times(reading, known | said, facts):
        text = sentence.text
        if _PLANNED.search(text, 0, match.start()) or _AHEAD.search(text):
            continue
        if any(kind.search(text) for kind in kinds) and not denied_before(text, match.start(), 25):
            yield sentence, match


def _times(reading: Reading, known: frozenset[int], facts: Facts) -> Iterator[tuple[Sentence, re.Match[str]]]:
    """Months, seasons and ages that none of the known months can be."""
    if not reading.words.isdisjoint(MONTH_WORDS):
        for sentence, match in reading.hits(_MONTH):
            if months_in(match.group()).isdisjoint(known):
                yield sentence, match
    for sentence, match in reading.hits(_SEASON):
        if known.isdisjoint(_SEASON_MONTHS[match.group(1)]):
            yield sentence, match
    ages = _ages(facts) if facts.today else []
    for sentence, match in reading.hits(_AGE) if ages else ():
        days = _days(match)
        if all(abs(days - age) > max(60.0, 0.4 * age) for age in ages):
            yield sentence, match


def _ages(facts: Facts) -> list[int]:
    """Days from the middle of each month that the context dates something to; empty unless every one has its year."""
    if facts.today is None or _IN_CONTEXT.search(_WRITTEN_YEAR.sub(" ", facts.text)):
        return []
    found = []
    for match in _WRITTEN_YEAR.finditer(facts.text):
        month = min(months_in(match.group()), default=0)
        if 1 <= month <= 12:
            found.append((facts.today - datetime.date(int(match.group(2) or match.group(3)), month, 15)).days)
    return [age for age in found if age >= -20]


def _days(match: re.Match[str]) -> float:
    """The age that a draft gives, in days."""
    count, unit, count_for, unit_for, count_about, unit_about, last, few, day = match.groups()
    if day:
        return 1.0
    if last or few:
        return _UNIT[last or few]
    number = count or count_for or count_about
    return (_LOOSE.get(number) or float(value_of(number) or 0)) * _UNIT[unit or unit_for or unit_about]
