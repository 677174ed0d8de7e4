"""What storing a verdict costs: ``python -m tests.benchmarks.bench_db``.

One embedded Postgres with fsync on, one process. Prints for each case the transactions a second, the median and the
99th percentile of one of them, and the processor time that this process spends on one (the server's comes on top).
``DATABASE_URL`` names another server; a database is made on it and dropped.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from uuid import UUID

import psycopg
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import idempotency, keys, migrate, verdicts
from app.db.engine import Database
from app.db.ids import new_id
from app.db.keys import Scope
from app.db.verdicts import VerdictFilters
from app.schemas import Action, Context, Draft, ThreadStage
from tests.db.shapes import criterion, finding, verdict
from tests.postgres import PostgresServer, embedded

DRAFT = Draft(subject="Two backend engineers from March", body="We could start with a short call on Tuesday. " * 20)
CONTEXT = Context(company_name="Kestrelworks", icp_segment=1, thread_stage=ThreadStage.COLD_FIRST_TOUCH)
CRITERIA = [criterion(name, passed=name != "tone") for name in ("facts", "capacity", "stage", "tone", "ask", "length")]
FINDINGS = [finding() for _ in range(8)]
BODY = hashlib.sha256(b"body").digest()

Work = Callable[[], Awaitable[None]]


@contextlib.contextmanager
def server() -> Iterator[PostgresServer]:
    """The server to measure."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield PostgresServer(given)
        return
    with embedded(durable=True) as url:
        yield PostgresServer(url)


async def measure(name: str, work: Work, number: int, concurrency: int) -> None:
    """Do ``work`` ``number`` times, ``concurrency`` at once, and print what it took."""
    times: list[float] = []
    left = iter(range(number))

    async def loop() -> None:
        for _ in left:
            started = time.perf_counter()
            await work()
            times.append(time.perf_counter() - started)

    for _ in range(50):
        await work()
    processor, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(loop() for _ in range(concurrency)))
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    p99 = statistics.quantiles(times, n=100)[98]
    print(
        f"{name:<42} x{concurrency:<3} {number / wall:8.0f} /s   p50 {statistics.median(times) * 1e3:6.2f} ms   "
        f"p99 {p99 * 1e3:6.2f} ms   processor {processor / number * 1e3:5.2f} ms"
    )


async def run(url: str, number: int) -> None:
    """Every case on one database."""
    database = Database(url, pool_size=16)
    async with database.transaction() as conn:
        key, token = await keys.create_key(conn, tenant="bench", name="bench", scopes={Scope.SCORE})

    async def insert_one() -> None:
        async with database.transaction() as conn:
            await store(conn, key.tenant_id)

    async def insert_once() -> None:
        async with database.statements() as conn:
            lease = await idempotency.begin(
                conn, tenant_id=key.tenant_id, route="gate", key=str(new_id()), body_sha256=BODY, lease_s=30
            )
        assert isinstance(lease, idempotency.Lease)
        async with database.transaction() as conn:
            await store(conn, key.tenant_id)
            await idempotency.complete(conn, lease, 200, b"x" * 3_000)

    async def authenticate() -> None:
        async with database.reading() as conn:
            assert await keys.authenticate(conn, token)

    async def list_page() -> None:
        async with database.reading() as conn:
            await verdicts.listing(conn, key.tenant_id, filters=VerdictFilters(action=Action.HOLD), limit=50)

    for concurrency in (1, 16):
        await measure("verdict insert", insert_one, number, concurrency)
        await measure("idempotent verdict insert (2 commits)", insert_once, number, concurrency)
        await measure("key look-up", authenticate, number, concurrency)
        await measure("page of 50 held verdicts", list_page, number // 5, concurrency)
    await database.close()


async def store(conn: AsyncConnection, tenant_id: UUID) -> None:
    """A verdict of the usual size."""
    given = verdict(criteria=CRITERIA, findings=FINDINGS)
    await verdicts.insert(
        conn,
        tenant_id=tenant_id,
        verdict=given,
        kind="gate",
        input_digest=hashlib.sha256(given.id.encode()).hexdigest(),
        draft=DRAFT,
        context=CONTEXT,
        raw_output='{"facts": 4, "capacity": 5, "stage": 5, "tone": 2, "ask": 4, "length": 5}',
        bypass=None,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=2_000, help="transactions per case")
    number = parser.parse_args().number
    with server() as postgres:
        name = postgres.create()
        try:
            url = postgres.url_of(name)
            migrate.upgrade(url)
            with psycopg.connect(url) as conn:
                print(
                    "Postgres", conn.info.server_version // 10_000, "fsync", *conn.execute("SHOW fsync").fetchall()[0]
                )
            asyncio.run(run(url, number))
        finally:
            postgres.drop(name)


if __name__ == "__main__":
    main()
