"""Two drafts for one context: rules first, then the judge in both orders, then one stored answer."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import verdicts
from app.db.engine import Database
from app.db.ids import new_id
from app.db.keys import Principal
from app.judge import pairwise
from app.judge.decision import blocking
from app.judge.prompt import DraftTooLong
from app.judge.rubric import Rubric
from app.schemas import Finding, Latency, Outcome, Pairwise, PairwiseOrder, PairwiseRequest
from app.services.deadline import Deadline
from app.services.judging import Judge, ModelCall, plain
from app.services.once import IdempotencyKey, Once, Reply
from app.services.receipts import input_digest
from app.services.scoring import WRITE_RESERVE_S, cache_salt
from app.services.slots import Lane

Side = Literal["a", "b"]


@dataclass(frozen=True)
class Comparing:
    """Pairwise comparisons for one tenant at a time."""

    judge: Judge
    db: Database
    once: Once
    store_drafts: bool

    async def compare(
        self, principal: Principal, request: PairwiseRequest, deadline: Deadline, key: IdempotencyKey | None
    ) -> Reply:
        """Judge a pair in both orders, store it and answer with it."""
        rubric = self.judge.rubric(request.rubric)
        async with self.once.attempt(principal.tenant_id, key, deadline) as attempt:
            if isinstance(attempt, Reply):
                return attempt
            result, raw_outputs = await self._judge(principal, rubric, request, deadline)

            async def write(conn: AsyncConnection) -> None:
                await verdicts.insert_pairwise(
                    conn,
                    principal.tenant_id,
                    result,
                    input_digest=_digest(request),
                    a=request.a if self.store_drafts else None,
                    b=request.b if self.store_drafts else None,
                    context=request.context if self.store_drafts else None,
                    raw_outputs=raw_outputs,
                )

            return await attempt.commit(write, 200, result.model_dump_json().encode())

    async def _judge(
        self, principal: Principal, rubric: Rubric, request: PairwiseRequest, deadline: Deadline
    ) -> tuple[Pairwise, list[str | None]]:
        findings: dict[Side, list[Finding]] = {
            "a": self.judge.findings(request.a, request.context),
            "b": self.judge.findings(request.b, request.context),
        }
        broken = {side: bool(blocking(found, self.judge.policy)) for side, found in findings.items()}
        orders: list[PairwiseOrder] = []
        raw_outputs: list[str | None] = []
        bias = None
        winner: Literal["a", "b", "tie", "inconsistent"] | None
        decided_by: Literal["rules", "model"] | None
        if broken["a"] != broken["b"]:
            winner, decided_by, outcome = ("b" if broken["a"] else "a"), "rules", Outcome.NOT_CALLED
        else:
            model_deadline = Deadline(deadline.started, max(0.0, deadline.budget_s - WRITE_RESERVE_S))
            asked = await asyncio.gather(
                *(self._order(principal, rubric, request, side, model_deadline) for side in ("a", "b"))
            )
            orders, raw_outputs = [order for order, _ in asked], [raw for _, raw in asked]
            ab, ba = orders
            outcome = ab.outcome if ab.outcome is not Outcome.JUDGED else ba.outcome
            winner, decided_by = None, None
            if ab.preferred and ba.preferred and ab.p_a is not None and ba.p_a is not None:
                winner, decided_by = pairwise.combine(ab.preferred, ba.preferred), "model"
                bias = pairwise.position_bias(ab.p_a, 1.0 - ba.p_a)
        result = Pairwise(
            id=str(new_id()),
            created_at=datetime.now(UTC),
            rubric=rubric.ref,
            judge=self.judge.identity(rubric).ref,
            winner=winner,
            decided_by=decided_by,
            outcome=outcome,
            orders=orders,
            position_bias=bias,
            findings=findings,
            latency_ms=Latency(total=round(deadline.elapsed_ms, 3)),
        )
        return result, raw_outputs

    async def _order(
        self, principal: Principal, rubric: Rubric, request: PairwiseRequest, first: Side, deadline: Deadline
    ) -> tuple[PairwiseOrder, str | None]:
        shown = (request.a, request.b) if first == "a" else (request.b, request.a)
        try:
            prompt = pairwise.render_pair(rubric, plain(shown[0]), plain(shown[1]), request.context)
        except DraftTooLong:
            return PairwiseOrder(first=first, outcome=Outcome.NOT_CALLED), None
        reply = await self.judge.ask(
            prompt,
            pairwise.SCHEMA,
            schema_name="pairwise",
            deadline=deadline,
            lane=Lane.INTERACTIVE,
            max_tokens=12,
            cache_salt=cache_salt(principal),
        )
        if isinstance(reply, ModelCall):
            return PairwiseOrder(first=first, outcome=reply.verdict.outcome), None
        answer = reply[0]
        choosing = pairwise.read_choice(answer)
        if choosing.choice is None or choosing.p_first is None:
            return PairwiseOrder(first=first, outcome=choosing.outcome), answer.text
        order = PairwiseOrder(
            first=first,
            outcome=choosing.outcome,
            preferred=pairwise.preferred(choosing.choice, first),
            p_a=choosing.p_first if first == "a" else 1.0 - choosing.p_first,
        )
        return order, answer.text


def _digest(request: PairwiseRequest) -> str:
    """SHA-256 over both inputs, in the order a, b, hex."""
    both = input_digest(request.a, request.context) + input_digest(request.b, request.context)
    return hashlib.sha256(both.encode()).hexdigest()
