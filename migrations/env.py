"""How Alembic reaches the database: the connection that ``app.db.migrate`` hands over, or DATABASE_URL.

Both ways hold the same advisory lock, so that a migration by hand and a starting server cannot meet.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from app.db import migrate
from app.db.run_models import metadata
from app.errors import ConfigurationError


def run(connection: Connection) -> None:
    """Run the migrations, each in a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over: Connection | None = context.config.attributes.get("connection")

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.execute(f"SET lock_timeout = {migrate.DDL_LOCK_WAIT_MS}")
        context.run_migrations()
elif handed_over is not None:
    run(handed_over)
else:
    if not os.environ.get("DATABASE_URL"):
        raise ConfigurationError("Set DATABASE_URL to the database that Alembic should work on.")
    with migrate.connected(os.environ["DATABASE_URL"]) as own, migrate.locked(own):
        run(own)
