"""Guards on the hot queries of runs: each must find its rows by an index, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.sql import ClauseElement

from app.db import items, labels, queue, runs
from app.db.ids import new_id
from app.db.items import ItemFilters
from app.db.labels import LabelFilters
from app.db.runs import RunFilters
from app.schemas import ItemState, Outcome, RunStatus
from tests.db.test_plans import plan
from tests.postgres import PostgresServer, shared_template

TENANT, OTHER = new_id(), new_id()
RUN = new_id()
ITEMS, RUNS = 20_000, 2_000


@pytest.fixture(scope="module")
def seeded(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    """A run of ``ITEMS`` items, half of them ended, among ``RUNS`` others, and as many items of another tenant."""
    name = postgres_server.create(shared_template())
    with psycopg.connect(postgres_server.url_of(name), autocommit=True) as conn:
        conn.execute("INSERT INTO tenants (id, name) VALUES (%s, 'a'), (%s, 'b')", [TENANT, OTHER])
        columns = (
            "tenant_id, id, name, system, status, rubric_name, rubric_version, tags, reuse, created_by, created_at"
        )
        with conn.cursor().copy(sql.SQL(f"COPY runs ({columns}) FROM STDIN")) as copy:
            for number in range(RUNS):
                run = RUN if number == RUNS // 2 else new_id()
                status = "open" if number % 500 == 0 else "running" if run == RUN else "completed"
                copy.write_row(
                    (
                        TENANT,
                        run,
                        f"n{number}",
                        f"s{number % 40}",
                        status,
                        "outreach",
                        "1",
                        "{}",
                        True,
                        "k",
                        "2026-01-01",
                    )
                )
        for tenant, run in ((TENANT, RUN), (OTHER, new_id())):
            conn.execute(
                "INSERT INTO run_inputs (tenant_id, run_id, task_id, seq, input_digest, draft, context) "
                "SELECT %s, %s, 't' || n, n, md5(n::text) || md5(n::text), '{}', '{}' FROM "
                "generate_series(1, %s) AS n",
                [tenant, run, ITEMS],
            )
            conn.execute(
                "INSERT INTO run_items (tenant_id, run_id, seq, task_id, verdict_id, state, "
                "leased_until, outcome, passed) "
                "SELECT %s, %s, n, 't' || n, gen_random_uuid(), CASE WHEN n <= %s THEN 'done' WHEN n "
                "<= %s THEN 'running' ELSE 'pending' END, "
                "CASE WHEN n > %s AND n <= %s THEN now() + interval '1 h' END, "
                "CASE WHEN n <= %s THEN CASE WHEN n %% 100 = 0 THEN 'timeout' ELSE 'judged' END END, "
                "CASE WHEN n <= %s AND n %% 100 <> 0 THEN true END FROM generate_series(1, %s) AS n",
                [tenant, run, *[ITEMS // 2, ITEMS // 2 + 50] * 2, ITEMS // 2, ITEMS // 2, ITEMS],
            )
            conn.execute(
                "INSERT INTO labels (tenant_id, id, created_at, created_by, labeller, run_id, "
                "task_id, passed, criteria) "
                "SELECT %s, gen_random_uuid(), now(), 'k', 'p' || n %% 5, %s, 't' || n, true, '{}' "
                "FROM generate_series(1, 5000) AS n",
                [tenant, run],
            )
        conn.execute(
            "INSERT INTO verdicts (tenant_id, id, created_at, kind, run_id, task_id, judge_digest, "
            "input_digest, outcome, "
            "abstained, failed_criteria, latency_ms, document) SELECT tenant_id, verdict_id, now(), "
            "'verdict', run_id, "
            "task_id, 'j', md5(task_id), outcome, false, '{}', 1, '{}' FROM run_items WHERE state = 'done'"
        )
        conn.execute("VACUUM ANALYZE")
        yield conn
    postgres_server.drop(name)


def indexes(nodes: list[dict[str, Any]]) -> set[str]:
    assert all(node["Node Type"] not in ("Seq Scan", "Bitmap Heap Scan") for node in nodes), nodes
    return {node["Index Name"] for node in nodes if "Index Name" in node}


def read(nodes: list[dict[str, Any]]) -> float:
    """Rows that the scans looked at."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes
        if "Index Name" in node
    )


def test_a_run_with_its_counts_is_one_index_lookup(seeded: psycopg.Connection) -> None:
    nodes = plan(seeded, runs._GET, p_tenant_id=TENANT, p_id=RUN)
    assert [(node["Node Type"], node["Index Name"]) for node in nodes] == [("Index Scan", "pk_runs")]


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (RunFilters(), {"pk_runs"}),
        (RunFilters(status=RunStatus.OPEN), {"ix_runs_status", "ix_runs_active"}),
        (RunFilters(system="s3"), {"ix_runs_system", "pk_runs"}),
    ],
)
def test_a_page_of_runs_is_read_in_the_order_of_an_index(
    seeded: psycopg.Connection, filters: RunFilters, index: set[str]
) -> None:
    nodes = plan(seeded, runs.listing_statement(TENANT, filters, None).limit(51))
    assert indexes(nodes) <= index
    assert read(nodes) <= RUNS


@pytest.mark.parametrize("after", [0, ITEMS // 2, ITEMS - 10])
def test_a_page_of_items_begins_where_it_should(seeded: psycopg.Connection, after: int) -> None:
    nodes = plan(seeded, items.listing_statement(TENANT, RUN, ItemFilters(), after).limit(51))
    assert indexes(nodes) == {"pk_run_items"}
    assert read(nodes) <= 51


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (ItemFilters(outcome=Outcome.TIMEOUT), {"ix_run_items_unjudged"}),
        (ItemFilters(state=ItemState.PENDING), {"ix_run_items_pending"}),
        (ItemFilters(state=ItemState.RUNNING), {"ix_run_items_running"}),
    ],
)
def test_items_of_a_state_have_an_index(seeded: psycopg.Connection, filters: ItemFilters, index: set[str]) -> None:
    nodes = plan(seeded, items.listing_statement(TENANT, RUN, filters, 0).limit(51))
    assert indexes(nodes) == index
    assert read(nodes) <= 51


def test_one_item_is_two_index_lookups(seeded: psycopg.Connection) -> None:
    nodes = plan(seeded, items._GET, p_tenant_id=TENANT, p_run_id=RUN, p_task_id="t77")
    assert indexes(nodes) == {"pk_run_inputs", "pk_run_items"}


def test_an_export_reads_its_page_only(seeded: psycopg.Connection) -> None:
    values = {"p_tenant_id": TENANT, "p_run_id": RUN, "p_after": 100, "p_limit": 500}
    nodes = plan(seeded, items._EXPORT, **values)
    assert indexes(nodes) == {"pk_run_items", "pk_verdicts"}
    assert read(nodes) <= 1_100


def _texted(seeded: psycopg.Connection, statement: ClauseElement, **values: object) -> list[dict[str, Any]]:
    """The plan of a textual statement, in a transaction that is rolled back."""
    with seeded.transaction(force_rollback=True):
        return plan(seeded, statement, **values)


def test_a_claim_reads_what_it_claims(seeded: psycopg.Connection) -> None:
    nodes = _texted(seeded, queue._CLAIM, rubrics=["outreach"], most=64, lease_s=5.0)
    used = indexes(
        [node for node in nodes if node.get("Relation Name") != "runs" and node["Node Type"] != "Bitmap Heap Scan"]
    )
    assert {"ix_run_items_pending", "pk_run_inputs"} <= used
    assert "Tid Scan" in {node["Node Type"] for node in nodes}
    assert sum(n["Actual Rows"] * n["Actual Loops"] for n in nodes if n.get("Relation Name") == "run_items") <= 300


def test_taking_back_reads_running_items_only(seeded: psycopg.Connection) -> None:
    seeded.execute("SET enable_seqscan = on")
    nodes = _texted(seeded, queue._TAKE_BACK, most=1000)
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    assert {node["Index Name"] for node in nodes if "Index Name" in node} == {"ix_run_items_running"}


def test_a_heartbeat_finds_its_items_by_key(seeded: psycopg.Connection) -> None:
    first = ITEMS // 2 + 1
    arrays = {"tenants": [str(TENANT)], "runs": [str(RUN)], "seqs": [first], "attempts": [0], "lease_s": 5.0}
    nodes = _texted(seeded, queue._HEARTBEAT, **arrays)
    assert "Seq Scan" not in {node["Node Type"] for node in nodes if node.get("Relation Name") == "run_items"}


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (LabelFilters(run_id=str(RUN)), {"ix_labels_run", "pk_labels"}),
        (LabelFilters(run_id=str(RUN), task_id="t9"), {"ix_labels_run"}),
        (LabelFilters(verdict_id=str(UUID(int=7))), {"ix_labels_verdict"}),
        (LabelFilters(), {"pk_labels"}),
    ],
)
def test_labels_are_found_by_what_they_are_on(
    seeded: psycopg.Connection, filters: LabelFilters, index: set[str]
) -> None:
    statement = labels.listing_statement(TENANT, filters, None)
    assert statement is not None
    assert indexes(plan(seeded, statement.limit(51))) <= index
