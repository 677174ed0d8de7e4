"""The pool of connections: one ``Database`` for a process, built by a composition root and passed down.

It hands out connections for one transaction or for reading, and turns every failure of server, driver or pool into
``StoreUnavailable`` or ``StatementRefused``. It retries no statement: only the caller knows what may run twice.
"""

from __future__ import annotations

import select
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.db.faults import DRIVER_ERRORS, StatementRefused, translate
from app.errors import ConfigurationError

_DRIVER = "postgresql+psycopg"
_ONE = text("SELECT 1")
_HAS_REVISION = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_REVISION = text("SELECT version_num FROM alembic_version")

# Dead peers are noticed within half a minute instead of the kernel's two hours.
_KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


def parse_url(url: str) -> URL:
    """A ``postgresql://``, ``postgres://`` or ``postgresql+psycopg://`` URL for the driver that Presend uses.

    Raises ``ConfigurationError`` for anything else, without repeating the URL: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "The database URL cannot be read; it has the form postgresql://user:password@host:5432/name."
        ) from None
    if parsed.drivername not in {"postgresql", "postgres", _DRIVER}:
        raise ConfigurationError(
            f"The database URL starts with {parsed.drivername}://, and only postgresql:// is supported."
        )
    return parsed.set(drivername=_DRIVER)


def connect_args(url: URL, settings: Mapping[str, int | str] | None = None) -> dict[str, Any]:
    """Arguments of one libpq connection: timeouts, keepalives, and ``settings`` as session parameters.

    Session parameters that the URL already carries in ``options`` stay, and win.
    """
    session = {"timezone": "UTC", **(settings or {})}
    given = url.query.get("options", "")
    options = " ".join([f"-c {name}={value}" for name, value in session.items()] + [str(given)]).strip()
    args: dict[str, Any] = {
        "connect_timeout": 5,
        "application_name": "presend",
        "client_encoding": "utf8",
        **_KEEPALIVE,
    }
    return {name: value for name, value in args.items() if name not in url.query} | {"options": options}


class Database:
    """Connections to one Postgres database.

    ``pool_size`` connections stay open and ``max_overflow`` more may be opened; a caller waits at most
    ``pool_timeout_s`` for one. A statement may take ``statement_timeout_ms`` (None: as long as it likes).
    ``fresh_plans`` is for a worker that fills tables: a plan kept from when they were empty would read them whole.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        max_overflow: int = 0,
        pool_timeout_s: float = 5.0,
        statement_timeout_ms: int | None = 10_000,
        fresh_plans: bool = False,
    ) -> None:
        parsed = parse_url(url)
        settings: dict[str, int | str] = {"idle_in_transaction_session_timeout": 60_000}
        if fresh_plans:
            settings["plan_cache_mode"] = "force_custom_plan"
        if statement_timeout_ms is not None:
            settings["statement_timeout"] = statement_timeout_ms
        self._engine = create_async_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=pool_timeout_s,
            pool_use_lifo=True,
            hide_parameters=True,
            use_native_hstore=False,
            connect_args=connect_args(parsed, settings),
        )
        # The same pool; each statement is its own transaction, so that costs no BEGIN and no COMMIT.
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self._engine.sync_engine, "checkout", _refuse_dead)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        try:
            async with self._engine.begin() as conn:
                yield conn
        except DRIVER_ERRORS as error:
            raise translate(error) from None

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which every statement commits by itself: for a write that needs no other beside it."""
        try:
            async with self._autocommit.connect() as conn:
                yield conn
        except DRIVER_ERRORS as error:
            raise translate(error) from None

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for reading; every statement sees what is committed when it starts."""
        return self.statements()

    @asynccontextmanager
    async def single(self) -> AsyncIterator[AsyncConnection]:
        """A connection where each statement is a transaction of its own: one round trip where three would be needed."""
        async with self.reading() as conn:
            yield conn

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Call ``heard`` for each notification on ``channel``, until the connection is lost or the task cancelled.

        The connection is one of the pool's, and closed at the end: in other hands it would go on listening.
        """
        async with self.statements() as conn:
            try:
                await conn.execute(text(f'LISTEN "{channel}"'))
                driver = (await conn.get_raw_connection()).driver_connection
                async for _ in driver.notifies():  # type: ignore[union-attr]
                    heard()
            finally:
                await conn.invalidate()

    async def ping(self) -> None:
        """Ask the server for an answer; ``StoreUnavailable`` when there is none."""
        async with self.reading() as conn:
            await conn.execute(_ONE)

    async def revision(self) -> str | None:
        """The migration that the database is at, None before the first one."""
        async with self.reading() as conn:
            if not (await conn.execute(_HAS_REVISION)).scalar_one():
                return None
            return (await conn.execute(_REVISION)).scalar_one_or_none()

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self._engine.dispose()


def _refuse_dead(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """Drop a pooled connection that the server has closed: an idle socket with something to read is at its end.

    Costs a system call where a pre-ping costs a round trip, and a restart of Postgres costs no request.
    """
    poller = select.poll()
    try:
        poller.register(dbapi_connection.driver_connection.fileno(), select.POLLIN)
    except DRIVER_ERRORS:
        raise DisconnectionError("the connection is closed") from None
    if poller.poll(0):
        raise DisconnectionError("the server has closed the connection")


__all__ = ["Database", "StatementRefused", "connect_args", "parse_url"]
