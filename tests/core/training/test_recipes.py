"""Recipe files: the shipped one is read as it stands, and what does not fit is named."""

from __future__ import annotations

import pytest

from app.errors import SetupError
from app.training.recipes import SHIPPED_PUBLISHED, SHIPPED_RECIPE, Recipe, read_stages


def test_the_shipped_recipe_has_two_stages_and_the_second_adds_published_drafts():
    first, second = read_stages(SHIPPED_RECIPE)
    assert first.whole
    assert not first.listed
    assert second.listed
    names = SHIPPED_PUBLISHED.read_text(encoding="utf-8").splitlines()
    assert len(names) == len(set(names)) > 400
    assert (first.rank, second.rank) == (Recipe().rank, Recipe().rank)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no"),
        ("[[stages]]\nspeed = 3\n", "stage 1 has no field 'speed'"),
        ('[[stages]]\nscenarios = "many"\n', "scenarios must be of type int"),
        ("stages = [", "is not TOML"),
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
