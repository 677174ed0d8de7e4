"""The data directory: private, one owner at a time, and a sentence for everything that can be wrong with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from app.errors import SetupError
from app.local import home as home_module
from app.local.home import Home, kept_secret, only_one, open_home, read_line, write_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_everything_made_is_private(tmp_path: Path) -> None:
    home = open_home(tmp_path / "a" / "home")
    assert {mode(folder) for folder in (home.root, home.logs, home.run, home.cache)} == {0o700}


def test_opening_twice_keeps_what_is_there(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    write_private(home.first_key, "kept\n")
    assert read_line(open_home(tmp_path / "home").first_key) == "kept"


def test_a_file_in_the_place_of_the_home_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SetupError, match="is a file, but must be a folder"):
        open_home(tmp_path / "home")


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module.os, "access", lambda path, wanted: False)
    with pytest.raises(SetupError, match="cannot be written to; choose another --home"):
        open_home(tmp_path / "home")


def test_a_full_disk_is_said_before_anything_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 5_000_000, 5_000_000))
    with pytest.raises(SetupError, match=r"needs 500 MB of free disk in .*, which has 5 MB"):
        open_home(tmp_path / "home")


def test_a_secret_is_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "key")
    assert kept_secret(tmp_path / "key") == first
    assert len(first) == 64
    assert mode(tmp_path / "key") == 0o600


def test_writing_replaces_in_one_step_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write_private(tmp_path / "key", "one")
    write_private(tmp_path / "key", "two")
    assert (tmp_path / "key").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_an_unreadable_secret_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(SetupError, match="cannot be read; mend its permissions or remove it"):
        read_line(tmp_path / "key")


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    code = (
        "import sys, pathlib; from app.local.home import Home, only_one\n"
        f"with only_one(Home(pathlib.Path({str(home.root)!r}))): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SetupError, match=rf"already running on .* \(process {other.pid}\)"), only_one(home):
            pass
        other.kill()
        other.wait()
        # The kernel lets go of it, however the owner ended.
        with only_one(home):
            assert (home.run / "up.lock").read_text()


def test_looking_creates_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert not home.engine_state.exists()
    assert not home.root.exists()
