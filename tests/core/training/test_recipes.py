"""Recipe files: the shipped one is read as it stands, and what does not fit is named."""

from __future__ import annotations

import sys

import pytest

from app.bench.moves import MODEL_CRITERIA
from app.errors import InvalidInput, SetupError
from app.training.recipes import SHIPPED_PUBLISHED, SHIPPED_RECIPE, Recipe, read_stages
from app.training.train import main


def test_the_shipped_recipe_adds_published_drafts_then_asks_everything_and_shows_contrasts():
    first, second, third, fourth, fifth = stages = read_stages(SHIPPED_RECIPE)
    assert [one.whole for one in stages] == [True, False, False, False, False]
    assert [one.listed for one in stages] == [False, True, True, True, True]
    assert [one.contrasts for one in stages] == [False, False, True, True, True]
    names = SHIPPED_PUBLISHED.read_text(encoding="utf-8").splitlines()
    assert len(names) == len(set(names)) > 400
    assert {one.rank for one in stages} == {Recipe().rank}
    assert first.asked[:-1] == second.asked == MODEL_CRITERIA[:4]
    assert third.asked == fourth.asked == fifth.asked == MODEL_CRITERIA
    assert set(third.hands.split(",")) < set(fourth.hands.split(",")) == set(fifth.hands.split(","))
    assert [one.turned for one in stages] == [one.resegmented for one in stages] == [False, False, False, False, True]
    assert [one.kept for one in stages] == [0, 0, 0, 0, 0.5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no"),
        ("[[stages]]\nspeed = 3\n", "stage 1 has no field 'speed'"),
        ('[[stages]]\nscenarios = "many"\n', "scenarios must be of type int"),
        ("stages = [", "is not TOML"),
        ('[[stages]]\npasses = "some"\n', "stage 1: --passes is one of agreed, all"),
        ("[[stages]]\npass_weight = 1.5\n", "stage 1: --pass-weight is a number from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, words):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(SetupError, match=words):
        read_stages(file)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(SetupError, match="cannot be read"):
        read_stages(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"packs_per_step": 0}, r"^--packs-per-step must be at least 1\.$"),
        *(({name: 0}, f"--{name.replace('_', '-')} must") for name in ("rank", "alpha", "epochs", "drafts")),
        ({"pack_tokens": -950}, r"^--pack-tokens must be at least 1\.$"),
        *(({name: -1}, f"--{name} must be at least 0") for name in ("seed", "scenarios", "published", "written")),
        ({"criteria": "tone,form"}, "--criteria names 'form'; it takes grounding, "),
        ({"turned": True}, "--turned turns drafts written one by one; give --written as well"),
        ({"resegmented": True, "scenarios": 0, "written": 1}, "--resegmented takes generated drafts; give --scenarios"),
        ({"focus": "price", "focus_scenarios": 9}, "--focus names 'price'; it takes capacity, "),
        *(
            (given, "--focus and --focus-scenarios go together")
            for given in ({"focus": "tone"}, {"focus_scenarios": 9})
        ),
        ({"listed_each": 0}, "--listed-each must be at least 1"),
        ({"frozen_layers": -1}, "--frozen-layers must be at least 0"),
        ({"steps": -1}, "--steps must be at least 0"),
        *(({"rate": rate}, "--rate must be a number above 0") for rate in (0.0, -1e-4, float("nan"), float("inf"))),
        *(({name: 1.0}, f"--{name} is a share") for name in ("warmup", "dropout", "kept")),
        *(({name: -0.1}, f"--{name} is a share") for name in ("warmup", "dropout", "kept")),
        ({"dropout": float("nan")}, "--dropout is a share"),
        ({"hands": "ash,nobody"}, "--hands names 'nobody', but the hands are ash, "),
        ({"scenarios": 0}, "nothing to train on"),
        ({"whole": True, "written": 1}, "Only generated drafts have a score for the whole"),
    ],
)
def test_a_recipe_out_of_range_is_refused_by_its_option(changed, words):
    with pytest.raises(InvalidInput, match=words):
        Recipe(**changed).checked()


def test_a_recipe_in_range_stays_as_it_is():
    for recipe in (Recipe(), Recipe(scenarios=0, listed=True), Recipe(written=1, hands="ash,birch", dropout=0.0)):
        assert recipe.checked() is recipe


def test_a_stage_out_of_range_is_named_with_its_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[[stages]]\n[[stages]]\nrank = 0\n")
    with pytest.raises(SetupError, match=r"^mine\.toml: stage 2: --rank must be at least 1\.$"):
        read_stages(file)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--save-every", "0", "--save-every must be at least 1."),
        ("--threads", "-1", "--threads must be at least 0."),
        ("--packs-per-step", "0", "--packs-per-step must be at least 1."),
    ],
)
def test_the_command_line_refuses_before_anything_heavy(tmp_path, capsys, monkeypatch, option, value, words):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["--out", str(tmp_path / "out"), option, value]) == 1
    assert capsys.readouterr().err.strip() == words
    assert not (tmp_path / "out").exists()
