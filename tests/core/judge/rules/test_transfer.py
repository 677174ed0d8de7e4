"""The rules on drafts that they were not written against: the unseen half of the transfer set may not get worse."""

from __future__ import annotations

from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from tests.benchmarks.bench_transfer import figures, load_transfer


def test_ids_are_unique_and_both_halves_hold_both_labels():
    cases = load_transfer()
    assert len({case.id for case in cases}) == len(cases)
    kinds = {(case.seen, case.fails) for case in cases}
    assert len(kinds) == 4


def test_unseen_half_keeps_its_figures():
    policy = default_policy()
    unseen = [case for case in load_transfer() if not case.seen]
    found = figures(unseen, Ruleset(policy), policy)
    assert found.pass_recall >= 0.93
    assert found.balanced_accuracy >= 0.88


def test_seen_half_keeps_its_figures():
    policy = default_policy()
    seen = [case for case in load_transfer() if case.seen]
    found = figures(seen, Ruleset(policy), policy)
    assert found.pass_recall >= 0.97
    assert found.balanced_accuracy >= 0.96
