"""Tasks for the tests of the bench: small, different from each other, valid."""

from __future__ import annotations

from typing import Any

from app.bench.tasks import Task

CONTEXT: dict[str, Any] = {
    "company_name": "Alder Pay",
    "icp_segment": 1,
    "thread_stage": "cold_first_touch",
    "signal_brief": {"signal_line": "Alder Pay closed a Series A of 12 M USD in March 2026."},
}
DRAFT = {"subject": "Your Series A", "body": "Congratulations on the round. Are more engineers planned?"}


def task(task_id: str = "t-1", **given: Any) -> Task:
    """A valid task; ``given`` replaces its fields."""
    value = {"task_id": task_id, "mode": "hand_authored", "context": CONTEXT, "draft": DRAFT, "passed": True}
    return Task.model_validate(value | given)


def written(body: str, subject: str = "A question") -> dict[str, str]:
    """A draft with this body."""
    return {"subject": subject, "body": body}
