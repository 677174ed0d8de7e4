"""Events that a context may speak of: funding, layoffs, new leaders, and whether they are denied.

Only whole words count, and a denial ("no layoffs", "nothing about funding") is never read as the event.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

DENIED_VALUES = frozenset(
    {
        "false",
        "no",
        "none",
        "null",
        "n/a",
        "na",
        "not detected",
        "absent",
        "[]",
        "{}",
        "",
        "none detected",
        "none found",
        "no signal",
    }
)


class State(StrEnum):
    """What the context says of an event."""

    HAPPENED = "happened"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event at the company; ``days_ago`` is None when no age is known."""

    state: State
    days_ago: int | None = None


_NO = (
    r"(?:no|not|without|never|nothing|none|lack of|zero|didn't|did not|hasn't|has not|haven't|have not|isn't|cannot "
    r"see|can't see|nor)"
)
_GAP = r"(?:[\s,/-]{1,2}(?!but\b|however\b)[\w'-]{1,20}){0,5}?[\s,/-]{1,2}"

_PROSE = {
    "funding": (
        r"(?:raised|funding|fundrais\w*|series [a-h]\b|seed (?:round|funding)|closed (?:a|its|their|an?) "
        r"[^.;]{0,30}round|investment round)"
    ),
    "layoff": (
        r"(?:laid off|lay-?offs?|restructur\w*|headcount reduction|reduction in force|workforce reduction|job "
        r"(?:cuts|losses)|downsiz\w*|redundan(?:t|cy|cies)|staff cuts|(?:cut|shed|dismissed|axed|let) (?:[\w%.]+ "
        r"){1,5}?(?:jobs|roles|posts|positions|staff|people|employees|workforce|headcount|engineers|go\b)|(?:jobs|"
        r"roles|posts|positions|engineers|employees|staff|people) (?:were |was |are |have been )?(?:cut\b|lost\b|"
        r"gone\b|dismissed|let go)|(?:reduced|cut) (?:its |their |the )?(?:headcount|workforce|staff|team)|"
        r"(?:headcount|workforce) (?:was |is |went )?(?:cut|reduced|down))"
    ),
    "leadership": (
        r"(?:new (?:cto|vp|chief|head of|engineering lead\w*|leader\w*)|leadership change\w*|appointed|(?:cto|vp "
        r"engineering|vp of engineering) joined|joined as|recently hired|(?:became|named|started as|took over as|"
        r"promoted to|moved into|steps? in as) (?:[\w'&.-]+ ){0,3}?(?:cto|chief|vp|head of|director of engineering))"
    ),
}
_HAPPENED = {kind: re.compile(rf"\b{pattern}") for kind, pattern in _PROSE.items()}
_DENIED = {kind: re.compile(rf"\b{_NO}{_GAP}{pattern}") for kind, pattern in _PROSE.items()}


def denied_in(kind: str, text: str) -> bool:
    """Whether lower-cased prose says that the event did not happen or is not known."""
    return bool(_DENIED[kind].search(text))


def event_in_prose(kind: str, text: str, state: State) -> State:
    """``state`` after reading lower-cased prose: an event beats a denial, a denial beats nothing."""
    if state is State.HAPPENED or not _HAPPENED[kind].search(text):
        return state
    remaining = _DENIED[kind].sub(" ", text)
    if _HAPPENED[kind].search(remaining):
        return State.HAPPENED
    return State.DENIED
