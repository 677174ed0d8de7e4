"""What the service adds to a model call: ``python -m tests.benchmarks.bench_overhead``.

The fake engine answers after 500 ms. Each of 16 callers sends pairs, one request straight to the engine and one through
the gate, in random order: the same bytes of messages and schema, another cache salt. Reported are the differences of
the quantiles between the two arms, with 95 % percentile bootstrap intervals over pairs; the warm-up is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from typing import Any

import numpy as np

from tests.benchmarks.load import Connection, Sample, Stack, gate_bodies, machine, quantiles, request_bytes, run, stack

TARGETS = {50: 8.0, 99: 40.0}
QUANTILES = (50, 95, 99)
RESAMPLES = 4_000
WARM_UP = 3
PAUSE_S = 0.2


def engine_bodies(running: Stack, bodies: list[dict[str, Any]]) -> list[bytes]:
    """What the service sends to the engine for each gate request, ready to be sent there without it."""
    running.fake.script(default={"kind": "ok"}, keep_bodies=True)
    before = len(running.fake.log()["requests"])
    for body in bodies:
        running.caller.ok(running.caller.post("/v1/gate", body))
    sent = [note["body"] for note in running.fake.log()["requests"][before:]]
    assert len(sent) == len(bodies)
    running.fake.script(keep_bodies=False)
    return [request_bytes("/v1/chat/completions", {**body, "cache_salt": "direct"}) for body in sent]


async def measure(running: Stack, pairs: int, concurrency: int) -> tuple[Sample, Sample]:
    """Milliseconds straight and through the service, pair by pair."""
    bodies = gate_bodies(64)
    direct = engine_bodies(running, bodies)
    through = [running.gate(body) for body in bodies]
    running.fake.script(default={"kind": "ok", "latency_ms": 500})
    found: list[tuple[float, float]] = []
    left = iter(range(pairs))

    async def caller(number: int) -> None:
        rng = random.Random(number)
        await asyncio.sleep(rng.random())
        async with Connection.to(running.fake.root) as engine, Connection.to(running.service.url) as service:
            for seen, index in enumerate(left):
                # Without a pause callers that once met would go on in step, and wait for each other in every round.
                await asyncio.sleep(rng.random() * PAUSE_S)
                arms = [(engine, direct), (service, through)]
                rng.shuffle(arms)
                taken = {}
                for connection, requests in arms:
                    status, body, ms = await connection.send(requests[index % len(requests)])
                    if status != 200 or (connection is service and b'"outcome":"judged"' not in body):
                        raise SystemExit(f"answer {status}: {body[:300]!r}")
                    taken[connection is service] = ms
                if seen >= WARM_UP:
                    found.append((taken[False], taken[True]))

    await asyncio.gather(*(caller(number) for number in range(concurrency)))
    both = np.array(found)
    return both[:, 0], both[:, 1]


def report(direct: Sample, through: Sample) -> None:
    """Print both arms and their differences."""
    rng = np.random.default_rng(20_261)
    drawn = rng.integers(0, len(direct), size=(RESAMPLES, len(direct)))
    print(f"  straight to the engine: {quantiles(direct)}")
    print(f"  through the gate:       {quantiles(through)}")
    for q in QUANTILES:
        estimate = np.percentile(through, q) - np.percentile(direct, q)
        drawn_differences = np.percentile(through[drawn], q, axis=1) - np.percentile(direct[drawn], q, axis=1)
        low, high = np.percentile(drawn_differences, (2.5, 97.5))
        target = f" (target {TARGETS[q]:g} ms)" if q in TARGETS else ""
        print(f"  added at p{q}: {estimate:5.1f} ms, 95 % interval {low:.1f} to {high:.1f}{target}")
    paired = np.median(through - direct)
    print(f"  median of the paired differences: {paired:.1f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_overhead")
    parser.add_argument("--pairs", type=int, default=1_200)
    parser.add_argument("--concurrency", type=int, default=16)
    given = parser.parse_args()
    with stack(pinned=False) as running:
        direct, through = run(measure(running, given.pairs, given.concurrency))
    print(
        f"overhead of the gate over an engine of 500 ms: {len(direct)} pairs, {given.concurrency} at once; {machine()}"
    )
    report(direct, through)


if __name__ == "__main__":
    main()
