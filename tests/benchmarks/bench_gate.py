"""How many gate decisions one API process sustains, where its time goes, and how well it keeps a deadline.

``python -m tests.benchmarks.bench_gate``. The API is pinned to one core; Postgres (with fsync), the fake engine
(which answers at once) and the client share the rest. Every decision is stored before it is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.load import Connection, Sample, Stack, closed_loop, gate_bodies, machine, quantiles, run, stack

TARGET_PER_S = 150
TARGET_BEYOND_MS = 50
WARM_UP = 300


def throughput(total: int, concurrency: int) -> None:
    """Decisions a second, and processor time for each."""
    with stack() as running:
        requests = [running.gate(body) for body in gate_bodies(200)]
        run(closed_loop(running.service.url, requests, WARM_UP, concurrency))
        before = running.cpu_s()
        taken, seconds = run(closed_loop(running.service.url, requests, total, concurrency))
        cpu_ms = (running.cpu_s() - before) / total * 1000.0
        stored = running.service.sql("SELECT count(*) FROM verdicts")[0][0]
    if stored != total + WARM_UP:
        raise SystemExit(f"{stored} verdicts are stored, {total + WARM_UP} were answered")
    print(
        f"gate decisions: {total / seconds:.0f} a second (target {TARGET_PER_S}), {concurrency} at once, {total} in all"
    )
    print(f"  answer times: {quantiles(taken)}")
    print(
        f"  processor time of the API: {cpu_ms:.2f} ms a decision, so at most {1000 / cpu_ms:.0f} a second on one core"
    )
    print(f"  {stored} verdicts stored; {machine()}")


def profile(total: int, concurrency: int) -> None:
    """Where the API's processor time goes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "samples.json"
        with stack() as running:
            service = running.service
            service.close()
            service.command = ("-m", "tests.benchmarks.sampling", str(out), "serve")
            service.start()
            requests = [running.gate(body) for body in gate_bodies(200)]
            run(closed_loop(service.url, requests, WARM_UP, concurrency))
            os.kill(service.pid, signal.SIGUSR1)
            before = running.cpu_s()
            run(closed_loop(service.url, requests, total, concurrency))
            cpu_ms = (running.cpu_s() - before) / total * 1000.0
            service.terminate()
            service.exit_code()
        found = json.loads(out.read_text("utf-8"))
    samples = sum(found["parts"].values())
    print(f"where the API's {cpu_ms:.2f} ms of processor time a decision go ({samples} samples)")
    for name, count in sorted(found["parts"].items(), key=lambda item: -item[1]):
        print(f"  {name:42} {100 * count / samples:5.1f} %  {cpu_ms * count / samples:5.2f} ms")
    print("  innermost functions:")
    for name, count in list(found["places"].items())[:12]:
        print(f"    {100 * count / samples:5.1f} %  {name}")


async def _late(running: Stack, deadline_ms: int, total: int, concurrency: int) -> tuple[Sample, int]:
    """Milliseconds beyond the deadline of each answer, and how many said that the store was too late."""
    requests = [running.gate({**body, "deadline_ms": deadline_ms}) for body in gate_bodies(50)]
    left, beyond, refused = iter(range(total)), [], 0

    async def worker(number: int) -> None:
        nonlocal refused
        await asyncio.sleep(deadline_ms / 1000.0 * number / concurrency)
        async with Connection.to(running.service.url) as connection:
            for index in left:
                status, body, ms = await connection.send(requests[index % len(requests)])
                if status == 503:
                    refused += 1
                elif status != 200 or json.loads(body)["verdict"]["outcome"] != "timeout":
                    raise SystemExit(f"answer {status}: {body[:300]!r}")
                beyond.append(ms - deadline_ms)

    await asyncio.gather(*(worker(number) for number in range(concurrency)))
    return np.array(beyond), refused


def deadline(deadline_ms: int, total: int, concurrency: int) -> None:
    """Answer times beyond the deadline when the model never answers."""
    with stack() as running:
        run(closed_loop(running.service.url, [running.gate(body) for body in gate_bodies(50)], WARM_UP, concurrency))
        running.fake.always("hang")
        beyond, refused = run(_late(running, deadline_ms, total, concurrency))
        log = running.fake.wait_for(10.0, active=0)
    print(f"answer beyond a deadline of {deadline_ms} ms while the model hangs (target {TARGET_BEYOND_MS} ms):")
    print(f"  {quantiles(beyond)}  most {beyond.max():.1f} ms; {total} requests, {concurrency} at once")
    print(f"  {refused} answers were 503 because the write was late; {log['cancelled']} model requests were given up")
    print(f"  {machine()}")


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_gate")
    parser.add_argument("parts", nargs="*", default=["throughput", "profile", "deadline"])
    parser.add_argument("--total", type=int, default=3_000)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--deadline-ms", type=int, default=500)
    given = parser.parse_args()
    if "throughput" in given.parts:
        throughput(given.total, given.concurrency)
    if "profile" in given.parts:
        profile(given.total, given.concurrency)
    if "deadline" in given.parts:
        deadline(given.deadline_ms, min(given.total, 600), given.concurrency)


if __name__ == "__main__":
    main()
