"""Ages of events: how long ago a text says, or dates, something. Nothing is guessed: no date, no age."""

from __future__ import annotations

import datetime
import re

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DATE = re.compile(r"\b(20\d\d)-(\d\d)(?:-(\d\d))?\b")
_WRITTEN = re.compile(
    r"\b(?:(\d{1,2})(?:st|nd|rd|th)? (?:of )?)?(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)"
    r"(?:uary|ruary|ch|il|ust|ember|tember|ober)?\.?(?: (\d{1,2})(?:st|nd|rd|th)?,?)?,? (20\d\d)\b"
)
_DAYS_AGO = re.compile(r"\b(\d{1,4})\s?(day|week|month|year)s?\sago\b")
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_MONTH_END = 28


def age_in(text: str, today: datetime.date | None) -> int | None:
    """Days since the date or age in lower-cased ``text``, the latest one of several; None without any.

    A month without a day counts as its end, so an event is never made older than it may be.
    """
    ago = _DAYS_AGO.search(text)
    if ago:
        return int(ago.group(1)) * _UNIT_DAYS[ago.group(2)]
    if today is None:
        return None
    dated = _DATE.search(text)
    if dated:
        return _since(today, dated.group(1), int(dated.group(2)), dated.group(3))
    ages = []
    for match in _WRITTEN.finditer(text) if " 20" in text else ():
        month = next(index for index, name in enumerate(MONTHS, 1) if name.startswith(match.group(2)[:3]))
        age = _since(today, match.group(4), month, match.group(1) or match.group(3))
        if age is not None:
            ages.append(age)
    return min(ages, default=None)


def _since(today: datetime.date, year: str, month: int, day: str | None) -> int | None:
    try:
        then = datetime.date(int(year), month, int(day or _MONTH_END))
    except ValueError:
        return None
    return max(0, (today - then).days)
