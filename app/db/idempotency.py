"""One effect for one idempotency key: a lease before the work, the response with the work's own transaction.

A row without a status is a lease. It ends by itself, so a crash never blocks a key for ever; whoever takes it over
raises ``attempt``, and a late finisher with an older attempt is refused together with everything else that its
transaction wrote. Bodies are compared by their SHA-256 and replayed byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.models import idempotency_keys as table
from app.errors import Conflict, IdempotencyInFlight, IdempotencyMismatch, InvalidInput, StoreUnavailable

MAX_KEY_CHARS = 255
_POLL_S = 1.0
_MIN_WAIT_S = 0.05


class LeaseLost(Conflict):
    """The lease ran out and another request took the key over; what this one did must be rolled back."""

    slug, title = "idempotency-lease-lost", "Another request has taken over this idempotency key"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do the work of one key, until it runs out."""

    tenant_id: UUID
    route: str
    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Replay:
    """The response that the key has had already."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def _until(parameter: str) -> object:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam(parameter))


_ours = (
    table.c.tenant_id == bindparam("p_tenant_id"),
    table.c.route == bindparam("p_route"),
    table.c.key == bindparam("p_key"),
)
_held = (*_ours, table.c.attempt == bindparam("p_attempt"), table.c.status.is_(None))

# DO NOTHING, so that those who ask again and again while the first request runs neither lock nor rewrite its row.
_CLAIM = (
    insert(table)
    .values(
        tenant_id=bindparam("p_tenant_id"),
        route=bindparam("p_route"),
        key=bindparam("p_key"),
        body_sha256=bindparam("p_body_sha256"),
        attempt=1,
        leased_until=_until("p_lease_s"),
    )
    .on_conflict_do_nothing(index_elements=["tenant_id", "route", "key"])
    .returning(table.c.attempt)
)
_FOUND = select(
    table.c.body_sha256,
    table.c.attempt,
    table.c.status,
    table.c.body,
    table.c.headers,
    func.extract("epoch", table.c.leased_until - func.clock_timestamp()).label("left_s"),
).where(*_ours)
_TAKE_OVER = (
    update(table)
    .where(*_held)  # the attempt that was seen to have run out: an attempt's lease is never made longer
    .values(attempt=table.c.attempt + 1, leased_until=_until("p_lease_s"))
    .returning(table.c.attempt)
)
_COMPLETE = (
    update(table)
    .where(*_held)
    .values(status=bindparam("p_status"), body=bindparam("p_body"), headers=bindparam("p_headers"))
)
_ABANDON = delete(table).where(*_held)
_PRUNE = text(
    "DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency_keys "
    "WHERE created_at < now() - make_interval(secs => :older_than_s) "
    "AND (status IS NOT NULL OR leased_until < now()) ORDER BY created_at LIMIT :most FOR UPDATE SKIP LOCKED))"
)


async def begin(
    conn: AsyncConnection, *, tenant_id: UUID, route: str, key: str, body_sha256: bytes, lease_s: float
) -> Lease | Replay:
    """Take the key for ``lease_s`` seconds, or find the response it has had. Commit before the work starts.

    Needs no transaction of its own (``Database.statements`` saves two round trips).

    Raises ``IdempotencyMismatch`` (the key came with another body), ``IdempotencyInFlight`` (its first request is
    still running; ``retry_after_s`` says when to ask again), ``InvalidInput`` (not a usable key).
    """
    if not 0 < len(key) <= MAX_KEY_CHARS or not key.isprintable():
        raise InvalidInput(f"An idempotency key is 1 to {MAX_KEY_CHARS} printable characters.")
    ours = {"p_tenant_id": tenant_id, "p_route": route, "p_key": key}
    # Between two statements a row may vanish (abandoned, pruned) or change hands; then look again.
    for _ in range(5):
        claim = {**ours, "p_body_sha256": body_sha256, "p_lease_s": lease_s}
        attempt = (await conn.execute(_CLAIM, claim)).scalar_one_or_none()
        if attempt is not None:
            return Lease(tenant_id, route, key, attempt)
        found = (await conn.execute(_FOUND, ours)).one_or_none()
        if found is None:
            continue
        if found.body_sha256 != body_sha256:
            raise IdempotencyMismatch("This idempotency key was used with another body; use a new key.")
        if found.status is not None:
            return Replay(found.status, found.body, found.headers or {})
        if found.left_s > 0:
            wait = min(max(float(found.left_s), _MIN_WAIT_S), _POLL_S)
            raise IdempotencyInFlight(
                "The first request with this idempotency key is still running; ask again.", retry_after_s=wait
            )
        seen = {**ours, "p_attempt": found.attempt, "p_lease_s": lease_s}
        attempt = (await conn.execute(_TAKE_OVER, seen)).scalar_one_or_none()
        if attempt is not None:
            return Lease(tenant_id, route, key, attempt)
    raise StoreUnavailable("The idempotency key changes hands too fast; ask again.", retry_after_s=_POLL_S)


async def complete(
    conn: AsyncConnection, lease: Lease, status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    """Keep the response, in the transaction that wrote what it tells of.

    Raises ``LeaseLost`` when the lease is no longer held; let it roll the transaction back.
    """
    response = {"p_status": status, "p_body": body, "p_headers": dict(headers) if headers else None}
    if (await conn.execute(_COMPLETE, {**_key(lease), **response})).rowcount != 1:
        raise LeaseLost("The request took longer than its idempotency lease, and another one took it over.")


async def abandon(conn: AsyncConnection, lease: Lease) -> None:
    """Give the key back without a response, so that the next request with it starts anew."""
    await conn.execute(_ABANDON, _key(lease))


async def prune(conn: AsyncConnection, older_than_s: float = 86_400, *, most: int = 10_000) -> int:
    """Forget at most ``most`` keys older than that, oldest first; returns how many. Live leases stay."""
    return (await conn.execute(_PRUNE, {"older_than_s": older_than_s, "most": most})).rowcount


def _key(lease: Lease) -> dict[str, object]:
    return {
        "p_tenant_id": lease.tenant_id,
        "p_route": lease.route,
        "p_key": lease.key,
        "p_attempt": lease.attempt,
    }
