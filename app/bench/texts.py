"""The whole text of a task, as words: what near-duplicates and contamination are measured on.

The whole text is every value of the context, in its order, then subject and body. Left out are the names of the keys
and the values of closed lists (stage, tier, role, segment), which every task shares and which tell nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.bench.tasks import Task

_CLOSED = frozenset({"thread_stage", "task_type", "icp_segment", "signal_confidence_tier", "role", "seniority"})


@dataclass(frozen=True)
class Text:
    """The whole text of one task. ``group`` belongs together; ``signal_date`` is given where the task names one."""

    id: str
    group: str
    company: str
    text: str
    signal_date: date | None = None


def text_of(task: Task) -> Text:
    """A task's whole text."""
    parts = [*facts_of(task.context.model_dump(mode="json", exclude_unset=True)), task.draft.subject, task.draft.body]
    whole = "\n".join(part for part in parts if part)
    return Text(task.task_id, task.cluster, task.context.company_name, whole, task.signal_date)


def facts_of(value: object, key: str = "") -> Iterator[str]:
    """The values of a context in their order, closed lists left out."""
    if key in _CLOSED or value in (None, ""):
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from facts_of(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from facts_of(inner, key)
    else:
        yield str(value)


def ngrams(words: Sequence[str], size: int) -> set[str]:
    """Its runs of ``size`` words; of a shorter text, the text itself."""
    if len(words) <= size:
        return {" ".join(words)} if words else set()
    return {" ".join(words[at : at + size]) for at in range(len(words) - size + 1)}
