"""Every command that the documents show is one that the programs take, and the recipe of docs/training.md is in range.

Commands in code blocks and those with options in the text of docs/training.md and docs/judge-model.md are parsed as
they stand. Of docs/bench.md the options are looked up, because it leaves some out with dots.
"""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest
import typer

from app.cli.program import Session, build
from app.training.options import recipe_of
from app.training.preference import parser

DOCUMENTS = Path(__file__).resolve().parents[3] / "docs"
TRAINING, JUDGE, BENCH = (DOCUMENTS / f"{name}.md" for name in ("training", "judge-model", "bench"))
MODULES = {"merge": "prepare"}
PROGRAM = typer.main.get_command(build(Session()))
TO_FILL_IN = "COMMAND"


def commands(document: Path = TRAINING) -> list[list[str]]:
    """The words after ``presend model`` of every command in a code block."""
    blocks = document.read_text(encoding="utf-8").split("```")[1::2]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[2:] for line in lines if line.startswith("presend model ")]


def inline(document: Path, group: str) -> list[list[str]]:
    """The words after ``presend GROUP`` of every command in the text and the tables."""
    text = "".join(document.read_text(encoding="utf-8").split("```")[::2])
    found = [shlex.split(span) for span in re.findall(r"`([^`]+)`", text)]
    return [words[2:] for words in found if words[:2] == ["presend", group] and words[2:3] not in ([], [TO_FILL_IN])]


def command_of(group: str, name: str) -> click.Command:
    """A command of the program."""
    found = PROGRAM.commands[group].commands
    assert name in found, f"presend {group} {name}"
    return found[name]


def named(words: list[str]) -> str:
    return " ".join(words[:3])


SHOWN = [words for document in (TRAINING, JUDGE) for words in commands(document) + inline(document, "model")]
COMPLETE = [words for words in SHOWN if len(words) > 1]


def test_there_are_commands_for_the_whole_way():
    way = {"train", "merge", "calibrate", "evaluate", "card"}
    assert {words[0] for words in commands()} >= way | {"ablate"}
    assert {words[0] for words in inline(JUDGE, "model") if len(words) > 1} >= way


@pytest.mark.parametrize("words", SHOWN, ids=named)
def test_a_documented_command_exists(words):
    command_of("model", words[0])


@pytest.mark.parametrize("words", COMPLETE, ids=named)
def test_a_documented_command_is_taken(words, monkeypatch):
    context = command_of("model", words[0]).make_context(words[0], words[1:])
    if not context.ignore_unknown_options:
        assert not context.args
        return
    # The rest is passed through to a program of its own, as app.cli.model does it.
    name, arguments = MODULES.get(words[0], words[0]), list(context.args)
    if context.params.get("objective", "packed") != "packed":
        name, arguments = "preference", [*arguments, "--objective", context.params["objective"]]
    module = importlib.import_module(f"app.training.{name}")
    monkeypatch.setattr(module, "run_command", lambda work: 0)
    assert module.main(arguments) == 0


@pytest.mark.parametrize("words", inline(BENCH, "bench"), ids=named)
def test_a_documented_bench_command_has_its_options(words):
    known = {option for parameter in command_of("bench", words[0]).params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("name", sorted(set(PROGRAM.commands["model"].commands) - {"engine", "prepare"}))
def test_every_command_that_makes_or_measures_is_in_the_table(name):
    assert f"\n| `{name}` | " in TRAINING.read_text(encoding="utf-8")


def test_the_documented_recipe_is_in_range():
    trained = next(words for words in commands() if words[0] == "train")
    recipe = recipe_of(parser().parse_args(trained[1:]))
    assert (recipe.objective, recipe.rank, recipe.alpha, recipe.dropout) == ("simpo", 16, 32, 0.05)
    assert recipe.beta == 2.0
    assert recipe.nll == 0.0


def test_every_option_of_the_preference_training_says_what_it_does():
    told = parser().format_help()
    for action in parser()._actions:
        assert action.help, action.option_strings
    assert "(default 192)" in told
