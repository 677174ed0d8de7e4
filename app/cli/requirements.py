"""Claims that a build can hang on: ``delta.lo > 0 and n_shared >= 40``, checked against one answer.

A path names a value of the answer's JSON; ``delta``, ``rate`` and ``p`` are short for what is asked most. What is null,
missing or of another kind does not meet a requirement: no answer is no permission.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import InvalidInput

_PART = re.compile(r"^\s*([A-Za-z_][A-Za-z0-9_.\-]*)\s*(>=|<=|==|!=|>|<)\s*(\S+)\s*$")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One comparison of a value with a constant."""

    path: str
    sign: str
    wanted: Any

    def __str__(self) -> str:
        return f"{self.path} {self.sign} {_told(self.wanted)}"

    def unmet(self, answer: Mapping[str, Any]) -> str | None:
        """Why the answer does not meet it, None when it does."""
        found = _at(_named(answer), self.path)
        if isinstance(found, Mapping):
            found = found.get("estimate")
        if _comparable(found, self.wanted, self.sign) and _OPERATORS[self.sign](found, self.wanted):
            return None
        named = _named(answer)
        if (first := self.path.partition(".")[0]) not in named:
            close = difflib.get_close_matches(first, named, n=1)
            hint = f"; did you mean `{close[0]}`?" if close else "; --json shows what it has."
            return f"Not met: {self}; the answer has no `{first}`{hint}"
        return f"Not met: {self}; {self.path} is {_told(found)}."


def parsed(text: str) -> list[Requirement]:
    """The requirements of an expression, joined by ``and``.

    Raises
    ------
    InvalidInput
        Saying what an expression looks like.
    """
    made: list[Requirement] = []
    for part in re.split(r"\s+and\s+|&&", text.strip()):
        found = _PART.match(part)
        if found is None:
            raise InvalidInput(
                f"The requirement {part.strip()!r} cannot be read; write `delta.lo > 0`, and `and` between several."
            )
        path, sign, wanted = found.groups()
        made.append(Requirement(path, sign, _constant(wanted)))
    return made


def _constant(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    try:
        return float(text)
    except ValueError:
        return text.strip("'\"")


def _named(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer with its short names; ``delta`` and ``rate`` are the interval of the method asked for."""
    p = answer.get("p_adjusted")
    short = {"p": p if p is not None else answer.get("p_sign_flip")}
    interval = answer.get("interval")
    paired = answer.get("paired") or {}
    short |= {name: paired.get(name) for name in ("percentile", "bca", "recommended") if name in paired}
    return {**answer, **short, "delta" if "delta" in answer else "rate": interval}


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _comparable(found: Any, wanted: Any, sign: str) -> bool:
    if sign in ("==", "!="):
        return found is not None or wanted is None
    number = (int, float)
    return isinstance(found, number) and isinstance(wanted, number) and not isinstance(found, bool)


def _told(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)
