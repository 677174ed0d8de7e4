"""The worker's loops: what it retries, what it gives up, what it takes over, and that it outlives its database."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any, cast

import psycopg
import pytest

from app.db import queue, runs
from app.db.engine import Database
from app.db.keys import Principal
from app.schemas import Outcome, RunItemIn, RunKind
from app.services.deadline import Deadline
from app.services.once import Once
from app.services.runs import Runs
from app.services.uploads import Upload
from app.telemetry import Metrics
from tests.worker.shapes import QUICK, ScriptedJudge, add, check_books, completed, fill, item, run_of, until, working

pytestmark = pytest.mark.anyio


async def test_every_item_is_judged_once(database: Database, acme: Principal, database_url: str) -> None:
    run_id = await fill(database, acme, 300)
    judge = ScriptedJudge()
    async with working(database, judge):
        run = await completed(database, acme, run_id)
    assert run.counts.judged == 300
    assert set(judge.calls.values()) == {1}
    assert check_books(database_url)["total"] == 300


async def test_no_more_are_asked_at_once_than_allowed(database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, 100)
    judge = ScriptedJudge(pause_s=0.002)
    async with working(database, judge, replace(QUICK, concurrency=5)):
        await completed(database, acme, run_id)
    assert judge.most_running == 5


async def test_new_work_is_heard_of_and_not_waited_for(database: Database, acme: Principal, database_url: str) -> None:
    """A worker that looks once in five minutes starts at once, on an upload and on a run that is resumed."""
    service = Runs(database, cast(Any, None), Once(database, Metrics()))  # only opening a run asks for the rubrics
    judge = ScriptedJudge(pause_s=0.05)
    run_id = await fill(database, acme, [], close=False)
    async with working(database, judge, replace(QUICK, idle_s=300.0, concurrency=1)) as worker:
        await until(lambda: _listeners(database_url), 5.0)
        with Upload(RunKind.JUDGED) as upload:
            for line, value in enumerate((item(number) for number in range(40)), start=1):
                upload.add_item(line, RunItemIn.model_validate(value), value)
            await service.add(acme, run_id, upload, on_error="refuse", close=True, key=None)
        await until(lambda: worker.tally.judged >= 2, 5.0)
        await service.cancel(acme, run_id, Deadline(time.monotonic(), 10.0), None)
        await until(lambda: judge.running == 0, 5.0)
        await service.resume(acme, run_id, Deadline(time.monotonic(), 10.0), None)
        assert (await completed(database, acme, run_id, 10.0)).counts.judged == 40


def _listeners(database_url: str) -> bool:
    with psycopg.connect(database_url) as conn:
        return conn.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' LIMIT 1").fetchone() is not None


async def test_what_may_pass_is_tried_again_with_a_growing_pause(
    database: Database, acme: Principal, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []
    monkeypatch.setattr("app.services.batch._backoff", lambda failures: pauses.append(failures) or 0.01)
    run_id = await fill(database, acme, 3)
    judge = ScriptedJudge(plan={"t1": [Outcome.TIMEOUT, Outcome.UPSTREAM_ERROR, Outcome.JUDGED]})
    async with working(database, judge) as worker:
        run = await completed(database, acme, run_id)
        assert worker.tally.retried == 2
    assert judge.calls["t1"] == 3
    assert pauses == [0, 1]
    assert (run.counts.judged, run.counts.timeout) == (3, 0)
    check_books(database_url)


async def test_what_does_not_pass_ends_with_its_outcome_and_no_score(
    database: Database, acme: Principal, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.batch._backoff", lambda failures: 0.0)
    run_id = await fill(database, acme, 3)
    judge = ScriptedJudge(plan={"t1": [Outcome.TIMEOUT] * 50})
    async with working(database, judge, replace(QUICK, max_failures=4)):
        run = await completed(database, acme, run_id)
    assert judge.calls["t1"] == 4
    assert (run.counts.judged, run.counts.timeout, run.counts.passed + run.counts.failed) == (2, 1, 2)
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT outcome, passed, score, failures FROM run_items WHERE task_id = 't1'").fetchone()
    assert row == ("timeout", None, None, 3)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.TRUNCATED, Outcome.UNPARSEABLE, Outcome.OUT_OF_RANGE])
async def test_what_would_come_again_is_not_tried_again(database: Database, acme: Principal, outcome: Outcome) -> None:
    run_id = await fill(database, acme, 2)
    judge = ScriptedJudge(plan={"t0": [outcome]})
    async with working(database, judge):
        run = await completed(database, acme, run_id)
    assert judge.calls["t0"] == 1
    assert getattr(run.counts, outcome.value) == 1


async def test_one_item_that_breaks_the_judge_leaves_the_rest_intact(
    database: Database, acme: Principal, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.batch._backoff", lambda failures: 0.0)
    run_id = await fill(database, acme, 20)
    judge = ScriptedJudge(plan={"t3": [RuntimeError("a fault of ours")] * 50})
    async with working(database, judge, replace(QUICK, max_failures=3)):
        run = await completed(database, acme, run_id)
    assert (run.counts.judged, run.counts.cancelled) == (19, 1)
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT detail FROM run_items WHERE task_id = 't3'").fetchone()
    assert row is not None
    assert "given up after 3 attempts" in row[0]
    check_books(database_url)


async def test_an_item_that_ends_its_worker_each_time_is_given_up(
    database: Database, acme: Principal, database_url: str
) -> None:
    run_id = await fill(database, acme, 1)
    for _ in range(QUICK.max_failures):
        async with database.transaction() as conn:
            assert len(await queue.claim(conn, ["outreach"], 5, 60.0)) == 1
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("UPDATE run_items SET leased_until = now() - interval '1 s'")
        async with database.transaction() as conn:
            assert await queue.take_back(conn) == 1
    judge = ScriptedJudge()
    async with working(database, judge):
        run = await completed(database, acme, run_id)
    assert run.counts.cancelled == 1
    assert not judge.calls


async def test_a_judge_that_cannot_be_asked_costs_no_tries(
    database: Database, acme: Principal, database_url: str
) -> None:
    run_id = await fill(database, acme, 4)
    away = {"outcome": Outcome.NOT_CALLED, "not_now": True}
    judge = ScriptedJudge(plan={"t0": [away] * (QUICK.max_failures + 3)})
    async with working(database, judge):
        run = await completed(database, acme, run_id)
    assert run.counts.judged == 4
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT sum(failures) FROM run_items").fetchone() == (0,)


async def test_nothing_is_claimed_while_the_judge_is_not_ready(database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, 4)
    judge = ScriptedJudge(ready=False)
    async with working(database, judge) as worker:
        await asyncio.sleep(0.4)
        assert (worker.tally.claimed, (await run_of(database, acme, run_id)).counts.pending) == (0, 4)
        judge.ready = True
        await completed(database, acme, run_id)


async def test_a_busy_engine_is_asked_less_and_later(database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, 60)
    busy = {"outcome": Outcome.RATE_LIMITED, "passing": True, "retry_after_s": 0.3}
    judge = ScriptedJudge(pause_s=0.005, plan={"t0": [busy]})
    async with working(database, judge, replace(QUICK, concurrency=8)) as worker:
        await until(lambda: worker.tally.retried)
        assert worker._limiter.limit < 8
        await until(lambda: judge.running == 0)
        asked = sum(judge.calls.values())
        assert worker._limiter.pause_s > 0.1
        await asyncio.sleep(0.1)
        assert sum(judge.calls.values()) == asked < 60, "nothing is asked before the engine said to come back"
        run = await completed(database, acme, run_id)
    assert run.counts.judged == 60


# Taking verdicts over


async def test_equal_inputs_are_judged_once(database: Database, acme: Principal, database_url: str) -> None:
    same = [item(1, task_id=f"same{n}") for n in range(20)]
    run_id = await fill(database, acme, [*same, item(2)])
    judge = ScriptedJudge(pause_s=0.02)
    async with working(database, judge):
        run = await completed(database, acme, run_id)
    assert sum(judge.calls.values()) == 2
    assert (run.counts.judged, run.counts.reused) == (21, 19)
    with psycopg.connect(database_url) as conn:
        rows = conn.execute(
            "SELECT count(DISTINCT i.reused_from), bool_and(v.document->'notes'->>0 LIKE 'taken over from verdict %') "
            "FROM run_items AS i JOIN verdicts AS v ON v.id = i.verdict_id WHERE i.reused_from IS NOT NULL"
        ).fetchone()
    assert rows == (1, True)
    check_books(database_url)


async def test_a_later_run_takes_over_what_an_earlier_one_brought(
    database: Database, acme: Principal, globex: Principal, database_url: str
) -> None:
    judge = ScriptedJudge()
    async with working(database, judge):
        await completed(database, acme, await fill(database, acme, 30))
        assert sum(judge.calls.values()) == 30
        again = await completed(database, acme, await fill(database, acme, 30))
        assert (sum(judge.calls.values()), again.counts.reused) == (30, 30)
        own = await completed(database, acme, await fill(database, acme, 30, reuse=False))
        assert (sum(judge.calls.values()), own.counts.reused) == (60, 0)
        other = await completed(database, globex, await fill(database, globex, 30))
        assert (sum(judge.calls.values()), other.counts.reused) == (90, 0), "another tenant's verdicts are not ours"
    check_books(database_url)


async def test_another_judge_judges_anew_and_the_run_says_so(database: Database, acme: Principal) -> None:
    first = ScriptedJudge(pause_s=0.001)
    run_id = await fill(database, acme, 10, close=False)
    async with working(database, first):
        await until(lambda: sum(first.calls.values()) == 10)
    second = ScriptedJudge(digest="d" * 64)
    async with working(database, second):
        await add(database, acme, run_id, [item(n, task_id=f"again{n}") for n in range(10)], close=True)
        run = await completed(database, acme, run_id)
    assert sum(second.calls.values()) == 10
    assert run.judge_digests == ["c" * 64, "d" * 64]
    assert run.judge_digest == "c" * 64


async def test_those_who_wait_for_an_equal_input_survive_its_failure(
    database: Database, acme: Principal, database_url: str
) -> None:
    same = [item(1, task_id=f"same{n}") for n in range(6)]
    run_id = await fill(database, acme, same)
    judge = ScriptedJudge(pause_s=0.01, plan={"same0": [Outcome.TRUNCATED], "same1": [Outcome.TIMEOUT]})
    async with working(database, judge):
        run = await completed(database, acme, run_id)
    assert (run.counts.truncated, run.counts.judged) == (1, 5)
    assert run.counts.reused >= 3
    check_books(database_url)


# Stopping


async def test_a_drain_finishes_what_has_begun_and_gives_back_the_rest(
    database: Database, acme: Principal, database_url: str
) -> None:
    run_id = await fill(database, acme, 50)
    judge = ScriptedJudge(gate=asyncio.Event())
    async with working(database, judge, replace(QUICK, concurrency=4)) as worker:
        await until(lambda: judge.running == 4)
        worker.stop()
        asyncio.get_running_loop().call_later(0.1, judge.gate.set)
    run = await run_of(database, acme, run_id)
    assert (run.counts.judged, run.counts.running, run.counts.pending) == (4, 0, 46)
    check_books(database_url, done=False)


async def test_a_drain_ends_in_time_and_leaves_nothing_leased(
    database: Database, acme: Principal, database_url: str
) -> None:
    run_id = await fill(database, acme, 10)
    judge = ScriptedJudge(gate=asyncio.Event())
    began = asyncio.get_running_loop().time()
    async with working(database, judge, replace(QUICK, concurrency=4, drain_s=0.3)):
        await until(lambda: judge.running == 4)
    assert asyncio.get_running_loop().time() - began < 3.0
    run = await run_of(database, acme, run_id)
    assert (run.counts.judged, run.counts.running, run.counts.pending) == (0, 0, 10)
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT max(failures) FROM run_items").fetchone() == (0,)


async def test_cancel_stops_and_resume_goes_on(database: Database, acme: Principal, database_url: str) -> None:
    run_id = await fill(database, acme, 40)
    judge = ScriptedJudge(gate=asyncio.Event())
    async with working(database, judge, replace(QUICK, concurrency=4, claim_most=8)):
        await until(lambda: judge.running == 4)
        async with database.transaction() as conn:
            await runs.cancel(conn, acme.tenant_id, run_id)
        judge.gate.set()
        await until(lambda: judge.running == 0)
        await asyncio.sleep(0.2)
        stopped = await run_of(database, acme, run_id)
        assert stopped.status == "cancelled"
        assert 4 <= stopped.counts.judged <= 20
        assert stopped.counts.pending == 40 - stopped.counts.judged
        async with database.transaction() as conn:
            await runs.resume(conn, acme.tenant_id, run_id)
        run = await completed(database, acme, run_id)
    assert run.counts.judged == 40
    assert set(judge.calls.values()) == {1}
    check_books(database_url)
