"""Guards on the hot queries: each must find its rows by an index, in the order of the index."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement

from app.db import verdicts
from app.db.ids import floor_id, new_id
from app.db.verdicts import VerdictFilters
from app.schemas import Action, Outcome
from tests.db.shapes import JUDGE
from tests.postgres import PostgresServer, shared_template

ROWS = 20_000
DAYS = 30
START = datetime(2026, 1, 1, tzinfo=UTC)
TENANTS = (new_id(), new_id())
RUN = new_id()


def rows() -> Iterator[tuple[object, ...]]:
    """Verdicts over a month, tenth by tenth of another tenant; most judged and sent, few failing ``rare``."""
    rng = random.Random(20260101)
    for number in range(ROWS):
        at = START + timedelta(days=DAYS) * (number / ROWS)
        identifier = UUID(int=floor_id(at).int | 0x7 << 76 | 0b10 << 62 | number)
        outcome = "timeout" if rng.random() < 0.01 else "judged"
        failed = ["tone"] * (rng.random() < 0.3) + ["rare"] * (rng.random() < 0.002)
        action = rng.choices(["send", "revise", "hold"], [90, 8, 2])[0]
        run = RUN if number % 50 == 0 else None
        digest = f"{number:064x}"
        tenant = TENANTS[number % 10 == 0]
        judged = (outcome, action, True, failed, 1.0, json.dumps({"pad": "x" * 200}))
        yield (tenant, identifier, at, "gate", run, JUDGE.digest, digest, *judged)


@pytest.fixture(scope="module")
def seeded(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    """A connection to a database with ``ROWS`` verdicts, analysed."""
    name = postgres_server.create(shared_template())
    columns = (
        "tenant_id, id, created_at, kind, run_id, judge_digest, input_digest, outcome, action, abstained, "
        "failed_criteria, latency_ms, document"
    )
    with psycopg.connect(postgres_server.url_of(name), autocommit=True) as conn:
        for tenant in TENANTS:
            conn.execute("INSERT INTO tenants (id, name) VALUES (%s, %s)", [tenant, str(tenant)])
        with conn.cursor().copy(sql.SQL(f"COPY verdicts ({columns}) FROM STDIN")) as copy:
            for row in rows():
                copy.write_row(row)
        conn.execute("VACUUM ANALYZE verdicts")
        yield conn
    postgres_server.drop(name)


def plan(conn: psycopg.Connection, statement: ClauseElement, **values: object) -> list[dict[str, Any]]:
    """The nodes of the plan that Postgres runs for a statement of ours."""
    compiled = statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
    explain = "EXPLAIN (ANALYZE, FORMAT JSON) " + str(compiled)
    answer = conn.execute(explain, {**compiled.params, **values}).fetchone()
    assert answer is not None
    nodes: list[dict[str, Any]] = []
    waiting = [answer[0][0]["Plan"]]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting += node.get("Plans", [])
    return nodes


def listing(filters: VerdictFilters, after: UUID | None = None) -> ClauseElement:
    statement = verdicts.listing_statement(TENANTS[0], filters, after)
    assert statement is not None
    return statement.limit(51)


MIDDLE = START + timedelta(days=DAYS / 2)
ORDERED = {
    "all": (VerdictFilters(), {"pk_verdicts"}),
    "judged": (VerdictFilters(outcome=Outcome.JUDGED), {"pk_verdicts", "ix_verdicts_outcome"}),
    "timeouts": (VerdictFilters(outcome=Outcome.TIMEOUT), {"ix_verdicts_outcome"}),
    "sent": (VerdictFilters(action=Action.SEND), {"pk_verdicts", "ix_verdicts_action"}),
    "held": (VerdictFilters(action=Action.HOLD), {"ix_verdicts_action"}),
    "run": (VerdictFilters(run_id=str(RUN)), {"ix_verdicts_run"}),
    "since": (VerdictFilters(since=MIDDLE), {"pk_verdicts"}),
    "until": (VerdictFilters(until=MIDDLE), {"pk_verdicts"}),
    "often failed": (VerdictFilters(criterion="tone"), {"pk_verdicts"}),
}


@pytest.mark.parametrize("what", ORDERED)
@pytest.mark.parametrize("after", [None, MIDDLE])
def test_a_page_is_read_from_an_index_in_its_order(
    seeded: psycopg.Connection, what: str, after: datetime | None
) -> None:
    filters, indexes = ORDERED[what]
    nodes = plan(seeded, listing(filters, None if after is None else floor_id(after)))
    assert {node["Node Type"] for node in nodes} <= {"Limit", "Index Scan"}
    assert {node["Index Name"] for node in nodes if "Index Name" in node} <= indexes
    scanned = sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in nodes if "Index Name" in node)
    assert scanned <= 1_000


def test_a_rarely_failed_criterion_is_found_by_its_own_index(seeded: psycopg.Connection) -> None:
    nodes = plan(seeded, listing(VerdictFilters(criterion="rare")))
    assert "ix_verdicts_failed_criteria" in {node.get("Index Name") for node in nodes}
    assert all(node["Node Type"] != "Seq Scan" for node in nodes)


def test_a_verdict_to_reuse_is_one_index_lookup(seeded: psycopg.Connection) -> None:
    nodes = plan(
        seeded,
        verdicts._FIND_JUDGED,
        tenant_id=TENANTS[0],
        input_digest=f"{11:064x}",
        judge_digest=JUDGE.digest,
    )
    assert {node["Index Name"] for node in nodes if "Index Name" in node} == {"ix_verdicts_reuse"}


def test_one_verdict_is_one_index_lookup(seeded: psycopg.Connection) -> None:
    for statement in (verdicts._GET, verdicts._GET_INPUT):
        nodes = plan(seeded, statement, tenant_id=TENANTS[0], id=new_id())
        assert [(node["Node Type"], node["Index Name"]) for node in nodes] == [("Index Scan", "pk_verdicts")]


def test_counts_of_a_day_read_that_day_only(seeded: psycopg.Connection) -> None:
    since = START + timedelta(days=DAYS - 1)
    nodes = plan(
        seeded,
        verdicts._COUNTS,
        tenant_id=TENANTS[0],
        floor=floor_id(since - verdicts.CLOCK_SLACK),
        since=since,
    )
    assert "pk_verdicts" in {node.get("Index Name") for node in nodes}
    assert all(node["Node Type"] != "Seq Scan" for node in nodes)
