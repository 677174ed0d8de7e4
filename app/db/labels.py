"""Human labels: added, read back, never changed. A label is on a verdict, on an item of a run, or both at once.

What a label is on must be there for the tenant. A label on a verdict of a run is on its item too, so that people who
label verdicts and people who label items speak of the same thing.
"""

# ruff: noqa: S608 - statements are put together from fixed parts of our own; values are bound
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.copying import copy_rows
from app.db.documents import storable
from app.db.ids import new_id, parse_id
from app.db.paging import cursor_after, page_size, position
from app.db.run_models import labels as table
from app.schemas import Label, LabelIn


@dataclass(frozen=True, slots=True)
class LabelFilters:
    """Which labels to list; everything given must hold."""

    run_id: str | None = None
    task_id: str | None = None
    verdict_id: str | None = None
    labeller: str | None = None


_columns = [column for column in table.columns if column.name != "tenant_id"]
_GIVEN = "json_to_recordset(CAST(:rows AS json)) AS g(n int, verdict_id uuid, run_id uuid, task_id text)"
_TARGETS = sa.text(
    f"""
    SELECT g.n, v.run_id, v.task_id, v.id AS verdict_id FROM {_GIVEN}
    JOIN verdicts AS v ON v.tenant_id = :tenant_id AND v.id = g.verdict_id
    UNION ALL
    SELECT g.n, i.run_id, i.task_id, i.verdict_id FROM {_GIVEN}
    JOIN run_inputs AS x ON x.tenant_id = :tenant_id AND x.run_id = g.run_id AND x.task_id = g.task_id
    JOIN run_items AS i ON i.tenant_id = x.tenant_id AND i.run_id = x.run_id AND i.seq = x.seq
    JOIN runs AS r ON r.tenant_id = x.tenant_id AND r.id = x.run_id AND NOT r.erasing
    """
)


async def insert(
    conn: AsyncConnection, tenant_id: UUID, given: Sequence[LabelIn], created_by: str
) -> tuple[list[Label], list[int]]:
    """Store labels; returns them, and the places in ``given`` of those that are on nothing, which are not stored."""
    found = await _targets(conn, tenant_id, given)
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    missing: list[int] = []
    for place, one in enumerate(given):
        target = found.get(place)
        if target is None:
            missing.append(place)
            continue
        rows.append(
            {
                "tenant_id": tenant_id,
                "id": new_id(),
                "created_at": now,
                "created_by": created_by,
                "labeller": storable(one.labeller),
                "run_id": target.run_id,
                "task_id": target.task_id,
                "verdict_id": target.verdict_id,
                "passed": one.passed,
                "criteria": orjson.dumps(one.criteria).decode(),
                "note": None if one.note is None else storable(one.note),
            }
        )
    if rows:
        await copy_rows(conn, table, rows)
    return [_label({**row, "criteria": orjson.loads(row["criteria"])}) for row in rows], missing


async def _targets(conn: AsyncConnection, tenant_id: UUID, given: Sequence[LabelIn]) -> dict[int, Any]:
    rows = [
        {
            "n": place,
            "verdict_id": _uuid(one.verdict_id),
            "run_id": _uuid(one.run_id),
            "task_id": one.task_id,
        }
        for place, one in enumerate(given)
    ]
    values = {"rows": orjson.dumps(rows).decode(), "tenant_id": tenant_id}
    return {row.n: row for row in await conn.execute(_TARGETS, values)}


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else parse_id(text)


async def listing(
    conn: AsyncConnection, tenant_id: UUID, *, filters: LabelFilters, limit: int = 50, cursor: str | None = None
) -> tuple[list[Label], str | None]:
    """One page of the tenant's labels, newest first, and the cursor of the next one (None: that was the last)."""
    size = page_size(limit)
    statement = listing_statement(tenant_id, filters, None if cursor is None else position(cursor))
    if statement is None:
        return [], None
    found = (await conn.execute(statement.limit(size + 1))).all()
    page = [_label(row._asdict()) for row in found[:size]]
    return page, cursor_after(found[size - 1].id) if len(found) > size else None


def listing_statement(tenant_id: UUID, filters: LabelFilters, after: UUID | None) -> sa.Select[Any] | None:
    """The query behind ``listing``, without its limit; None when a filter can match nothing."""
    statement = sa.select(*_columns).where(table.c.tenant_id == tenant_id).order_by(table.c.id.desc())
    if after is not None:
        statement = statement.where(table.c.id < after)
    for column, text in ((table.c.run_id, filters.run_id), (table.c.verdict_id, filters.verdict_id)):
        if text is None:
            continue
        identifier = parse_id(text)
        if identifier is None:
            return None
        statement = statement.where(column == identifier)
    if filters.task_id is not None:
        statement = statement.where(table.c.task_id == filters.task_id)
    if filters.labeller is not None:
        statement = statement.where(table.c.labeller == filters.labeller)
    return statement


def _label(values: dict[str, Any]) -> Label:
    return Label(
        id=str(values["id"]),
        created_at=values["created_at"],
        verdict_id=None if values["verdict_id"] is None else str(values["verdict_id"]),
        run_id=None if values["run_id"] is None else str(values["run_id"]),
        task_id=values["task_id"],
        labeller=values["labeller"],
        passed=values["passed"],
        criteria=values["criteria"],
        note=values["note"],
        created_by=values["created_by"],
    )
