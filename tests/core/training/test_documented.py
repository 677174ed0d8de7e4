"""Every command that docs/training.md shows is one that the programs take, and its recipe is in range."""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path

import pytest

from app.training.options import recipe_of
from app.training.preference import parser

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "training.md"
MODULES = {"merge": "prepare", "train": "preference"}


def commands() -> list[list[str]]:
    """The words after ``presend model`` of every command in a code block."""
    blocks = DOCUMENT.read_text(encoding="utf-8").split("```")[1::2]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[2:] for line in lines if line.startswith("presend model ")]


def test_there_are_commands_for_the_whole_way():
    assert {words[0] for words in commands()} >= {"train", "ablate", "merge", "calibrate", "evaluate", "card"}


@pytest.mark.parametrize("words", commands(), ids=lambda words: words[0])
def test_a_documented_command_is_taken(words, monkeypatch):
    module = importlib.import_module(f"app.training.{MODULES.get(words[0], words[0])}")
    monkeypatch.setattr(module, "run_command", lambda work: 0)
    assert module.main(words[1:]) == 0


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
