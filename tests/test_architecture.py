"""The floors of the house: import-linter's contracts hold, and no source file has grown past what one can read."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 420
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager"}


def test_the_import_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def _sources() -> list[Path]:
    return sorted(p for folder in ("app", "tests", "migrations") for p in (ROOT / folder).rglob("*.py"))


def test_no_source_file_is_too_long() -> None:
    long = {str(p.relative_to(ROOT)): n for p in _sources() if (n := len(p.read_text().splitlines())) > MOST_LINES}
    assert long == {}


def test_no_module_is_named_for_what_it_is_not() -> None:
    assert not [p for p in _sources() if p.stem in FORBIDDEN_NAMES]
