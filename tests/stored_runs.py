"""Runs put straight into the tables: judged ones without a judge, and as many as a test or a benchmark needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from app.db.ids import new_id

Row = dict[str, Any]


class Store:
    """Runs put into the tables directly."""

    def __init__(self, url: str, tenant: str) -> None:
        self.url = url
        with psycopg.connect(url) as conn:
            conn.execute(
                "INSERT INTO tenants (id, name) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", (new_id(), tenant)
            )
            (self.tenant,) = conn.execute("SELECT id FROM tenants WHERE name = %s", (tenant,)).fetchall()[0]

    def run(
        self,
        rows: list[Row],
        *,
        task_set: bytes | None = b"s" * 32,
        status: str = "completed",
        judges: Sequence[str] = (),
        rubric: str = "q",
        name: str = "r",
    ) -> UUID:
        """One run with these items; with ``judges`` one that Presend judged."""
        run_id = new_id()
        with psycopg.connect(self.url) as conn:
            conn.execute(
                "INSERT INTO runs (tenant_id, id, name, system, kind, status, rubric_name, rubric_version, tags, "
                "reuse, created_by, created_at, task_set_sum, judge_digests) "
                "VALUES (%s, %s, %s, 's', %s, %s, %s, '1', '{}', true, 'k', now(), %s, %s)",
                (
                    self.tenant, run_id, name, "judged" if judges else "scored", status, rubric, task_set, list(judges),
                ),
            )  # fmt: skip
            self._items(conn, run_id, rows, 0)
        return run_id

    def more(self, run_id: UUID, rows: list[Row], after: int) -> None:
        """Further items."""
        with psycopg.connect(self.url) as conn:
            self._items(conn, run_id, rows, after)

    def _items(self, conn: psycopg.Connection[Any], run_id: UUID, rows: list[Row], after: int) -> None:
        for seq, row in enumerate(rows, start=after + 1):
            passed, score = row.get("passed"), row.get("score")
            judged = passed is not None or score is not None
            outcome = row.get("outcome", "judged" if judged else "timeout")
            conn.execute(
                "INSERT INTO run_items (tenant_id, run_id, seq, task_id, category, cluster, state, outcome, passed, "
                "score, verdict_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    self.tenant, run_id, seq, row["task"], row.get("category"), row.get("cluster"),
                    "done" if outcome else "pending", outcome, passed, score, row.get("verdict"),
                ),
            )  # fmt: skip

    def verdict(self, run_id: UUID, criteria: list[Row]) -> UUID:
        """A stored verdict with these criteria."""
        identifier = new_id()
        with psycopg.connect(self.url) as conn:
            conn.execute(
                "INSERT INTO verdicts (tenant_id, id, created_at, kind, run_id, judge_digest, input_digest, outcome, "
                "passed, score, p_fail, abstained, failed_criteria, latency_ms, document) "
                "VALUES (%s, %s, now(), 'verdict', %s, 'd', 'i', 'judged', true, 4, .1, false, '{}', 1, %s)",
                (self.tenant, identifier, run_id, Jsonb({"criteria": criteria})),
            )
        return identifier
