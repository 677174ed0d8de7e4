"""Tasks from what really happened: an item of a stored run with the labels that people gave it.

Each labeller's newest label counts. Where labellers contradict each other the criterion, or the whole, is undecided;
an item about which nothing is left decided is no task. The judge's own verdict is never taken as a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from app.bench.tasks import Mode, Task
from app.schemas import Label, RunItemFull


class NoTask(StrEnum):
    """Why a labelled item is no task."""

    NO_DRAFT = "the service has not kept the draft"
    CONTRADICTED = "its labels contradict each other"


def newest(labels: Iterable[Label]) -> list[Label]:
    """Each labeller's newest label."""
    found: dict[str, Label] = {}
    for label in labels:
        before = found.get(label.labeller)
        if before is None or (label.created_at, label.id) > (before.created_at, before.id):
            found[label.labeller] = label
    return [found[name] for name in sorted(found)]


def task_from_item(run_id: str, run_name: str, item: RunItemFull, labels: Sequence[Label]) -> Task | NoTask:
    """A labelled item as a task; ``labels`` are all labels on it, at least one."""
    if item.draft is None or item.context is None:
        return NoTask.NO_DRAFT
    counted = newest(labels)
    names = {name for label in counted for name in label.criteria}
    scores = {name: _score(_agreed(label.criteria.get(name) for label in counted)) for name in sorted(names)}
    passed = _agreed(label.passed for label in counted)
    if passed and 1 in scores.values():
        passed = None
    elif passed is None and not any(label.passed is not None for label in counted) and 1 in scores.values():
        passed = False
    if passed is None and not any(score is not None for score in scores.values()):
        return NoTask.CONTRADICTED
    broken = next((name for name, score in scores.items() if score == 1), None)
    return Task(
        task_id=f"run-{run_id[:8]}-{item.task_id}"[:200],
        mode=Mode.TRACE_DERIVED,
        group=item.cluster or item.task_id,
        category=broken or item.category,
        context=item.context,
        draft=item.draft,
        passed=passed,
        scores=scores,
        why=" ".join(label.note for label in counted if label.note)[:4_000],
        source={"run": run_id, "name": run_name, "labellers": ", ".join(label.labeller for label in counted)},
    )


def grouped(labels: Iterable[Label]) -> Mapping[str, list[Label]]:
    """Labels by the task that they are on; a label on no item of a run is passed over."""
    found: dict[str, list[Label]] = {}
    for label in labels:
        if label.task_id is not None:
            found.setdefault(label.task_id, []).append(label)
    return dict(sorted(found.items()))


def _agreed(answers: Iterable[bool | None]) -> bool | None:
    given = {answer for answer in answers if answer is not None}
    return given.pop() if len(given) == 1 else None


def _score(passed: bool | None) -> int | None:
    return None if passed is None else 5 if passed else 1
