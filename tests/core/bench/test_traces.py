"""Tasks from labelled items: people decide, and where they do not agree nothing is decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.bench.tasks import Task
from app.bench.traces import NoTask, grouped, task_from_item
from app.schemas import Context, Draft, ItemState, Label, Outcome, RunItemFull
from tests.core.bench.drafts import CONTEXT, DRAFT

RUN = "0190b8a0-0000-7000-8000-000000000000"
ITEM = RunItemFull(
    seq=1, task_id="marlow/1", state=ItemState.DONE, outcome=Outcome.JUDGED, passed=True, score=4.0, p_fail=0.1,
    category="capacity", cluster="c", attempt=1, failures=0,
    draft=Draft(**DRAFT), context=Context.model_validate(CONTEXT),
)  # fmt: skip


def label(
    who: str = "priya", passed: bool | None = None, minute: int = 0, note: str | None = None, **criteria
) -> Label:
    at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=minute)
    return Label(
        id=f"{who}-{minute}", created_at=at, verdict_id=None, run_id=RUN, task_id="marlow/1", labeller=who,
        passed=passed, criteria=criteria, note=note, created_by="k",
    )  # fmt: skip


def made(*labels: Label, item: RunItemFull = ITEM) -> Task | NoTask:
    return task_from_item(RUN, "nightly", item, list(labels))


def test_the_label_counts_and_not_the_judges_verdict():
    found = made(label(passed=False, capacity=False, tone=True, note="Three are free."))
    assert isinstance(found, Task)
    assert (found.passed, found.scores) == (False, {"capacity": 1, "tone": 5})
    assert (found.mode, found.group, found.category) == ("trace_derived", "c", "capacity")
    assert found.source == {"run": RUN, "name": "nightly", "labellers": "priya"}
    assert found.why == "Three are free."
    assert found.task_id == "run-0190b8a0-marlow/1"


def test_each_labellers_newest_label_counts():
    found = made(label(passed=True, minute=1), label(passed=False, minute=2), label(passed=True, minute=0))
    assert isinstance(found, Task)
    assert found.passed is False


@pytest.mark.parametrize(
    ("labels", "passed", "scores"),
    [
        ([label("a", passed=True), label("b", passed=True, tone=True)], True, {"tone": 5}),
        ([label("a", tone=False), label("b", tone=True, form=True)], None, {"tone": None, "form": 5}),
        ([label("a", tone=False)], False, {"tone": 1}),
        ([label("a", passed=True, tone=False)], None, {"tone": 1}),
        ([label("a", passed=True, tone=False), label("b", passed=False)], None, {"tone": 1}),
    ],
)
def test_what_people_decide(labels, passed, scores):
    found = made(*labels)
    assert isinstance(found, Task)
    assert (found.passed, found.scores) == (passed, scores)


def test_no_task_without_a_draft_or_an_agreement():
    assert made(label("a", passed=True), label("b", passed=False)) is NoTask.CONTRADICTED
    bare = ITEM.model_copy(update={"draft": None, "context": None})
    assert made(label(passed=True), item=bare) is NoTask.NO_DRAFT


def test_labels_are_grouped_by_task():
    other = label(passed=True).model_copy(update={"task_id": "a"})
    nowhere = label(passed=True).model_copy(update={"task_id": None})
    assert list(grouped([label(), other, nowhere, label(minute=3)])) == ["a", "marlow/1"]
