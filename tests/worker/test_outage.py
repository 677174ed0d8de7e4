"""The worker and a database that breaks: lost replies, lost connections, strange errors, other workers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from app.db import queue
from app.db.engine import Database
from app.db.keys import Principal
from app.errors import StoreUnavailable
from app.schemas import Outcome
from app.services.batch import BatchWorker
from tests.worker.lossy import lossy
from tests.worker.shapes import QUICK, ScriptedJudge, check_books, completed, fill, run_of, until, working

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _losing_replies(worker: BatchWorker, monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> Any:
    """The first calls of a queue function commit, and their replies are lost."""
    genuine = getattr(queue, name)
    left = [times]

    def losing(kind: str) -> Any:
        connecting = getattr(worker._db, kind)

        @asynccontextmanager
        async def broken() -> Any:
            lose = False
            async with connecting() as conn:
                before = left[0]
                yield conn
                lose = left[0] < before
            if lose:
                raise ConnectionResetError("the reply was lost after the commit")

        return broken

    async def counted(*args: Any, **rest: Any) -> Any:
        found = await genuine(*args, **rest)
        if left[0] > 0 and found:
            left[0] -= 1
        return found

    monkeypatch.setattr(queue, name, counted)
    for kind in ("transaction", "single"):
        monkeypatch.setattr(worker._db, kind, losing(kind))
    yield left
    monkeypatch.undo()


@pytest.mark.parametrize("step", ["claim", "finish", "release", "take_back"])
async def test_a_reply_lost_after_the_commit_loses_no_item(
    database: Database, acme: Principal, database_url: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    run_id = await fill(database, acme, 30)
    judge = ScriptedJudge(plan={"t4": [Outcome.TIMEOUT], "t9": [Outcome.TIMEOUT]})
    options = replace(QUICK, lease_s=0.9, claim_most=10)
    async with working(database, judge, options) as worker, _losing_replies(worker, monkeypatch, step, 2) as left:
        run = await completed(database, acme, run_id)
        assert left[0] < 2 or step == "take_back"
    assert run.counts.judged == 30
    assert sum(judge.calls.values()) == 32, "no call was made twice but the two retries"
    check_books(database_url)


async def test_a_connection_whose_replies_stop_costs_a_lease_and_some_patience(
    database: Database, acme: Principal, database_url: str
) -> None:
    """Trap: the claim committed, its reply never came, and the worker lives on: its heart beats for other items."""
    run_id = await fill(database, acme, 30)
    judge = ScriptedJudge()
    with lossy(database_url) as proxy:
        through = Database(proxy.url)
        proxy.arm("SET state = 'running'")
        async with working(through, judge, replace(QUICK, patience_s=0.5)):
            await until(proxy.swallowed.is_set)
            run = await completed(database, acme, run_id, seconds=30.0)
        await through.close()
    assert run.counts.judged == 30
    assert set(judge.calls.values()) == {1}
    check_books(database_url)


async def _seen_completed(db: Database, owner: Principal, run_id: str) -> bool:
    """Whether a run has ended, asked over connections that are being cut as well: a lost answer says nothing."""
    try:
        return (await run_of(db, owner, run_id)).status == "completed"
    except StoreUnavailable:
        return False


async def test_the_worker_outlives_the_loss_of_every_connection(
    database: Database, acme: Principal, database_url: str
) -> None:
    run_id = await fill(database, acme, 400)
    judge = ScriptedJudge(pause_s=0.003)
    async with working(database, judge) as worker:
        for enough in (40, 120, 200, 280):
            await until(lambda enough=enough: worker.tally.judged > enough)
            with psycopg.connect(database_url, autocommit=True) as conn:
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        await until(lambda: _seen_completed(database, acme, run_id))
        run = await run_of(database, acme, run_id)
    assert run.counts.judged == 400
    assert sum(judge.calls.values()) <= 404, "at most 1 % of the calls are made twice"
    check_books(database_url)


@pytest.mark.parametrize("error", [ConnectionResetError(), OSError(5), ValueError("a driver's own"), RuntimeError()])
async def test_no_error_of_a_driver_ends_a_loop(
    database: Database, acme: Principal, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Trap: after a crash of Postgres, drivers raise classes that nobody expects."""
    run_id = await fill(database, acme, 20)
    judge = ScriptedJudge()
    async with working(database, judge) as worker:
        failing = [9]

        def sometimes(kind: str) -> Any:
            genuine = getattr(worker._db, kind)

            @asynccontextmanager
            async def connect() -> Any:
                if failing[0]:
                    failing[0] -= 1
                    raise error
                async with genuine() as conn:
                    yield conn

            return connect

        for kind in ("transaction", "single", "reading"):
            monkeypatch.setattr(worker._db, kind, sometimes(kind))
        await until(lambda: failing[0] == 0)
        run = await completed(database, acme, run_id)
    assert run.counts.judged == 20


async def test_two_workers_share_without_a_word(database: Database, acme: Principal, database_url: str) -> None:
    run_ids = [await fill(database, acme, 150, reuse=False) for _ in range(3)]
    one, two = ScriptedJudge(pause_s=0.002), ScriptedJudge(pause_s=0.002)
    async with (
        working(database, one, replace(QUICK, claim_most=20)),
        working(database, two, replace(QUICK, claim_most=20)),
    ):
        for run_id in run_ids:
            await completed(database, acme, run_id)
    assert sum(one.calls.values()) + sum(two.calls.values()) == 450
    assert min(sum(one.calls.values()), sum(two.calls.values())) > 0
    check_books(database_url)


async def test_work_that_was_lost_to_another_worker_is_dropped(
    database: Database, acme: Principal, database_url: str
) -> None:
    """As after SIGSTOP past the lease: on waking up, the worker learns that its items are others' now."""
    run_id = await fill(database, acme, 6)
    asleep, awake = ScriptedJudge(gate=asyncio.Event()), ScriptedJudge()
    async with working(database, asleep, replace(QUICK, lease_s=0.9)) as worker:
        await until(lambda: asleep.running == 6)
        asleep.ready = False
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("UPDATE run_items SET leased_until = now() - interval '1 s' WHERE state = 'running'")
        async with working(database, awake):
            run = await completed(database, acme, run_id)
        await until(lambda: worker.tally.late == 6)
        assert asleep.running == 0, "its calls were cut off"
        asleep.gate.set()
    assert run.counts.judged == 6
    assert sum(awake.calls.values()) == 6
    check_books(database_url)
