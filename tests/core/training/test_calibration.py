"""Calibration: recovers a known map, keeps clean drafts, agrees with what the service applies."""

from __future__ import annotations

import numpy as np
import pytest

from app.errors import ConfigurationError
from app.judge.calibration import Calibration, CriterionCalibration
from app.training.calibration import (
    apply,
    calibration_error,
    error_by_chance,
    fit,
    logit,
    read_calibration,
    sigmoid,
    threshold,
    write_calibration,
)


def test_logit_and_sigmoid_undo_each_other():
    p = np.array([1e-5, 0.2, 0.5, 0.9, 1 - 1e-5])
    assert sigmoid(logit(p)) == pytest.approx(p)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert sigmoid(np.array([-1e4, 1e4])) == pytest.approx([0.0, 1.0])


def test_fit_recovers_a_known_map():
    rng = np.random.default_rng(0)
    raw = sigmoid(rng.normal(0, 2, 20_000))
    failed = rng.random(20_000) < sigmoid(1.7 * logit(raw) - 1.2)
    a, b = fit(raw, failed)
    assert a == pytest.approx(1.7, abs=0.08)
    assert b == pytest.approx(-1.2, abs=0.08)
    assert calibration_error(sigmoid(a * logit(raw) + b), failed) < 0.01


def test_a_weight_counts_a_draft_as_often():
    rng = np.random.default_rng(4)
    raw = sigmoid(rng.normal(0, 2, 400))
    failed = rng.random(400) < raw
    weight = np.where(np.arange(400) < 100, 3.0, 1.0)
    again = np.r_[raw, raw[:100], raw[:100]], np.r_[failed, failed[:100], failed[:100]]
    # Platt's smoothed targets know how many drafts there are, which moves both fits by their last digits.
    assert fit(raw, failed, weight) == pytest.approx(fit(*again), abs=0.02)
    assert fit(raw, failed, weight) != pytest.approx(fit(raw, failed), abs=0.02)


def test_fit_survives_separable_scores():
    raw = np.r_[np.full(20, 0.01), np.full(20, 0.99)]
    a, b = fit(raw, np.arange(40) >= 20)
    assert np.isfinite([a, b]).all()
    assert a > 0


def test_a_judge_that_is_upside_down_gets_a_flat_map_and_not_a_reversed_one():
    raw = np.r_[np.full(20, 0.9), np.full(20, 0.1)]
    a, _ = fit(raw, np.arange(40) >= 20)
    assert 0 < a <= 1e-3


def test_too_few_examples_are_refused():
    with pytest.raises(ValueError, match="at least 8"):
        fit(np.full(20, 0.5), np.arange(20) < 3)


@pytest.mark.parametrize("share", [0.9, 0.97, 0.99, 1.0])
def test_threshold_lets_the_wanted_share_of_clean_drafts_pass(share):
    clean = np.random.default_rng(1).random(500) * 0.9
    cut = threshold(clean, share, floor=0.1)
    assert (clean < cut).mean() >= share
    assert (clean < cut).mean() < share + 0.01


def test_threshold_never_sinks_below_the_floor():
    assert threshold(np.full(100, 0.01), 0.97, floor=0.5) == 0.5


def test_calibration_error_by_hand():
    p = np.array([0.15, 0.15, 0.95, 0.95])
    failed = np.array([False, True, True, True])
    assert calibration_error(p, failed) == pytest.approx((2 * 0.35 + 2 * 0.05) / 4)


def test_a_perfect_judge_errs_less_by_chance_on_more_drafts():
    few, many = (error_by_chance(np.linspace(0.02, 0.98, n)) for n in (50, 5_000))
    assert 0.08 < few < 0.2
    assert many < 0.02
    # Ten bins of 500: the mean of |share - mean p| is about sqrt(2 / pi) times sqrt(mean p (1 - p) / 500).
    expected = np.sqrt(2 / np.pi) * np.mean([np.sqrt(p * (1 - p) / 500) for p in np.arange(0.05, 1, 0.1)])
    assert many == pytest.approx(expected, rel=0.1)


def test_the_service_applies_the_same_map():
    one = CriterionCalibration(a=1.3, b=-0.7)
    raw = np.array([0.0, 0.003, 0.4, 0.99, 1.0])
    assert apply(one, raw) == pytest.approx([one.apply(float(r)) for r in raw])


def test_file_round_trip(tmp_path):
    value = Calibration(criteria={"tone": CriterionCalibration(a=2.0, b=-1.0, fail_at=0.6, abstain_band=0.0)})
    write_calibration(tmp_path / "calibration.json", value)
    assert read_calibration(tmp_path / "calibration.json") == value


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nothing\.json"):
        read_calibration(tmp_path / "nothing.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"broken\.json"):
        read_calibration(tmp_path / "broken.json")
