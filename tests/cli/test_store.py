"""`db` and `keys`, against a real Postgres."""

from __future__ import annotations

import pytest

from app.db.keys import parse_token
from tests.cli.conftest import Presend


@pytest.fixture
def empty(empty_database_url: str, presend: Presend, monkeypatch: pytest.MonkeyPatch) -> Presend:
    """The program against a database without tables."""
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    return presend


@pytest.fixture
def migrated(database_url: str, presend: Presend, monkeypatch: pytest.MonkeyPatch) -> Presend:
    """The program against a migrated database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    return presend


def test_upgrade_makes_the_tables_once(empty: Presend) -> None:
    before = empty("db", "status")
    assert before.code == 1
    assert "no tables" in before.out
    assert "presend db upgrade" in before.err
    assert empty("db", "upgrade").out.startswith("Migrated from nothing to ")
    assert empty("db", "upgrade").out.startswith("The database is at ")
    assert empty("db", "status").code == 0
    assert empty("db", "check").out == "The tables of the database are those of the code.\n"


def test_a_key_is_shown_once_alone_on_standard_output(migrated: Presend) -> None:
    made = migrated("keys", "create", "--name", "agent", "--tenant", "north", "--scope", "score")
    token = made.out.strip()
    parsed = parse_token(token)
    assert parsed is not None
    assert "shown this once" in made.err
    listed = migrated("keys", "list").out
    assert parsed.key_id in listed
    assert "north" in listed
    assert token not in listed
    assert "north" not in migrated("keys", "list", "--tenant", "south").out


def test_rotation_keeps_the_old_key_until_it_is_revoked(migrated: Presend) -> None:
    first = parse_token(migrated("keys", "create", "--name", "agent").out.strip())
    assert first is not None
    rotated = migrated("keys", "rotate", first.key_id)
    second = parse_token(rotated.out.strip())
    assert second is not None
    assert second.key_id != first.key_id
    assert f"presend keys revoke {first.key_id}" in rotated.err
    assert migrated("keys", "rotate", first.key_id).err == (
        "Two live keys of this name exist already; revoke one of them first.\n"
    )
    assert migrated("keys", "revoke", first.key_id).out.endswith("is revoked.\n")
    assert migrated("keys", "rotate", second.key_id).code == 0


def test_an_unknown_key_is_a_sentence(migrated: Presend) -> None:
    ran = migrated("keys", "revoke", "absent")
    assert (ran.code, ran.err) == (1, "There is no API key with this id.\n")


def test_without_a_database_it_says_where_one_comes_from(presend: Presend) -> None:
    ran = presend("keys", "list")
    assert ran.code == 1
    assert ran.err.startswith("There is no database: set DATABASE_URL, or start `presend up`")


def test_an_unreachable_database_is_one_sentence_without_its_password(presend: Presend, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:9/presend")
    for command in (["db", "status"], ["keys", "list"], ["up", "--no-engine", "--port", "0"]):
        ran = presend(*command)
        assert ran.code == 1
        assert "refused the connection" in ran.err
        assert "secret" not in ran.err
        assert len(ran.err.splitlines()) == 1
