"""A database and two tenants for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.db import keys
from app.db.engine import Database
from app.db.keys import Principal, Scope
from tests.postgres import database_url, empty_database_url, postgres_server

__all__ = ["database_url", "empty_database_url", "postgres_server"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connections to a migrated database of the test's own."""
    database = Database(database_url)
    yield database
    await database.close()


async def _principal(database: Database, tenant: str) -> Principal:
    async with database.transaction() as conn:
        _, token = await keys.create_key(conn, tenant=tenant, name="agent", scopes={Scope.SCORE, Scope.READ})
        principal = await keys.authenticate(conn, token)
    assert principal is not None
    return principal


@pytest.fixture
async def acme(database: Database) -> Principal:
    """A tenant."""
    return await _principal(database, "acme")


@pytest.fixture
async def globex(database: Database) -> Principal:
    """Another tenant."""
    return await _principal(database, "globex")
