"""The pool and its errors: what happens when Postgres is slow, full, gone or comes back."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
import traceback
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import idempotency, keys, verdicts
from app.db.engine import Database, parse_url
from app.db.faults import StatementRefused
from app.db.keys import Principal
from app.errors import ConfigurationError, PresendError, StoreUnavailable
from tests.db.shapes import context, draft, store, verdict
from tests.postgres import PostgresServer

pytestmark = pytest.mark.anyio

CANARY = "canary-5f3a"
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = 'presend'"


def kill_connections(server: PostgresServer, url: str) -> int:
    admin = server.admin()
    killed = admin.execute(KILL, [parse_url(url).database]).fetchall()
    admin.close()
    return len(killed)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
async def test_every_spelling_of_a_url_connects(database_url: str, scheme: str) -> None:
    database = Database(scheme + database_url[database_url.index("://") :])
    await database.ping()
    assert await database.revision() is not None
    await database.close()


@pytest.mark.parametrize("url", ["", "nonsense", f"mysql://u:{CANARY}@h/d", f"postgresql://u:{CANARY}@h:port/d"])
def test_another_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Database(url)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


async def test_options_of_the_url_win_over_ours(database_url: str) -> None:
    joint = "&" if "?" in database_url else "?"
    database = Database(f"{database_url}{joint}options=-c%20statement_timeout%3D1234&application_name=mine")
    async with database.reading() as conn:
        timeout = (await conn.execute(text("SHOW statement_timeout"))).scalar_one()
        zone = (await conn.execute(text("SHOW timezone"))).scalar_one()
        name = (await conn.execute(text("SHOW application_name"))).scalar_one()
    await database.close()
    assert (timeout, zone, name) == ("1234ms", "UTC", "mine")


async def run_and_fail(connecting: AbstractAsyncContextManager[AsyncConnection], statement: str) -> None:
    async with connecting as conn:
        await conn.execute(text(statement))
        raise ZeroDivisionError


async def test_a_transaction_commits_at_its_end_and_rolls_back_on_an_error(database: Database) -> None:
    async with database.transaction() as conn:
        await conn.execute(text("CREATE TABLE note (n int)"))
        await conn.execute(text("INSERT INTO note VALUES (1)"))
    with pytest.raises(ZeroDivisionError):
        await run_and_fail(database.transaction(), "INSERT INTO note VALUES (2)")
    async with database.reading() as conn:
        assert (await conn.execute(text("SELECT array_agg(n) FROM note"))).scalar_one() == [1]


async def test_a_statement_on_its_own_commits_by_itself(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await run_and_fail(database.statements(), "CREATE TABLE note (n int)")
    async with database.reading() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM note"))).scalar_one() == 0


async def test_reading_leaves_no_transaction_open(database: Database) -> None:
    idle = "SELECT state FROM pg_stat_activity WHERE pid = :pid"
    async with database.reading() as conn, database.reading() as other:
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        assert (await other.execute(text(idle), {"pid": pid})).scalar_one() == "idle"


async def test_nothing_listening_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        database = Database(f"postgresql://u:{CANARY}@127.0.0.1:{taken.getsockname()[1]}/d")
        with pytest.raises(StoreUnavailable, match="refused the connection") as caught:
            await database.ping()
        await database.close()
    assert caught.value.retry_after_s
    assert CANARY not in str(caught.value)


async def test_an_unknown_host_is_unavailable() -> None:
    database = Database("postgresql://u@no-such-host.invalid/d")
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await database.ping()
    await database.close()


async def test_a_missing_database_is_named_as_such(postgres_server: PostgresServer) -> None:
    database = Database(postgres_server.url_of("presend_no_such_database"))
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await database.ping()
    await database.close()


async def test_a_connection_killed_in_a_transaction_is_unavailable(
    database: Database, database_url: str, postgres_server: PostgresServer
) -> None:
    async def lose_it() -> None:
        async with database.transaction() as conn:
            await conn.execute(text("SELECT 1"))
            assert kill_connections(postgres_server, database_url) == 1
            await conn.execute(text("SELECT 2"))

    with pytest.raises(StoreUnavailable) as caught:
        await lose_it()
    assert caught.value.retry_after_s
    await database.ping()


async def test_connections_killed_while_idle_cost_no_request(
    database: Database, database_url: str, postgres_server: PostgresServer
) -> None:
    await asyncio.gather(*(_hold(database) for _ in range(4)))
    assert kill_connections(postgres_server, database_url) == 4
    await asyncio.sleep(0.1)
    await asyncio.gather(*(database.ping() for _ in range(4)))


async def _hold(database: Database) -> None:
    async with database.reading() as conn:
        await conn.execute(text("SELECT pg_sleep(0.05)"))


async def test_an_exhausted_pool_is_unavailable(database_url: str) -> None:
    database = Database(database_url, pool_size=1, pool_timeout_s=0.05)
    async with database.reading():
        with pytest.raises(StoreUnavailable, match="in use"):
            await database.ping()
    await database.ping()
    await database.close()


async def test_a_slow_statement_is_unavailable(database_url: str) -> None:
    database = Database(database_url, statement_timeout_ms=50)
    with pytest.raises(StoreUnavailable, match="too long"):
        async with database.reading() as conn:
            await conn.execute(text("SELECT pg_sleep(5)"))
    await database.ping()
    await database.close()


async def test_a_cancelled_caller_gives_its_connection_back(database_url: str) -> None:
    database = Database(database_url, pool_size=1, pool_timeout_s=2.0)

    async def sleep() -> None:
        async with database.transaction() as conn:
            await conn.execute(text("SELECT pg_sleep(30)"))

    for _ in range(3):
        task = asyncio.create_task(sleep())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    started = time.perf_counter()
    await database.ping()
    assert time.perf_counter() - started < 1.0
    await database.close()


async def test_a_database_without_tables_says_what_to_do(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    assert await database.revision() is None
    with pytest.raises(StoreUnavailable, match="presend db upgrade"):
        async with database.reading() as conn:
            await keys.list_keys(conn)
    await database.close()


STATEMENTS = {
    "a bad uuid": "SELECT CAST(:x AS uuid)",
    "a bad number": "SELECT CAST(:x AS text)::integer",
    "a bad check": "INSERT INTO verdicts (tenant_id, id, created_at, kind, judge_digest, input_digest, outcome, "
    "abstained, failed_criteria, latency_ms, document) SELECT id, id, now(), :x, '', '', '', true, '{}', 1, '{}' "
    "FROM tenants",
    "a missing column": "INSERT INTO tenants (name) VALUES (:x)",
    "a bad document": "SELECT CAST(:x AS text)::jsonb",
    "a duplicate": "INSERT INTO tenants (id, name) SELECT gen_random_uuid(), :x FROM generate_series(1, 2)",
    "a syntax error": "SELEC :x",
    "an unknown function": "SELECT no_such_function(CAST(:x AS text))",
}


@pytest.mark.parametrize("what", STATEMENTS)
async def test_no_error_text_holds_a_value(
    database: Database, acme: Principal, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sqlalchemy")
    with pytest.raises(PresendError) as caught:
        async with database.transaction() as conn:
            await conn.execute(text(STATEMENTS[what]), {"x": CANARY})
    assert isinstance(caught.value, StatementRefused)
    assert_silent(caught.value, caplog)


async def test_a_refused_verdict_holds_no_value(
    database: Database, acme: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sqlalchemy")
    full = {
        "draft": draft(CANARY),
        "context": context(secret=CANARY, company_name=CANARY),
        "raw_output": CANARY,
        "bypass": CANARY,
    }
    given = verdict(reason=CANARY, task_id=CANARY, notes=[CANARY])
    await store(database, acme.tenant_id, given, **full)
    with pytest.raises(StatementRefused, match="pk_verdicts") as duplicate:
        await store(database, acme.tenant_id, given, **full)
    assert_silent(duplicate.value, caplog)
    with pytest.raises(StatementRefused, match="ck_verdicts_kind") as kind:
        await store(database, acme.tenant_id, verdict(reason=CANARY), **full | {"kind": CANARY})
    assert_silent(kind.value, caplog)


async def test_a_dead_connection_in_the_middle_of_an_insert_holds_no_value(
    database: Database,
    database_url: str,
    acme: Principal,
    postgres_server: PostgresServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="sqlalchemy")
    values: dict[str, Any] = {"draft": draft(CANARY), "context": None, "raw_output": CANARY, "bypass": None}

    async def lose_it() -> None:
        async with database.transaction() as conn:
            await conn.execute(text("SELECT 1"))
            assert kill_connections(postgres_server, database_url)
            await verdicts.insert(
                conn, tenant_id=acme.tenant_id, verdict=verdict(), kind="gate", input_digest="", **values
            )

    with pytest.raises(StoreUnavailable) as caught:
        await lose_it()
    assert_silent(caught.value, caplog)


async def test_a_replay_body_stays_out_of_errors(
    database: Database, acme: Principal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sqlalchemy")
    async with database.transaction() as conn:
        lease = await idempotency.begin(
            conn, tenant_id=acme.tenant_id, route="r", key="k", body_sha256=bytes(32), lease_s=60
        )
    assert isinstance(lease, idempotency.Lease)
    with pytest.raises(StatementRefused) as caught:
        async with database.transaction() as conn:
            await idempotency.complete(conn, lease, 10**6, CANARY.encode(), {"x": CANARY})
    assert_silent(caught.value, caplog)


def assert_silent(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the error, not in anything that it came from, not in a log."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in seen:
            continue
        seen.append(one)
        assert CANARY not in str(one) + repr(one) + repr(one.args)
        waiting += [one.__cause__, one.__context__, getattr(one, "orig", None)]
    assert len(seen) > 1
    assert CANARY not in "".join(traceback.format_exception(error))
    assert "hidden" in caplog.text  # the statements were logged, their values not
    assert CANARY not in caplog.text
