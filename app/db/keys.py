"""API keys: made, checked, rotated and revoked. A key belongs to one tenant and carries scopes.

A key is 256 random bits, so SHA-256 guards it as well as any slow hash would. Its plaintext exists once, in the answer
to whoever made it. A token with a wrong checksum is refused without asking the database.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.ids import new_id
from app.db.models import api_keys, tenants
from app.errors import Conflict, InvalidInput, NotFound

_PREFIX = "psk"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 16
_SECRET_LENGTH = 43  # 43 base-62 digits hold 256 bits
_CHECKSUM_LENGTH = 6  # and 6 hold a CRC-32
_MAX_NAME = 200


class Scope(StrEnum):
    """What a key may do."""

    SCORE = "score"
    READ = "read"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: the tenant and the scopes of a live key."""

    tenant_id: UUID
    tenant: str
    key_id: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be shown about a key; never its secret."""

    key_id: str
    tenant_id: UUID
    tenant: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ParsedToken:
    """A token whose checksum is right: its public id, and the SHA-256 of its secret."""

    key_id: str
    secret_sha256: bytes


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def _checksum(unsigned: str) -> str:
    return _base62(zlib.crc32(unsigned.encode()), _CHECKSUM_LENGTH)


def _new_token() -> str:
    key_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
    unsigned = f"{_PREFIX}_{key_id}_{_base62(secrets.randbits(256), _SECRET_LENGTH)}"
    return unsigned + _checksum(unsigned)


def parse_token(token: str) -> ParsedToken | None:
    """Take ``psk_<id>_<secret><checksum>`` apart; None when it was never one of ours. Asks nobody."""
    parts = token.split("_")
    if len(parts) != 3 or not token.isascii() or not token.replace("_", "").isalnum():
        return None
    prefix, key_id, tail = parts
    if prefix != _PREFIX or len(key_id) != _ID_LENGTH or len(tail) != _SECRET_LENGTH + _CHECKSUM_LENGTH:
        return None
    if _checksum(token[:-_CHECKSUM_LENGTH]) != tail[_SECRET_LENGTH:]:
        return None
    return ParsedToken(key_id, hashlib.sha256(tail[:_SECRET_LENGTH].encode()).digest())


_INFO = (
    api_keys.c.id,
    api_keys.c.tenant_id,
    tenants.c.name.label("tenant"),
    api_keys.c.name,
    api_keys.c.scopes,
    api_keys.c.created_at,
    api_keys.c.last_used_at,
    api_keys.c.revoked_at,
)
_SELECT = select(*_INFO).join_from(api_keys, tenants)
_BY_ID = _SELECT.where(api_keys.c.id == bindparam("key_id"))
_LIST = _SELECT.order_by(tenants.c.name, api_keys.c.name, api_keys.c.created_at, api_keys.c.id)
_AUTHENTICATE = (
    select(api_keys.c.secret_sha256, api_keys.c.tenant_id, tenants.c.name, api_keys.c.scopes)
    .join_from(api_keys, tenants)
    .where(api_keys.c.id == bindparam("key_id"), api_keys.c.revoked_at.is_(None))
)
_new_tenant = insert(tenants).values(id=bindparam("id"), name=bindparam("name"))
# The update changes nothing; it takes the lock on the row, which serialises the making of keys for one tenant.
_ENSURE_TENANT = _new_tenant.on_conflict_do_update(
    index_elements=["name"], set_={"name": _new_tenant.excluded.name}
).returning(tenants.c.id)
_LIVE_SLOTS = select(api_keys.c.slot).where(
    api_keys.c.tenant_id == bindparam("tenant_id"),
    api_keys.c.name == bindparam("name"),
    api_keys.c.revoked_at.is_(None),
)
_INSERT = insert(api_keys)
_REVOKE = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("key_id"))
    .values(revoked_at=func.coalesce(api_keys.c.revoked_at, func.now()))
)
# Locked in one order and skipping what another process is touching, so that two batches never wait for each other.
_TOUCH = text(
    "UPDATE api_keys SET last_used_at = now() FROM (SELECT id FROM api_keys WHERE id = ANY(:key_ids) "
    "ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) AS used WHERE api_keys.id = used.id"
)


async def create_key(
    conn: AsyncConnection, *, tenant: str, name: str, scopes: Collection[Scope]
) -> tuple[KeyInfo, str]:
    """Make a key, and the tenant when it is new; returns the key and its plaintext, which is not kept.

    Raises ``InvalidInput`` for an unusable name or no scope, ``Conflict`` when two live keys of the name exist.
    """
    for what, value in (("tenant", tenant), ("name", name)):
        if not value.strip() or len(value) > _MAX_NAME or not value.isprintable():
            raise InvalidInput(f"The {what} of a key is 1 to {_MAX_NAME} printable characters.")
    if not scopes:
        raise InvalidInput(f"A key needs at least one scope of {', '.join(Scope)}.")
    tenant_id = (await conn.execute(_ENSURE_TENANT, {"id": new_id(), "name": tenant})).scalar_one()
    taken = set((await conn.execute(_LIVE_SLOTS, {"tenant_id": tenant_id, "name": name})).scalars())
    slot = next((slot for slot in (1, 2) if slot not in taken), None)
    if slot is None:
        raise Conflict("Two live keys of this name exist already; revoke one of them first.")
    token = _new_token()
    parsed = parse_token(token)
    assert parsed is not None  # noqa: S101 - a token that we made parses
    row = {
        "id": parsed.key_id,
        "tenant_id": tenant_id,
        "name": name,
        "scopes": sorted(Scope(scope).value for scope in set(scopes)),
        "secret_sha256": parsed.secret_sha256,
        "slot": slot,
    }
    await conn.execute(_INSERT, row)
    return await _info(conn, parsed.key_id), token


async def rotate_key(conn: AsyncConnection, key_id: str) -> tuple[KeyInfo, str]:
    """Make a second key with the tenant, name and scopes of a live one, which stays live until it is revoked.

    Raises ``NotFound``, or ``Conflict`` when the key is revoked or two live keys of its name exist.
    """
    old = await _info(conn, key_id)
    if old.revoked_at is not None:
        raise Conflict("A revoked key cannot be rotated; create a new one.")
    return await create_key(conn, tenant=old.tenant, name=old.name, scopes=old.scopes)


async def revoke_key(conn: AsyncConnection, key_id: str) -> KeyInfo:
    """End a key; ending it again changes nothing. Raises ``NotFound``."""
    await conn.execute(_REVOKE, {"key_id": key_id})
    return await _info(conn, key_id)


async def list_keys(conn: AsyncConnection, tenant: str | None = None) -> list[KeyInfo]:
    """Every key, or those of one tenant, revoked ones included."""
    statement = _LIST if tenant is None else _LIST.where(tenants.c.name == tenant)
    return [_key_info(row) for row in await conn.execute(statement)]


async def authenticate(conn: AsyncConnection, token: str) -> Principal | None:
    """Whose key this is, or None: malformed, unknown, revoked or with a wrong secret."""
    parsed = parse_token(token)
    if parsed is None:
        return None
    row = (await conn.execute(_AUTHENTICATE, {"key_id": parsed.key_id})).one_or_none()
    if row is None or not hmac.compare_digest(row.secret_sha256, parsed.secret_sha256):
        return None
    return Principal(row.tenant_id, row.name, parsed.key_id, frozenset(Scope(scope) for scope in row.scopes))


async def touch(conn: AsyncConnection, key_ids: Collection[str]) -> None:
    """Note that these keys were used just now; one statement for the whole batch."""
    if key_ids:
        await conn.execute(_TOUCH, {"key_ids": sorted(set(key_ids))})


async def _info(conn: AsyncConnection, key_id: str) -> KeyInfo:
    row = (await conn.execute(_BY_ID, {"key_id": key_id})).one_or_none()
    if row is None:
        raise NotFound("There is no API key with this id.")
    return _key_info(row)


def _key_info(row: Any) -> KeyInfo:
    return KeyInfo(
        key_id=row.id,
        tenant_id=row.tenant_id,
        tenant=row.tenant,
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
