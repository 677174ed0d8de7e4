"""Memory of the API process under requests: ``python -m tests.benchmarks.bench_memory``.

Resident memory after 1,000 and after 10,000 requests, of every kind that keeps something: gate decisions, verdicts with
reasons, comparisons, idempotency keys, reads, and refused bodies. Growth between the two is what would go on for ever.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from tests.benchmarks.load import Connection, Stack, gate_bodies, machine, request_bytes, run, stack
from tests.drafts import BROKEN, pair, request

TARGET_MB = 250.0
GROWTH_MB = 10.0
"""What an allocator may keep; a leak of one kilobyte a request would be nine."""


def mixture(running: Stack, number: int) -> list[bytes]:
    """One round of requests; ``number`` makes the idempotency key new."""
    key = running.caller.key
    body = gate_bodies(number % 500 + 1)[-1]

    def post(path: str, value: Any, once: str | None = None) -> bytes:
        raw = request_bytes(path, value, key)
        return raw.replace(b"\r\nHost:", f"\r\nIdempotency-Key: {once}\r\nHost:".encode(), 1) if once else raw

    def get(path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode()

    return [
        post("/v1/gate", body),
        post("/v1/gate", body, once=f"key-{number}"),
        post("/v1/gate", body, once=f"key-{number}"),
        post("/v1/gate", request(BROKEN)),
        post("/v1/verdicts", {**body, "explain": True}),
        post("/v1/comparisons", pair()),
        post("/v1/gate", {"draft": number}),
        get("/v1/verdicts?limit=20"),
        get(f"/v1/nowhere/{number}"),
        get("/metrics"),
    ]


async def load(running: Stack, rounds: range, concurrency: int) -> None:
    """Send every round, each on one connection."""
    left = iter(rounds)

    async def caller() -> None:
        async with Connection.to(running.service.url) as connection:
            for number in left:
                for raw in mixture(running, number):
                    status, body, _ = await connection.send(raw)
                    if status >= 500:
                        raise SystemExit(f"answer {status}: {body[:300]!r}")

    await asyncio.gather(*(caller() for _ in range(concurrency)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_memory")
    parser.add_argument("--total", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=16)
    given = parser.parse_args()
    each = 10
    steps = [given.total // 10, given.total // 2, given.total]
    with stack(pinned=False) as running:
        print(f"memory of the API process; {machine()}")
        print(f"  at the start:              {running.rss_mb():6.1f} MB")
        done, measured = 0, []
        for step in steps:
            run(load(running, range(done // each, step // each), given.concurrency))
            done = step
            measured.append(running.rss_mb())
            print(f"  after {step:6} requests:     {measured[-1]:6.1f} MB")
    growth = measured[-1] - measured[0]
    grown = f"growth from {steps[0]} to {steps[-1]}: {growth:+.1f} MB"
    print(f"  most {max(measured):.0f} MB (target {TARGET_MB:.0f}); {grown}")
    if growth > GROWTH_MB or max(measured) > TARGET_MB:
        raise SystemExit("the process grows, or holds more than it may")


if __name__ == "__main__":
    main()
