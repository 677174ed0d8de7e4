"""Statistics over HTTP with a million stored verdicts: what 100 runs and one comparison cost, first and again.

    python -m tests.benchmarks.bench_statistics_http [--runs 100] [--tasks 10000] [--repeat 21]

The items come by COPY into a Postgres of its own that syncs; the service is the real program in another process. The
first requests of a kind make the marks of its runs, twenty runs each; the first is printed beside the median of those
that follow. The exit code
is 1 when a median is over its bound. On a machine that is busy with other things the figures are of that machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import psutil
import psycopg

from app.db.ids import new_id
from tests.postgres import PostgresServer, embedded
from tests.service import Caller, Service, fake_engine, service_with

BOUNDS_MS = {
    "statistics of 100 runs": 400.0,
    "statistics of 100 runs, by category": 400.0,
    "compare of two runs": 40.0,
}
COLUMNS = "tenant_id, run_id, seq, task_id, category, state, attempt, outcome, passed, score, p_fail, verdict_id"
CATEGORIES = ("capacity", "confidence", "coordination", "pricing", "segment", "tone")


def load(url: str, tenant: str, runs: int, tasks: int) -> list[str]:
    """Runs over one task set, each better than the one before; one item in a hundred has no verdict."""
    rng = random.Random(20)
    tasks_sum = hashlib.sha256(b"tasks").digest()
    names = [f"task-{number:06d}" for number in range(tasks)]
    ids: list[UUID] = []
    with psycopg.connect(url) as conn:
        (tenant_id,) = conn.execute("SELECT id FROM tenants WHERE name = %s", (tenant,)).fetchall()[0]
        for run in range(runs):
            ids.append(new_id())
            conn.execute(
                "INSERT INTO runs (tenant_id, id, name, system, kind, status, rubric_name, rubric_version, tags, "
                "reuse, created_by, created_at, task_set_sum, judge_digests) "
                "VALUES (%s, %s, %s, 's', 'judged', 'running', 'q', '1', '{}', true, 'k', now(), %s, '{d}')",
                (tenant_id, ids[-1], f"run-{run}", tasks_sum),
            )
            rate = 0.4 + 0.4 * run / runs
            rng.shuffle(names)
            with conn.cursor().copy(f"COPY run_items ({COLUMNS}) FROM STDIN") as copy:
                for seq, name in enumerate(names, start=1):
                    judged = rng.random() > 0.01
                    values: tuple[Any, ...] = (rng.random() < rate, 1.0 + 4.0 * rng.random(), rng.random())
                    category = CATEGORIES[int(name[-3:]) % len(CATEGORIES)]
                    outcome = "judged" if judged else "timeout"
                    numbers = values if judged else (None, None, None)
                    copy.write_row((tenant_id, ids[-1], seq, name, category, "done", 1, outcome, *numbers, new_id()))
            conn.commit()
        conn.autocommit = True
        conn.execute("VACUUM ANALYZE")
    return [str(one) for one in ids]


def measure(name: str, ask: Callable[[], httpx.Response], repeat: int) -> bool:
    """Print the first time and the median of the others; whether the median keeps its bound."""
    taken = []
    for _ in range(repeat + 1):
        begun = time.perf_counter()
        answer = ask()
        taken.append((time.perf_counter() - begun) * 1e3)
        assert answer.status_code == 200, answer.text[:300]
    first, *rest = taken
    p50, bound = statistics.median(rest), BOUNDS_MS.get(name)
    kept = bound is None or p50 <= bound
    said = "" if bound is None else f"  (bound {bound:.0f} ms: {'kept' if kept else 'MISSED'})"
    size = len(answer.content) / 1024
    print(f"{name:<44} first {first:8.1f} ms   p50 {p50:8.1f} ms   {size:8.0f} KiB{said}", flush=True)
    return kept


def run(service: Service, caller: Caller, ids: list[str], repeat: int) -> bool:
    """Every case; whether all bounds are kept."""

    def batch(**body: Any) -> Callable[[], httpx.Response]:
        return lambda: caller.client.post(
            "/v1/statistics", json=body, headers={"Authorization": f"Bearer {caller.key}"}, timeout=300.0
        )

    def compare(**query: Any) -> Callable[[], httpx.Response]:
        return lambda: caller.get(f"/v1/runs/{ids[0]}/compare/{ids[1]}", **query)

    few = max(11, repeat // 2)
    kept = [
        measure("compare of two runs", compare(), repeat),
        measure("compare of two runs, by category", compare(group_by="category"), repeat),
        measure("compare of two runs, scores off the grid", compare(metric="score"), few),
        measure("statistics of 100 runs", batch(runs=ids), repeat),
        measure("statistics of 100 runs, by category", batch(runs=ids, group_by=["category"]), few),
        measure("every run against every other, brief", batch(runs=ids, comparisons="all", detail="brief"), 3),
        measure("every run against every other, in full", batch(runs=ids, comparisons="all"), 2),
    ]
    print(f"service: {psutil.Process(service.pid).memory_info().rss / 1024**2:.0f} MiB resident")
    return all(kept)


def main() -> None:
    """Load, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=21)
    given = parser.parse_args()
    with (
        embedded(durable=True) as url,
        fake_engine() as fake,
        service_with(fake, server=PostgresServer(url)) as service,
    ):
        service.start()
        caller = service.caller()
        begun = time.perf_counter()
        ids = load(service.database_url, caller.tenant, given.runs, given.tasks)
        print(f"{given.runs * given.tasks:,} verdicts loaded in {time.perf_counter() - begun:.0f} s, ", end="")
        print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        kept = run(service, caller, ids, given.repeat)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
