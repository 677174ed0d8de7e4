"""Do a write once per idempotency key: replay what was answered, wait for what is running, take over what died.

The answer is completed in the same transaction as the row it tells of, so a replay never speaks of something that was
not stored. Concurrent duplicates wait for the first instead of asking the model again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import idempotency
from app.db.engine import Database
from app.errors import IdempotencyInFlight
from app.services.deadline import Deadline
from app.telemetry import Metrics

_POLL_S = 0.05
_LEASE_MARGIN_S = 5.0


@dataclass(frozen=True)
class Reply:
    """A finished answer: what is sent now and what a replay sends again, byte for byte."""

    status: int
    body: bytes
    replayed: bool = False


@dataclass(frozen=True)
class IdempotencyKey:
    """The caller's key on one route, and the digest of the body that came with it."""

    route: str
    key: str
    body_sha256: bytes

    @classmethod
    def of(cls, route: str, key: str, canonical_body: bytes) -> IdempotencyKey:
        """Digest the canonical body."""
        return cls(route, key, hashlib.sha256(canonical_body).digest())


class Attempt:
    """One try at a write: ``commit`` stores rows and the answer in one transaction."""

    def __init__(self, db: Database, lease: idempotency.Lease | None) -> None:
        self._db = db
        self._lease = lease
        self.committed = False

    async def commit(self, write: Callable[[AsyncConnection], Awaitable[None]], status: int, body: bytes) -> Reply:
        """Run ``write``, which is one statement, and complete the lease, or neither."""
        if self._lease is None:
            async with self._db.statements() as conn:
                await write(conn)
        else:
            async with self._db.transaction() as conn:
                await write(conn)
                await idempotency.complete(conn, self._lease, status, body)
        self.committed = True
        return Reply(status, body)

    async def commit_answer(self, write: Callable[[AsyncConnection], Awaitable[tuple[int, bytes]]]) -> Reply:
        """Run ``write``, which returns status and body of the answer, and complete the lease with it, or neither."""
        async with self._db.transaction() as conn:
            status, body = await write(conn)
            if self._lease is not None:
                await idempotency.complete(conn, self._lease, status, body)
        self.committed = True
        return Reply(status, body)


class Once:
    """Guards writes with idempotency keys."""

    def __init__(self, db: Database, metrics: Metrics) -> None:
        self._db = db
        self._metrics = metrics

    @asynccontextmanager
    async def attempt(
        self, tenant_id: UUID, key: IdempotencyKey | None, deadline: Deadline
    ) -> AsyncIterator[Attempt | Reply]:
        """Yield an attempt to make, or the reply of an earlier one.

        Raises
        ------
        IdempotencyMismatch
            The key was used with another body.
        IdempotencyInFlight
            The first request was still running at the deadline.
        """
        if key is None:
            yield Attempt(self._db, None)
            return
        begun = await self._begin(tenant_id, key, deadline)
        if isinstance(begun, idempotency.Replay):
            self._metrics.replay()
            yield Reply(begun.status, begun.body, replayed=True)
            return
        attempt = Attempt(self._db, begun)
        try:
            yield attempt
        finally:
            if not attempt.committed:
                async with self._db.statements() as conn:
                    await idempotency.abandon(conn, begun)

    async def _begin(
        self, tenant_id: UUID, key: IdempotencyKey, deadline: Deadline
    ) -> idempotency.Lease | idempotency.Replay:
        while True:
            try:
                async with self._db.statements() as conn:
                    return await idempotency.begin(
                        conn,
                        tenant_id=tenant_id,
                        route=key.route,
                        key=key.key,
                        body_sha256=key.body_sha256,
                        lease_s=deadline.budget_s + _LEASE_MARGIN_S,
                    )
            except IdempotencyInFlight:
                if deadline.remaining_s <= _POLL_S:
                    raise
            await asyncio.sleep(_POLL_S)
