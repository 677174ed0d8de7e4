"""Runs over HTTP: upload, judging through the SDK, memory, lists at a million verdicts, and the gate beside a batch.

Run all parts with ``python -m tests.benchmarks.bench_runs``, or some: ``... bench_runs upload judge``. The full size is
``--items 100000 --verdicts 1000000``; the fake engine has no latency.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import psycopg

from app.db.ids import new_id
from tests.benchmarks.drafts import item
from tests.benchmarks.load import Stack, closed_loop, gate_bodies, machine, quantiles, run, stack
from tests.service import ROOT
from tests.worker.shapes import check_books, worker_process

ND = {"Content-Type": "application/x-ndjson"}


def written(count: int, folder: Path) -> Path:
    """An upload as a file, so that the sender's own work is not measured."""
    path = folder / "upload.ndjson"
    with path.open("wb") as out:
        for number in range(count):
            out.write(json.dumps(item(number)).encode() + b"\n")
    return path


def opened(on: Stack, **changes: Any) -> str:
    response = on.caller.post("/v1/runs", {"name": "bench", "system": "bench", **changes})
    run_id: str = response.json()["id"]
    return run_id


def sent(on: Stack, run_id: str, path: Path, what: str = "items") -> tuple[float, dict[str, Any]]:
    """Send a file; seconds until the answer, and the answer."""

    def blocks() -> Iterator[bytes]:
        with path.open("rb") as file:
            while block := file.read(1 << 18):
                yield block

    headers = {"Authorization": f"Bearer {on.caller.key}", **ND}
    begun = time.perf_counter()
    with httpx.Client(base_url=on.service.url, trust_env=False, timeout=300.0) as client:
        answer = client.post(f"/v1/runs/{run_id}/{what}", content=blocks(), headers=headers)
    assert answer.status_code == 200, answer.text[:500]
    return time.perf_counter() - begun, answer.json()


def peak_mb(pid: int) -> float:
    """Most resident memory that a process has had, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def finished(on: Stack, run_id: str, every_s: float = 0.2) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = on.caller.ok(on.caller.get(f"/v1/runs/{run_id}"))
        if found["status"] == "completed":
            return found
        time.sleep(every_s)


def bench_upload(count: int, tries: int) -> None:
    """Items a second from the first byte to the stored answer."""
    with stack(pinned=False) as on, tempfile.TemporaryDirectory() as folder:
        path = written(count, Path(folder))
        rates = []
        for _ in range(tries):
            busy = cpu_s(on.service.pid)
            seconds, answer = sent(on, opened(on), path)
            busy = cpu_s(on.service.pid) - busy
            assert answer["accepted"] == count, answer
            rates.append(count / seconds)
            size = path.stat().st_size / count
            print(
                f"upload: {count} items of {size:.0f} bytes in {seconds:.2f} s, {count / seconds:,.0f} items/s; "
                f"API {busy / count * 1e6:.0f} us an item, peak {peak_mb(on.service.pid):.0f} MB ({machine()})"
            )
        print(f"upload: median {statistics.median(rates):,.0f} items/s (target 20,000)")


@contextlib.contextmanager
def worker_of(
    on: Stack, folder: Path, profile: Path | None = None, **settings: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process beside a stack; with ``profile`` under the sampler, whose report goes there."""
    if profile is None:
        with worker_process(folder, on.service.database_url, on.service.fake.url, batch_lease_s=15, **settings) as one:
            yield one.process
        return
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": on.service.database_url,
        "VLLM_BASE_URL": on.service.fake.url,
        "PRESEND_HOME": str(folder),
        "PRESEND_LOG_LEVEL": "warning",
        "PRESEND_ADAPTER": "none",
        **{f"PRESEND_{name.upper()}": str(value) for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "tests.benchmarks.sampling", str(profile), "worker"]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def bench_judge(count: int, slots: int, profile: bool = False) -> None:
    """Items a second of one worker through HTTP and SDK, and memory of each process."""
    with stack(pinned=False) as on, tempfile.TemporaryDirectory() as folder:
        path = written(count, Path(folder))
        run_id = opened(on)
        _, answer = sent(on, run_id, path)
        assert answer["accepted"] == count
        out = Path(folder) / "samples.json" if profile else None
        with worker_of(on, Path(folder), out, batch_slots=slots) as worker:
            while not on.caller.ok(on.caller.get(f"/v1/runs/{run_id}"))["started_at"]:
                time.sleep(0.02)
            begun, busy = time.perf_counter(), cpu_s(worker.pid)
            found = finished(on, run_id)
            seconds, busy = time.perf_counter() - begun, cpu_s(worker.pid) - busy
            memory = peak_mb(worker.pid)
        assert found["counts"]["judged"] == count, found["counts"]
        calls = on.service.fake.log()["received"]
        print(
            f"judge: {count} items over HTTP, {slots} at once: {seconds:.1f} s, "
            f"{count / seconds:,.0f} items/s a worker "
            f"(target 350); worker CPU {busy / seconds:.0%} of a core, {busy / count * 1e6:.0f} us an item; "
            f"worker peak {memory:.0f} MB, API peak {peak_mb(on.service.pid):.0f} MB (target 300); "
            f"{calls} calls ({machine()})"
        )
        check_books(on.service.database_url)
        if out is not None:
            samples = json.loads(out.read_text("utf-8"))
            total = sum(samples["parts"].values())
            for name, number in sorted(samples["parts"].items(), key=lambda one: -one[1]):
                print(
                    f"  {name:42} {100 * number / total:5.1f} %  {busy / count * 1e6 * number / total:6.0f} us an item"
                )
            for name, number in list(samples["places"].items())[:15]:
                print(f"    {100 * number / total:5.1f} %  {name}")


def fill_verdicts(url: str, tenant: UUID, count: int) -> str:
    """``count`` verdicts in runs of 100,000, as rows of the server's own making; returns a run's id."""
    run_ids = [new_id() for _ in range(max(1, count // 100_000))]
    each = count // len(run_ids)
    with psycopg.connect(url, autocommit=True) as conn:
        for run_id in run_ids:
            with conn.transaction():
                conn.execute(
                    "INSERT INTO runs (tenant_id, id, name, system, kind, status, rubric_name, "
                    "rubric_version, tags, reuse, "
                    "created_by, created_at, started_at) VALUES (%s, %s, 'big', 's', 'judged', "
                    "'running', 'outreach', '1', "
                    "'{}', true, 'k', now(), now())",
                    [tenant, run_id],
                )
                conn.execute(
                    "INSERT INTO run_items (tenant_id, run_id, seq, task_id, state, outcome, passed, "
                    "score, verdict_id, "
                    "finished_at) SELECT %s, %s, n, 't' || n, CASE WHEN n < %s THEN 'done' ELSE 'pending' END, "
                    "CASE WHEN n < %s THEN CASE WHEN n %% 1000 = 0 THEN 'timeout' ELSE 'judged' END END, "
                    "CASE WHEN n < %s AND n %% 1000 <> 0 THEN n %% 2 = 0 END, NULL, gen_random_uuid(), now() "
                    "FROM generate_series(1, %s) AS n",
                    [tenant, run_id, each, each, each, each],
                )
                conn.execute(
                    "INSERT INTO verdicts (tenant_id, id, created_at, kind, run_id, task_id, "
                    "judge_digest, input_digest, "
                    "outcome, passed, abstained, failed_criteria, latency_ms, document) SELECT tenant_id, "
                    "CAST(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7' || "
                    "substr(md5(run_id::text || seq), 1, 3) || '8' || substr(md5(run_id::text || "
                    "seq), 4, 15) AS uuid), "
                    "now(), 'verdict', run_id, task_id, 'j', md5(task_id), coalesce(outcome, "
                    "'judged'), passed, false, '{}', 1, "
                    "%s::jsonb FROM run_items WHERE tenant_id = %s AND run_id = %s",
                    [json.dumps({"pad": "x" * 1200}), tenant, run_id],
                )
        conn.execute("VACUUM ANALYZE")
    return str(run_ids[0])


def bench_lists(count: int, asks: int) -> None:
    """Milliseconds of listing and progress with many verdicts stored."""
    with stack(pinned=False) as on:
        tenant = UUID(str(on.service.sql("SELECT tenant_id FROM api_keys WHERE id = %s", on.caller.key_id)[0][0]))
        begun = time.perf_counter()
        run_id = fill_verdicts(on.service.database_url, tenant, count)
        print(f"lists: {count} verdicts filled in {time.perf_counter() - begun:.0f} s")
        middle = on.caller.ok(on.caller.get(f"/v1/runs/{run_id}/items", limit=500))["next_cursor"]
        for what, path, query in (
            ("list of runs", "/v1/runs", {}),
            ("progress", f"/v1/runs/{run_id}", {}),
            ("items", f"/v1/runs/{run_id}/items", {"cursor": middle}),
            ("items that timed out", f"/v1/runs/{run_id}/items", {"outcome": "timeout"}),
        ):
            taken = []
            for _ in range(asks):
                at = time.perf_counter()
                on.caller.ok(on.caller.get(path, **query))
                taken.append((time.perf_counter() - at) * 1000)
            print(f"{what}: {quantiles(np.array(taken))} (target p99 20 ms; {machine()})")


def bench_gate(count: int, slots: int, asks: int) -> None:
    """The gate's latency alone and while a batch runs; the engine takes 20 ms a call."""
    with stack(pinned=False, latency_ms=20.0) as on, tempfile.TemporaryDirectory() as folder:
        requests = [on.gate(body) for body in gate_bodies(200)]
        run(closed_loop(on.service.url, requests, 200, 2))
        idle, _ = run(closed_loop(on.service.url, requests, asks, 2))
        run_id = opened(on)
        sent(on, run_id, written(count, Path(folder)))
        with worker_of(on, Path(folder), batch_slots=slots):
            while not on.caller.ok(on.caller.get(f"/v1/runs/{run_id}"))["counts"]["judged"]:
                time.sleep(0.05)
            loaded, _ = run(closed_loop(on.service.url, requests, asks, 2))
            state = on.caller.ok(on.caller.get(f"/v1/runs/{run_id}"))
        assert state["status"] != "completed", "the batch ended before the gate was measured; give more --items"
        ratio = np.percentile(loaded, 99) / np.percentile(idle, 99)
        print(
            f"gate idle: {quantiles(idle)}\ngate beside a batch: {quantiles(loaded)}; p99 x "
            f"{ratio:.2f} (target 1.5; {machine()})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_runs")
    parser.add_argument("parts", nargs="*", default=["upload", "judge", "lists", "gate"])
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--verdicts", type=int, default=100_000)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--asks", type=int, default=500)
    parser.add_argument("--tries", type=int, default=3)
    args = parser.parse_args()
    if "upload" in args.parts:
        bench_upload(args.items, args.tries)
    if "judge" in args.parts:
        bench_judge(args.items, args.slots)
    if "profile" in args.parts:
        bench_judge(args.items, args.slots, profile=True)
    if "lists" in args.parts:
        bench_lists(args.verdicts, args.asks)
    if "gate" in args.parts:
        bench_gate(args.items, args.slots, args.asks)


if __name__ == "__main__":
    main()
