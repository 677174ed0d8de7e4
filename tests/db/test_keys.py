"""API keys: shown once, checked cheaply, rotated without a gap, revoked at once."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.db import keys
from app.db.engine import Database
from app.db.keys import KeyInfo, Principal, Scope
from app.errors import Conflict, InvalidInput, NotFound

pytestmark = pytest.mark.anyio


async def create(database: Database, name: str = "agent", tenant: str = "acme") -> tuple[KeyInfo, str]:
    async with database.transaction() as conn:
        return await keys.create_key(conn, tenant=tenant, name=name, scopes={Scope.SCORE, Scope.READ})


async def whose(database: Database, token: str) -> Principal | None:
    async with database.reading() as conn:
        return await keys.authenticate(conn, token)


async def test_a_new_key_authenticates_as_its_tenant_with_its_scopes(database: Database) -> None:
    info, token = await create(database)
    assert token.startswith(f"psk_{info.key_id}_")
    assert await whose(database, token) == Principal(
        info.tenant_id, "acme", info.key_id, frozenset({Scope.SCORE, Scope.READ})
    )
    other, _ = await create(database, tenant="globex")
    assert other.tenant_id != info.tenant_id
    second, _ = await create(database, name="other")
    assert second.tenant_id == info.tenant_id


async def test_the_plaintext_is_nowhere_in_the_database(database: Database) -> None:
    _, token = await create(database)
    secret = token.rsplit("_", 1)[1][:43]
    async with database.reading() as conn:
        stored = (await conn.execute(text("SELECT api_keys::text FROM api_keys"))).scalar_one()
    assert secret not in stored
    assert secret.encode().hex() not in stored


async def test_a_wrong_secret_with_a_right_checksum_is_refused(database: Database) -> None:
    _, mine = await create(database)
    _, other = await create(database, name="other")
    unsigned = "_".join([*mine.split("_")[:2], other.split("_")[2][:43]])
    forged = unsigned + keys._checksum(unsigned)
    assert keys.parse_token(forged) is not None
    assert await whose(database, forged) is None


def test_every_single_changed_character_fails_the_checksum() -> None:
    token = keys._new_token()
    assert keys.parse_token(token) is not None
    for place in range(len(token)):
        for instead in "aZ0_-é\0 ":
            if token[place] != instead:
                assert keys.parse_token(token[:place] + instead + token[place + 1 :]) is None


@given(st.text(max_size=100) | st.from_regex(r"psk_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}", fullmatch=True))
def test_no_other_text_is_a_token(text_: str) -> None:
    assert keys.parse_token(text_) is None


async def test_a_malformed_token_costs_no_query(database: Database) -> None:
    await create(database)
    async with database.reading() as conn:
        await conn.close()  # a query would fail now
        assert await keys.authenticate(conn, "psk_nonsense") is None


async def test_a_revoked_key_is_refused_at_once_and_stays_revoked(database: Database) -> None:
    info, token = await create(database)
    async with database.transaction() as conn:
        revoked = await keys.revoke_key(conn, info.key_id)
    assert revoked.revoked_at is not None
    assert await whose(database, token) is None
    async with database.transaction() as conn:
        assert await keys.revoke_key(conn, info.key_id) == revoked


async def test_rotation_keeps_both_keys_live_until_the_old_one_is_revoked(database: Database) -> None:
    old, old_token = await create(database)
    async with database.transaction() as conn:
        new, new_token = await keys.rotate_key(conn, old.key_id)
    assert (new.tenant_id, new.name, new.scopes) == (old.tenant_id, old.name, old.scopes)
    assert await whose(database, old_token)
    assert await whose(database, new_token)
    with pytest.raises(Conflict, match="Two live keys"):
        async with database.transaction() as conn:
            await keys.rotate_key(conn, new.key_id)
    with pytest.raises(Conflict, match="Two live keys"):
        await create(database)
    async with database.transaction() as conn:
        await keys.revoke_key(conn, old.key_id)
        await keys.rotate_key(conn, new.key_id)
    with pytest.raises(Conflict, match="revoked key"):
        async with database.transaction() as conn:
            await keys.rotate_key(conn, old.key_id)


async def test_a_race_never_makes_three_live_keys(database: Database) -> None:
    results = await asyncio.gather(*(create(database) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(result, tuple) for result in results) == 2
    assert sum(isinstance(result, Conflict) for result in results) == 6


async def test_unknown_keys_and_unusable_names_are_refused(database: Database) -> None:
    async with database.transaction() as conn:
        for call in (keys.revoke_key, keys.rotate_key):
            with pytest.raises(NotFound):
                await call(conn, "nobody")
        for name in ("", " ", "x" * 201, "a\0b", "a\nb"):
            with pytest.raises(InvalidInput):
                await keys.create_key(conn, tenant="acme", name=name, scopes={Scope.READ})
            with pytest.raises(InvalidInput):
                await keys.create_key(conn, tenant=name, name="agent", scopes={Scope.READ})
        with pytest.raises(InvalidInput, match="scope"):
            await keys.create_key(conn, tenant="acme", name="agent", scopes=set())


async def test_keys_are_listed_with_their_use(database: Database) -> None:
    used, _ = await create(database)
    unused, _ = await create(database, name="other")
    await create(database, tenant="globex")
    async with database.transaction() as conn:
        await keys.touch(conn, [used.key_id, used.key_id, "gone"])
        await keys.touch(conn, [])
    async with database.reading() as conn:
        listed = {info.key_id: info for info in await keys.list_keys(conn, "acme")}
        everything = await keys.list_keys(conn)
    assert set(listed) == {used.key_id, unused.key_id}
    assert len(everything) == 3
    assert listed[used.key_id].last_used_at is not None
    assert listed[unused.key_id].last_used_at is None


async def test_a_key_is_checked_in_microseconds_without_the_database() -> None:
    token = keys._new_token()
    started = time.perf_counter()
    for _ in range(1_000):
        keys.parse_token(token)
    assert (time.perf_counter() - started) / 1_000 < 200e-6
