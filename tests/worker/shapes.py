"""Runs to be judged, workers in this process and in processes of their own, and what must be true at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from app.api.examples import CONTEXT, OVERCOMMITTED
from app.db import items, queue, runs
from app.db.engine import Database
from app.db.ids import new_id
from app.db.keys import Principal
from app.db.queue import Claimed
from app.db.run_models import OUTCOME_COUNTERS
from app.schemas import JudgeRef, Latency, Outcome, RubricRef, Run, RunCreate, RunItemIn, RunKind, Verdict
from app.services.batch import BatchOptions, BatchWorker
from app.services.itemjudge import Judged, verdict_row
from app.services.uploads import Upload

ROOT = Path(__file__).resolve().parents[2]
RUBRIC = RubricRef(name="outreach", version="1")
JUDGE = JudgeRef(digest="c" * 64, model="scripted")
QUICK = BatchOptions(
    concurrency=8, lease_s=1.5, idle_s=0.05, not_now_s=0.1, take_back_s=0.2, drain_s=2.0, gather_s=0.005
)


def item(number: int, **changes: Any) -> dict[str, Any]:
    """Item ``number`` of a run as it is uploaded; each is another input."""
    context = {**CONTEXT, "company_name": f"Company {number}"}
    return {"task_id": f"t{number}", "draft": OVERCOMMITTED, "context": context, **changes}


async def fill(
    db: Database, owner: Principal, given: Collection[dict[str, Any]] | int, *, close: bool = True, **request: Any
) -> str:
    """A run with these items, or that many; returns its id."""
    values = [item(number) for number in range(given)] if isinstance(given, int) else list(given)
    async with db.transaction() as conn:
        create = RunCreate(name="run", system="system", **request)
        run = await runs.create(conn, owner.tenant_id, create, RUBRIC, owner.key_id)
    await add(db, owner, run.id, values, close=close)
    return run.id


async def add(db: Database, owner: Principal, run_id: str, values: list[dict[str, Any]], *, close: bool) -> None:
    """Add items to an open run."""
    with Upload(RunKind.JUDGED) as upload:
        for line, value in enumerate(values, start=1):
            upload.add_item(line, RunItemIn.model_validate(value), value)
        async with db.transaction() as conn:
            assert await runs.begin_upload(conn, owner.tenant_id, run_id) is not None
            taken = await items.take_in(conn, owner.tenant_id, run_id, upload.blocks())
            upload.take_out(taken.twice)
            done = await runs.take_upload(
                conn, owner.tenant_id, run_id, RunKind.JUDGED, upload.task_digests(), close_after=close
            )
    assert done is not None


@dataclass
class ScriptedJudge:
    """Judges what a test says: ``plan`` maps a task to the outcomes of its tries, an exception or a pause first."""

    pause_s: float = 0.0
    plan: dict[str, list[Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    ready: bool = True
    digest: str = JUDGE.digest
    running: int = 0
    most_running: int = 0
    gate: asyncio.Event | None = None

    @property
    def rubrics(self) -> Collection[str]:
        return [RUBRIC.name]

    def ref(self, rubric: str) -> JudgeRef:
        return JUDGE.model_copy(update={"digest": self.digest})

    async def judge(self, item: Claimed) -> Judged:
        self.calls[item.task_id] += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.pause_s)
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.running -= 1
        steps = self.plan.get(item.task_id)
        step = steps.pop(0) if steps else Outcome.JUDGED
        if isinstance(step, Exception):
            raise step
        if isinstance(step, Judged):
            return step
        if isinstance(step, dict):
            return Judged(self._row(item, step["outcome"]), **step)
        passing = step in (Outcome.TIMEOUT, Outcome.RATE_LIMITED, Outcome.UPSTREAM_ERROR)
        return Judged(self._row(item, step), step, None, passing=passing, latency_s=self.pause_s)

    def unjudged(self, item: Claimed, outcome: Outcome, detail: str) -> Judged:
        return Judged(self._row(item, outcome), outcome, detail)

    def _row(self, item: Claimed, outcome: Outcome) -> dict[str, Any]:
        judged = outcome is Outcome.JUDGED
        verdict = Verdict(
            id=str(new_id()),
            created_at=datetime.now(UTC),
            run_id=str(item.held.run_id),
            task_id=item.task_id,
            rubric=RUBRIC,
            judge=self.ref(RUBRIC.name),
            outcome=outcome,
            passed=len(item.task_id) % 2 == 0 if judged else None,
            score=4.0 if judged else None,
            p_fail=0.25 if judged else None,
            latency_ms=Latency(total=1.0),
        )
        return verdict_row(item, verdict)


@contextlib.asynccontextmanager
async def working(db: Database, judge: ScriptedJudge, options: BatchOptions = QUICK) -> AsyncIterator[BatchWorker]:
    """A worker in this process, drained at the end."""
    worker = BatchWorker(db, judge, options)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task


async def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until a condition, plain or awaited, holds."""
    end = time.monotonic() + seconds
    while True:
        found = true()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < end, f"not true after {seconds} s"
        await asyncio.sleep(0.01)


async def run_of(db: Database, owner: Principal, run_id: str) -> Run:
    async with db.reading() as conn:
        run = await runs.get(conn, owner.tenant_id, run_id)
    assert run is not None
    return run


async def completed(db: Database, owner: Principal, run_id: str, seconds: float = 20.0) -> Run:
    """Wait for a run's end."""

    async def over() -> bool:
        return (await run_of(db, owner, run_id)).status == "completed"

    await until(over, seconds)
    return await run_of(db, owner, run_id)


async def claim(db: Database, most: int = 10, lease_s: float = 60.0) -> list[Claimed]:
    async with db.transaction() as conn:
        return await queue.claim(conn, [RUBRIC.name], most, lease_s)


def check_books(url: str, *, done: bool = True) -> dict[str, int]:
    """What must hold of every database at any time: counters are row counts, a verdict for each item judged, once.

    Returns the sums of the counters. With ``done`` nothing may be left to judge.
    """
    with psycopg.connect(url, autocommit=True) as conn:
        counted = ", ".join(f"count(*) FILTER (WHERE outcome = '{o}') AS n_{o}" for o in OUTCOME_COUNTERS)
        wrong = conn.execute(
            f"""
            SELECT r.id FROM runs AS r LEFT JOIN (
              SELECT tenant_id, run_id, count(*) AS n_total, count(*) FILTER (WHERE state = 'pending') AS n_pending,
                count(*) FILTER (WHERE state = 'running') AS n_running, {counted},
                count(*) FILTER (WHERE passed) AS n_passed, count(*) FILTER (WHERE NOT passed) AS n_failed,
                count(*) FILTER (WHERE reused_from IS NOT NULL) AS n_reused
              FROM run_items GROUP BY tenant_id, run_id
            ) AS i ON i.tenant_id = r.tenant_id AND i.run_id = r.id
            WHERE NOT ({" AND ".join(f"r.n_{name} = coalesce(i.n_{name}, 0)" for name in _NAMES)})
            """
        ).fetchall()
        assert wrong == [], "a run's counters are not the counts of its rows"
        twice = conn.execute(
            "SELECT run_id, task_id, count(*) FROM verdicts WHERE run_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1"
        ).fetchall()
        assert twice == [], "an item has two verdicts"
        lost = conn.execute(
            "SELECT i.run_id, i.seq FROM run_items AS i JOIN runs AS r ON r.id = i.run_id AND r.kind = 'judged' "
            "LEFT JOIN verdicts AS v ON v.tenant_id = i.tenant_id AND v.id = i.verdict_id AND v.task_id = i.task_id "
            "AND v.outcome = i.outcome WHERE i.state = 'done' AND v.id IS NULL"
        ).fetchall()
        assert lost == [], "an item has ended without its verdict"
        stray = conn.execute(
            "SELECT v.id FROM verdicts AS v LEFT JOIN run_items AS i ON i.tenant_id = v.tenant_id "
            "AND i.run_id = v.run_id AND i.verdict_id = v.id WHERE v.run_id IS NOT NULL AND i.seq IS NULL"
        ).fetchall()
        assert stray == [], "a verdict belongs to no item"
        early = conn.execute("SELECT id FROM runs WHERE status = 'completed' AND n_pending + n_running > 0").fetchall()
        assert early == [], "a run is completed with items left"
        row = conn.execute(
            "SELECT coalesce(sum(n_total), 0), coalesce(sum(n_pending), 0), coalesce(sum(n_running), 0) FROM runs"
        ).fetchone()
    assert row is not None
    total, pending, running = (int(value) for value in row)
    if done:
        assert (pending, running) == (0, 0)
    return {"total": total, "pending": pending, "running": running}


_NAMES = ("total", "pending", "running", *OUTCOME_COUNTERS, "passed", "failed", "reused")


@dataclass
class WorkerProcess:
    """``python -m app.worker`` against a database and an engine; its log is in ``log``."""

    process: subprocess.Popen[bytes]
    log: Path

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(timeout=15)


@contextlib.contextmanager
def worker_process(folder: Path, database_url: str, engine_url: str, **settings: object) -> Iterator[WorkerProcess]:
    """A worker in a process of its own; ``settings`` are names without ``PRESEND_``."""
    log = folder / f"worker-{new_id()}.log"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "VLLM_BASE_URL": engine_url,
        "PRESEND_HOME": str(folder),
        "PRESEND_ADAPTER": "none",  # as the service of tests.service is started
        "PRESEND_BATCH_LEASE_S": "2",
        **{f"PRESEND_{name.upper()}": str(value) for name, value in settings.items()},
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.worker"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        yield WorkerProcess(process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(timeout=10)
