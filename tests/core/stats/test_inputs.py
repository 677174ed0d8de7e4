"""Counts in: what is accepted, what is refused, what a result says about where it came from."""

import dataclasses

import numpy as np
import pytest

from app.stats import (
    ENGINE_VERSION,
    BadInput,
    Histogram,
    MixedMetrics,
    PairCounts,
    alternating,
    check_same_metric,
    different_judges,
    digest_of,
    mean_ci,
    paired_delta,
    wilson,
)
from app.stats.lattice import find_lattice


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf"), 1e200])
def test_scores_that_are_no_numbers_are_refused(score):
    with pytest.raises(BadInput, match="finite number"):
        Histogram.of([(score, 1)])
    with pytest.raises(BadInput, match="finite number"):
        PairCounts.of([(0.0, score, 1)])


@pytest.mark.parametrize("count", [-1, 1.5, "3", None])
def test_counts_that_are_no_counts_are_refused(count):
    with pytest.raises(BadInput, match="whole number"):
        Histogram.of([(1.0, count)])
    with pytest.raises(BadInput, match="whole number"):
        PairCounts.of_table(1, count, 2, 3)
    with pytest.raises(BadInput, match="whole number"):
        wilson(0, count)


def test_other_impossible_inputs():
    with pytest.raises(BadInput, match="3 passes among 2"):
        wilson(3, 2)
    with pytest.raises(BadInput, match="same length"):
        Histogram.of_arrays(np.array([1.0]), np.array([1, 2]))
    with pytest.raises(BadInput, match="at least 0"):
        Histogram.of_arrays(np.array([1.0]), np.array([-2]))
    with pytest.raises(BadInput, match="tie policy"):
        PairCounts.of_preferences([("tie", "tie", 1)], "drop")
    with pytest.raises(BadInput, match="success, tie, fail or None"):
        PairCounts.of_preferences([("win", "tie", 1)])
    with pytest.raises(MixedMetrics, match="compare like with like"):
        check_same_metric("passed", "score")
    with pytest.raises(BadInput, match="lower one first"):
        mean_ci(Histogram.of_rate(1, 2), scale=(1.0, 1.0))
    check_same_metric("passed", "passed")


@pytest.mark.parametrize(
    ("scores", "step"),
    [
        ([0.0, 1.0], 1.0),
        ([1.0, 3.0, 5.0], 2.0),
        ([0.0, 0.5, 1.0], 0.5),
        ([0.1, 0.2, 0.3, 0.1 + 0.2], 0.1),
        ([1 / 3, 2 / 3, 1.0], 1 / 3),
        ([4.35, 4.36, 1.0, 4.99], 0.01),
        ([i / 100 for i in range(100, 501, 7)] + [5.0], 0.01),
        ([1e9 + 0.25, 1e9 + 0.5], 0.25),
        ([-2.5, 0.0, 7.5], 2.5),
    ],
)
def test_grids_are_found(scores, step):
    histogram = Histogram.of((score, 1) for score in scores)
    grid = find_lattice(histogram.values)
    assert grid.step == pytest.approx(step, rel=1e-9)
    assert grid.offset + grid.step * grid.positions == pytest.approx(histogram.values, rel=1e-12)


@pytest.mark.parametrize(
    "scores", [[0.0, 1.0, np.pi], [0.1, 0.1234567, 0.9], list(np.random.default_rng(0).normal(size=50))]
)
def test_no_grid_is_invented(scores):
    assert find_lattice(np.sort(scores)) is None


def test_a_pass_rate_and_a_score_of_one_are_told_apart_by_the_scale():
    ones = Histogram.of([(1.0, 20)])
    assert mean_ci(ones).metric == "rate"
    worst = mean_ci(ones, scale=(1.0, 5.0))
    assert worst.metric == "score"
    assert worst.recommended.lo == 1.0
    assert worst.recommended.hi == pytest.approx(1.0 + 4.0 * (1.0 - 0.025 ** (1 / 20)))


def test_every_result_says_where_it_came_from():
    made = paired_delta(PairCounts.of_table(15, 1, 26, 6), only_a=3, only_b=2, names=("base", "new"))
    assert made.engine_version == ENGINE_VERSION
    assert made.digest == paired_delta(PairCounts.of_table(15, 1, 26, 6), only_a=3, only_b=2).digest
    assert made.digest != paired_delta(PairCounts.of_table(15, 1, 25, 7), only_a=3, only_b=2).digest
    assert (made.only_a, made.only_b, made.a, made.b) == (3, 2, "base", "new")
    assert made.paired.percentile.convention.startswith("inverted_cdf")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.delta = 0.0


def test_digests_depend_on_every_part():
    parts = ["rate", np.array([1, 2]), np.array([0.5]), None, 3]
    assert digest_of(*parts) == digest_of("rate", np.array([1, 2]), np.array([0.5]), None, 3)
    for other in (["rate", np.array([2, 1]), *parts[2:]], [*parts[:4], 3.0], [*parts[:3], 0, 3], parts[:4]):
        assert digest_of(*other) != digest_of(*parts)
    with pytest.raises(BadInput, match="numbers and text"):
        digest_of(object())


def codes(made):
    return [caution.code for caution in made.warnings]


def test_cautions_of_a_comparison():
    assert codes(paired_delta(PairCounts.of_table(15, 1, 26, 6))) == []
    assert codes(paired_delta(PairCounts.of_table(40, 1, 4, 3))) == ["few-discordant"]
    constant = paired_delta(PairCounts.of_table(20, 0, 20, 0), names=("old", "new"))
    assert codes(constant) == ["constant-margin"]
    assert "System new" in constant.warnings[0].message
    judged = paired_delta(PairCounts.of_table(15, 1, 26, 6), cautions=[different_judges("sha256:1", "sha256:2")])
    assert codes(judged) == ["different-judges"]


def test_five_discordant_tasks_cannot_reach_five_percent():
    made = paired_delta(PairCounts.of_table(10, 0, 5, 10))
    assert made.p_sign_flip == 0.0625
    assert "0.0625" in made.warnings[0].message
    assert paired_delta(PairCounts.of_table(10, 0, 6, 10)).p_sign_flip < 0.05


def test_judge_identities():
    assert different_judges("sha256:1", "sha256:1") is None
    assert "not both known" in different_judges(None, "sha256:1").message
    assert "differ;" in different_judges("sha256:2", "sha256:1").message


def test_alternating_outcomes():
    assert alternating(46, 23, 24).code == "alternating-outcomes"
    rng = np.random.default_rng(1)
    for _ in range(50):
        rows = rng.random(60) < 0.6
        assert alternating(int((rows[1:] != rows[:-1]).sum()), int(rows.sum()), int((~rows).sum())) is None
    assert alternating(2, 1, 3) is None
    assert alternating(0, 0, 40) is None
    with pytest.raises(BadInput, match="cannot change"):
        alternating(9, 2, 40)
