"""Numbers, amounts, dates and spans of time as people write them, in more than one way."""

from __future__ import annotations

from random import Random

# fmt: off
_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)
# fmt: on
# fmt: off
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)
# fmt: on
_SHOWN = {
    "ios": "iOS",
    "ml": "ML",
    "php": "PHP",
    "qa": "QA",
    "devops": "DevOps",
    "dotnet": ".NET",
    "typescript": "TypeScript",
    "data": "data",
    "embedded": "embedded",
}


def shown(stack: str) -> str:
    """A stack's key as people write it in a message."""
    return _SHOWN.get(stack, stack.capitalize())


def number(rng: Random, value: int, *, words: bool | None = None) -> str:
    """A count in digits or, up to twenty, in words."""
    spell = rng.random() < 0.4 if words is None else words
    return _WORDS[value] if spell and 0 <= value < len(_WORDS) else str(value)


def amount(rng: Random, millions: int) -> str:
    """Millions of dollars in one of four spellings."""
    return rng.choice((f"${millions}M", f"${millions} million", f"{millions} million dollars", f"${millions}m"))


def span(rng: Random, days: int) -> str:
    """A number of days as days or, where it divides, as weeks."""
    if days == 1:
        return rng.choice(("one day", "a day"))
    if days % 7 == 0 and rng.random() < 0.7:
        weeks = days // 7
        return "one week" if weeks == 1 else f"{number(rng, weeks)} weeks"
    return f"{number(rng, days)} days"


def month(index: int) -> str:
    """Name and year of a month counted from January 2024 as 0."""
    return f"{MONTHS[index % 12]} {2024 + index // 12}"
