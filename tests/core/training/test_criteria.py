"""Each judge on each criterion, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from app.bench.generate import Example
from app.bench.moves import MODEL_CRITERIA, OVERALL
from app.judge.calibration import Calibration, CriterionCalibration
from app.schemas import Draft
from app.training.criteria import BASE, BOTH, LORA, RULES, criterion_figures

CLEAN = dict.fromkeys((*MODEL_CRITERIA, "capacity", "form", OVERALL), 5)


def example(number, **scores):
    """A draft whose situation is its own."""
    draft = Draft(subject="", body=f"Hi {number}")
    return Example(
        str(number), f"g{number}", "f", "test", {}, draft, CLEAN | scores, (), None, "", "Vendor", "easy"
    )  # fmt: skip


def digits(*rows):
    """P(fail) of the first criteria of each draft, .1 of the others, as probabilities of 1 and 5."""
    whole = [[*row, *[0.1] * (len(MODEL_CRITERIA) - len(row))] for row in rows]
    return np.array([[[p, 0, 0, 0, 1 - p] for p in row] for row in whole], dtype=float)


TWO_OF_EACH = [
    example(1, tone=1, capacity=1), example(2, tone=1, grounding=None), example(3), example(4), example(5, tone=None),
]  # fmt: skip
SAID = digits([0.1, 0.1, 0.1, 0.9], [0.9, 0.1, 0.1, 0.2], [0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.6], [0.9] * 4)
BY_RULE = [frozenset({"capacity"}), frozenset({"tone"}), frozenset(), frozenset({"capacity"}), frozenset({"tone"})]


def test_each_judge_is_counted_on_the_drafts_that_are_decided():
    found = criterion_figures(
        TWO_OF_EACH, BY_RULE, {LORA: (SAID, Calibration()), BASE: (SAID * 0 + 0.2, Calibration())}
    )
    tone = {judge: found[judge]["tone"] for judge in (RULES, BASE, LORA, BOTH)}
    assert {judge: (row["n_failed"], row["n_passed"]) for judge, row in tone.items()} == dict.fromkeys(tone, (2, 2))
    assert (tone[RULES]["fail_recall"], tone[RULES]["pass_recall"]) == (0.5, 1.0)
    assert (tone[LORA]["fail_recall"], tone[LORA]["pass_recall"], tone[LORA]["auc"]) == (0.5, 0.5, 0.75)
    assert (tone[BOTH]["fail_recall"], tone[BOTH]["pass_recall"]) == (1.0, 0.5)
    # Clopper and Pearson at 1 of 2: beta quantiles, 1 - sqrt(.975) and its mirror.
    assert tone[RULES]["fail_recall_exact"] == pytest.approx([0.012579, 0.987421], abs=1e-6)
    assert tone[LORA]["calibration_error"] == pytest.approx((0.1 + 0.8 + 0.1 + 0.6) / 4)


def test_a_criterion_of_the_rules_has_no_figure_of_a_model():
    found = criterion_figures(TWO_OF_EACH, BY_RULE, {LORA: (SAID, Calibration())})
    assert (found[RULES]["capacity"]["fail_recall"], found[RULES]["capacity"]["pass_recall"]) == (1.0, 0.75)
    assert "capacity" not in found[LORA]
    assert "capacity" not in found[BOTH]


def test_what_no_draft_violates_has_no_figures():
    found = criterion_figures(TWO_OF_EACH, BY_RULE, {LORA: (SAID, Calibration())})
    assert set(found[RULES]) == {"tone", "capacity"}


def test_a_judge_in_doubt_does_not_send():
    calibration = Calibration(criteria={"tone": CriterionCalibration(fail_at=0.3, abstain_band=0.15)})
    found = criterion_figures(TWO_OF_EACH, BY_RULE, {LORA: (SAID, calibration)})[LORA]["tone"]
    assert found["abstained"] == 0.25
    assert (found["fail_recall"], found["pass_recall"]) == (1.0, 0.5)
