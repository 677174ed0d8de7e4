"""The queue: claims, leases, fences, and the traps that a queue in Postgres sets."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from app.db import queue, runs
from app.db.engine import Database
from app.db.keys import Principal
from app.db.queue import Finished, Released
from app.schemas import Outcome
from tests.worker.shapes import (
    ScriptedJudge,
    add,
    check_books,
    claim,
    completed,
    fill,
    item,
    run_of,
    until,
    working,
)

pytestmark = pytest.mark.anyio


async def _finish(db: Database, claimed: list[queue.Claimed]) -> int:
    judge = ScriptedJudge()
    ended = [Finished(one.held, (await judge.judge(one)).row) for one in claimed]
    async with db.transaction() as conn:
        return len(await queue.finish(conn, ended))


async def _lapse(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute("UPDATE run_items SET leased_until = now() - interval '1 s' WHERE state = 'running'")


async def test_an_item_is_claimed_once_however_many_claim(
    database: Database, acme: Principal, database_url: str
) -> None:
    await fill(database, acme, 40)
    found = await asyncio.gather(*(claim(database, 10) for _ in range(8)))
    seqs = [one.held.seq for batch in found for one in batch]
    assert sorted(seqs) == list(range(1, 41))
    assert check_books(database_url, done=False) == {"total": 40, "pending": 0, "running": 40}


async def test_a_claim_brings_what_judging_needs(database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, [item(7, category="price", cluster="north")], reuse=False)
    (one,) = await claim(database)
    assert (str(one.held.run_id), one.held.seq, one.held.attempt) == (run_id, 1, 1)
    assert (one.task_id, one.rubric, one.reuse, one.failures) == ("t7", "outreach", False, 0)
    assert '"company_name":"Company 7"' in one.context


async def test_a_late_result_is_fenced(database: Database, acme: Principal, database_url: str) -> None:
    await fill(database, acme, 3)
    slow = await claim(database)
    await _lapse(database_url)
    async with database.transaction() as conn:
        assert await queue.take_back(conn) == 3
    quick = await claim(database)
    assert [one.held.attempt for one in quick] == [2, 2, 2]
    assert [one.failures for one in quick] == [1, 1, 1]
    assert await _finish(database, slow) == 0
    assert await _finish(database, quick) == 3
    assert await _finish(database, quick) == 0, "a result is stored once, however often it is sent"
    assert await _finish(database, slow) == 0
    check_books(database_url)


async def test_a_heartbeat_keeps_only_the_pairs_it_names(
    database: Database, acme: Principal, database_url: str
) -> None:
    """Trap: a claim whose reply was lost must come back, although the same worker is alive and its heart beats."""
    await fill(database, acme, 4)
    known = await claim(database, 2, lease_s=0.4)
    await claim(database, 2, lease_s=0.4)  # committed, and the worker never learns of it
    for _ in range(4):
        await asyncio.sleep(0.15)
        async with database.transaction() as conn:
            kept = await queue.heartbeat(conn, [one.held for one in known], 0.4)
        assert kept == {one.held for one in known}
    async with database.transaction() as conn:
        assert await queue.take_back(conn) == 2
    assert check_books(database_url, done=False)["running"] == 2


async def test_a_heartbeat_tells_what_is_lost(database: Database, acme: Principal, database_url: str) -> None:
    await fill(database, acme, 2)
    claimed = await claim(database)
    await _lapse(database_url)
    async with database.transaction() as conn:
        await queue.take_back(conn)
    (again,) = await claim(database, 1)
    async with database.transaction() as conn:
        kept = await queue.heartbeat(conn, [*(one.held for one in claimed), again.held], 5.0)
    assert kept == {again.held}


async def test_what_is_given_back_waits_its_delay(database: Database, acme: Principal) -> None:
    await fill(database, acme, 2)
    one, two = await claim(database)
    given_back = [Released(one.held, 0.3, failed=True), Released(two.held)]
    async with database.transaction() as conn:
        assert await queue.release(conn, given_back) == 2
    (at_once,) = await claim(database)
    assert (at_once.task_id, at_once.failures, at_once.held.attempt) == (two.task_id, 0, 2)
    await asyncio.sleep(0.35)
    (later,) = await claim(database)
    assert (later.task_id, later.failures) == (one.task_id, 1)


async def test_a_finish_after_a_lost_reply_is_recognised(database: Database, acme: Principal) -> None:
    await fill(database, acme, 2)
    claimed = await claim(database)
    judge = ScriptedJudge()
    ended = [Finished(one.held, (await judge.judge(one)).row) for one in claimed]
    async with database.transaction() as conn:
        await queue.finish(conn, ended)
    async with database.transaction() as conn:
        assert await queue.finish(conn, ended) == set()
    async with database.reading() as conn:
        stored = await queue.stored_verdicts(conn, [one.held for one in ended])
    assert stored == {one.verdict["id"] for one in ended}


async def test_a_transaction_that_breaks_stores_neither_end_nor_verdict(
    database: Database, acme: Principal, database_url: str
) -> None:
    await fill(database, acme, 2)
    claimed = await claim(database)
    judge = ScriptedJudge()
    ended = [Finished(one.held, (await judge.judge(one)).row) for one in claimed]

    async def cut_off() -> None:
        async with database.transaction() as conn:
            await queue.finish(conn, ended)
            raise RuntimeError("the worker ends between the statement and the commit")

    with pytest.raises(RuntimeError):
        await cut_off()
    assert check_books(database_url, done=False) == {"total": 2, "pending": 0, "running": 2}


async def test_runs_that_are_stopped_or_under_another_rubric_are_not_claimed(
    database: Database, acme: Principal
) -> None:
    run_id = await fill(database, acme, 3)
    async with database.transaction() as conn:
        await runs.cancel(conn, acme.tenant_id, run_id)
    assert await claim(database) == []
    async with database.transaction() as conn:
        await runs.resume(conn, acme.tenant_id, run_id)
        assert await queue.claim(conn, ["another"], 10, 5.0) == []
    assert len(await claim(database)) == 3


async def test_a_small_run_does_not_wait_for_the_end_of_a_large_one(database: Database, acme: Principal) -> None:
    await fill(database, acme, 400)
    small = await fill(database, acme, 4)
    claimed = [one for _ in range(24) for one in await claim(database, 10)]
    assert small in {str(one.held.run_id) for one in claimed}


async def test_an_item_that_has_ended_never_changes(database: Database, acme: Principal, database_url: str) -> None:
    run_id = await fill(database, acme, 1)
    async with working(database, ScriptedJudge()):
        await completed(database, acme, run_id)
    with psycopg.connect(database_url, autocommit=True) as conn:
        with pytest.raises(psycopg.errors.RestrictViolation):
            conn.execute(
                "UPDATE run_items SET state = 'pending', outcome = NULL, passed = NULL, score = NULL, p_fail = NULL"
            )
        with pytest.raises(psycopg.errors.RestrictViolation):
            conn.execute("UPDATE runs SET status = 'running'")


async def test_a_run_completes_when_it_is_closed_and_all_has_ended(database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, 2, close=False)
    async with working(database, ScriptedJudge()) as worker:
        await until(lambda: worker.tally.judged == 2)
        await asyncio.sleep(0.1)
        assert (await run_of(database, acme, run_id)).status == "open"
        await add(database, acme, run_id, [item(9)], close=True)
        run = await completed(database, acme, run_id)
    assert (run.counts.total, run.counts.judged) == (3, 3)
    assert run.finished_at is not None
    assert run.judge_digests == [ScriptedJudge().digest]


async def test_nothing_is_left_in_the_inputs_where_drafts_are_not_kept(
    database: Database, acme: Principal, database_url: str
) -> None:
    run_id = await fill(database, acme, 2)
    claimed = await claim(database)
    judge = ScriptedJudge()
    ended = [Finished(one.held, (await judge.judge(one)).row) for one in claimed]
    async with database.transaction() as conn:
        await queue.finish(conn, ended, keep_inputs=False)
    with psycopg.connect(database_url) as conn:
        rows = conn.execute("SELECT draft, context FROM run_inputs WHERE run_id = %s", [run_id]).fetchall()
    assert rows == [(None, None), (None, None)]


async def test_a_refused_row_changes_nothing(database: Database, acme: Principal, database_url: str) -> None:
    await fill(database, acme, 2)
    claimed = await claim(database)
    judge = ScriptedJudge()
    rows = [(await judge.judge(one)).row for one in claimed]
    rows[1]["outcome"] = Outcome.TIMEOUT.value  # a number without a judgement
    with pytest.raises(Exception, match="refused"):
        async with database.transaction() as conn:
            await queue.finish(conn, [Finished(c.held, r) for c, r in zip(claimed, rows, strict=True)])
    assert check_books(database_url, done=False)["running"] == 2
