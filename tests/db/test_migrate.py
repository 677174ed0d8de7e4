"""Migrations: forth, back and forth, from a checkout and from a wheel, by several starters at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from app.db import migrate
from app.db.engine import Database
from app.db.run_models import metadata
from app.errors import ConfigurationError, SetupError, StoreUnavailable
from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[2]
TABLES = {"alembic_version", "api_keys", "idempotency_keys", "pairwise", "tenants", "verdicts"}


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as conn:
        cursor = conn.execute(statement)
        return cursor.fetchall() if cursor.description else []


def tables(url: str) -> set[object]:
    return {
        row[0]
        for row in query(
            url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    }


def test_up_down_up(empty_database_url: str) -> None:
    url = empty_database_url
    assert migrate.current(url) is None
    assert not migrate.is_current(url)
    migrate.upgrade(url)
    assert migrate.current(url) == migrate.head()
    assert tables(url) >= TABLES
    migrate.downgrade(url, "base")
    assert migrate.current(url) is None
    assert tables(url) == {"alembic_version"}
    assert query(url, "SELECT proname FROM pg_proc WHERE proname LIKE 'presend%'") == []
    migrate.upgrade(url)
    migrate.upgrade(url)
    assert migrate.is_current(url)


def test_the_tables_equal_the_models(database_url: str) -> None:
    migrate.check(database_url)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE verdicts ADD COLUMN extra text",
        "ALTER TABLE verdicts ALTER COLUMN outcome DROP NOT NULL",
        "DROP INDEX ix_verdicts_run",
        "ALTER TABLE api_keys ALTER COLUMN slot TYPE integer",
        "CREATE TABLE stray (n int)",
    ],
)
def test_a_difference_from_the_models_is_found(database_url: str, change: str) -> None:
    query(database_url, change)
    with pytest.raises(ConfigurationError, match="differ"):
        migrate.check(database_url)


DEFINITIONS = """
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
AND conrelid IS DISTINCT FROM to_regclass('alembic_version')
"""


def test_checks_and_conditions_of_indexes_equal_the_models_too(database_url: str, empty_database_url: str) -> None:
    # `alembic check` compares neither CHECK constraints nor the conditions of partial indexes.
    with migrate.connected(empty_database_url) as conn:
        metadata.create_all(conn)
        conn.commit()
    # NOT NULL is a constraint with a name since Postgres 18; `alembic check` compares those as columns.
    migrated, modelled = (
        {row for row in query(url, DEFINITIONS) if not str(row[2]).startswith("NOT NULL")}
        for url in (database_url, empty_database_url)
    )
    assert migrated == modelled


def test_tables_that_are_only_added_to_have_their_triggers(database_url: str) -> None:
    triggers = query(database_url, "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal")
    assert set(triggers) >= {
        (table, name) for table in ("verdicts", "pairwise") for name in ("append_only", "append_only_truncate")
    }


def test_four_starters_at_once_all_succeed(empty_database_url: str) -> None:
    script = "import sys; from app.db import migrate; migrate.upgrade(sys.argv[1]); print(migrate.current(sys.argv[1]))"
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", script, empty_database_url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    answers = [starter.communicate(timeout=60) for starter in starters]
    assert [(answer.strip(), errors) for answer, errors in answers] == [(migrate.head(), "")] * 4


def test_a_starter_waits_while_another_holds_the_lock(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_WAIT_MS", 200)
    with psycopg.connect(empty_database_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [migrate.LOCK_KEY])
        started = time.perf_counter()
        with pytest.raises(StoreUnavailable, match="lock"):
            migrate.upgrade(empty_database_url)
        assert time.perf_counter() - started >= 0.2
        assert migrate.current(empty_database_url) is None
    migrate.upgrade(empty_database_url)


def test_a_migration_gives_up_soon_when_a_table_is_locked(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "DDL_LOCK_WAIT_MS", 100)
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT count(*) FROM verdicts")
        with pytest.raises(StoreUnavailable, match="lock"):
            migrate.downgrade(database_url, "base")
    assert migrate.current(database_url) is not None
    assert "verdicts" in tables(database_url)
    migrate.downgrade(database_url, "base")


def test_a_failed_migration_frees_the_lock(database_url: str) -> None:
    with pytest.raises(ConfigurationError):
        migrate.upgrade(database_url, "nonsense")
    with psycopg.connect(database_url, autocommit=True) as other:
        assert other.execute("SELECT pg_try_advisory_lock(%s)", [migrate.LOCK_KEY]).fetchone() == (True,)


def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    query(database_url, "UPDATE alembic_version SET version_num = '9999'")
    assert not migrate.is_current(database_url)
    with pytest.raises(ConfigurationError, match="newer version"):
        migrate.upgrade(database_url)


def test_a_database_that_is_not_utf8_is_refused(postgres_server: PostgresServer) -> None:
    name = "presend_test_latin1"
    with contextlib.closing(postgres_server.admin()) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        with pytest.raises(SetupError, match="LATIN1"):
            migrate.upgrade(postgres_server.url_of(name))
    finally:
        postgres_server.drop(name)


def test_an_unreachable_server_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://u@127.0.0.1:{taken.getsockname()[1]}/d"
        for call in (migrate.upgrade, migrate.current, migrate.check):
            with pytest.raises(StoreUnavailable, match="refused the connection"):
                call(url)


def test_an_installed_package_brings_its_migrations(empty_database_url: str, tmp_path: Path) -> None:
    # As the wheel lays it out: migrations inside the package, nothing beside it.
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=ignored)
    shutil.copytree(ROOT / "migrations", tmp_path / "app" / "_migrations", ignore=ignored)
    script = (
        "import sys, app; from app.db import migrate; assert app.__file__.startswith(sys.argv[2]), app.__file__;"
        "migrate.upgrade(sys.argv[1]); migrate.check(sys.argv[1]); print(migrate.is_current(sys.argv[1]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script, empty_database_url, str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True", "")


@pytest.mark.parametrize("arguments", [["upgrade", "head"], ["check"], ["upgrade", "head", "--sql"]])
def test_the_alembic_command_works_in_a_checkout(database_url: str, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ("CREATE TABLE verdicts" in done.stdout) == ("--sql" in arguments)


@pytest.mark.anyio
async def test_a_database_knows_its_revision(database_url: str) -> None:
    database = Database(database_url)
    assert await database.revision() == migrate.head()
    await database.close()
