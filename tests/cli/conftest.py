"""Run `presend` in this process, and databases for the commands that need one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.cli import main
from tests.postgres import database_url, empty_database_url, postgres_server

__all__ = ["database_url", "empty_database_url", "postgres_server"]


@dataclass(frozen=True)
class Ran:
    """What one run of the program left: exit code and both streams."""

    code: int
    out: str
    err: str


Presend = Callable[..., Ran]


@pytest.fixture
def presend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Presend:
    """Run the program with a home of its own and no setting from outside."""
    for name in ("DATABASE_URL", "VLLM_BASE_URL", "PRESEND_DATABASE_URL", "PRESEND_API_KEY", "PRESEND_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PRESEND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        streams = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, streams.out, streams.err)

    return run
