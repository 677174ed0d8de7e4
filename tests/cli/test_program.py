"""The program as a whole: help that teaches, and errors that are one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app import __version__
from app.cli.program import Session, build
from app.errors import ConfigurationError
from tests.cli.conftest import Presend

COMMANDS = [
    ["up"],
    ["serve"],
    ["worker"],
    ["gate"],
    ["rules"],
    ["judge"],
    ["version"],
    *(["db", name] for name in ("upgrade", "status", "check")),
    *(["keys", name] for name in ("create", "list", "rotate", "revoke")),
    *(["model", name] for name in ("engine", "prepare", "train", "ablate", "merge", "latency")),
    *(["model", name] for name in ("calibrate", "evaluate", "card", "authors", "passes", "pareto")),
    ["policy", "check"],
    ["compare"],
    *(["stats", name] for name in ("runs", "check-article")),
    *(
        ["bench", name]
        for name in ("generate", "check", "import", "from-run", "synthesise", "filter", "agreement", "card")
    ),
    *(["runs", name] for name in ("create", "list", "show", "watch", "export", "cancel", "resume", "delete")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_teaches_by_example(presend: Presend, command: list[str]) -> None:
    ran = presend(*command, "--help")
    assert ran.code == 0
    examples = ran.out.partition("Example")[2]
    assert f"presend {' '.join(command)}" in examples


def test_every_command_is_in_the_list_above() -> None:
    program = build(Session())
    single = {info.name or info.callback.__name__ for info in program.registered_commands if info.callback}
    groups = {group.name for group in program.registered_groups}
    assert single == {command[0] for command in COMMANDS if len(command) == 1}
    assert groups == {command[0] for command in COMMANDS if len(command) == 2}


def test_without_a_command_it_says_where_to_start(presend: Presend) -> None:
    ran = presend()
    assert "presend up" in ran.out + ran.err


def test_version(presend: Presend) -> None:
    assert presend("version").out == f"presend {__version__}\n"


def test_wrong_usage_is_exit_code_2(presend: Presend) -> None:
    assert presend("gate").code == 2
    assert presend("up", "--engine", "tpu").code == 2


def test_a_wrong_setting_is_one_sentence_and_exit_code_2(presend: Presend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESEND_PORT", "ninety")
    ran = presend("up")
    assert ran.code == 2
    assert "PRESEND_PORT" in ran.err
    assert "ninety" not in ran.err
    assert len(ran.err.splitlines()) == 1


def test_debug_shows_the_traceback(presend: Presend, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.cli import main

    monkeypatch.setenv("PRESEND_PORT", "ninety")
    with pytest.raises(ConfigurationError):
        main(["--debug", "up"])


def test_serve_without_a_database_says_what_to_do(presend: Presend) -> None:
    ran = presend("serve")
    assert ran.code == 2
    assert "DATABASE_URL is not set" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_it_runs_as_a_module_and_starts_without_the_servers_libraries() -> None:
    code = (
        "import sys\nfrom app.cli import main\n"
        "try:\n    main(['version'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'fastapi', 'uvicorn', 'alembic', 'openai'} & sys.modules.keys()))"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert ran.stdout.splitlines() == [f"presend {__version__}", "[]"]
    module = subprocess.run([sys.executable, "-m", "app.cli", "version"], capture_output=True, text=True, cwd=root)
    assert module.stdout == f"presend {__version__}\n"
