"""Training commands as children: what they tell becomes progress, output or one sentence."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import stat
import sys
from pathlib import Path

import pytest

from app.errors import SetupError
from app.local import children, training
from app.local.children import Nursery
from app.local.environment import Environment, ensure_extra, requirement_lines
from app.local.home import open_home
from app.local.training import NEEDED, REQUIREMENTS, Told, read_line


def test_progress_lines_are_told_from_output():
    assert read_line('{"step": "train", "state": "start"}') == Told("train", "start")
    counted = read_line('{"step": "train", "state": "progress", "done": 3, "of": 9, "note": "loss 0.6"}')
    assert counted == Told("train", "progress", "loss 0.6", 3, 9)
    done = read_line('{"step": "load", "state": "done", "seconds": 3.7, "base": "x", "slices": {"a": 1}}')
    assert done == Told("load", "done", "4 s, base x")
    assert read_line('{"step": "failed", "state": "error", "error": "No."}').error == "No."
    for output in ("| a | b |", "", "[1]", '{"auc": 1}', '{"step": 1'):
        assert read_line(output) is None


def test_what_training_needs_is_pinned_and_named():
    lines = requirement_lines(REQUIREMENTS)
    assert all(re.fullmatch(r"[a-z]+==[0-9.]+", line) for line in lines)
    assert {line.partition("==")[0] for line in lines} == set(NEEDED)


@pytest.fixture
def place(tmp_path) -> Environment:
    """An engine environment of someone else: this Python."""
    root = tmp_path / "engine"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "python").symlink_to(sys.executable)
    return Environment(root)


def run(module, arguments, place, tmp_path):
    shown, printed = [], []
    home = open_home(tmp_path / "home", min_free=0)
    work = training.run(module, arguments, place, Nursery(), home, shown.append, printed.append)
    asyncio.run(work)
    return shown, printed


def script(place: Environment, text: str) -> None:
    """Let the environment's python be a shell script."""
    path = place.root / "bin" / "python"
    path.unlink()
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_output_and_progress_of_a_child_come_apart(place, tmp_path):
    script(place, """echo '{"step": "load", "state": "start"}'; echo "| table |"; echo "$@" >&2""")
    shown, printed = run("evaluate", ["--x", "1"], place, tmp_path)
    assert shown == [Told("load", "start")]
    assert printed == ["| table |"]
    assert "-P -m app.training.evaluate --x 1" in (tmp_path / "home/logs/model-evaluate.log").read_text()


def test_the_childs_sentence_is_the_error(place, tmp_path):
    script(place, """echo '{"step": "failed", "state": "error", "error": "The base is missing."}'; exit 1""")
    with pytest.raises(SetupError, match=r"^The base is missing\.$"):
        run("train", [], place, tmp_path)


def test_a_usage_error_is_the_parsers_sentence(place, tmp_path):
    script(place, "echo 'usage: x' >&2; echo 'x: error: the following arguments are required: --out' >&2; exit 2")
    with pytest.raises(SetupError, match=r"^the following arguments are required: --out; --help lists the options\.$"):
        run("train", [], place, tmp_path)


def test_a_crash_names_its_last_words_and_the_log(place, tmp_path):
    script(place, "echo 'Traceback' >&2; echo 'KeyError: 3' >&2; exit 1")
    with pytest.raises(SetupError, match=r"KeyError: 3 The whole log: .*model-train\.log"):
        run("train", [], place, tmp_path)


def test_a_crash_is_not_told_in_the_words_of_an_older_run(place, tmp_path):
    script(place, "echo 'KeyError: 3' >&2; exit 1")
    for _ in range(2):
        with pytest.raises(SetupError, match="KeyError: 3"):
            run("train", [], place, tmp_path)
    script(place, "exit 3")
    with pytest.raises(SetupError, match=r"ended with an error: exit code 3 The whole log"):
        run("train", [], place, tmp_path)
    script(place, "echo 'Segmentation fault' >&2; exit 139")
    with pytest.raises(SetupError, match="ended with an error: Segmentation fault"):
        run("train", [], place, tmp_path)


def test_the_words_are_found_when_a_large_log_was_set_aside(place, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "LOG_BYTES", 5)
    monkeypatch.setattr(children, "LOG_BYTES", 5)
    script(place, "echo 'KeyError: 3' >&2; exit 1")
    for _ in range(2):
        with pytest.raises(SetupError, match="KeyError: 3"):
            run("train", [], place, tmp_path)
    assert (tmp_path / "home/logs/model-train.log").read_text() == "KeyError: 3\n"


@pytest.mark.parametrize(
    ("module", "advice"),
    [
        ("train", "close other programs, or lower --pack-tokens."),
        ("preference", "or lower --batch, --max-tokens or --rank, or add --checkpointing."),
        ("calibrate", "close other programs and run it again."),
    ],
)
def test_a_killed_child_says_what_takes_less_memory(place, tmp_path, module, advice):
    script(place, "echo 'an Error in passing' >&2; kill -9 $$")
    with pytest.raises(SetupError) as caught:
        run(module, [], place, tmp_path)
    said = str(caught.value)
    assert said.startswith(f"`app.training.{module}` was killed, most likely because memory ran out; ")
    assert said.endswith(advice)


def test_what_is_advised_is_an_option_of_the_command(capsys):
    for module, advice in training.LOWER.items():
        with pytest.raises(SystemExit):
            importlib.import_module(f"app.training.{module}").main(["--help"])
        known = capsys.readouterr().out
        assert all(option in known for option in re.findall(r"--[a-z-]+", advice)), module


def test_an_environment_of_someone_else_is_asked_and_never_changed(place, tmp_path):
    told: list[str] = []

    def extra(listed: Path, modules: tuple[str, ...]) -> None:
        asyncio.run(ensure_extra(place, listed, modules, Nursery(), tmp_path / "log", told.append))

    listed = tmp_path / "more.txt"
    listed.write_text("nothing-like-this==1\n")
    extra(listed, ("json",))
    with pytest.raises(SetupError, match=r"does not change what it did not make; run .* install nothing-like-this==1"):
        extra(listed, ("nothing_like_this",))
    assert told == []


def test_what_is_needed_is_installed_once_and_the_engines_versions_are_held(place, tmp_path):
    (place.root / "presend-engine.json").write_text(json.dumps({"state": "complete", "digest": "x"}))
    frozen = "torch==2.13.0\\nrich==15.0.0\\n"
    script(place, f'echo "$@" >> {tmp_path}/calls; case "$*" in *freeze) printf "{frozen}";; esac')
    listed = tmp_path / "more.txt"
    listed.write_text("trl==1.16.0\n")
    for _ in range(2):
        asyncio.run(ensure_extra(place, listed, ("trl",), Nursery(), tmp_path / "install.log", lambda _: None))
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [("freeze" in c, "install" in c) for c in calls] == [(True, False), (False, True)]
    assert f"-r {listed} -c {tmp_path}/install.constraints" in calls[1]
    assert (tmp_path / "install.constraints").read_text().split() == ["torch==2.13.0"]
    listed.write_text("trl==9\n")
    script(place, "echo 'ERROR: no such version' >&2; case \"$*\" in *freeze) ;; *) exit 1;; esac")
    with pytest.raises(SetupError, match="no such version"):
        asyncio.run(ensure_extra(place, listed, ("trl",), Nursery(), tmp_path / "install.log", lambda _: None))
