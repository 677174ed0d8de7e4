"""Postgres killed at each step of a worker, which lives on: nothing is lost, stored twice or asked for again."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from app.db import keys, migrate
from app.db.engine import Database
from app.db.keys import Principal, Scope
from app.errors import StoreUnavailable
from tests.fake_plugin import FakeVllm
from tests.postgres import PostgresServer, embedded
from tests.worker.shapes import check_books, fill, run_of, until, worker_process
from tests.worker.test_kill import ITEMS, Scene, _waits

pytestmark = pytest.mark.anyio
LEASE_S = 10.0
SLOTS = 8


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of these tests' own, because its crash ends every connection to it."""
    with embedded(durable=True) as url:
        yield PostgresServer(url)


@pytest.fixture
async def place(server: PostgresServer, tmp_path: Path, fake_vllm: FakeVllm) -> AsyncIterator[tuple[Scene, Database]]:
    url = server.url_of(server.create())
    migrate.upgrade(url)
    database = Database(url)
    yield Scene(tmp_path, url, fake_vllm), database
    await database.close()


async def _owner(database: Database) -> Principal:
    async with database.transaction() as conn:
        _, token = await keys.create_key(conn, tenant="acme", name="k", scopes=set(Scope))
        owner = await keys.authenticate(conn, token)
    assert owner is not None
    return owner


def _crash(url: str) -> None:
    """kill -9 of one backend: Postgres ends all others and recovers from its log."""
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'presend' LIMIT 1").fetchone()
    assert row is not None
    os.kill(row[0], signal.SIGKILL)


@pytest.mark.parametrize(("table", "judged"), [("run_items", False), ("verdicts", True)], ids=["claim", "commit"])
async def test_killed_while_a_worker_waits_for_it(place: tuple[Scene, Database], table: str, judged: bool) -> None:
    scene, database = place
    owner = await _owner(database)
    run_id = await fill(database, owner, ITEMS)
    with (
        contextlib.closing(psycopg.connect(scene.url)) as blocker,
        worker_process(scene.folder, scene.url, scene.fake.url, batch_slots=SLOTS, batch_lease_s=LEASE_S) as worker,
    ):
        blocker.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        await until(lambda: _waits(scene.url, table))
        assert (scene.calls() > 0) == judged
        _crash(scene.url)
        await _recovers(scene, database, owner, run_id)
        assert worker.end(signal.SIGTERM) == 0


async def test_killed_while_a_worker_calls(place: tuple[Scene, Database]) -> None:
    scene, database = place
    owner = await _owner(database)
    run_id = await fill(database, owner, ITEMS)
    scene.fake.script(when=[{"contains": "Company ", "step": {"kind": "ok", "latency_ms": 500}}])
    with worker_process(scene.folder, scene.url, scene.fake.url, batch_slots=SLOTS, batch_lease_s=LEASE_S) as worker:
        await until(lambda: scene.fake.log()["active"] == SLOTS)
        _crash(scene.url)
        await _recovers(scene, database, owner, run_id)
        assert worker.end(signal.SIGTERM) == 0


async def _recovers(scene: Scene, database: Database, owner: Principal, run_id: str) -> None:
    async def over() -> bool:
        try:
            return (await run_of(database, owner, run_id)).status == "completed"
        except StoreUnavailable:  # this test's connections die with the rest, at once or a moment after the kill
            return False

    await until(over, 2 * LEASE_S + 5.0)
    run = await run_of(database, owner, run_id)
    assert run.counts.judged == ITEMS
    assert scene.calls() == ITEMS, "the worker kept what it had been told"
    check_books(scene.url)
