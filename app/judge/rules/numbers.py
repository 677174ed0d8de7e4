"""Numbers as people write them in mail: digits, words, dozens, money.

Amounts of money are exact floats in the currency's unit. Nothing is guessed: a word that is not a number is none.
"""

from __future__ import annotations

import re
from typing import NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_UNITS = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
WORDS: dict[str, int] = {word: value for value, word in enumerate(_UNITS)}
WORDS |= {word: 10 * (index + 2) for index, word in enumerate(_TENS)}
WORDS |= {
    f"{ten}{join}{_UNITS[unit]}": 10 * (index + 2) + unit
    for index, ten in enumerate(_TENS)
    for unit in range(1, 10)
    for join in "- "
}
WORDS |= {"half a dozen": 6, "half-dozen": 6, "half dozen": 6, "a dozen": 12, "dozen": 12, "two dozen": 24}
WORDS |= {"a couple of": 2, "a couple": 2, "a pair of": 2, "couple of": 2, "both": 2, "a single": 1, "no": 0}

# "seventeen" stands before "seven", and a first-letter test keeps other words cheap.
_SMALL = "|".join(sorted(_UNITS, key=len, reverse=True))
_BELOW_HUNDRED = rf"(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_UNITS[1:10])})\b)?|(?:{_SMALL})\b"
_HUNDREDS = rf"(?:an?|{'|'.join(_UNITS[1:10])}) hundred(?: (?:and )?(?:{_BELOW_HUNDRED}))?"
NUMBER = (
    r"(?=[\dotfsenhacdz])(?:\d{1,3}(?:,\d{3}){1,3}|\d{1,9}"
    rf"|{_HUNDREDS}\b|(?:{_BELOW_HUNDRED})(?! (?:hundred|thousand|million)\b)"
    r"|half[- ](?:a )?dozen|two dozen|an? (?:dozen|couple(?: of)?|pair of|single)|couple of|dozen)"
)


def value_of(text: str) -> int | None:
    """The whole number that lower-cased ``text`` writes, or None."""
    text = text.strip()
    known = WORDS.get(text)
    if known is not None:
        return known
    many, hundred, rest = text.partition(" hundred")
    if hundred:
        below = WORDS.get(rest.removeprefix(" and ").strip(), 0)
        return 100 * WORDS.get(many, 1) + below
    digits = text.replace(",", "")
    return int(digits) if digits.isdecimal() and digits.isascii() else None


class Money(NamedTuple):
    """A sum and where it stands."""

    amount: float
    start: int
    end: int
    marked: bool


_SCALE = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mm": 1e6,
    "million": 1e6,
    "mil": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "billion": 1e9,
}
_MONEY = re.compile(
    r"(?P<sign>(?:us|usd|eur|gbp)?\s?[$€£]|\b(?:usd|eur|gbp)\s)\s?(?P<a>\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|"
    r"\d{1,12}(?:\.\d{1,3})?)"
    r"\s?(?P<as>k|thousand|mn|mm|mil|million|m|bn|billion|b)?\b"
    r"|(?<![\w.,])(?P<b>\d{1,3}(?:,\d{3})+|\d{1,12}(?:\.\d{1,3})?)\s?(?P<bs>k|thousand|mn|mm|million|m|bn|billion|b)?"
    r"\s?(?P<unit>dollars?|usd|eur|euros?|gbp|pounds)\b"
    r"|(?<![\w.,])(?P<c>\d{1,4}(?:\.\d{1,3})?)\s?(?P<cs>m|mn|million|bn|billion|b)\b"
)


CURRENCY = re.compile(r"[$€£]|\b(?:usd|eur|gbp|dollars?|euros?|pounds)\b")


def find_money(text: str) -> list[Money]:
    """Sums of money in lower-cased ``text``; ``marked`` when a currency stands with them."""
    found = []
    for match in _MONEY.finditer(text):
        for number, scale in (("a", "as"), ("b", "bs"), ("c", "cs")):
            digits = match.group(number)
            if digits is None:
                continue
            amount = float(digits.replace(",", "")) * _SCALE.get(match.group(scale) or "", 1.0)
            found.append(Money(amount, match.start(), match.end(), marked=number != "c"))
    return found


def same_amount(stated: float, known: float) -> bool:
    """Equal within rounding: "$8M" is 8,000,000, "$18.4M" is 18,400,000, "$12M" may be 12,300,000 (3 %)."""
    return abs(stated - known) <= 0.03 * max(abs(known), 1.0)
