"""Worker processes that are killed, stopped and cut off at each step; nothing is lost and nothing stored twice."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from app.db.engine import Database
from app.db.keys import Principal
from tests.fake_plugin import FakeVllm
from tests.worker.lossy import lossy
from tests.worker.shapes import WorkerProcess, check_books, completed, fill, run_of, until, worker_process

pytestmark = pytest.mark.anyio
LEASE_S = 1.0
ITEMS = 24


class Scene:
    """A run of ``ITEMS`` items, a scripted engine, and workers that share them."""

    def __init__(self, folder: Path, url: str, fake: FakeVllm) -> None:
        self.folder, self.url, self.fake = folder, url, fake

    def worker(self, url: str | None = None) -> Callable[[], WorkerProcess]:
        return worker_process(self.folder, url or self.url, self.fake.url, batch_slots=8, batch_lease_s=LEASE_S)

    def canaries(self) -> int:
        """Calls that were no item's: they hold the text of no draft of ours."""
        return sum("Company " not in str(one.get("body")) for one in self.fake.log()["requests"])

    def calls(self) -> int:
        log = self.fake.log()
        return int(log["received"]) - self.canaries()


@pytest.fixture
def scene(tmp_path: Path, database_url: str, fake_vllm: FakeVllm) -> Scene:
    return Scene(tmp_path, database_url, fake_vllm)


async def _recovers(scene: Scene, database: Database, acme: Principal, run_id: str, lost_calls: int) -> None:
    """A second worker ends the run, within the lease and five seconds."""
    died = time.monotonic()
    with scene.worker() as second:
        run = await completed(database, acme, run_id)
        assert time.monotonic() - died < LEASE_S + 5.0 + 3.0, "three more for the start of a process on a busy machine"
        assert second.end(signal.SIGTERM) == 0
    assert run.counts.judged == ITEMS
    assert ITEMS <= scene.calls() <= ITEMS + lost_calls
    check_books(scene.url)


async def test_killed_while_it_claims(scene: Scene, database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, ITEMS)
    with psycopg.connect(scene.url) as blocker, scene.worker() as first:
        blocker.execute("LOCK TABLE run_items IN SHARE ROW EXCLUSIVE MODE")
        await until(lambda: _waits(scene.url, "run_items"))
        first.end(signal.SIGKILL)
    await _recovers(scene, database, acme, run_id, lost_calls=0)


async def test_killed_while_it_calls(scene: Scene, database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, ITEMS)
    scene.fake.script(when=[{"contains": "Company ", "step": {"kind": "hang"}}])
    with scene.worker() as first:
        await until(lambda: scene.fake.log()["active"] == 8)
        first.end(signal.SIGKILL)
    scene.fake.script(default={"kind": "ok"})
    await _recovers(scene, database, acme, run_id, lost_calls=8)


async def test_killed_while_it_commits(scene: Scene, database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, ITEMS)
    with psycopg.connect(scene.url) as blocker, scene.worker() as first:
        blocker.execute("LOCK TABLE verdicts IN SHARE ROW EXCLUSIVE MODE")
        await until(lambda: _waits(scene.url, "verdicts"))
        first.end(signal.SIGKILL)
        blocker.rollback()
        await until(lambda: not _waits(scene.url, "verdicts"))
    assert (await run_of(database, acme, run_id)).counts.judged == 0
    await _recovers(scene, database, acme, run_id, lost_calls=ITEMS)


@pytest.mark.parametrize(("marker", "lost_calls"), [("SET state = 'running'", 0), ("SET state = 'done'", ITEMS)])
async def test_killed_between_commit_and_reply(
    scene: Scene, database: Database, acme: Principal, marker: str, lost_calls: int
) -> None:
    run_id = await fill(database, acme, ITEMS)
    with lossy(scene.url) as proxy:
        proxy.arm(marker)
        with scene.worker(proxy.url) as first:
            await until(proxy.swallowed.is_set)
            first.end(signal.SIGKILL)
    stored = (await run_of(database, acme, run_id)).counts
    assert stored.running > 0
    assert (stored.judged > 0) == ("done" in marker)
    await _recovers(scene, database, acme, run_id, lost_calls)


async def test_stopped_past_its_lease_its_results_are_fenced(scene: Scene, database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, ITEMS)
    scene.fake.script(when=[{"contains": "Company ", "step": {"kind": "ok", "latency_ms": 600}}])
    with scene.worker() as first:
        await until(lambda: scene.fake.log()["active"] == 8)
        first.send(signal.SIGSTOP)
        scene.fake.script(default={"kind": "ok"})
        with scene.worker() as second:
            run = await completed(database, acme, run_id)
            before = check_books(scene.url)
            first.send(signal.SIGCONT)
            await asyncio.sleep(1.0)
            assert first.end(signal.SIGTERM) == 0
            second.end(signal.SIGTERM)
    assert run.counts.judged == ITEMS
    assert check_books(scene.url) == before
    assert "worker.drained" in first.log.read_text()


async def test_sigterm_drains(scene: Scene, database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, ITEMS)
    scene.fake.script(when=[{"contains": "Company ", "step": {"kind": "ok", "latency_ms": 300}}])
    with scene.worker() as only:
        await until(lambda: scene.fake.log()["active"] == 8)
        assert only.end(signal.SIGTERM) == 0
    counts = (await run_of(database, acme, run_id)).counts
    assert counts.judged >= 8
    assert counts.running == 0
    assert scene.fake.log()["cancelled"] == 0
    check_books(scene.url, done=False)


async def test_nothing_of_a_draft_is_logged(scene: Scene, database: Database, acme: Principal) -> None:
    run_id = await fill(database, acme, ITEMS)
    with scene.worker() as only:
        await completed(database, acme, run_id)
        only.end(signal.SIGTERM)
    text = only.log.read_text()
    assert "worker.started" in text
    assert "Company" not in text
    assert "engineers" not in text


def _waits(url: str, table: str) -> bool:
    """Whether somebody waits for a lock on a table."""
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass(%s) "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [table],
        ).fetchone()
    return row is not None and row[0] > 0
