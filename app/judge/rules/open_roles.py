"""Open roles as a context gives them: under a key, or as a number in prose."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.judge.rules.context_fields import integer
from app.judge.rules.numbers import NUMBER, value_of

_ROLE_KEY = re.compile(r"\b(?:open|job|role|roles|openings|posts|vacancies)\b")
_ROLE_AGE = re.compile(
    r"\b(?:days (?:open|listed|unfilled)|age|since|ago|before|previous(?:ly)?|last)\b|(?<!\d )\bdays$"
)
_ROLES_PROSE = re.compile(
    rf"(?<![\w$.])({NUMBER}|no|zero)\s(?:(?:new|open|public|posted|active|live|unfilled|engineering|technical|"
    r"software|backend|"
    r"frontend|data|ml|ai|devops|platform|python|go|java|rust|infra|remote|senior|mid|junior|full-stack|"
    r"fullstack)[\s,/-]{1,2}){0,4}"
    r"(?:roles?|positions?|openings?|job posts?|job openings?|vacancies|postings?)\b"
)
# "134 of 610 positions", "ten open roles, six engineering", "14 of them in software".
_ROLES_PART = re.compile(
    rf"(?<![\w$.])({NUMBER})(?: of (?:the |which |these )?(?:them\b|{NUMBER}))?(?: [\w/-]+){{0,2}}? "
    r"(?:engineering|technical|software|roles?|positions?|posts?|openings?|vacancies)\b"
)


def open_roles_in(pairs: Iterable[tuple[str, str]]) -> int | None:
    """How many roles are open, from a key or else from prose; the first engineering count wins."""
    known = list(pairs)
    for key, value in known:
        if _ROLE_AGE.search(key):
            continue
        if _ROLE_KEY.search(key) and re.search(r"\b(?:roles?|openings|posts|vacancies)\b", key):
            number = integer(value)
            if number is not None:
                return number
    for key, value in known:
        if not key or len(value.split()) > 3:
            match = _ROLES_PROSE.search(value)
            if match:
                return 0 if match.group(1) in {"no", "zero"} else value_of(match.group(1))
    return None


def role_counts_in(text: str) -> frozenset[int]:
    """Every number of roles, or of a part of them, that lower-cased ``text`` states."""
    found = (value_of(match.group(1)) for pattern in (_ROLES_PROSE, _ROLES_PART) for match in pattern.finditer(text))
    return frozenset(number for number in found if number is not None)
