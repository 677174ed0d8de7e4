"""The plot of cost, latency and quality: hand-computed points, and a frontier that holds only what is worth it."""

from __future__ import annotations

import pytest

from app.cli.forest import svg
from app.cli.pareto import Point, draw, frontier, points_of
from app.errors import InvalidInput

ROW = {"balanced_accuracy": 0.8, "fail_recall": 0.7, "pass_recall": 0.9, "n_failed": 100, "n_passed": 50}
EVALUATION = {
    "rules": {"test": ROW}, "base": {"test": ROW | {"balanced_accuracy": 0.5}},
    "LoRA": {"test": ROW | {"balanced_accuracy": 0.85}}, "rules+LoRA": {"test": ROW | {"balanced_accuracy": 0.95}},
    "length": {"test": 0.5}, "rules_ms": 0.8,
}  # fmt: skip
WAY = "transformers"
LATENCY = [
    {"way": WAY, "condition": "base", "median_ms": 900.0},
    {"way": WAY, "condition": "merged", "median_ms": 910.0},
    {"way": "vLLM", "condition": "base", "median_ms": 400.0},
    {"way": "vLLM", "condition": "merged", "median_ms": 410.0},
]


def test_the_model_is_asked_only_about_what_the_rules_let_through():
    points = {p.label: p for p in points_of(EVALUATION, LATENCY, "test", 2, WAY)}
    assert points["rules"].latency_ms == 0.8
    assert points["LoRA"].latency_ms == 910.0
    assert points["rules+LoRA"].latency_ms == pytest.approx(0.8 + (1 - 75 / 150) * 910.0)
    assert points["rules+LoRA"].cost_s == pytest.approx(2 * points["rules+LoRA"].latency_ms)


def test_the_times_of_one_way_are_not_those_of_another():
    through_vllm = {p.label: p for p in points_of(EVALUATION, LATENCY, "test", 2, "vLLM")}
    assert through_vllm["LoRA"].latency_ms == 410.0
    with pytest.raises(InvalidInput, match=r"through 'tea' \(it holds transformers, vLLM\)"):
        points_of(EVALUATION, LATENCY, "test", 2, "tea")


def test_the_frontier_leaves_out_what_is_slower_and_no_better():
    points = [Point("a", 1, 0.7, 1), Point("b", 5, 0.6, 1), Point("c", 9, 0.9, 1), Point("d", 9.5, 0.9, 1)]
    assert [p.label for p in frontier(points)] == ["a", "c"]


def test_every_judge_stands_in_the_drawing():
    text = svg(draw("Judges", points_of(EVALUATION, LATENCY, "test", 2, WAY)))
    for label in ("rules", "base", "LoRA", "rules+LoRA", "balanced accuracy"):
        assert label in text


def test_a_missing_set_and_a_missing_time_are_named():
    with pytest.raises(InvalidInput, match="voices"):
        points_of(EVALUATION, LATENCY, "voices", 2, WAY)
    with pytest.raises(InvalidInput, match="merged"):
        points_of(EVALUATION, LATENCY[:1], "test", 2, WAY)
