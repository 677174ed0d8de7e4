"""Items of runs: taken in by COPY, listed, read back with what was judged, and exported. How they end is ``queue``.

A task stands in a run once. Pages go by the position of an item in its run, and an export by pages, so that no
transaction stays open for as long as a slow reader takes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.ids import parse_id
from app.db.models import verdicts
from app.db.paging import page_size
from app.db.run_models import run_inputs
from app.db.run_models import run_items as table
from app.errors import Fault, InvalidInput
from app.schemas import Context, Draft, ItemState, Outcome, RunItem, RunItemFull

UPLOAD_TIMEOUT_MS = 120_000
EXPORT_PAGE = 500

STAGED_COLUMNS = (
    "seq",
    "task_id",
    "category",
    "cluster",
    "input_digest",
    "draft",
    "context",
    "outcome",
    "passed",
    "score",
)
"""Fields of a line of COPY text, in this order; ``seq`` is the line's number within its upload."""

_TYPES = "int, text, text, text, text, json, json, text, boolean, float8"
_STAGE = (
    "CREATE TEMP TABLE staged ("
    + ", ".join(f"{name} {kind}" for name, kind in zip(STAGED_COLUMNS, _TYPES.split(", "), strict=True))
    + ") ON COMMIT DROP"
)
_COPY = f"COPY staged ({', '.join(STAGED_COLUMNS)}) FROM STDIN"
_PATIENCE = sa.text(f"SET LOCAL statement_timeout = {UPLOAD_TIMEOUT_MS}")
_TAKE = sa.text(
    """
    INSERT INTO run_inputs (tenant_id, run_id, task_id, seq, input_digest, draft, context)
    SELECT :tenant_id, :run_id, task_id, seq + :base, input_digest, draft, context FROM staged
    ON CONFLICT (tenant_id, run_id, task_id) DO NOTHING
    """
).bindparams(sa.bindparam("tenant_id", type_=sa.Uuid()), sa.bindparam("run_id", type_=sa.Uuid()))
_ENQUEUE = sa.text(
    """
    INSERT INTO run_items
      (tenant_id, run_id, seq, task_id, category, cluster, state, outcome, passed, score, finished_at)
    SELECT :tenant_id, :run_id, seq + :base, task_id, category, cluster,
      CASE WHEN outcome IS NULL THEN 'pending' ELSE 'done' END, outcome, passed, score,
      CASE WHEN outcome IS NULL THEN NULL ELSE clock_timestamp() END
    FROM staged
    """
).bindparams(sa.bindparam("tenant_id", type_=sa.Uuid()), sa.bindparam("run_id", type_=sa.Uuid()))
_TWICE = sa.text(
    "DELETE FROM staged AS s USING run_inputs AS x WHERE x.tenant_id = :tenant_id AND x.run_id = :run_id "
    "AND x.task_id = s.task_id AND x.seq <> s.seq + :base RETURNING s.seq, s.task_id"
).bindparams(sa.bindparam("tenant_id", type_=sa.Uuid()), sa.bindparam("run_id", type_=sa.Uuid()))
_LAST = sa.select(sa.func.coalesce(sa.func.max(table.c.seq), 0)).where(
    table.c.tenant_id == sa.bindparam("tenant_id"), table.c.run_id == sa.bindparam("run_id")
)

_of_run = (table.c.tenant_id == sa.bindparam("p_tenant_id"), table.c.run_id == sa.bindparam("p_run_id"))
_columns = [column for column in table.columns if column.name not in {"tenant_id", "run_id", "due_at", "leased_until"}]
_inputs = sa.and_(
    run_inputs.c.tenant_id == table.c.tenant_id,
    run_inputs.c.run_id == table.c.run_id,
    run_inputs.c.task_id == table.c.task_id,
)
_GET = (
    sa.select(
        *_columns,
        sa.cast(run_inputs.c.draft, sa.Text).label("draft"),
        sa.cast(run_inputs.c.context, sa.Text).label("context"),
    )
    .join_from(run_inputs, table, sa.and_(_inputs, table.c.seq == run_inputs.c.seq))
    .where(
        run_inputs.c.tenant_id == sa.bindparam("p_tenant_id"),
        run_inputs.c.run_id == sa.bindparam("p_run_id"),
        run_inputs.c.task_id == sa.bindparam("p_task_id"),
    )
)
_EXPORT = (
    sa.select(*_columns, sa.cast(verdicts.c.document, sa.Text).label("document"))
    .join_from(
        table,
        verdicts,
        sa.and_(verdicts.c.tenant_id == table.c.tenant_id, verdicts.c.id == table.c.verdict_id),
        isouter=True,
    )
    .where(*_of_run, table.c.seq > sa.bindparam("p_after"))
    .order_by(table.c.seq)
    .limit(sa.bindparam("p_limit"))
)


@dataclass(frozen=True, slots=True)
class Taken:
    """How many lines of an upload became items, and the lines whose task the run had already (line, task)."""

    accepted: int
    twice: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class ItemFilters:
    """Which items to list; everything given must hold."""

    state: ItemState | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """An item and the JSON text of its verdict, None where it has none."""

    item: RunItem
    document: str | None


async def take_in(conn: AsyncConnection, tenant_id: UUID, run_id: str, blocks: Iterable[bytes]) -> Taken:
    """Add staged lines (COPY text, ``STAGED_COLUMNS``) to a run; tasks that it has already are left out.

    Needs ``runs.begin_upload`` before it and ``runs.take_upload`` behind it, in one transaction.
    """
    await conn.execute(_PATIENCE)
    driver: Any = (await conn.get_raw_connection()).driver_connection
    async with driver.cursor() as cursor:
        await cursor.execute(_STAGE)
        async with cursor.copy(_COPY) as copy:
            for block in blocks:
                await copy.write(block)
        staged = cursor.rowcount
    key = {"tenant_id": tenant_id, "run_id": parse_id(run_id)}
    base = (await conn.execute(_LAST, key)).scalar_one()
    accepted = (await conn.execute(_TAKE, {**key, "base": base})).rowcount
    twice: list[tuple[int, str]] = []
    if accepted < staged:
        found = await conn.execute(_TWICE, {**key, "base": base})
        twice = sorted((row.seq, row.task_id) for row in found)
    await conn.execute(_ENQUEUE, {**key, "base": base})
    return Taken(accepted, tuple(twice))


async def get(conn: AsyncConnection, tenant_id: UUID, run_id: str, task_id: str) -> RunItemFull | None:
    """One item with what is judged, None where the tenant's run has no such task."""
    identifier = parse_id(run_id)
    if identifier is None:
        return None
    key = {"p_tenant_id": tenant_id, "p_run_id": identifier, "p_task_id": task_id}
    found = (await conn.execute(_GET, key)).one_or_none()
    if found is None:
        return None
    return RunItemFull(
        **_item(found).model_dump(),
        draft=None if found.draft is None else Draft.model_validate_json(found.draft),
        context=None if found.context is None else Context.model_validate_json(found.context),
    )


async def listing(
    conn: AsyncConnection,
    tenant_id: UUID,
    run_id: str,
    *,
    filters: ItemFilters,
    limit: int = 50,
    cursor: str | None = None,
) -> tuple[list[RunItem], str | None]:
    """One page of a run's items in their order, and the cursor of the next one (None: that was the last)."""
    identifier = parse_id(run_id)
    if identifier is None:
        return [], None
    size = page_size(limit)
    statement = listing_statement(tenant_id, identifier, filters, 0 if cursor is None else _seq(cursor))
    found = (await conn.execute(statement.limit(size + 1))).all()
    return [_item(row) for row in found[:size]], _cursor(found[size - 1].seq) if len(found) > size else None


def listing_statement(tenant_id: UUID, run_id: UUID, filters: ItemFilters, after: int) -> sa.Select[Any]:
    """The query behind ``listing``, without its limit."""
    statement = (
        sa.select(*_columns)
        .where(table.c.tenant_id == tenant_id, table.c.run_id == run_id, table.c.seq > after)
        .order_by(table.c.seq)
    )
    if filters.state is not None:
        # Literals, as the predicates of the partial indexes say them.
        statement = statement.where(table.c.state == sa.literal_column(f"'{filters.state.value}'"))
    if filters.outcome is not None:
        statement = statement.where(table.c.outcome == filters.outcome.value)
        if filters.outcome is not Outcome.JUDGED:
            statement = statement.where(table.c.outcome != sa.literal_column("'judged'"))
    return statement


async def export_page(
    conn: AsyncConnection, tenant_id: UUID, run_id: UUID, after: int, limit: int = EXPORT_PAGE
) -> list[Exported]:
    """The items behind position ``after``, each with its verdict."""
    values = {"p_tenant_id": tenant_id, "p_run_id": run_id, "p_after": after, "p_limit": limit}
    return [Exported(_item(row), row.document) for row in await conn.execute(_EXPORT, values)]


def _item(row: Any) -> RunItem:
    return RunItem(
        seq=row.seq,
        task_id=row.task_id,
        state=row.state,
        outcome=row.outcome,
        passed=row.passed,
        score=row.score,
        p_fail=row.p_fail,
        category=row.category,
        cluster=row.cluster,
        attempt=row.attempt,
        failures=row.failures,
        detail=row.detail,
        verdict_id=None if row.verdict_id is None else str(row.verdict_id),
        reused_from=None if row.reused_from is None else str(row.reused_from),
        finished_at=row.finished_at,
    )


def _cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(seq.to_bytes(4, "big")).rstrip(b"=").decode()


def _seq(cursor: str) -> int:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"==", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    seq = int.from_bytes(raw, "big")
    if len(raw) != 4 or seq >= 1 << 31 or _cursor(seq) != cursor:
        raise InvalidInput("The cursor is not one of ours.", (Fault("cursor", "is the next_cursor of a page"),))
    return seq
