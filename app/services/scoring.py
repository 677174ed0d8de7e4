"""The two main uses of Presend: a verdict on a draft, and the gate's decision about it. Judged, then stored, then told.

No connection is held while the model thinks. The answer is sent only after its verdict is stored: a verdict that was
acknowledged is never lost.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import verdicts
from app.db.engine import Database
from app.db.ids import new_id
from app.db.keys import Principal
from app.errors import StoreUnavailable
from app.schemas import Action, GateRequest, GateResponse, VerdictRequest
from app.services.deadline import Deadline
from app.services.judging import Judge, Judgement
from app.services.once import IdempotencyKey, Once, Reply
from app.services.receipts import Receipts, input_digest
from app.services.slots import Lane
from app.telemetry import Metrics

WRITE_RESERVE_S = 0.030
"""Kept back from the model's deadline for the write and the answer."""
WRITE_GRACE_S = 0.500
"""How far past the deadline a write may run before the store counts as unavailable: on a starved machine a decision
that comes late is worth more than none."""


@dataclass(frozen=True)
class Scoring:
    """Verdicts and gate decisions for one tenant at a time."""

    judge: Judge
    db: Database
    once: Once
    receipts: Receipts
    metrics: Metrics
    store_drafts: bool

    async def verdict(
        self, principal: Principal, request: VerdictRequest, deadline: Deadline, key: IdempotencyKey | None
    ) -> Reply:
        """Judge with rules and model, store, and answer with the verdict."""
        self.judge.rubric(request.rubric)
        async with self.once.attempt(principal.tenant_id, key, deadline) as attempt:
            if isinstance(attempt, Reply):
                return attempt
            judgement = await self._judge(principal, request, deadline, Lane.INTERACTIVE)
            verdict = judgement.verdict(str(new_id()))

            async def write(conn: AsyncConnection) -> None:
                await verdicts.insert(
                    conn,
                    tenant_id=principal.tenant_id,
                    verdict=verdict,
                    kind="verdict",
                    input_digest=input_digest(request.draft, request.context),
                    draft=request.draft if self.store_drafts else None,
                    context=request.context if self.store_drafts else None,
                    raw_output=_raw(judgement),
                    bypass=judgement.call.bypass,
                )

            return await _by(deadline, attempt.commit(write, 200, verdict.model_dump_json().encode()))

    async def gate(
        self, principal: Principal, request: GateRequest, deadline: Deadline, key: IdempotencyKey | None
    ) -> Reply:
        """Decide, store, and answer with action, verdict and receipt, by the deadline."""
        self.judge.rubric(request.rubric)
        async with self.once.attempt(principal.tenant_id, key, deadline) as attempt:
            if isinstance(attempt, Reply):
                return attempt
            judgement = await self._judge(principal, request, deadline, Lane.GATE)
            decision, bypass = judgement.decision, judgement.call.bypass
            verdict = judgement.verdict(str(new_id()))
            digest = input_digest(request.draft, request.context)
            response = GateResponse.model_construct(
                action=decision.action,
                decision_source=decision.source,
                why=decision.why,
                bypass=bypass,
                verdict=verdict,
                receipt=self.receipts.issue(
                    tenant=principal.tenant,
                    verdict_id=verdict.id,
                    digest=digest,
                    judge_digest=judgement.identity.digest,
                    action=decision.action,
                ),
                deadline_ms=round(deadline.budget_s * 1000),
                elapsed_ms=round(deadline.elapsed_ms, 3),
            )

            async def write(conn: AsyncConnection) -> None:
                await verdicts.insert(
                    conn,
                    tenant_id=principal.tenant_id,
                    verdict=verdict,
                    kind="gate",
                    input_digest=digest,
                    draft=request.draft if self.store_drafts else None,
                    context=request.context if self.store_drafts else None,
                    raw_output=_raw(judgement),
                    bypass=bypass,
                )

            reply = await _by(deadline, attempt.commit(write, 200, response.model_dump_json().encode()))
        self._count(judgement, request, deadline)
        return reply

    async def _judge(self, principal: Principal, request: VerdictRequest, deadline: Deadline, lane: Lane) -> Judgement:
        return await self.judge.judge(
            request.draft,
            request.context,
            deadline=Deadline(deadline.started, max(0.0, deadline.budget_s - WRITE_RESERVE_S)),
            lane=lane,
            rubric=request.rubric,
            explain=request.explain,
            on_failure=request.on_failure if isinstance(request, GateRequest) else "hold",
            stop_at_rules=lane is Lane.GATE,
            cache_salt=cache_salt(principal),
        )

    def _count(self, judgement: Judgement, request: GateRequest, deadline: Deadline) -> None:
        decision, bypass = judgement.decision, judgement.call.bypass
        self.metrics.gate(decision.action.value, decision.source.value, deadline.elapsed_ms / 1000.0)
        if bypass is not None:
            allowed = decision.action is Action.SEND and request.on_failure == "allow"
            self.metrics.bypass(bypass, "allowed" if allowed else "held")


def cache_salt(principal: Principal) -> str:
    """Keeps one tenant's prefix cache apart from another's, so that timing tells nothing."""
    return tenant_salt(principal.tenant_id)


def tenant_salt(tenant_id: UUID) -> str:
    """The cache salt of a tenant, the same for its gate and its runs."""
    return hashlib.sha256(tenant_id.bytes).hexdigest()[:16]


def _raw(judgement: Judgement) -> str | None:
    return judgement.call.answer.text if judgement.call.answer else None


async def _by(deadline: Deadline, commit: Awaitable[Reply]) -> Reply:
    """Await a commit, but not past the deadline and its grace."""
    try:
        async with asyncio.timeout(deadline.remaining_s + WRITE_GRACE_S):
            return await commit
    except TimeoutError:
        raise StoreUnavailable(
            "The verdict could not be stored before the deadline; nothing was decided.", retry_after_s=1.0
        ) from None
