"""Pairwise judgements: written once, read back. Never changed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.documents import document_text, input_text, insert_of, own_id, storable
from app.db.ids import parse_id
from app.db.models import pairwise as table
from app.schemas import Context, Draft, Pairwise

_INSERT = insert_of(table, document=JSONB, draft_a=sa.JSON, draft_b=sa.JSON, context=sa.JSON)
_GET = sa.select(sa.cast(table.c.document, sa.Text)).where(
    table.c.tenant_id == sa.bindparam("tenant_id"), table.c.id == sa.bindparam("id")
)


async def insert_pairwise(
    conn: AsyncConnection,
    tenant_id: UUID,
    pairwise: Pairwise,
    *,
    input_digest: str | None = None,
    a: Draft | None = None,
    b: Draft | None = None,
    context: Context | None = None,
    raw_outputs: Sequence[str | None] | None = None,
) -> None:
    """Store a pairwise judgement; ``raw_outputs`` are what the model wrote, in the order of ``pairwise.orders``."""
    values = {
        "tenant_id": tenant_id,
        "id": own_id(pairwise.id, "id"),
        "created_at": pairwise.created_at,
        "judge_digest": pairwise.judge.digest,
        "input_digest": input_digest,
        "outcome": pairwise.outcome.value,
        "winner": pairwise.winner,
        "decided_by": pairwise.decided_by,
        "latency_ms": pairwise.latency_ms.total,
        "document": document_text(pairwise),
        "draft_a": input_text(a),
        "draft_b": input_text(b),
        "context": input_text(context),
        "raw_outputs": None if raw_outputs is None else [None if raw is None else storable(raw) for raw in raw_outputs],
    }
    await conn.execute(_INSERT, values)


async def get_pairwise(conn: AsyncConnection, tenant_id: UUID, pairwise_id: str) -> Pairwise | None:
    """The tenant's pairwise judgement of this id, None where there is none."""
    identifier = parse_id(pairwise_id)
    if identifier is None:
        return None
    found = (await conn.execute(_GET, {"tenant_id": tenant_id, "id": identifier})).scalar_one_or_none()
    return None if found is None else Pairwise.model_validate_json(found)
