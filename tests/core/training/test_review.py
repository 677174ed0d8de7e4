"""The review flags, on made-up logs whose fault is known and on the log of a published training."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app.errors import InvalidInput, SetupError
from app.training.margins import MarginLog, Scored, read_log, rewards_of, trl_figures
from app.training.objectives import PreferenceRecipe
from app.training.review import markdown, review


def log(train, held=None, accuracy=None, chosen=None, rejected=None):
    """Rows of a log with one measurement per step."""
    rows = []
    for step, margin in enumerate(train):
        row = {"step": step, "train_rewards/margins": margin}
        row["train_rewards/chosen"] = chosen[step] if chosen else margin / 2
        row["train_rewards/rejected"] = rejected[step] if rejected else -margin / 2
        if held:
            row["eval_rewards/margins"] = held[step]
        if accuracy:
            row["eval_rewards/accuracies"] = accuracy[step]
        rows.append(row)
    return rows


def names(rows):
    return [flag.name for flag in review(rows).flags]


def test_margins_that_rise_on_both_sides_raise_no_flag():
    found = review(log([0, 0.5, 1.0], [0, 0.4, 0.8], [0.5, 0.7, 0.8]))
    assert found.flags == ()
    assert found.verdict.endswith("plausible improvement")
    assert found.gap == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("held", "accuracy"),
    [([0, 0.01, 0.02], [0.5, 0.5, 0.5]), ([0, -0.2, -0.3], [0.5, 0.5, 0.6]), ([0, 0.4, 0.8], [0.6, 0.5, 0.5])],
)
def test_train_up_and_held_out_flat_or_worse_is_margin_inflation(held, accuracy):
    assert names(log([0, 0.5, 1.0], held, accuracy)) == ["margin inflation"]


def test_a_small_rise_of_margin_with_better_accuracy_is_not_inflation():
    assert names(log([0, 0.5, 1.0], [0, 0.05, 0.1], [0.5, 0.6, 0.7])) == []


def test_a_rise_that_comes_from_the_rejected_answers_is_a_collapse():
    rows = log([0, 1, 2], [0, 1, 2], [0.5, 0.7, 0.9], chosen=[0, -0.2, -0.5], rejected=[0, -1.2, -2.5])
    assert names(rows) == ["rejected collapse"]


def test_a_rise_that_comes_from_the_chosen_answers_is_none():
    rows = log([0, 1, 2], [0, 1, 2], [0.5, 0.7, 0.9], chosen=[0, 0.9, 1.8], rejected=[0, -0.1, -0.2])
    assert names(rows) == []


@pytest.mark.parametrize("train", [[0.2, 0.2, 0.2], [0.5, 0.2, 0.1]])
def test_train_margins_that_do_not_rise_are_a_weak_signal(train):
    found = review(log(train, [0, 0, 0], [0.5, 0.5, 0.5]))
    assert [flag.name for flag in found.flags] == ["weak signal"]
    assert "weak signal" in found.verdict


def test_without_held_out_rows_the_rise_is_not_confirmed():
    assert names(log([0, 0.5, 1.0])) == ["not confirmed"]


def test_batches_are_averaged_at_both_ends():
    rows = [{"rewards/margins": m} for m in [0.9, -0.9] + [0.0] * 16 + [0.9, -0.9]]
    assert names(rows) == ["weak signal"]


def test_a_log_without_margins_is_refused():
    with pytest.raises(InvalidInput, match="fewer than two"):
        review([{"loss": 1.0}, {"rewards/margins": 0.1}])


def test_the_published_training_reads_as_a_plausible_improvement():
    root = Path(os.environ.get("PRESEND_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    path = root / "data" / "salesconversion_bench_raw" / "training" / "trainer_log_history.jsonl"
    assert path.is_file(), f"the published log is expected at {path}; set PRESEND_SHARED to the folder of `data`"
    found = review(read_log(path))
    assert found.train_margin.first == pytest.approx(-3.736, abs=1e-3)
    assert found.train_margin.last == pytest.approx(1.638, abs=1e-3)
    assert (found.held_out_accuracy.first, found.held_out_accuracy.last) == (0.0, 1.0)
    assert found.flags == ()
    assert "plausible improvement" in markdown(found)


def test_a_log_that_is_cut_off_goes_on_without_rows_of_the_lost_steps(tmp_path):
    path = tmp_path / "margins.jsonl"
    first = MarginLog(path, None)
    for step in (0, 1, 2, 3):
        first.add(step, {"loss": float(step)})
    again = MarginLog(path, 2)
    again.add(3, {"loss": 9.0})
    assert [(row["step"], row["loss"]) for row in read_log(path)] == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 9.0)]
    MarginLog(path, None)
    assert read_log(path) == []


def test_a_broken_log_names_file_and_line(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"step": 1}) + "\n3\n")
    with pytest.raises(SetupError, match=r"log\.jsonl:2"):
        read_log(path)


def test_rewards_are_relative_to_the_reference_for_dpo_only():
    scored, reference = [Scored(-4.0, -8.0, 4)], [Scored(-5.0, -6.0, 4)]
    dpo = rewards_of(PreferenceRecipe("dpo").checked(), scored, reference, "eval_")
    assert dpo["eval_rewards/chosen"] == pytest.approx(0.1)
    assert dpo["eval_rewards/rejected"] == pytest.approx(-0.2)
    simpo = rewards_of(PreferenceRecipe("simpo").checked(), scored, reference, "eval_")
    assert simpo["eval_rewards/margins"] == pytest.approx(2.0 * (-1.0 + 2.0))
    assert simpo["eval_preferred"] == 1.0


def test_only_figures_of_a_training_are_kept_from_trl():
    told = {"loss": 1, "rewards/margins": 0.2, "logits/chosen": 3.0, "num_tokens": 7, "note": "x"}
    assert trl_figures(told) == {"loss": 1.0, "rewards/margins": 0.2}
