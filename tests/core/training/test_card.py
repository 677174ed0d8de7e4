"""The card says what the records say: every table, every source, every measured weakness."""

from __future__ import annotations

import json

import pytest

from app.errors import SetupError
from app.judge.calibration import Calibration
from app.training.card import card, check_weights, main

CALIBRATION = Calibration.model_validate(
    {
        "criteria": {"capacity": {"a": 2.0, "b": -0.5, "fail_at": 0.6}, "tone": {"a": 1.0, "b": 0.0}},
        "fitted_on": f"Presend-Bench valid, seed 11, 360 drafts; weights {'a' * 12}",
    }
)
PACKED = {
    "recipe": {"base": "smollm2", "seed": 7, "epochs": 1, "rank": 16, "alpha": 32, "dropout": 0.05, "published": 200},
    "base_digest": "b" * 64,
    "data_digest": "d" * 64,
    "violations": {"capacity": 130, "none": 299},
    "published_sources": {"someone/set": "MIT"},
    "result": {"steps": 72, "loss": 0.61, "train_seconds": 2222},
}
PREFERENCE = {
    "recipe": {"objective": "simpo", "base": "smollm2", "seed": 7, "epochs": 1, "rank": 8, "alpha": 16, "dropout": 0.05,
               "beta": 2.0, "gamma": 0.5, "nll": 0.0, "checkpointing": False},
    "base_digest": "b" * 64,
    "data": {"train_pairs": 100, "held_out_pairs": 40, "source": "made up", "train_digest": "e" * 64},
    "review": {"verdict": "plausible", "flags": [{"name": "rejected collapse", "why": "x"}]},
    "steps": 25,
    "seconds_last_run": 600.0,
}  # fmt: skip
ROW = {"auc": 0.9, "balanced_accuracy": 0.8, "clean_pass": 0.95, "caught": 0.65, "n_failed": 20, "n_clean": 60}
FIGURES = {
    "base": {
        "weights": "c" * 64,
        "test": {"capacity": ROW | {"auc": 0.5}, "tone": ROW},
        "dev_adjudicated": {"auc": 0.55},
    },
    "LoRA": {
        "weights": "a" * 64,
        "test": {"capacity": ROW, "tone": ROW | {"auc": 0.61}},
        "dev_adjudicated": {"auc": 0.85, "balanced_accuracy": 0.77, "pass_recall": 0.9, "n_failed": 57, "n_passed": 22},
    },
}


def test_the_card_of_the_packed_training_names_recipe_sources_and_figures():
    text = card(PACKED, CALIBRATION, FIGURES, 9_800_000)
    for words in (
        "LoRA r=16, alpha=32, dropout 0.05, 9.8 MB",
        "seed 7, 1 epoch(s), 72 steps, 37 minutes",
        "presend model train --objective packed --base smollm2 --seed 7",
        "--published 200 --data FOLDER --out DIR",
        "| someone/set | MIT |",
        "| capacity (LoRA) | 80 | 0.90 | 0.80 | 0.95 | 0.65 |",
        "| development file, labelled blind (LoRA) | 79 | 0.85 | 0.77 | 0.90 |",
        "| capacity | 2.000 | -0.500 | 0.600 | 0 |",
        "AUC below 0.7 on Generated drafts, new families in new wording: tone.",
    ):
        assert words in text, words


def test_the_card_of_a_preference_training_names_objective_pairs_and_flags():
    text = card(PREFERENCE, CALIBRATION, {"LoRA": FIGURES["LoRA"]}, 5_000_000)
    for words in (
        "| objective | simpo |",
        "beta 2.0, gamma 0.5, likelihood term 0.0",
        "100 for training, 40 held out; made up",
        "plausible; rejected collapse",
        "--objective simpo",
        "No published draft was trained on.",
        "| capacity | 80 | 0.90",
    ):
        assert words in text, words
    assert "--checkpointing" not in text
    assert "packed" not in text


@pytest.mark.parametrize(
    ("training", "figures", "words"),
    [({}, FIGURES, "training.json lacks"), (PACKED, {}, "no figures"), (PACKED, {"LoRA": 3}, "no figures")],
)
def test_records_that_lack_what_a_card_must_say_are_refused(training, figures, words):
    with pytest.raises(SetupError, match=words):
        card(training, CALIBRATION, figures, 1)


def test_figures_and_calibration_of_other_weights_are_refused():
    check_weights(FIGURES, CALIBRATION)
    with pytest.raises(SetupError, match="same prepared model"):
        check_weights({"LoRA": {"weights": "f" * 64}}, CALIBRATION)


def test_the_command_writes_the_file_and_refuses_in_one_sentence(tmp_path, capsys):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"x" * 1000)
    (folder / "training.json").write_text(json.dumps(PACKED))
    (tmp_path / "calibration.json").write_text(CALIBRATION.model_dump_json())
    (tmp_path / "figures.json").write_text(json.dumps(FIGURES))
    given = [
        "--adapter",
        str(folder),
        "--calibration",
        str(tmp_path / "calibration.json"),
        "--out",
        str(tmp_path / "C.md"),
    ]
    assert main([*given, "--evaluation", str(tmp_path / "figures.json")]) == 0
    assert (tmp_path / "C.md").read_text().startswith("# The judge's adapter")
    (tmp_path / "figures.json").write_text("[1]")
    assert main([*given, "--evaluation", str(tmp_path / "figures.json")]) == 1
    assert "does not hold a JSON object" in capsys.readouterr().err
    assert main([*given, "--evaluation", str(tmp_path / "none.json")]) == 1
    assert "cannot be read" in capsys.readouterr().err
