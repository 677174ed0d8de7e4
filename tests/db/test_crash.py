"""A Postgres that crashes under load: callers see ``StoreUnavailable`` only, and no acknowledged verdict is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence

import psycopg
import pytest

from app.db import keys, migrate, verdicts
from app.db.engine import Database
from app.db.keys import Scope
from app.errors import StoreUnavailable
from tests.db.shapes import store, verdict
from tests.postgres import embedded

pytestmark = pytest.mark.anyio

WRITERS = 8
CRASHES = 2


async def test_a_crash_loses_no_acknowledged_verdict_and_raises_nothing_unexpected() -> None:
    with embedded(durable=True) as url:
        migrate.upgrade(url)
        database = Database(url, pool_size=WRITERS)
        async with database.transaction() as conn:
            key, _ = await keys.create_key(conn, tenant="acme", name="agent", scopes={Scope.SCORE})

        acknowledged: list[str] = []
        failures: list[StoreUnavailable] = []
        stop = asyncio.Event()

        async def write() -> None:
            while not stop.is_set():
                try:
                    acknowledged.append((await store(database, key.tenant_id, verdict())).id)
                except StoreUnavailable as failure:
                    failures.append(failure)
                    await asyncio.sleep(0.02)

        writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
        for _ in range(CRASHES):
            await until(len(acknowledged) + 50, acknowledged, writers)
            kill_a_backend(url)
            await until(len(failures) + 1, failures, writers)
        await until(len(acknowledged) + 50, acknowledged, writers)
        stop.set()
        await asyncio.gather(*writers)

        assert all(failure.retry_after_s and failure.detail.endswith(".") for failure in failures)
        async with database.reading() as conn:
            missing = [one for one in acknowledged if await verdicts.get(conn, key.tenant_id, one) is None]
        await database.close()
        assert missing == []


async def until(number: int, done: Sequence[object], writers: Sequence[asyncio.Task[None]]) -> None:
    """Wait until so many are done, at most half a minute, and as long as every writer lives."""
    for _ in range(3_000):
        if len(done) >= number:
            return
        assert not any(writer.done() for writer in writers)
        await asyncio.sleep(0.01)
    pytest.fail(f"{len(done)} of {number} after 30 s")


def kill_a_backend(url: str) -> None:
    """SIGKILL one server process, which makes Postgres end every other one and recover from its log."""
    with psycopg.connect(url, autocommit=True) as conn:
        found = conn.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'presend' LIMIT 1").fetchone()
    assert found is not None
    os.kill(found[0], signal.SIGKILL)
