"""A run under fire: workers killed and stopped, the engine killed, connections cut, Postgres crashed, until it is done.

The tests run it small. The full size is ``python -m tests.worker.ordeal --items 100000 --worker 12 --postgres 2
--stop 2 --engine 2 --cut 4``; it prints what was lost (nothing), what was judged twice (nothing) and what it cost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from app.db import keys, migrate
from app.db.engine import Database
from app.db.keys import Principal, Scope
from tests.fake_plugin import FakeVllm
from tests.postgres import embedded
from tests.worker.shapes import ROOT, WorkerProcess, check_books, fill, worker_process

CANARIES = 3
"""Calls that a worker makes before its first item."""


@dataclass(frozen=True)
class Plan:
    """How large, and how many faults of each kind."""

    items: int = 300
    workers: int = 2
    slots: int = 16
    lease_s: float = 2.0
    latency_ms: float = 20.0
    faults: dict[str, int] = field(default_factory=dict)
    seed: int = 1


@dataclass
class Outcome:
    """What it came to. ``stalled_s`` is the longest time without one more item judged."""

    seconds: float
    calls: int
    starts: int
    late: int
    stalled_s: float

    def beyond(self, items: int) -> int:
        """Calls beyond one for each item."""
        return self.calls - CANARIES * self.starts - items


class _Engine:
    """The scripted engine in a process that can be killed and started again at the same address."""

    def __init__(self, latency_ms: float) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._latency_ms = latency_ms
        self._process: subprocess.Popen[bytes] | None = None
        self._before = 0
        self.handle = FakeVllm(f"http://127.0.0.1:{self._port}")

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.fake_vllm", "--port", str(self._port), "--forget-bodies"]
        self._process = subprocess.Popen(
            [*command, "--latency-ms", str(self._latency_ms)], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                self.handle.log()
                return
            assert time.monotonic() < end
            time.sleep(0.05)

    def calls(self) -> int:
        return self._before + int(self.handle.log()["received"])

    def kill(self) -> None:
        assert self._process is not None
        self._before = self.calls()
        self._process.kill()
        self._process.wait()


class Ordeal:
    """One run under one plan."""

    def __init__(self, plan: Plan, folder: Path, url: str) -> None:
        self.plan, self.folder, self.url = plan, folder, url
        self._rng = random.Random(plan.seed)
        self._engine = _Engine(plan.latency_ms)
        self._stack = contextlib.ExitStack()
        self._workers: list[WorkerProcess] = []
        self._logs: list[Path] = []
        self._stopped: list[tuple[float, WorkerProcess]] = []
        self._starts = 0

    def go(self) -> Outcome:
        """Until every item has ended, whatever happens."""
        owner = asyncio.run(self._begin())
        self._engine.start()
        with self._stack:
            try:
                for _ in range(self.plan.workers):
                    self._start_worker()
                begun = time.monotonic()
                stalled = self._fight(owner)
                seconds = time.monotonic() - begun
                self._wake(at_once=True)
                time.sleep(0.5)
                calls = self._engine.calls()
                for worker in self._workers:
                    worker.end(signal.SIGTERM)
            finally:
                self._engine.kill()
        late = sum(line.count("late=") and _late(line) for log in self._logs for line in log.read_text().splitlines())
        return Outcome(seconds, calls, self._starts, late, stalled)

    async def _begin(self) -> Principal:
        db = Database(self.url)
        async with db.transaction() as conn:
            _, token = await keys.create_key(conn, tenant="ordeal", name="ordeal", scopes=set(Scope))
            owner = await keys.authenticate(conn, token)
        assert owner is not None
        await fill(db, owner, self.plan.items)
        await db.close()
        return owner

    def _fight(self, owner: Principal) -> float:
        """Strike at even steps of progress; the longest time without any."""
        faults = [kind for kind, count in self.plan.faults.items() for _ in range(count)]
        self._rng.shuffle(faults)
        steps = [round(self.plan.items * (n + 1) / (len(faults) + 2)) for n in range(len(faults))]
        last, moved, stalled = 0, time.monotonic(), 0.0
        limit = time.monotonic() + 120 + self.plan.items / 20
        while True:
            time.sleep(0.05)
            self._wake()
            done = self._done(owner)
            now = time.monotonic()
            assert now < limit, f"not over in time: {done} of {self.plan.items} are judged"
            if done is None:
                continue
            if done != last:
                stalled, last, moved = max(stalled, now - moved), done, now
            if done == self.plan.items:
                return stalled
            if faults and done >= steps[0]:
                steps.pop(0)
                getattr(self, f"_strike_{faults.pop(0)}")()

    def _done(self, owner: Principal) -> int | None:
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.url, autocommit=True, connect_timeout=2) as conn:
            row = conn.execute("SELECT n_total - n_pending - n_running FROM runs").fetchone()
            return None if row is None else int(row[0])
        return None

    def _start_worker(self) -> None:
        manager = worker_process(
            self.folder,
            self.url,
            self._engine.handle.url,
            batch_slots=self.plan.slots,
            batch_lease_s=self.plan.lease_s,
        )
        worker = self._stack.enter_context(manager)
        self._workers.append(worker)
        self._logs.append(worker.log)
        self._starts += 1

    def _strike_worker(self) -> None:
        victim = self._workers.pop(self._rng.randrange(len(self._workers)))
        victim.end(signal.SIGKILL)
        self._start_worker()

    def _strike_stop(self) -> None:
        """SIGSTOP for longer than the lease; another one works meanwhile."""
        victim = self._workers[self._rng.randrange(len(self._workers))]
        victim.send(signal.SIGSTOP)
        self._stopped.append((time.monotonic() + 1.6 * self.plan.lease_s, victim))
        if len(self._workers) == len(self._stopped):
            self._start_worker()

    def _wake(self, *, at_once: bool = False) -> None:
        for entry in list(self._stopped):
            if at_once or time.monotonic() >= entry[0]:
                entry[1].send(signal.SIGCONT)
                self._stopped.remove(entry)

    def _strike_engine(self) -> None:
        self._engine.kill()
        time.sleep(0.3)
        self._engine.start()

    def _strike_cut(self) -> None:
        """Every connection at once."""
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def _strike_postgres(self) -> None:
        """kill -9 of one backend: Postgres ends all others at once and recovers as after a crash."""
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.url, autocommit=True) as conn:
            row = conn.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'presend' ORDER BY random() LIMIT 1"
            ).fetchone()
            if row is not None:
                os.kill(int(row[0]), signal.SIGKILL)


def _late(line: str) -> int:
    return int(line.rpartition("late=")[2].split()[0])


@contextlib.contextmanager
def prepared(plan: Plan) -> contextlib.AbstractContextManager[Ordeal]:  # type: ignore[misc]
    """An ordeal on a durable Postgres of its own."""
    with embedded(durable=True) as url, tempfile.TemporaryDirectory() as folder:
        migrate.upgrade(url)
        yield Ordeal(plan, Path(folder), url)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.worker.ordeal")
    for name, number in (("items", 2_000), ("workers", 2), ("slots", 16), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--lease-s", type=float, default=5.0)
    parser.add_argument("--latency-ms", type=float, default=5.0)
    for kind, number in (("worker", 3), ("stop", 1), ("engine", 1), ("cut", 2), ("postgres", 1)):
        parser.add_argument(f"--{kind}", type=int, default=number, help="how many faults of this kind")
    given = vars(parser.parse_args())
    faults = {kind: given.pop(kind) for kind in ("worker", "stop", "engine", "cut", "postgres")}
    plan = Plan(**given, faults=faults)
    with prepared(plan) as ordeal:
        outcome = ordeal.go()
        check_books(ordeal.url)
    beyond = outcome.beyond(plan.items)
    print(
        f"{plan.items} items, faults {faults}: {outcome.seconds:.1f} s; 0 lost, 0 twice, {outcome.late} late results "
        f"fenced, {beyond} extra calls ({100 * beyond / plan.items:+.2f} %), longest stall {outcome.stalled_s:.1f} s"
    )


if __name__ == "__main__":
    main()
