"""Measuring some sets alone: their figures go into an earlier record of the same weights, and into no other."""

from __future__ import annotations

import json

import pytest

from app.errors import SetupError
from app.training.evaluate import added, earlier_record, main
from app.training.heldout import generated_wholes
from app.training.report import markdown

PARTS = ("rules", "base", "LoRA", "rules+LoRA", "delta_a", "delta_b", "length")


def _record(weights: str, **values: object) -> dict[str, object]:
    return {"weights": weights, **{part: dict(values) for part in PARTS}}


def test_the_sets_of_now_stand_in_the_record_of_before(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(_record("a", test=1, letters=2) | {"flips": {"n": 96}}), encoding="utf-8")
    found = added(_record("a", test=3, contrasts=4), earlier_record(path, "a"))
    assert found["flips"] == {"n": 96}
    assert found["LoRA"] == {"test": 3, "letters": 2, "contrasts": 4}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(_record("b", test=1)), "is about other weights"),
        (json.dumps({"weights": "a"}), "no record of a measurement"),
        ("[]", "no record of a measurement"),
        ("{", "no record of a measurement"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path, text, said):
    path = tmp_path / "evaluation.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match=rf"evaluation\.json.* {said}"):
        earlier_record(path, "a")


def test_an_unknown_set_is_refused_before_a_model_is_looked_for(tmp_path, capsys):
    assert main(["--model", str(tmp_path / "nowhere"), "--scenarios", "2", "--sets", "test,letterz"]) != 0
    assert "there is no set 'letterz'; there are valid, test, apart, contrasts, letters" in capsys.readouterr().err


def test_figures_of_some_sets_are_a_table_of_their_own():
    row = {"n_passed": 1, "n_failed": 2}
    for key in ("balanced_accuracy", "pass_recall", "fail_recall", "mcc", "auc"):
        row |= {key: 0.5, f"{key}_ci": None}
    figures = {"rules": {"contrasts": row}, "length": {"contrasts": 0.5}, "delta_a": {}, "delta_b": {}}
    figures |= {name: {} for name in ("base", "LoRA", "rules+LoRA")}
    assert "contrast sets of the new situations" in markdown(figures)


def test_contrast_sets_are_measured_apart_from_the_drafts_that_they_turn():
    turned, plain = (generated_wholes(3, "test", 20, contrasts=c) for c in (True, False))
    assert {example.contrast for _, example in turned} == {True}
    assert {example.contrast for _, example in plain} == {False}
    assert 0 < sum(whole.failed for whole, _ in turned) < len(turned)
