"""A whole group said to be senior: "nothing but veterans", "all three have a decade behind them"."""

from __future__ import annotations

import re

from app.judge.rules.numbers import NUMBER, value_of
from app.judge.rules.phrasing import at_words

_SENIOR = (
    r"(?:seniors?(?:[ -](?:level|grade|only|engineers?|people))?|veterans?|seasoned|old hands?|old-timers?|principals?|"
    r"principal-level|staff[- ]level|staff engineers?|(?<!would )(?<!will )(?<!to )(?<!who )leads?(?! (?:the|a|an|to|"
    r"time|your|our)\b)|lead-level|tech leads?|heavyweights?|battle[- ]\w+|grey"
    r"[- ]\w+|gray[- ]\w+|experienced|highly experienced|experts?|old guard|masters?|top[- ]tier|top grade|"
    r"long-serving|"
    r"graybeards?|greybeards?|highest (?:grade|level|tier)|upper (?:grade|tier)|architect-level|first rank)"
)
_YEARS = re.compile(
    rf"\b(?P<n>{NUMBER})(?:\s?(?:-|–|to|or) ?{NUMBER})?(?:\+|[- ]plus| or more)? ?(?:-|\s)?(?:years?|yrs?|winters|"
    rf"summers)\b"
    r"(?![- ](?:ago|old|roadmap|plan|contract|deal|term|programme|program|from|project|lease|minimum))"
)
_DECADE = re.compile(r"\b(?:a (?:full |good |solid )?decade|decades|a dozen years|half a decade|for (?:many )?years)\b")
_WHOLE = at_words(
    rf"\b(?:all|each|every(?: last| single)?(?: one)?|everyone|everybody|both|only|entirely|exclusively|purely|solely|"
    rf"nothing (?:but|below|under|less)|none but|nobody but|throughout|uniformly|to a (?:man|person)|"
    rf"without exception|not a "
    rf"single|not one|none (?:of them )?|no one|nobody|across the board)\b[^.?!]{{0,60}}?\b{_SENIOR}\b"
    rf"|\b{_SENIOR}\b[^.?!]{{0,40}}?\b(?:throughout|all of them|only|exclusively|to a (?:man|person)|to the last "
    rf"\w+|without exception|one and all|across the board|all(?: \w+)?|every one(?: of them)?|each|both|the lot|"
    rf"every (?:single|"
    rf"last) (?:one|man|person|seat))\b"
    rf"|\b(?:they|the (?:trio|duo|pair|quartet|team|squad|crew|lot|group|people|engineers|developers)|these|"
    rf"those) (?:would|"
    rf"will|'d|'ll|are|can|could)(?: all)?(?: be)? (?:\w+ )?{_SENIOR}\b|\bsenior[- ]only\b|\ball[- ]senior\b"
)
_NO_JUNIORS = re.compile(
    r"\b(?:no|not a|not one|not a single|without|without any|never a|zero|none of them|nobody|not even a|no one|"
    r"free of|"
    r"isn't a|nor) (?:\w+ ){0,3}?(?:juniors?|mids?|mid-levels?|greenhorns?|beginners?|novices?|rookies?|trainees?|"
    r"newbies|"
    r"newcomers|freshers?|graduates?|learners?|apprentices?|interns?|beginner|inexperienced)\b"
)
_MIXED = re.compile(
    r"\b(?:mids?|mid-levels?|juniors?|middle|regulars?|intermediate|rest|other|mix(?:ed)?|blend|supported by)\b"
)
_NOT_JUNIORS = re.compile(r"\b(?:fewer|less|under|below)\b")
_TOGETHER = re.compile(r"\b(?:together|with us|at our|in business|since|of service|around|as a team|as a firm)\b")
_NEAR = re.compile(rf"\b{_SENIOR}\b")


def whole_is_senior(text: str) -> bool:
    """Whether everybody that the sentence speaks of is said to be senior, in words or in years."""
    rest = _NO_JUNIORS.sub(" ", text)
    if _MIXED.search(rest):
        return False
    if _WHOLE.search(text) or _NO_JUNIORS.search(text):
        return True
    return in_years(text)


def in_years(text: str) -> bool:
    """Whether the sentence gives its people four years of experience or more."""
    if _TOGETHER.search(text):
        return False
    if _DECADE.search(text):
        return True
    years = (value_of(match.group("n")) or 0 for match in _YEARS.finditer(text))
    return any(4 <= count <= 40 for count in years)


_ARE = re.compile(
    rf"[^,;.:]{{0,35}}?\b(?:are|is|would be|will be|being|as|at|of|who're|'d be|'ll be) (?:all |both |"
    rf"each )?(?:\w+ )?{_SENIOR}\b"
)
_SET_OFF = re.compile(rf"{_SENIOR}[^.;,:(]{{0,25}}(?:[,:(]| x) ?$")


def said_senior(text: str, start: int, end: int) -> bool:
    """Whether the people counted between ``start`` and ``end`` are said to be senior, before or after the number."""
    if _MIXED.search(text[start:end]):
        return False
    return _ARE.match(text, end) is not None or _SET_OFF.search(text[max(0, start - 45) : start]) is not None


def is_senior(words: str) -> bool:
    """Whether the words beside a number make its people senior."""
    return _NEAR.search(words) is not None and not _MIXED.search(words)
