"""Verdicts, drafts and pairwise judgements with everything in them, and a few lines to store them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.db import verdicts
from app.db.engine import Database
from app.db.ids import new_id
from app.schemas import (
    Action,
    Context,
    CriterionResult,
    DecisionSource,
    Draft,
    Evidence,
    Finding,
    JudgedBy,
    JudgeRef,
    Latency,
    Outcome,
    Pairwise,
    PairwiseOrder,
    RubricRef,
    Severity,
    Usage,
    Verdict,
)

RUBRIC = RubricRef(name="outreach", version="1")
JUDGE = JudgeRef(digest="a" * 64, model="presend-judge", adapter="shipped", engine="0.32", ruleset="7")
INPUT_DIGEST = "d" * 64


def draft(body: str = "Could we talk on Tuesday? — Zoë 🙂") -> Draft:
    return Draft(subject="Two engineers free in March", body=body)


def context(**extra: Any) -> Context:
    fields = {"zebra": [1.5, 1e300, 10**40, {"b": None, "a": "é"}], "company_name": "Kestrel", **extra}
    return Context.model_validate({**fields, "icp_segment": 2, "thread_stage": "reply_active"})


def criterion(name: str, *, passed: bool | None) -> CriterionResult:
    return CriterionResult(id=name, judged_by=JudgedBy.BOTH, score=2.25, p_fail=0.75, passed=passed)


def finding() -> Finding:
    return Finding(
        check="capacity.over_promise",
        severity=Severity.CRITICAL,
        passed=False,
        detail="More engineers are promised than are free.",
        evidence=[Evidence(field="body", start=3, end=9)],
    )


def verdict(**changes: Any) -> Verdict:
    """A judged verdict that fills every field."""
    fields: dict[str, Any] = {
        "id": str(new_id()),
        "created_at": datetime.now(UTC),
        "task_id": "task-1",
        "rubric": RUBRIC,
        "judge": JUDGE,
        "outcome": Outcome.JUDGED,
        "passed": False,
        "score": 2.1000000000000001,
        "p_fail": 0.1 + 0.2,
        "abstained": True,
        "criteria": [
            criterion("capacity", passed=False),
            criterion("tone", passed=True),
            criterion("cta", passed=None),
        ],
        "findings": [finding()],
        "reason": "The draft promises “four” engineers.",
        "notes": ["raw and normalised text differ"],
        "finish_reason": "stop",
        "usage": Usage(prompt_tokens=900, completion_tokens=31, cached_tokens=800),
        "latency_ms": Latency(total=812.5, queue=1.25, model=800.0),
        "action": Action.HOLD,
        "decision_source": DecisionSource.RULES_AND_MODEL,
    }
    return Verdict(**fields | changes)


def unjudged(outcome: Outcome, **changes: Any) -> Verdict:
    """A verdict without a judgement, and so without a number."""
    bare: dict[str, Any] = {
        "passed": None,
        "score": None,
        "p_fail": None,
        "criteria": [],
        "usage": None,
        "finish_reason": None,
    }
    return verdict(outcome=outcome, **bare | changes)


def pairwise() -> Pairwise:
    return Pairwise(
        id=str(new_id()),
        created_at=datetime.now(UTC),
        rubric=RUBRIC,
        judge=JUDGE,
        winner="inconsistent",
        decided_by="model",
        outcome=Outcome.JUDGED,
        orders=[
            PairwiseOrder(first="a", outcome=Outcome.JUDGED, preferred="a", p_a=0.8),
            PairwiseOrder(first="b", outcome=Outcome.JUDGED, preferred="b", p_a=0.3),
        ],
        position_bias=0.25,
        findings={"a": [finding()], "b": []},
        latency_ms=Latency(total=1600.0),
    )


async def store(database: Database, tenant_id: UUID, given: Verdict, **changes: Any) -> Verdict:
    """Store a verdict in a transaction of its own and return it."""
    values: dict[str, Any] = {
        "kind": "gate",
        "input_digest": INPUT_DIGEST,
        "draft": draft(),
        "context": context(),
        "raw_output": '{"tone": 2}',
        "bypass": None,
    }
    async with database.transaction() as conn:
        await verdicts.insert(conn, tenant_id=tenant_id, verdict=given, **values | changes)
    return given
