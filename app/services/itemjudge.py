"""One item of a run, judged by the judge of the gate: rules and model always, and a verdict row whatever happens.

An item that cannot be judged gets a verdict that says so and holds no number. Which failures may pass with time is said
here too; how often to try again is the worker's to decide.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import ValidationError

from app.db import verdicts
from app.db.ids import new_id
from app.db.queue import Claimed
from app.schemas import Context, Draft, JudgeRef, Latency, Outcome, Verdict
from app.services.breaker import BreakerState
from app.services.deadline import Deadline
from app.services.judging import Judge, Judgement
from app.services.scoring import tenant_salt
from app.services.slots import Lane

ITEM_BUDGET_MS = 60_000
_NOT_NOW = frozenset({"judge_not_ready", "breaker_open", "no_slot", "deadline_spent"})
_PASSING = frozenset({Outcome.TIMEOUT, Outcome.RATE_LIMITED, Outcome.UPSTREAM_ERROR})


@dataclass(frozen=True, slots=True)
class Judged:
    """What one try came to.

    ``row`` is the verdict's row. ``passing``: another try may bring a verdict. ``not_now``: the judge could not be
    asked at all, which is no fault of the item. ``latency_s`` is the model's, None where it was not asked.
    """

    row: dict[str, Any]
    outcome: Outcome
    detail: str | None = None
    passing: bool = False
    not_now: bool = False
    retry_after_s: float | None = None
    latency_s: float | None = None


class ItemJudge(Protocol):
    """What the batch worker needs of a judge."""

    @property
    def ready(self) -> bool:
        """Whether asking makes sense now."""

    @property
    def rubrics(self) -> Collection[str]:
        """Names of the rubrics that it judges by."""

    def ref(self, rubric: str) -> JudgeRef:
        """Who judges by this rubric now."""

    async def judge(self, item: Claimed) -> Judged:
        """Judge one item."""

    def unjudged(self, item: Claimed, outcome: Outcome, detail: str) -> Judged:
        """A verdict that says why there is none."""


class RunJudge:
    """The judge of the gate, in the batch lane."""

    def __init__(self, judge: Judge, *, budget_ms: int = ITEM_BUDGET_MS) -> None:
        self._judge = judge
        self._budget_ms = budget_ms

    @property
    def ready(self) -> bool:
        """The engine has answered its canaries, and the breaker lets calls pass."""
        return self._judge.engine.ready and self._judge.breaker.state is not BreakerState.OPEN

    @property
    def rubrics(self) -> Collection[str]:
        """Names of the rubrics in use."""
        return self._judge.rubrics.keys()

    def ref(self, rubric: str) -> JudgeRef:
        """Who judges by this rubric now."""
        return self._judge.identity(self._judge.rubric(rubric)).ref

    async def judge(self, item: Claimed) -> Judged:
        """Judge one item with rules and model, under the batch deadline."""
        try:
            draft = Draft.model_validate_json(item.draft)
            context = Context.model_validate_json(item.context)
        except ValidationError as error:
            detail = f"the stored draft does not fit this version of Presend: {error.error_count()} fields"
            return self.unjudged(item, Outcome.NOT_CALLED, detail)
        judgement = await self._judge.judge(
            draft,
            context,
            deadline=Deadline.within_ms(self._budget_ms),
            lane=Lane.BATCH,
            rubric=item.rubric,
            cache_salt=tenant_salt(item.held.tenant_id),
        )
        return _judged(item, judgement)

    def unjudged(self, item: Claimed, outcome: Outcome, detail: str) -> Judged:
        """A verdict without a number, with the reason in its notes."""
        verdict = Verdict(
            id=str(new_id()),
            created_at=datetime.now(UTC),
            run_id=str(item.held.run_id),
            task_id=item.task_id,
            rubric=self._judge.rubric(item.rubric).ref,
            judge=self.ref(item.rubric),
            outcome=outcome,
            notes=[detail],
            latency_ms=Latency(total=0.0),
        )
        return Judged(verdict_row(item, verdict), outcome, detail)


def verdict_row(
    item: Claimed, verdict: Verdict, raw_output: str | None = None, bypass: str | None = None
) -> dict[str, Any]:
    """The verdict's row; draft and context stay with the item, which holds them once."""
    return verdicts.row_of(
        tenant_id=item.held.tenant_id,
        verdict=verdict,
        kind="verdict",
        input_digest=item.input_digest,
        draft=None,
        context=None,
        raw_output=raw_output,
        bypass=bypass,
    )


def reused(item: Claimed, source: Verdict) -> dict[str, Any]:
    """The row of a verdict that another one is taken over for: same answer, no call, and a note of where it is from."""
    verdict = source.model_copy(
        update={
            "id": str(new_id()),
            "created_at": datetime.now(UTC),
            "run_id": str(item.held.run_id),
            "task_id": item.task_id,
            "notes": [*source.notes, f"taken over from verdict {source.id}"],
            "usage": None,
            "latency_ms": Latency(total=0.0),
        }
    )
    return verdict_row(item, verdict)


def _judged(item: Claimed, judgement: Judgement) -> Judged:
    call = judgement.call
    outcome = call.verdict.outcome
    verdict = judgement.verdict(str(new_id()), run_id=str(item.held.run_id), task_id=item.task_id)
    row = verdict_row(item, verdict, call.answer.text if call.answer else None, call.bypass)
    not_now = outcome is Outcome.NOT_CALLED and call.bypass in _NOT_NOW
    failure = call.failure
    refused = failure is not None and failure.status is not None and 400 <= failure.status < 500
    return Judged(
        row=row,
        outcome=outcome,
        detail=None if outcome is Outcome.JUDGED else call.verdict.detail,
        passing=outcome in (Outcome.TIMEOUT, Outcome.RATE_LIMITED) or (outcome in _PASSING and not refused),
        not_now=not_now,
        retry_after_s=failure.retry_after_s if failure else None,
        latency_s=None if call.model_ms is None else call.model_ms / 1000.0,
    )
