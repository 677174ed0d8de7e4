"""Verdicts: written once, read back, listed, counted. Never changed.

A verdict is kept whole as a document; the columns beside it exist to be filtered and counted. What was judged is kept
as it came; ``documents`` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.documents import document_text, input_text, insert_of, own_id, storable
from app.db.ids import floor_id, parse_id
from app.db.models import verdicts as table
from app.db.paging import cursor_after, page_size, position
from app.db.pairwise import get_pairwise, insert_pairwise
from app.schemas import Action, Context, Draft, Outcome, Verdict

__all__ = [
    "Counts",
    "Kind",
    "StoredInput",
    "VerdictFilters",
    "counts",
    "erase_run",
    "find_judged",
    "get",
    "get_input",
    "get_pairwise",
    "insert",
    "insert_pairwise",
    "listing",
    "listing_statement",
    "row_of",
]

Kind = Literal["verdict", "gate"]

CLOCK_SLACK = timedelta(minutes=10)
"""How far the time inside an id and ``created_at`` may lie apart without a filter by time losing the row."""


@dataclass(frozen=True, slots=True)
class VerdictFilters:
    """Which verdicts to list; everything given must hold. ``criterion`` is one that failed.

    ``since`` (inclusive) and ``until`` (exclusive) are compared with ``created_at``.
    """

    run_id: str | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    criterion: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredInput:
    """What one verdict was given on, as far as it was kept, and what the model wrote."""

    kind: Kind
    input_digest: str
    draft: Draft | None
    context: Context | None
    raw_output: str | None
    bypass: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many verdicts since a time: in all, per outcome, per action of the gate, and let through by a bypass."""

    total: int
    outcomes: Mapping[Outcome, int]
    actions: Mapping[Action, int]
    bypassed: int


_INSERT = insert_of(table, document=JSONB, draft=sa.JSON, context=sa.JSON)

_document = sa.cast(table.c.document, sa.Text).label("document")
_tenants_own = table.c.tenant_id == sa.bindparam("tenant_id")
_one = (_tenants_own, table.c.id == sa.bindparam("id"))
_GET = sa.select(_document).where(*_one)
_GET_INPUT = sa.select(
    table.c.kind,
    table.c.input_digest,
    sa.cast(table.c.draft, sa.Text).label("draft"),
    sa.cast(table.c.context, sa.Text).label("context"),
    table.c.raw_output,
    table.c.bypass,
).where(*_one)
_FIND_JUDGED = (
    sa.select(_document)
    .where(
        _tenants_own,
        table.c.input_digest == sa.bindparam("input_digest"),
        table.c.judge_digest == sa.bindparam("judge_digest"),
        table.c.outcome == sa.literal_column("'judged'"),  # as the predicate of the index says it
    )
    .order_by(table.c.id.desc())
    .limit(1)
)
_COUNTS = (
    sa.select(table.c.outcome, table.c.action, sa.func.count(), sa.func.count(table.c.bypass))
    .where(_tenants_own, table.c.id >= sa.bindparam("floor"), table.c.created_at >= sa.bindparam("since"))
    .group_by(table.c.outcome, table.c.action)
)
_SET_ERASING = sa.text("SELECT set_config('presend.erasing_run', :run_id, true)")
_ERASE_RUN = sa.delete(table).where(_tenants_own, table.c.run_id == sa.bindparam("run_id"))


def row_of(
    *,
    tenant_id: UUID,
    verdict: Verdict,
    kind: Kind,
    input_digest: str,
    draft: Draft | None,
    context: Context | None,
    raw_output: str | None,
    bypass: str | None,
) -> dict[str, Any]:
    """One verdict as a row of its table: column name to value, JSON columns as JSON text."""
    return {
        "tenant_id": tenant_id,
        "id": own_id(verdict.id, "id"),
        "created_at": verdict.created_at,
        "kind": kind,
        "run_id": None if verdict.run_id is None else own_id(verdict.run_id, "run_id"),
        "task_id": verdict.task_id,
        "judge_digest": verdict.judge.digest,
        "input_digest": input_digest,
        "outcome": verdict.outcome.value,
        "action": verdict.action.value if verdict.action else None,
        "decision_source": verdict.decision_source.value if verdict.decision_source else None,
        "bypass": bypass,
        "passed": verdict.passed,
        "score": verdict.score,
        "p_fail": verdict.p_fail,
        "abstained": verdict.abstained,
        "failed_criteria": [c.id for c in verdict.criteria if c.passed is False],
        "latency_ms": verdict.latency_ms.total,
        "document": document_text(verdict),
        "draft": input_text(draft),
        "context": input_text(context),
        "raw_output": None if raw_output is None else storable(raw_output),
    }


async def insert(
    conn: AsyncConnection,
    *,
    tenant_id: UUID,
    verdict: Verdict,
    kind: Kind,
    input_digest: str,
    draft: Draft | None,
    context: Context | None,
    raw_output: str | None,
    bypass: str | None,
) -> None:
    """Store a verdict, in one statement. ``draft``, ``context`` and ``raw_output`` are None where they are not kept."""
    values = row_of(
        tenant_id=tenant_id,
        verdict=verdict,
        kind=kind,
        input_digest=input_digest,
        draft=draft,
        context=context,
        raw_output=raw_output,
        bypass=bypass,
    )
    await conn.execute(_INSERT, values)


async def get(conn: AsyncConnection, tenant_id: UUID, verdict_id: str) -> Verdict | None:
    """The tenant's verdict of this id, None where there is none."""
    identifier = parse_id(verdict_id)
    if identifier is None:
        return None
    found = (await conn.execute(_GET, {"tenant_id": tenant_id, "id": identifier})).scalar_one_or_none()
    return None if found is None else Verdict.model_validate_json(found)


async def get_input(conn: AsyncConnection, tenant_id: UUID, verdict_id: str) -> StoredInput | None:
    """What the tenant's verdict of this id was given on, None where there is no such verdict."""
    identifier = parse_id(verdict_id)
    if identifier is None:
        return None
    found = (await conn.execute(_GET_INPUT, {"tenant_id": tenant_id, "id": identifier})).one_or_none()
    if found is None:
        return None
    return StoredInput(
        kind=found.kind,
        input_digest=found.input_digest,
        draft=None if found.draft is None else Draft.model_validate_json(found.draft),
        context=None if found.context is None else Context.model_validate_json(found.context),
        raw_output=found.raw_output,
        bypass=found.bypass,
    )


async def find_judged(conn: AsyncConnection, tenant_id: UUID, input_digest: str, judge_digest: str) -> Verdict | None:
    """The tenant's newest verdict that this judge gave on this very input, for reuse."""
    key = {"tenant_id": tenant_id, "input_digest": input_digest, "judge_digest": judge_digest}
    found = (await conn.execute(_FIND_JUDGED, key)).scalar_one_or_none()
    return None if found is None else Verdict.model_validate_json(found)


async def listing(
    conn: AsyncConnection,
    tenant_id: UUID,
    *,
    filters: VerdictFilters | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> tuple[list[Verdict], str | None]:
    """One page of the tenant's verdicts, newest first, and the cursor of the next one (None: that was the last).

    Verdicts that arrive while someone pages never shift the pages. Raises ``InvalidInput`` for a cursor that did not
    come from here and for a
    ``limit`` outside 1 to ``paging.MAX_PAGE``.
    """
    size = page_size(limit)
    after = None if cursor is None else position(cursor)
    statement = listing_statement(tenant_id, filters or VerdictFilters(), after)
    if statement is None:
        return [], None
    found = (await conn.execute(statement.limit(size + 1))).all()
    items = [Verdict.model_validate_json(one.document) for one in found[:size]]
    return items, cursor_after(found[size - 1].id) if len(found) > size else None


def listing_statement(
    tenant_id: UUID, filters: VerdictFilters, after: UUID | None
) -> sa.Select[tuple[UUID, str]] | None:
    """The query behind ``listing``, without its limit; None when a filter can match nothing."""
    statement = sa.select(table.c.id, _document).where(table.c.tenant_id == tenant_id).order_by(table.c.id.desc())
    if after is not None:
        statement = statement.where(table.c.id < after)
    if filters.run_id is not None:
        run_id = parse_id(filters.run_id)
        if run_id is None:
            return None
        statement = statement.where(table.c.run_id == run_id)
    if filters.action is not None:
        statement = statement.where(table.c.action == filters.action.value)
    if filters.outcome is not None:
        statement = statement.where(table.c.outcome == filters.outcome.value)
    if filters.criterion is not None:
        statement = statement.where(
            table.c.failed_criteria.contains([filters.criterion]),
            table.c.failed_criteria != sa.literal_column("'{}'"),  # as the predicate of the index says it
        )
    # The id carries the time, so the primary key finds the place where a time begins; created_at is then exact.
    if filters.since is not None:
        statement = statement.where(
            table.c.id >= floor_id(filters.since - CLOCK_SLACK), table.c.created_at >= filters.since
        )
    if filters.until is not None:
        statement = statement.where(
            table.c.id < floor_id(filters.until + CLOCK_SLACK), table.c.created_at < filters.until
        )
    return statement


async def counts(conn: AsyncConnection, tenant_id: UUID, since: datetime) -> Counts:
    """The tenant's verdicts with ``created_at >= since``, counted in the database."""
    values = {"tenant_id": tenant_id, "floor": floor_id(since - CLOCK_SLACK), "since": since}
    outcomes: dict[Outcome, int] = {}
    actions: dict[Action, int] = {}
    total = bypassed = 0
    for outcome, action, number, let_through in await conn.execute(_COUNTS, values):
        total += number
        bypassed += let_through
        outcomes[Outcome(outcome)] = outcomes.get(Outcome(outcome), 0) + number
        if action is not None:
            actions[Action(action)] = actions.get(Action(action), 0) + number
    return Counts(total, outcomes, actions, bypassed)


async def erase_run(conn: AsyncConnection, tenant_id: UUID, run_id: UUID) -> int:
    """Delete every verdict of one run of the tenant; returns how many. The only deletion that the triggers allow.

    They allow it because ``presend.erasing_run`` names the run, in this transaction only.
    """
    await conn.execute(_SET_ERASING, {"run_id": str(run_id)})
    erased = await conn.execute(_ERASE_RUN, {"tenant_id": tenant_id, "run_id": run_id})
    await conn.execute(_SET_ERASING, {"run_id": ""})
    return erased.rowcount
