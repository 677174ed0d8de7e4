"""One effect for one key: replays, mismatches, leases that end, and late finishers that lose everything."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from sqlalchemy import text

from app.db import idempotency, verdicts
from app.db.engine import Database
from app.db.idempotency import Lease, LeaseLost, Replay
from app.db.keys import Principal
from app.errors import Conflict, IdempotencyInFlight, IdempotencyMismatch, InvalidInput
from tests.db.shapes import INPUT_DIGEST, verdict

pytestmark = pytest.mark.anyio

BODY = hashlib.sha256(b"body").digest()


async def begin(
    database: Database,
    who: Principal,
    *,
    key: str = "key",
    route: str = "POST /v1/gate",
    body: bytes = BODY,
    lease_s: float = 30,
) -> Lease | Replay:
    async with database.statements() as conn:
        return await idempotency.begin(
            conn, tenant_id=who.tenant_id, route=route, key=key, body_sha256=body, lease_s=lease_s
        )


async def lease(database: Database, who: Principal, *, lease_s: float = 30) -> Lease:
    begun = await begin(database, who, lease_s=lease_s)
    assert isinstance(begun, Lease)
    return begun


async def complete(database: Database, held: Lease, body: bytes = b"answer") -> None:
    async with database.transaction() as conn:
        await idempotency.complete(conn, held, 200, body)


async def test_a_replay_is_the_first_answer_byte_for_byte(database: Database, acme: Principal) -> None:
    held = await lease(database, acme)
    body = bytes(range(256)) * 5
    async with database.transaction() as conn:
        await idempotency.complete(conn, held, 201, body, {"Location": "/v1/verdicts/1"})
    for _ in range(3):
        assert await begin(database, acme) == Replay(201, body, {"Location": "/v1/verdicts/1"})


async def test_an_empty_answer_without_headers_replays_too(database: Database, acme: Principal) -> None:
    await complete(database, await lease(database, acme), b"")
    assert await begin(database, acme) == Replay(200, b"", {})


async def test_another_body_is_a_mismatch_before_and_after_the_answer(database: Database, acme: Principal) -> None:
    held = await lease(database, acme)
    other = hashlib.sha256(b"other").digest()
    with pytest.raises(IdempotencyMismatch):
        await begin(database, acme, body=other)
    await complete(database, held)
    with pytest.raises(IdempotencyMismatch):
        await begin(database, acme, body=other)


async def test_a_running_request_is_in_flight(database: Database, acme: Principal) -> None:
    await lease(database, acme, lease_s=0.4)
    with pytest.raises(IdempotencyInFlight) as caught:
        await begin(database, acme)
    assert 0 < (caught.value.retry_after_s or 0) <= 0.4


async def test_a_key_belongs_to_its_tenant_and_route(database: Database, acme: Principal, globex: Principal) -> None:
    await complete(database, await lease(database, acme))
    assert isinstance(await begin(database, globex), Lease)
    assert isinstance(await begin(database, acme, route="POST /v1/verdicts"), Lease)


async def test_an_expired_lease_is_taken_over_and_its_holder_fenced_out(database: Database, acme: Principal) -> None:
    late = await lease(database, acme, lease_s=0.05)
    await asyncio.sleep(0.1)
    other = hashlib.sha256(b"other").digest()
    with pytest.raises(IdempotencyMismatch):
        await begin(database, acme, body=other)
    taken = await lease(database, acme)
    assert (late.attempt, taken.attempt) == (1, 2)

    given = verdict()

    async def finish_late() -> None:
        async with database.transaction() as conn:
            await verdicts.insert(
                conn,
                tenant_id=acme.tenant_id,
                verdict=given,
                kind="gate",
                input_digest=INPUT_DIGEST,
                draft=None,
                context=None,
                raw_output=None,
                bypass=None,
            )
            await idempotency.complete(conn, late, 200, b"late")

    with pytest.raises(LeaseLost) as caught:
        await finish_late()
    assert isinstance(caught.value, Conflict)
    async with database.reading() as conn:
        assert await verdicts.get(conn, acme.tenant_id, given.id) is None

    await complete(database, taken, b"in time")
    assert await begin(database, acme) == Replay(200, b"in time", {})


async def test_a_lease_that_ran_out_but_was_not_taken_over_still_completes(database: Database, acme: Principal) -> None:
    late = await lease(database, acme, lease_s=0.01)
    await asyncio.sleep(0.05)
    await complete(database, late)
    assert await begin(database, acme) == Replay(200, b"answer", {})


async def test_an_answer_is_never_written_twice(database: Database, acme: Principal) -> None:
    held = await lease(database, acme)
    await complete(database, held)
    with pytest.raises(LeaseLost):
        await complete(database, held, b"another")
    assert await begin(database, acme) == Replay(200, b"answer", {})


async def test_an_abandoned_key_starts_anew_and_an_old_holder_cannot_abandon_it(
    database: Database, acme: Principal
) -> None:
    first = await lease(database, acme, lease_s=0.01)
    await asyncio.sleep(0.05)
    second = await lease(database, acme)
    async with database.transaction() as conn:
        await idempotency.abandon(conn, first)
    with pytest.raises(IdempotencyInFlight):
        await begin(database, acme)
    async with database.transaction() as conn:
        await idempotency.abandon(conn, second)
    assert (await lease(database, acme)).attempt == 1


async def test_a_completed_key_cannot_be_abandoned(database: Database, acme: Principal) -> None:
    held = await lease(database, acme)
    await complete(database, held)
    async with database.transaction() as conn:
        await idempotency.abandon(conn, held)
    assert isinstance(await begin(database, acme), Replay)


async def test_a_rolled_back_begin_leaves_nothing(database: Database, acme: Principal) -> None:
    async def begin_and_fail() -> None:
        async with database.transaction() as conn:
            await idempotency.begin(conn, tenant_id=acme.tenant_id, route="r", key="k", body_sha256=BODY, lease_s=30)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await begin_and_fail()
    assert isinstance(await begin(database, acme, route="r", key="k"), Lease)


async def test_of_200_at_once_one_gets_the_lease(database: Database, acme: Principal) -> None:
    async def one() -> str:
        try:
            return type(await begin(database, acme)).__name__
        except IdempotencyInFlight:
            return "in flight"

    results = await asyncio.gather(*(one() for _ in range(200)))
    assert (results.count("Lease"), results.count("in flight")) == (1, 199)


async def test_of_100_at_once_one_takes_over_an_expired_lease(database: Database, acme: Principal) -> None:
    await lease(database, acme, lease_s=0.01)
    await asyncio.sleep(0.05)

    async def one() -> int:
        try:
            begun = await begin(database, acme)
        except IdempotencyInFlight:
            return 0
        assert isinstance(begun, Lease)
        return begun.attempt

    results = await asyncio.gather(*(one() for _ in range(100)))
    assert sorted(results) == [0] * 99 + [2]


async def test_pruning_forgets_old_answers_and_dead_leases_only(database: Database, acme: Principal) -> None:
    for key in ("old", "young", "running"):
        begun = await begin(database, acme, key=key, lease_s=3600)
        assert isinstance(begun, Lease)
        if key != "running":
            await complete(database, begun)
    dead = await begin(database, acme, key="dead", lease_s=0)
    assert isinstance(dead, Lease)
    async with database.transaction() as conn:
        await conn.execute(
            text("UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key <> 'young'")
        )
        assert await idempotency.prune(conn, most=1) == 1
        assert await idempotency.prune(conn) == 1
        assert await idempotency.prune(conn) == 0
        left = await conn.execute(text("SELECT key FROM idempotency_keys ORDER BY key"))
        assert left.scalars().all() == ["running", "young"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b", "a\nb"])
async def test_an_unusable_key_is_refused(database: Database, acme: Principal, key: str) -> None:
    with pytest.raises(InvalidInput):
        await begin(database, acme, key=key)
