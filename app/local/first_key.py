"""The first API key: made at the first start, kept beside the data, shown again at every start.

It is checked against the database each time, because a home can meet another database. Everyone else's keys are made
with `presend keys create` and shown once.
"""

from __future__ import annotations

from datetime import UTC, datetime

from app.db.engine import Database
from app.db.keys import Scope, authenticate, create_key
from app.local.home import Home, read_line, write_private

TENANT = "default"


async def first_key(home: Home, database_url: str) -> str:
    """The key in the home if it is alive, else a new one, which is kept there."""
    database = Database(database_url, pool_size=1)
    try:
        kept = read_line(home.first_key)
        if kept is not None:
            async with database.reading() as conn:
                if await authenticate(conn, kept) is not None:
                    return kept
        name = f"presend up {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        async with database.transaction() as conn:
            _, token = await create_key(conn, tenant=TENANT, name=name, scopes=list(Scope))
            # Inside the transaction: a key that could not be kept is not made.
            write_private(home.first_key, token + "\n")
        return token
    finally:
        await database.close()
