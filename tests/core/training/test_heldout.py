"""Figures on held-out drafts, from digit probabilities that were written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from app.bench.moves import MODEL_CRITERIA
from app.errors import SetupError
from app.judge.calibration import Calibration, CriterionCalibration
from app.schemas import Context, Draft
from app.training.calibrate import FLOOR, GENERATED, WRITTEN, fit_all
from app.training.heldout import (
    TRANSFER_SETS,
    development,
    fails,
    margins,
    stopped,
    transfer,
    unsure,
)
from app.training.mixture import Labelled
from app.training.scoring import p_fail

CONTEXT = Context.model_validate({"company_name": "Alder Row", "icp_segment": 0, "thread_stage": "reply_active"})
DRAFT = Draft(subject="", body="Hi")


def digits_for(p: float) -> list[float]:
    """A distribution over 1-5 with P(fail) = p."""
    return [p, 0.0, 0.0, 0.0, 1 - p]


def rows_and_digits(table):
    """Rows of (scores, p_fail per criterion)."""
    rows = [Labelled(str(i), str(i), CONTEXT, DRAFT, scores) for i, (scores, _) in enumerate(table)]
    return rows, np.array([[digits_for(p) for p in ps] for _, ps in table])


def test_p_fail_counts_a_doubtful_score_half():
    assert p_fail(np.array([0.1, 0.2, 0.4, 0.1, 0.2])) == pytest.approx(0.5)
    assert p_fail(np.array([[1.0, 0, 0, 0, 0], [0, 0, 0, 0, 1.0]])) == pytest.approx([1.0, 0.0])


def test_each_criterion_has_its_own_map_and_threshold():
    calibration = Calibration(criteria={"tone": CriterionCalibration(a=1.0, b=2.0, fail_at=0.95)})
    tone = MODEL_CRITERIA.index("tone")
    digits = np.array([[digits_for(0.4)] * len(MODEL_CRITERIA)])
    found = margins(digits, calibration)[0]
    assert np.delete(found, tone) == pytest.approx([0.4] * (len(MODEL_CRITERIA) - 1))
    assert found[tone] == pytest.approx(1 / (1 + np.exp(-(np.log(0.4 / 0.6) + 2))))
    assert not fails(digits, calibration)[0]


def separated(count, seed):
    """Rows that break each criterion one time in ten, with their digits: near .7 where broken, near .1 elsewhere."""
    rng = np.random.default_rng(seed)
    table = []
    for _ in range(count):
        scores = tuple(1 if rng.random() < 0.1 else 5 for _ in MODEL_CRITERIA)
        table.append((scores, [float(np.clip(rng.normal(0.7 if s == 1 else 0.1, 0.1), 0.001, 0.999)) for s in scores]))
    return rows_and_digits(table)


def is_honest(row):
    return all(score == 5 for score in row.scores)


def test_fitting_keeps_honest_drafts_and_catches_separated_ones():
    rows, digits = separated(300, seed=2)
    calibration, errors = fit_all(rows, p_fail(digits), 0.98, 0.0, "a test")
    p = margins(digits, calibration)
    honest = np.array([is_honest(row) for row in rows])
    for place, criterion in enumerate(MODEL_CRITERIA):
        broken = np.array([row.scores[place] == 1 for row in rows])
        assert calibration.of(criterion).fail_at >= FLOOR
        assert (p[honest, place] < calibration.of(criterion).fail_at).mean() >= 0.98
        assert (p[broken, place] >= calibration.of(criterion).fail_at).mean() > 0.9
        assert errors[GENERATED][criterion] < 0.1
    assert errors[WRITTEN] == {}


def test_the_judge_abstains_on_the_nearest_of_the_clean_drafts_that_do_not_pass():
    rng = np.random.default_rng(5)
    many = len(MODEL_CRITERIA)
    table = [((1,) * many, [float(p)] * many) for p in np.linspace(0.6, 0.95, 200)] + [
        ((5,) * many, [float(p)] * many) for p in np.r_[rng.uniform(0.001, 0.2, 980), np.linspace(0.6, 0.9, 20)]
    ]
    rows, digits = rows_and_digits(table)
    strict, _ = fit_all(rows, p_fail(digits), 0.98, 0.0, "a test")
    doubting, _ = fit_all(rows, p_fail(digits), 0.98, 0.005, "a test")
    p = margins(digits, doubting)[:, 0]
    one = doubting.of(MODEL_CRITERIA[0])
    clean = np.arange(len(rows)) >= 200
    assert (stopped(digits, doubting) == stopped(digits, strict)).all()
    assert unsure(one, p)[clean].sum() >= 5
    assert (p[clean] >= one.fail_at).sum() == 15
    assert strict.of(MODEL_CRITERIA[0]).abstain_band == 0


def test_what_breaks_another_criterion_sets_no_threshold():
    rows, digits = separated(300, seed=4)
    raw = p_fail(digits)
    elsewhere = [i for i, row in enumerate(rows) if row.scores[0] == 5 and row.scores[1] == 1][:8]
    raw[elsewhere, 0] = 0.75
    calibration, _ = fit_all(rows, raw, 0.98, 0.0, "a test")
    first = calibration.of(MODEL_CRITERIA[0])
    assert len(elsewhere) == 8
    assert first.apply(0.75) > first.fail_at == FLOOR


def test_drafts_written_by_hand_can_only_raise_a_threshold():
    rows, digits = separated(200, seed=3)
    raw = p_fail(digits)
    honest = [i for i, row in enumerate(rows) if is_honest(row)]
    raw[honest[-2:], 0] = 0.6
    together, _ = fit_all(rows, raw, 0.98, 0.0, "a test")
    fitted, _ = fit_all(rows, raw, 0.98, 0.0, "a test", made=honest[-2])
    first, *others = MODEL_CRITERIA
    assert fitted.of(first).fail_at == pytest.approx(fitted.of(first).apply(0.6), abs=1e-4)
    assert together.of(first).fail_at < fitted.of(first).fail_at
    assert all(fitted.of(name).fail_at >= together.of(name).fail_at for name in others)


def test_the_transfer_sets_are_whole_and_balanced():
    for name in TRANSFER_SETS:
        rows = transfer(name)
        assert len(rows) >= 160
        assert 0.4 < sum(row.failed for row in rows) / len(rows) < 0.6
        assert len({row.cluster for row in rows}) == len(rows)


def test_a_missing_development_file_is_named(tmp_path):
    with pytest.raises(SetupError, match="dev_adjudicated"):
        development(tmp_path)
