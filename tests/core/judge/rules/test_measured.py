"""The rules against drafts that were labelled blind: the figures that the benchmark prints may not fall."""

from __future__ import annotations

import statistics

from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from tests.benchmarks.bench_rules import blocking
from tests.benchmarks.third_party import load_adjudicated


def test_balanced_accuracy_and_pass_recall_on_adjudicated_drafts():
    policy = default_policy()
    rules = Ruleset(policy)
    passes, fails = [], []
    for case in load_adjudicated():
        caught = bool(blocking(rules, policy, case))
        (fails if case.fails else passes).append(caught is case.fails)
    assert statistics.fmean(passes) >= 0.90
    assert (statistics.fmean(passes) + statistics.fmean(fails)) / 2 >= 0.76
