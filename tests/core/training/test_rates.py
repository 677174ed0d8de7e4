"""Rates of a judge, by hand and against scikit-free recomputation; clusters are drawn whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bench.balance import auc
from app.training.rates import Judged, auc_gain, clusters_of, delta, rates


def judged(failed, stopped, score=None, cluster=None) -> Judged:
    failed, stopped = np.array(failed, dtype=bool), np.array(stopped, dtype=bool)
    score = stopped.astype(float) if score is None else np.array(score, dtype=float)
    cluster = np.arange(len(failed)) if cluster is None else np.array(cluster)
    return Judged(failed, stopped, score, cluster)


def test_rates_by_hand():
    failed = [1] * 4 + [0] * 6
    stopped = [1, 1, 1, 0, 1, 0, 0, 0, 0, 0]
    found = rates(judged(failed, stopped))
    assert found["fail_recall"] == pytest.approx(3 / 4)
    assert found["pass_recall"] == pytest.approx(5 / 6)
    assert found["balanced_accuracy"] == pytest.approx((3 / 4 + 5 / 6) / 2)
    assert found["mcc"] == pytest.approx((3 * 5 - 1 * 1) / np.sqrt(4 * 4 * 6 * 6))
    assert found["auc"] == pytest.approx((3 * 5 + 0.5 * (3 * 1 + 1 * 5)) / 24)
    assert (found["n_failed"], found["n_passed"], found["n_clusters"]) == (4, 6, 10)


def test_a_judge_that_stops_everything_has_no_correlation():
    found = rates(judged([1] * 20 + [0] * 20, [1] * 40))
    assert found["balanced_accuracy"] == 0.5
    assert found["mcc"] == 0.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 4)), min_size=6, max_size=40))
def test_the_area_by_clusters_is_the_area_by_ranks(rows):
    failed = [f for f, _, _ in rows]
    if all(failed) or not any(failed):
        return
    found = rates(judged(failed, failed, [s for _, s, _ in rows], clusters_of([str(c) for _, _, c in rows])))
    good, bad = [float(s) for f, s, _ in rows if not f], [float(s) for f, s, _ in rows if f]
    assert found["auc"] == pytest.approx(auc(good, bad))


def test_a_gain_in_area_is_the_difference_of_areas_and_narrower_than_both():
    rng = np.random.default_rng(2)
    failed = rng.random(80) < 0.5
    score = failed + rng.normal(0, 1.2, 80)
    old, new = judged(failed, failed, score), judged(failed, failed, score + 0.3 * failed)
    found = auc_gain(new, old)
    assert found["auc"] == pytest.approx(rates(new)["auc"] - rates(old)["auc"])
    assert found["auc_ci"][0] > 0
    assert found["auc_ci"][1] - found["auc_ci"][0] < np.diff(rates(old)["auc_ci"])[0]
    assert auc_gain(old, old) == {"auc": 0.0, "auc_ci": [0.0, 0.0]}


def test_one_cluster_repeated_is_not_more_evidence():
    rng = np.random.default_rng(1)
    failed = rng.random(60) < 0.5
    stopped = np.where(rng.random(60) < 0.8, failed, ~failed)
    alone = rates(judged(failed, stopped))
    again = rates(judged(np.repeat(failed, 5), np.repeat(stopped, 5), cluster=np.repeat(np.arange(60), 5)))
    width = alone["balanced_accuracy_ci"][1] - alone["balanced_accuracy_ci"][0]
    assert again["balanced_accuracy_ci"][1] - again["balanced_accuracy_ci"][0] == pytest.approx(width, abs=0.03)


def test_a_delta_counts_what_one_judge_gains():
    failed = np.array([True] * 30 + [False] * 30)
    old, new = failed.copy(), failed.copy()
    old[:12] = False
    found = delta(judged(failed, new), judged(failed, old))
    assert found["accuracy"] == pytest.approx(12 / 60)
    assert found["balanced_accuracy"] == pytest.approx(12 / 30 / 2)
    assert found["p_sign_flip"] == pytest.approx(2 * 0.5**12)
    assert found["accuracy_ci"][0] > 0
    assert delta(judged(failed, old), judged(failed, new))["accuracy"] == pytest.approx(-12 / 60)


def test_a_rate_that_resamples_leave_undefined_has_no_interval():
    found = rates(judged([True, False, False], [True, False, True]))
    assert found["fail_recall"] == 1.0
    assert found["fail_recall_ci"] is None
