"""Rates corrected for the judge's errors."""

import numpy as np
import pytest

from app.stats import BadInput, NoVerdicts, corrected_rate, ppi_rate


def test_a_perfect_judge_changes_nothing_but_the_added_counts():
    made = corrected_rate(60, 100, 10_000, 10_000, 10_000, 10_000)
    assert made.estimate == pytest.approx(0.6)
    assert made.interval.lo == pytest.approx(made.raw.lo, abs=3e-3)
    assert made.interval.hi == pytest.approx(made.raw.hi, abs=3e-3)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((60, 100, 4, 10, 6, 10), "at most 1"),
        ((60, 100, 0, 10, 10, 10), "at most 1"),
        ((60, 100, 0, 0, 9, 10), "humans fail"),
        ((60, 100, 1, 1, 1, 10), None),
        ((60, 100, 1, 1, 1, 3), None),
    ],
)
def test_a_judge_no_better_than_a_coin_gives_null_with_a_reason(counts, reason):
    made = corrected_rate(*counts)
    if reason is None:
        assert (made.estimate is None) == (made.interval is None) == (made.reason is not None)
    else:
        assert made.estimate is None
        assert made.interval is None
        assert reason in made.reason
    assert made.raw.estimate == 0.6


def test_the_corrected_rate_stays_a_rate():
    made = corrected_rate(2, 100, 80, 100, 90, 100)
    assert made.estimate == 0.0
    assert 0.0 <= made.interval.lo <= made.interval.hi <= 1.0


def test_corrected_interval_covers_in_simulation():
    rng = np.random.default_rng(5)
    theta, q0, q1 = 0.7, 0.85, 0.9
    hits = 0
    for _ in range(1000):
        passed = rng.binomial(400, theta * q1 + (1 - theta) * (1 - q0))
        made = corrected_rate(int(passed), 400, int(rng.binomial(80, q0)), 80, int(rng.binomial(80, q1)), 80)
        hits += made.interval.lo <= theta <= made.interval.hi
    assert 0.925 < hits / 1000 < 0.98


def test_corrected_rate_refuses_impossible_counts():
    with pytest.raises(BadInput, match="part cannot be larger"):
        corrected_rate(11, 10, 1, 2, 1, 2)
    with pytest.raises(NoVerdicts):
        corrected_rate(0, 0, 1, 2, 1, 2)


def ppi_from_rows(human, judged, unlabelled):
    """PPI++ for a mean with its tuned weight, on rows."""
    k, n = human.size, unlabelled.size
    covariance = np.cov(human, judged, ddof=0)[0, 1]
    weight = covariance / ((1 + k / n) * np.concatenate([judged, unlabelled]).var())
    weight = min(1.0, max(0.0, weight))
    estimate = human.mean() + weight * (unlabelled.mean() - judged.mean())
    variance = weight**2 * unlabelled.var() / n + (human - weight * judged).var() / k
    return weight, estimate, np.sqrt(variance)


@pytest.mark.parametrize("cells", [(40, 8, 5, 27), (10, 1, 0, 9), (20, 20, 20, 20), (3, 30, 30, 3)])
@pytest.mark.parametrize("unlabelled", [(700, 1000), (30, 90)])
def test_ppi_equals_its_row_form(cells, unlabelled):
    human = np.repeat([1.0, 0.0, 1.0, 0.0], cells)
    judged = np.repeat([1.0, 1.0, 0.0, 0.0], cells)
    passed, n = unlabelled
    weight, estimate, se = ppi_from_rows(human, judged, np.repeat([1.0, 0.0], [passed, n - passed]))
    made = ppi_rate(*cells, passed, n)
    assert made.weight == pytest.approx(weight, abs=1e-13)
    assert made.estimate == pytest.approx(min(1.0, max(0.0, estimate)), abs=1e-13)
    assert made.se == pytest.approx(se, abs=1e-13)
    assert made.effective_labels >= 0.99 * sum(cells)


def test_ppi_interval_covers_and_is_shorter_than_labels_alone():
    rng = np.random.default_rng(8)
    hits, widths, alone = 0, [], []
    for _ in range(1000):
        human = rng.random(100) < 0.65
        judged = np.where(rng.random(100) < 0.88, human, ~human)
        many = rng.random(2000) < 0.65
        passed = np.where(rng.random(2000) < 0.88, many, ~many).sum()
        cells = [(human & judged).sum(), (~human & judged).sum(), (human & ~judged).sum(), (~human & ~judged).sum()]
        made = ppi_rate(*(int(cell) for cell in cells), int(passed), 2000)
        hits += made.interval.lo <= 0.65 <= made.interval.hi
        widths.append(made.interval.width)
        alone.append(made.humans.width)
    assert 0.92 < hits / 1000 < 0.975
    assert np.mean(widths) < 0.8 * np.mean(alone)


def test_ppi_with_few_labels():
    made = ppi_rate(1, 0, 0, 0, 50, 100)
    assert made.estimate is None
    assert "two human labels" in made.reason
    assert made.judge == 0.5
    assert [caution.code for caution in ppi_rate(5, 1, 1, 5, 50, 100).warnings] == ["few-labels"]
    nothing = ppi_rate(30, 2, 3, 20, 0, 0)
    assert (nothing.weight, nothing.judge) == (0.0, None)
    assert nothing.estimate == pytest.approx(33 / 55)
    with pytest.raises(BadInput):
        ppi_rate(1, 1, 1, 1, 5, 4)
