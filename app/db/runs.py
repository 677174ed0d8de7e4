"""Runs: opened, closed, stopped, gone on with, erased, listed. Their counters are kept by the triggers of the items.

A run that has been completed never changes again, and a run that is being erased is not found any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import verdicts
from app.db.ids import new_id, parse_id
from app.db.paging import cursor_after, page_size, position
from app.db.run_models import COUNTERS, labels, run_inputs, run_items
from app.db.run_models import runs as table
from app.schemas import JudgeRef, RubricRef, Run, RunCounts, RunCreate, RunKind, RunStatus

ERASE_TIMEOUT_MS = 300_000
_SUM_BYTES = 32


@dataclass(frozen=True, slots=True)
class RunFilters:
    """Which runs to list; everything given must hold. ``tags`` must all be there with these values."""

    status: RunStatus | None = None
    system: str | None = None
    name: str | None = None
    tags: Mapping[str, str] | None = None


_columns = [column for column in table.columns if column.name not in {"tenant_id", "erasing"}]
_shown = (table.c.tenant_id == sa.bindparam("p_tenant_id"), sa.not_(table.c.erasing))
_one = (*_shown, table.c.id == sa.bindparam("p_id"))
_GET = sa.select(*_columns).where(*_one)
_over = table.c.n_pending + table.c.n_running == 0
_end = sa.case((_over, sa.func.clock_timestamp()), else_=None)

_CLOSE = (
    sa.update(table)
    .where(*_one, table.c.status == "open")
    .values(
        status=sa.case((_over, "completed"), else_="running"),
        closed_at=sa.func.clock_timestamp(),
        finished_at=_end,
    )
    .returning(*_columns)
)
_CANCEL = (
    sa.update(table)
    .where(*_one, table.c.status.in_(["open", "running"]))
    .values(status="cancelled", finished_at=sa.func.clock_timestamp())
    .returning(*_columns)
)
_RESUME = (
    sa.update(table)
    .where(*_one, table.c.status == "cancelled")
    .values(
        status=sa.case((table.c.closed_at.is_(None), "open"), (_over, "completed"), else_="running"),
        finished_at=sa.case((table.c.closed_at.is_(None), None), else_=_end),
    )
    .returning(*_columns)
)
_TAKE = (
    sa.update(table)
    .where(*_one, table.c.status == "open", sa.or_(table.c.kind.is_(None), table.c.kind == sa.bindparam("p_kind")))
    .values(kind=sa.bindparam("p_kind"), task_set_sum=sa.bindparam("p_sum"))
    .returning(*_columns)
)
_SUM = sa.select(table.c.task_set_sum).where(*_one)
_UPLOADING = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:run_id, 5))")
_JUDGED_BY = sa.text(
    "UPDATE runs SET judge_digests = array_append(judge_digests, CAST(:p_digest AS text)), "
    "judge = coalesce(judge, CAST(:p_judge AS jsonb)) "
    "WHERE tenant_id = :p_tenant_id AND id = :p_id AND CAST(:p_digest AS text) <> ALL(judge_digests)"
)
_MARK_ERASING = (
    sa.update(table)
    .where(table.c.tenant_id == sa.bindparam("p_tenant_id"), table.c.id == sa.bindparam("p_id"))
    .values(
        erasing=True,
        status=sa.case((table.c.status == "completed", "completed"), else_="cancelled"),
    )
    .returning(table.c.id)
)
_PATIENCE = sa.text(f"SET LOCAL statement_timeout = {ERASE_TIMEOUT_MS}")


async def create(conn: AsyncConnection, tenant_id: UUID, request: RunCreate, rubric: RubricRef, created_by: str) -> Run:
    """Open a run that has no items yet."""
    values = {
        "tenant_id": tenant_id,
        "id": new_id(),
        "name": request.name,
        "system": request.system,
        "status": RunStatus.OPEN.value,
        "rubric_name": rubric.name,
        "rubric_version": rubric.version,
        "tags": dict(request.tags),
        "reuse": request.reuse,
        "created_by": created_by,
        "created_at": datetime.now(UTC),
    }
    return _run((await conn.execute(sa.insert(table).values(values).returning(*_columns))).one())


async def get(conn: AsyncConnection, tenant_id: UUID, run_id: str) -> Run | None:
    """The tenant's run of this id, None where there is none."""
    key = _key(tenant_id, run_id)
    found = None if key is None else (await conn.execute(_GET, key)).one_or_none()
    return None if found is None else _run(found)


async def listing(
    conn: AsyncConnection, tenant_id: UUID, *, filters: RunFilters, limit: int = 50, cursor: str | None = None
) -> tuple[list[Run], str | None]:
    """One page of the tenant's runs, newest first, and the cursor of the next one (None: that was the last)."""
    size = page_size(limit)
    statement = listing_statement(tenant_id, filters, None if cursor is None else position(cursor))
    found = (await conn.execute(statement.limit(size + 1))).all()
    return [_run(row) for row in found[:size]], cursor_after(found[size - 1].id) if len(found) > size else None


def listing_statement(tenant_id: UUID, filters: RunFilters, after: UUID | None) -> sa.Select[Any]:
    """The query behind ``listing``, without its limit."""
    statement = (
        sa.select(*_columns).where(table.c.tenant_id == tenant_id, sa.not_(table.c.erasing)).order_by(table.c.id.desc())
    )
    if after is not None:
        statement = statement.where(table.c.id < after)
    if filters.status is not None:
        statement = statement.where(table.c.status == filters.status.value)
    if filters.system is not None:
        statement = statement.where(table.c.system == filters.system)
    if filters.name is not None:
        statement = statement.where(table.c.name == filters.name)
    if filters.tags:
        statement = statement.where(table.c.tags.contains(dict(filters.tags)))
    return statement


async def close(conn: AsyncConnection, tenant_id: UUID, run_id: str) -> Run | None:
    """End the upload of an open run, which completes it when all is judged; None where the run is not open."""
    return await _moved(conn, _CLOSE, tenant_id, run_id)


async def cancel(conn: AsyncConnection, tenant_id: UUID, run_id: str) -> Run | None:
    """Stop an open or running run; None where it is neither. Items in a worker's hands still end; others wait."""
    return await _moved(conn, _CANCEL, tenant_id, run_id)


async def resume(conn: AsyncConnection, tenant_id: UUID, run_id: str) -> Run | None:
    """Go on with a cancelled run; None where it is not cancelled."""
    return await _moved(conn, _RESUME, tenant_id, run_id)


async def begin_upload(conn: AsyncConnection, tenant_id: UUID, run_id: str) -> Run | None:
    """The run, with its uploads held back until the transaction ends: one upload of a run is stored at a time."""
    key = _key(tenant_id, run_id)
    if key is None:
        return None
    await conn.execute(_UPLOADING, {"run_id": run_id.lower()})
    return await get(conn, tenant_id, run_id)


async def take_upload(
    conn: AsyncConnection, tenant_id: UUID, run_id: str, kind: RunKind, task_digests: int, *, close_after: bool
) -> Run | None:
    """Add the sum of the new tasks' digests to the run's, and close it where asked; None when it is open no more."""
    key = _key(tenant_id, run_id)
    if key is None:
        return None
    found = (await conn.execute(_SUM.with_for_update(key_share=True), key)).scalar_one_or_none()
    total = (int.from_bytes(found or b"", "big") + task_digests) % (1 << (8 * _SUM_BYTES))
    values = {**key, "p_kind": kind.value, "p_sum": total.to_bytes(_SUM_BYTES, "big")}
    taken = (await conn.execute(_TAKE, values)).one_or_none()
    if taken is None:
        return None
    return await close(conn, tenant_id, run_id) if close_after else _run(taken)


async def judged_by(conn: AsyncConnection, tenant_id: UUID, run_id: UUID, judge: JudgeRef) -> None:
    """Write down that this judge judges the run; the first one stays its judge, later ones are listed."""
    values = {"p_tenant_id": tenant_id, "p_id": run_id, "p_digest": judge.digest}
    await conn.execute(_JUDGED_BY, {**values, "p_judge": judge.model_dump_json()})


async def mark_erasing(conn: AsyncConnection, tenant_id: UUID, run_id: str) -> bool:
    """Hide a run and stop it; commit before ``erase``. False where there is no such run."""
    key = _key(tenant_id, run_id)
    return key is not None and (await conn.execute(_MARK_ERASING, key)).one_or_none() is not None


async def erase(conn: AsyncConnection, tenant_id: UUID, run_id: str) -> int:
    """Delete a run that is marked, with its items, drafts, verdicts and labels; returns how many items it had.

    The items go first: whoever is finishing some of them holds them, then waits for nothing that this one holds.
    """
    identifier = parse_id(run_id)
    if identifier is None:
        return 0
    await conn.execute(_PATIENCE)
    erased = 0
    for what in (run_items, run_inputs):
        gone = await conn.execute(sa.delete(what).where(what.c.tenant_id == tenant_id, what.c.run_id == identifier))
        erased = max(erased, gone.rowcount)
    await verdicts.erase_run(conn, tenant_id, identifier)
    await conn.execute(sa.text("SELECT set_config('presend.erasing_run', :run_id, true)"), {"run_id": str(identifier)})
    await conn.execute(sa.delete(labels).where(labels.c.tenant_id == tenant_id, labels.c.run_id == identifier))
    await conn.execute(sa.text("SELECT set_config('presend.erasing_run', '', true)"))
    await conn.execute(
        sa.delete(table).where(table.c.tenant_id == tenant_id, table.c.id == identifier, table.c.erasing)
    )
    return erased


async def _moved(
    conn: AsyncConnection, statement: sa.sql.dml.ReturningUpdate[Any], tenant_id: UUID, run_id: str
) -> Run | None:
    key = _key(tenant_id, run_id)
    moved = None if key is None else (await conn.execute(statement, key)).one_or_none()
    return None if moved is None else _run(moved)


def _key(tenant_id: UUID, run_id: str) -> dict[str, object] | None:
    identifier = parse_id(run_id)
    return None if identifier is None else {"p_tenant_id": tenant_id, "p_id": identifier}


def _run(row: sa.Row[Any]) -> Run:
    values = row._mapping
    digests = list(values["judge_digests"])
    total = values["task_set_sum"]
    return Run(
        id=str(values["id"]),
        name=values["name"],
        system=values["system"],
        kind=values["kind"],
        status=values["status"],
        rubric=RubricRef(name=values["rubric_name"], version=values["rubric_version"]),
        judge_digest=digests[0] if digests else None,
        judge=None if values["judge"] is None else JudgeRef.model_validate(values["judge"]),
        judge_digests=digests,
        task_set_digest=None if total is None else bytes(total).hex(),
        tags=values["tags"],
        reuse=values["reuse"],
        counts=RunCounts(**{name: values[f"n_{name}"] for name in COUNTERS}),
        created_by=values["created_by"],
        created_at=values["created_at"],
        started_at=values["started_at"],
        closed_at=values["closed_at"],
        finished_at=values["finished_at"],
    )
