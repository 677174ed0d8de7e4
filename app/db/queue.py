"""The queue: an item is the job. Claimed for a lease, kept by heartbeats, finished once, or given back.

``attempt`` fences: whoever took an item over has raised it, and a late result with an older one changes and stores
nothing. A verdict is written in the transaction that ends its item, so neither can be there without the other.
Call each function in a transaction of its own, or two workers may wait for each other.
"""

# ruff: noqa: S608 - statements are put together from fixed parts of our own; values are bound
from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.copying import copy_rows
from app.db.models import verdicts
from app.schemas import Verdict

MAX_RUNS_A_CLAIM = 16
CHANNEL = "presend_work"
"""On which ``announce`` is heard. Workers look by themselves as well: a pooler between may swallow it."""
_ANNOUNCE = sa.text(f"SELECT pg_notify('{CHANNEL}', '')")
_LEASE = "clock_timestamp() + make_interval(secs => :lease_s)"


@dataclass(frozen=True, slots=True)
class Held:
    """One item in a worker's hands: which, and under which attempt."""

    tenant_id: UUID
    run_id: UUID
    seq: int
    attempt: int

    def __hash__(self) -> int:
        # Hashing UUIDs costs more than all else that a worker does with these; the few that collide differ in run.
        return hash((self.seq, self.attempt))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed item with everything that judging it needs; ``draft`` and ``context`` are JSON text."""

    held: Held
    task_id: str
    failures: int
    rubric: str
    reuse: bool
    input_digest: str
    draft: str
    context: str


@dataclass(frozen=True, slots=True)
class Finished:
    """How an item ended. ``verdict`` is its row as ``verdicts.row_of`` makes it, tenant, run and task included."""

    held: Held
    verdict: dict[str, Any]
    detail: str | None = None
    reused_from: UUID | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """An item given back: when it is due again (seconds from now), and whether an attempt at it failed."""

    held: Held
    delay_s: float = 0.0
    failed: bool = False


_CLAIM = sa.text(
    f"""
    WITH active AS MATERIALIZED (
      SELECT tenant_id, id FROM runs
      WHERE status IN ('open', 'running') AND n_pending > 0 AND rubric_name = ANY(:rubrics)
      ORDER BY random() LIMIT {MAX_RUNS_A_CLAIM}
    ), claimed AS (
      UPDATE run_items SET state = 'running', attempt = attempt + 1, leased_until = {_LEASE}
      WHERE ctid = ANY(ARRAY(
        SELECT i.place FROM active AS r CROSS JOIN LATERAL (
          SELECT ctid AS place FROM run_items
          WHERE tenant_id = r.tenant_id AND run_id = r.id AND state = 'pending' AND due_at <= clock_timestamp()
          ORDER BY tenant_id, run_id, seq LIMIT :most FOR UPDATE SKIP LOCKED
        ) AS i LIMIT :most
      )) AND state = 'pending'
      RETURNING tenant_id, run_id, seq, task_id, attempt, failures
    )
    SELECT c.*, r.rubric_name, r.reuse, x.input_digest, x.draft::text AS draft, x.context::text AS context
    FROM claimed AS c
    JOIN runs AS r ON r.tenant_id = c.tenant_id AND r.id = c.run_id
    JOIN run_inputs AS x ON x.tenant_id = c.tenant_id AND x.run_id = c.run_id AND x.task_id = c.task_id
    ORDER BY c.run_id, c.seq
    """
).bindparams(sa.bindparam("rubrics", type_=sa.ARRAY(sa.Text())))

_GIVEN = (
    "SELECT * FROM unnest(CAST(:tenants AS uuid[]), CAST(:runs AS uuid[]), CAST(:seqs AS int[]), "
    "CAST(:attempts AS int[])) AS g(tenant_id, run_id, seq, attempt)"
)
_OURS = (
    "i.tenant_id = g.tenant_id AND i.run_id = g.run_id AND i.seq = g.seq AND i.attempt = g.attempt "
    "AND i.state = 'running'"
)
_HEARTBEAT = sa.text(
    f"UPDATE run_items AS i SET leased_until = {_LEASE} FROM ({_GIVEN}) AS g WHERE {_OURS} "
    "RETURNING i.tenant_id, i.run_id, i.seq, i.attempt"
)
_RELEASE = sa.text(
    "UPDATE run_items AS i SET state = 'pending', leased_until = NULL, failures = i.failures + g.failed, "
    "due_at = clock_timestamp() + make_interval(secs => g.delay_s) "
    "FROM unnest(CAST(:tenants AS uuid[]), CAST(:runs AS uuid[]), CAST(:seqs AS int[]), CAST(:attempts AS int[]), "
    "CAST(:delays AS float8[]), CAST(:failed AS int[])) AS g(tenant_id, run_id, seq, attempt, delay_s, failed) "
    f"WHERE {_OURS}"
)
_TAKE_BACK = sa.text(
    "UPDATE run_items SET state = 'pending', leased_until = NULL, failures = failures + 1 "
    "WHERE ctid = ANY(ARRAY(SELECT ctid FROM run_items WHERE state = 'running' "
    "AND leased_until < clock_timestamp() LIMIT :most FOR UPDATE SKIP LOCKED)) AND state = 'running'"
)
_VERDICT_OF = sa.text(
    f"SELECT i.verdict_id FROM run_items AS i JOIN ({_GIVEN}) AS g ON i.tenant_id = g.tenant_id "
    "AND i.run_id = g.run_id AND i.seq = g.seq WHERE i.state = 'done'"
)
_JUDGED_BEFORE = sa.text(
    "SELECT g.input_digest, v.document FROM unnest(:inputs) AS g(input_digest) CROSS JOIN LATERAL ("
    "SELECT document::text AS document FROM verdicts WHERE tenant_id = :tenant_id "
    "AND input_digest = g.input_digest AND judge_digest = :judge AND outcome = 'judged' LIMIT 1) AS v"
).bindparams(sa.bindparam("inputs", type_=sa.ARRAY(sa.Text())))
_WAITING = sa.text(
    "SELECT coalesce(sum(n_pending), 0) AS pending, coalesce(sum(n_running), 0) AS running FROM runs "
    "WHERE status IN ('open', 'running')"
)


_ENDED = {
    "tenant_id": "uuid",
    "run_id": "uuid",
    "seq": "int",
    "attempt": "int",
    "outcome": "text",
    "passed": "bool",
    "score": "float8",
    "p_fail": "float8",
    "detail": "text",
    "verdict_id": "uuid",
    "reused_from": "uuid",
}
_END = sa.text(
    "UPDATE run_items AS i SET state = 'done', leased_until = NULL, outcome = g.outcome, passed = g.passed, "
    "score = g.score, p_fail = g.p_fail, detail = g.detail, verdict_id = g.verdict_id, reused_from = g.reused_from, "
    "finished_at = clock_timestamp() FROM json_to_recordset(CAST(:rows AS json)) AS g("
    + ", ".join(f"{name} {kind}" for name, kind in _ENDED.items())
    + f") WHERE {_OURS} RETURNING g.verdict_id"
)
_FORGET = sa.text(
    "UPDATE run_inputs AS x SET draft = NULL, context = NULL FROM json_to_recordset(CAST(:rows AS json)) AS g("
    "tenant_id uuid, run_id uuid, task_id text) "
    "WHERE x.tenant_id = g.tenant_id AND x.run_id = g.run_id AND x.task_id = g.task_id"
)


async def announce(conn: AsyncConnection) -> None:
    """Tell every worker, once this transaction commits, that there is something to claim."""
    await conn.execute(_ANNOUNCE)


async def claim(conn: AsyncConnection, rubrics: Collection[str], most: int, lease_s: float) -> list[Claimed]:
    """Take up to ``most`` due items of runs under these rubrics, for ``lease_s`` seconds.

    Runs take turns by chance, so that a small run does not wait for the end of a large one.
    """
    values = {"rubrics": list(rubrics), "most": most, "lease_s": lease_s}
    return [
        Claimed(
            held=Held(row.tenant_id, row.run_id, row.seq, row.attempt),
            task_id=row.task_id,
            failures=row.failures,
            rubric=row.rubric_name,
            reuse=row.reuse,
            input_digest=row.input_digest,
            draft=row.draft,
            context=row.context,
        )
        for row in await conn.execute(_CLAIM, values)
    ]


async def finish(conn: AsyncConnection, ended: Sequence[Finished], *, keep_inputs: bool = True) -> set[UUID]:
    """End items and store their verdicts; returns the ids of the verdicts that were stored.

    The others came too late: their items had been taken back, or erased. Nothing of theirs is written. Two statements,
    of which the second only adds rows, and so waits for nobody.
    """
    rows = [
        {
            "tenant_id": one.held.tenant_id,
            "run_id": one.held.run_id,
            "seq": one.held.seq,
            "attempt": one.held.attempt,
            "outcome": one.verdict["outcome"],
            "passed": one.verdict["passed"],
            "score": one.verdict["score"],
            "p_fail": one.verdict["p_fail"],
            "detail": one.detail,
            "verdict_id": one.verdict["id"],
            "reused_from": one.reused_from,
        }
        for one in ended
    ]
    won = set((await conn.execute(_END, {"rows": orjson.dumps(rows).decode()})).scalars())
    stored = [one.verdict for one in ended if one.verdict["id"] in won]
    if stored:
        await copy_rows(conn, verdicts, stored)
    if stored and not keep_inputs:
        keys = [{name: row[name] for name in ("tenant_id", "run_id", "task_id")} for row in stored]
        await conn.execute(_FORGET, {"rows": orjson.dumps(keys).decode()})
    return won


async def heartbeat(conn: AsyncConnection, held: Iterable[Held], lease_s: float) -> set[Held]:
    """Keep exactly these items for ``lease_s`` seconds more; returns those that are still held.

    Items that were claimed without the worker ever learning of it are not among them, and so come back by themselves.
    """
    found = await conn.execute(_HEARTBEAT, {**_arrays(list(held)), "lease_s": lease_s})
    return {Held(*row) for row in found}


async def release(conn: AsyncConnection, given_back: Sequence[Released]) -> int:
    """Give items back, to be due after their delay; returns how many were still held."""
    values = {
        **_arrays([one.held for one in given_back]),
        "delays": [one.delay_s for one in given_back],
        "failed": [int(one.failed) for one in given_back],
    }
    return (await conn.execute(_RELEASE, values)).rowcount


async def take_back(conn: AsyncConnection, most: int = 1_000) -> int:
    """Put items whose lease has run out back into the queue; returns how many."""
    return (await conn.execute(_TAKE_BACK, {"most": most})).rowcount


async def stored_verdicts(conn: AsyncConnection, held: Sequence[Held]) -> set[UUID]:
    """Ids of the verdicts with which these items have ended: after a lost reply, to see what was committed."""
    return set((await conn.execute(_VERDICT_OF, _arrays(list(held)))).scalars())


async def judged_before(
    conn: AsyncConnection, tenant_id: UUID, input_digests: Sequence[str], judge_digest: str
) -> dict[str, Verdict]:
    """For each of these inputs that this judge has judged for the tenant: a verdict of it."""
    values = {"tenant_id": tenant_id, "inputs": list(input_digests), "judge": judge_digest}
    found = await conn.execute(_JUDGED_BEFORE, values)
    return {row.input_digest: Verdict.model_validate_json(row.document) for row in found}


async def depth(conn: AsyncConnection) -> tuple[int, int]:
    """Items that wait and items that are being judged, in all runs that go on."""
    row = (await conn.execute(_WAITING)).one()
    return int(row.pending), int(row.running)


def _arrays(held: Sequence[Held]) -> dict[str, Any]:
    return {
        "tenants": [str(one.tenant_id) for one in held],
        "runs": [str(one.run_id) for one in held],
        "seqs": [one.seq for one in held],
        "attempts": [one.attempt for one in held],
    }
