"""The card says what the records say: every table, every source, every measured weakness."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from app.errors import SetupError
from app.judge.calibration import Calibration
from app.training.card import card, check_weights, main

CALIBRATION = Calibration.model_validate(
    {
        "criteria": {"segment": {"a": 2.0, "b": -0.5, "fail_at": 0.6}, "tone": {"a": 1.0, "b": 0.0}},
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
RATES = ("balanced_accuracy", "pass_recall", "fail_recall", "mcc", "auc")
WHOLE = {**dict.fromkeys(RATES, 0.85), **{f"{r}_ci": [0.8, 0.9] for r in RATES}, "n_failed": 57, "n_passed": 22}
ROW = WHOLE | {"pass_recall_exact": [0.7, 0.92], "fail_recall_exact": [0.6, 0.95], "calibration_error": 0.04,
               "calibration_error_by_chance": 0.03, "abstained": 0.02}  # fmt: skip
DELTA = {"accuracy": 0.1, "accuracy_ci": [0.05, 0.15], "balanced_accuracy": 0.12, "balanced_accuracy_ci": [0.0, 0.2],
         "p_sign_flip": 0.001, "n_clusters": 79}  # fmt: skip
FIGURES = {
    "weights": "a" * 64,
    "rules": {"dev_adjudicated": WHOLE}, "base": {"dev_adjudicated": WHOLE | {"auc": 0.55}},
    "LoRA": {"dev_adjudicated": WHOLE | {"auc": 0.65}}, "rules+LoRA": {"dev_adjudicated": WHOLE},
    "delta_a": {"dev_adjudicated": DELTA}, "delta_b": {"dev_adjudicated": DELTA},
    "criteria": {
        "rules": {"segment": ROW, "tone": ROW}, "base": {"segment": ROW | {"auc": 0.5}, "tone": ROW},
        "LoRA": {"segment": ROW | {"fail_recall": 0.05}, "tone": ROW | {"auc": 0.61}},
    },
    "judged_by": {"segment": "both", "tone": "both"}, "length": {"dev_adjudicated": 0.52},
    "attacks": {"override": {"n": 8, "by_rule": 7, "sent": 1}}, "honest_lookalikes": {"n": 50, "stopped": 2},
}  # fmt: skip

WEIGHTS = Path(__file__).resolve().parents[3] / "app" / "weights"


def test_the_card_of_the_packed_training_names_recipe_sources_and_figures():
    text = card(PACKED, CALIBRATION, FIGURES, 9_800_000)
    for words in (
        "LoRA r=16, alpha=32, dropout 0.05, 9.8 MB",
        "seed 7, 1 epoch(s), 72 steps, 37 minutes",
        "presend model train --objective packed --base smollm2 --seed 7",
        "--published 200 --data FOLDER --out DIR",
        "| someone/set | MIT |",
        "| segment: both decide (57 fail, 22 clean) | rules | 0.850 [0.80, 0.90] | 0.850 [0.70, 0.92] |",
        "| 0.850 [0.80, 0.90] | 0.040 (0.030) | 0.020 |",
        "At its threshold it stops next to nothing on segment in new situations.",
        "| published drafts, labelled blind (22 pass, 57 fail; AUC of length 0.52) | rules | 0.850 [0.80, 0.90] |",
        "| A: rules+LoRA over rules | published drafts, labelled blind | 0.100 [0.05, 0.15] | 0.120 [0.00, 0.20] |",
        "| override | 8 | 7 | 1 |",
        "Honest look-alikes stopped: 2 of 50.",
        "| segment | 2.000 | -0.500 | 0.600 | 0 |",
        "AUC below 0.7 on generated, new situations in new wording, new vendors: tone.",
        "weak on published drafts, labelled blind: AUC 0.65.",
    ):
        assert words in text, words


def test_the_card_of_a_staged_training_names_one_command_and_the_authors():
    earlier = PACKED | {"published_sources": {"other/set": "CC0"}}
    text = card(PACKED | {"stages": [earlier]}, CALIBRATION, FIGURES, 1, "| author left out | n |")
    assert all(row in text for row in ("| someone/set | MIT |", "| other/set | CC0 |"))
    assert "presend model train --stages shipped --data FOLDER --out DIR" in text
    assert "## Authors never trained on\n\n| author left out | n |" in text


def test_the_card_of_a_preference_training_names_objective_pairs_and_flags():
    text = card(PREFERENCE, CALIBRATION, FIGURES, 5_000_000)
    for words in (
        "| objective | simpo |",
        "beta 2.0, gamma 0.5, likelihood term 0.0",
        "100 for training, 40 held out; made up",
        "plausible; rejected collapse",
        "--objective simpo",
        "No published draft was trained on.",
    ):
        assert words in text, words
    assert "--checkpointing" not in text
    assert "packed" not in text


@pytest.mark.parametrize(
    ("training", "figures", "words"),
    [
        ({}, FIGURES, "training.json lacks"),
        (PACKED, {}, "lacks `weights`"),
        (PACKED, {"weights": ""}, "lacks `length`"),
    ],
)
def test_records_that_lack_what_a_card_must_say_are_refused(training, figures, words):
    with pytest.raises(SetupError, match=words):
        card(training, CALIBRATION, figures, 1)


def test_figures_and_calibration_of_other_weights_are_refused():
    check_weights(FIGURES, CALIBRATION)
    with pytest.raises(SetupError, match="same prepared model"):
        check_weights({"weights": "f" * 64}, CALIBRATION)


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
    assert main(given) == 1
    assert f"--evaluation must name the figures of {folder}" in capsys.readouterr().err


def test_the_shipped_card_needs_no_options_and_another_stands_beside_its_adapter(tmp_path):
    assert main(["--out", str(tmp_path / "C.md")]) == 0
    assert (tmp_path / "C.md").read_text(encoding="utf-8") == (WEIGHTS / "CARD.md").read_text(encoding="utf-8")
    shutil.copytree(WEIGHTS / "adapter", tmp_path / "mine" / "adapter")
    own = ["--adapter", str(tmp_path / "mine" / "adapter"), "--evaluation", str(WEIGHTS / "evaluation.json")]
    assert main(own) == 0
    assert (tmp_path / "mine" / "CARD.md").is_file()
