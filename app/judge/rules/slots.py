"""The time of a meeting as mail writes it: weekdays, days of the month, hours, time zones.

Two mails are compared part by part, and only where both name the part. A window ("any day after three"), a changed
zone with a changed hour (which may be a conversion) and a missing part are no contradiction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_CLOCK_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_HOUR_WORD = "|".join(_CLOCK_WORDS)
_DAY = re.compile(r"\b((?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow)s?\b")
_DATE = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})\b|\b(?:{_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)"
    r"|\b(?:the )?(\d{1,2})(?:st|nd|rd|th)\b"
    # "Tuesday 1 or Wednesday 2 December": the month stands behind the last one.
    rf"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day (\d{{1,2}})(?=(?:,| or| and| "
    rf"to)[^.?!]{{1,30}}\d{{1,2}} (?:of )?{_MONTH}\b)"
)
_HOUR = re.compile(
    r"\b(?P<h>\d{1,2})(?::(?P<m>\d\d)) ?(?P<half>am|pm|a\.m|p\.m)?(?!\d)|\b(?P<h2>\d{1,2}) ?(?P<half2>am|pm|"
    r"a\.m|p\.m)\b"
    r"|(?:\b(?:at|@)|(?:mon|tues|wednes|thurs|fri|satur|sun)day,?) ?(?P<h3>\d{1,2})(?![\d:/.-]|(?:st|nd|rd|th)\b)"
    rf"(?! (?:of )?{_MONTH}|%| (?:people|engineers|minutes|days|weeks))|\b(?P<noon>noon|midday)\b"
    rf"|\b(?:(?:at|from|for) (?P<past>half past |quarter past |quarter to )?|(?P<past2>half past |quarter past |"
    rf"quarter to ))"
    rf"(?P<word>{_HOUR_WORD})\b(?! (?:people|engineers|minutes|days|weeks|months|hours|of|others|roles)\b|-)"
)
_ZONES = (
    ("eastern", r"eastern|e[sd]?t|new york|toronto"),
    ("pacific", r"pacific|p[sd]?t|san francisco"),
    ("central", r"central time|c[sd]t|chicago"),
    ("mountain", r"mountain|m[sd]t|denver"),
    ("london", r"gmt|bst|utc|uk|london|dublin|lisbon"),
    ("europe", r"ces?t|berlin|paris|madrid|vienna|amsterdam|stockholm|oslo"),
    ("east africa", r"eat|nairobi|addis"),
    ("india", r"ist|india|bangalore"),
)
_ZONE = re.compile("|".join(rf"\b(?:{words})\b" for _, words in _ZONES))
_WINDOW = re.compile(
    r"\b(?:any|after|before|between|from|until|till|earliest|latest|onwards?|or later|anytime|mornings?|afternoons?|"
    r"either|whenever|most)\b"
)
_TO_TEXT = re.compile(r"\d(?::\d\d)? ?(?:am|pm)? ?(?:-|–|to) ?\d")


@dataclass(frozen=True, slots=True)
class Slot:
    """What a text says of a time; every part may be empty. ``window`` when its hours are bounds."""

    days: frozenset[str]
    dates: frozenset[int]
    hours: frozenset[tuple[int, int | None]]
    zones: frozenset[str]
    window: bool

    @property
    def named(self) -> bool:
        """Whether any day, date or hour is there."""
        return bool(self.days or self.dates or self.hours)


def read_slot(text: str) -> Slot:
    """The parts of lower-cased ``text`` that speak of a time."""
    dates = {int(next(group for group in match.groups() if group)) for match in _DATE.finditer(text)}
    clock = _DATE.sub(" ", text)
    zones = {name for name, words in _ZONES if re.search(rf"\b(?:{words})\b", text)} if _ZONE.search(text) else set()
    return Slot(
        days=frozenset(match.group(1) for match in _DAY.finditer(text)),
        dates=frozenset(dates),
        hours=frozenset(hour for match in _HOUR.finditer(clock) if (hour := _hour(match)) is not None),
        zones=frozenset(zones),
        window=bool(_WINDOW.search(text) or _TO_TEXT.search(text)),
    )


def contradicts(confirmed: Slot, given: Slot) -> bool:
    """Whether the time that is confirmed is another than the prospect gave."""
    relative = "tomorrow" in confirmed.days | given.days  # which weekday that is, the text does not say
    if confirmed.days and given.days and not relative and not confirmed.days & given.days:
        return True
    if confirmed.dates and given.dates and not confirmed.dates & given.dates:
        return True
    if given.window or not confirmed.hours or not given.hours:
        return False
    same_hour = any(_same(one, other) for one in confirmed.hours for other in given.hours)
    other_zone = bool(confirmed.zones and given.zones and not confirmed.zones & given.zones)
    return same_hour if other_zone else not same_hour


def _same(one: tuple[int, int | None], other: tuple[int, int | None]) -> bool:
    return one[0] == other[0] and (one[1] == other[1] or one[1] is None or other[1] is None)


def _hour(match: re.Match[str]) -> tuple[int, int | None] | None:
    """(hour, minutes) of the day; an hour below eight without "am" is one of the afternoon."""
    if match.group("noon"):
        return 12, 0
    if match.group("word"):
        return _spoken(match.group("past") or match.group("past2") or "", match.group("word"))
    hour = int(match.group("h") or match.group("h2") or match.group("h3"))
    half = match.group("half") or match.group("half2")
    if half and half.startswith("p") and hour < 12:
        hour += 12
    if half is None and hour < 8:
        hour += 12
    minutes = match.group("m")
    return (hour, int(minutes) if minutes else None) if hour < 25 else None


def _spoken(past: str, word: str) -> tuple[int, int | None]:
    """An hour written out: "half past three", "quarter to ten"."""
    hour = _CLOCK_WORDS.index(word) + 1
    hour = hour + 12 if hour < 8 else hour
    if past.endswith("to "):
        return hour - 1, 45
    return hour, 30 if past.startswith("half") else 15 if past else 0
