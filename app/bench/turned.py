"""Contrasts of drafts written one by one: a number that a draft repeats from its facts is changed in one of the two.

Facts and draft that agreed contradict each other then, in people's wording; where both change alike the draft stays
right, so that neither a changed fact nor a changed sentence gives the label away. A number is taken only if the signal
says it, bench, request and thread do not, and draft and signal mean the same by it: it is large, a day of the same
month, or what it counts begins alike. Years, shares of money and numbers inside other words stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from app.bench.tasks import Task
from app.schemas import Context, Draft

_LARGE, _LEAST, _YEARS = 13, 4, range(1980, 2041)
_WORDS = ("four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_VALUES = {word: value for value, word in enumerate(_WORDS, start=_LEAST)}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*"
_TOKEN = re.compile(
    rf"(?<![\w.,:/€$£-])(?:(?P<day>\d{{1,2}})(?P<gap>(?:st|nd|rd|th)?(?: of)? )(?P<month>{_MONTH})\b"
    rf"|(?P<month2>{_MONTH})(?P<gap2>\.? )(?P<day2>\d{{1,2}})(?P<th>st|nd|rd|th)?(?![\w:/]|[.,-]\d)"
    rf"|(?P<digits>\d{{1,4}})(?![\w:/%-]|[.,]\d)|(?P<word>{'|'.join(_WORDS)})(?![\w-]))",
    re.IGNORECASE,
)
_FIXED = ("icp_segment", "bench_summary", "capacity_request", "prior_thread")
_BY_TURNED_FACTS = ("confidence", "segment")
"""What a draft that contradicts its facts may break besides; nobody has said."""


class Number(NamedTuple):
    """A count, or a day of a month (1-12; 0 for a count)."""

    value: int
    month: int = 0


def turned(task: Task, seed: int = 0) -> list[Task]:
    """Three contrasts of a grounded task, none if no number fits: facts changed, draft changed, both changed alike.

    The first two violate grounding and are unknown on confidence and segment; the third has the task's own scores.
    """
    if task.scores.get("grounding") != 5:
        return []
    rng = Random(f"{task.task_id}:{seed}")
    facts = task.context.model_dump(mode="json", exclude_unset=True)
    old = next(_shared(task.draft, facts), None)
    if old is None:
        return []
    said = f"{task.draft.subject}\n{task.draft.body}\n{json.dumps(facts, ensure_ascii=False)}"
    new = _other(old, {number for number, _ in _numbers(said)}, rng)

    def text(value: str) -> str:
        return _put(value, old, new)

    context = Context.model_validate(
        {key: value if key in _FIXED else _mapped(value, text, old, new) for key, value in facts.items()}
    )
    draft = Draft(subject=text(task.draft.subject), body=text(task.draft.body))
    wrong = task.scores | {"grounding": 1} | dict.fromkeys(_BY_TURNED_FACTS)
    made = (
        ("facts", context, task.draft, wrong),
        ("draft", task.context, draft, wrong),
        ("both", context, draft, None),
    )
    return [
        task.model_copy(
            update={
                "task_id": f"{task.task_id}-{name}", "group": task.cluster, "context": context_, "draft": draft_,
                "scores": scores or task.scores, "passed": None,
                "why": "A number is another one in the facts." if scores else task.why,
            }
        )
        for name, context_, draft_, scores in made
    ]  # fmt: skip


def _shared(draft: Draft, facts: dict[str, Any]) -> Iterator[Number]:
    """The numbers that the draft has from the signal alone, in the order in which it says them."""
    signal = str(facts.get("signal_brief", {}).get("signal_line") or "")
    told = list(_numbers(signal))
    fixed = {number for number, _ in _numbers(json.dumps([facts.get(name) for name in _FIXED], ensure_ascii=False))}
    for number, counted in _numbers(f"{draft.subject}\n{draft.body}"):
        plain = number.month or number.value >= _LARGE
        alike = [1 for other, theirs in told if other == number and (plain or counted & theirs)]
        if alike and number not in fixed:
            yield number


def _numbers(text: str) -> Iterator[tuple[Number, set[str]]]:
    """The numbers of a text that can be changed, each with the beginnings of the words behind it."""
    for found in _TOKEN.finditer(text):
        if number := _number(found):
            words = re.findall(r"[^\W\d_]+", re.split(r"[.;:!?\n]", text[found.end() : found.end() + 60])[0])
            yield number, {word[:4].lower() for word in words[:4] if len(word) >= 4}


def _number(found: re.Match[str]) -> Number | None:
    day, month = found["day"] or found["day2"], found["month"] or found["month2"]
    if day:
        return Number(int(day), _MONTHS.index(month[:3].lower()) + 1) if 1 <= int(day) <= 31 else None
    value = int(found["digits"]) if found["digits"] else _VALUES[found["word"].lower()]
    return Number(value) if value >= _LEAST and value not in _YEARS else None


def _other(old: Number, taken: set[Number], rng: Random) -> Number:
    """Another number of about the same size that neither facts nor draft hold."""
    if old.month:
        near = [Number(day, old.month) for day in range(2, 29)]
    elif old.value < _LARGE:
        near = [Number(value) for value in range(_LEAST, _LARGE)]
    else:
        near = [
            Number(old.value + sign * max(2, round(old.value * part))) for part in (0.15, 0.25, 0.4) for sign in (1, -1)
        ]
        near += [Number(old.value + step) for step in (3, 5, 7, 11)]
    return rng.choice([number for number in near if number not in taken and abs(number.value - old.value) > 1])


def _put(text: str, old: Number, new: Number) -> str:
    """The text with one number in the place of another, written as the other was."""

    def written(found: re.Match[str]) -> str:
        if _number(found) != old:
            return found[0]
        if found["day"]:
            gap = re.sub(r"^(st|nd|rd|th)", _ordinal(new.value), found["gap"])
            return f"{new.value}{gap}{found['month']}"
        if found["day2"]:
            return f"{found['month2']}{found['gap2']}{new.value}{_ordinal(new.value) if found['th'] else ''}"
        if found["word"]:
            word = _WORDS[new.value - _LEAST]
            return word.capitalize() if found["word"][0].isupper() else word
        return str(new.value)

    text = _TOKEN.sub(written, text)
    return re.sub(rf"-{old.month:02}-{old.value:02}\b", f"-{new.month:02}-{new.value:02}", text) if old.month else text


def _ordinal(value: int) -> str:
    return "th" if 11 <= value <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


def _mapped(value: Any, text: Callable[[str], str], old: Number, new: Number) -> Any:
    """Facts with the number changed in every text and where it is a value of its own."""
    if isinstance(value, dict):
        return {key: _mapped(inner, text, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mapped(inner, text, old, new) for inner in value]
    if isinstance(value, str):
        return text(value)
    return new.value if type(value) is int and not old.month and value == old.value else value
