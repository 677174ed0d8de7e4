"""Phrasings met while the service was used: each stands for a family that a rule must not miss."""

from __future__ import annotations

import pytest

from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from app.schemas import Context, Draft

RULES = Ruleset(default_policy())
FACTS = {
    "company_name": "Halden Freight",
    "icp_segment": 1,
    "thread_stage": "reply_active",
    "signal_brief": {"signal_line": "Halden Freight lists seven Go roles.", "signal_confidence_tier": "high"},
    "bench_summary": {"stacks": {"go": {"available_engineers": 3, "time_to_deploy_days": 14, "note": ""}}},
}


@pytest.mark.parametrize(
    ("sentence", "check"),
    [
        ("We can put a pod of four Go engineers with you in two weeks.", "capacity.overcommitment"),
        ("A squad of five Go developers can start in two weeks.", "capacity.overcommitment"),
        ("Your team clearly does not know how to run Go in production.", "tone.condescension"),
        ("Our lawyers accept your NDA and exclusivity terms.", "coordination.legal"),
        ("You list nine open Go roles.", "grounding.count"),
        ("You list twelve new platform engineering roles.", "grounding.count"),
        ("We signed the non-disclosure agreement this morning.", "coordination.legal"),
    ],
)
def test_is_found(sentence, check):
    draft = Draft(subject="Go cover for Halden Freight", body=f"Hi Dana,\n\n{sentence}\n\nBest,\nSam")
    found = [finding.check for finding in RULES.check(draft, Context.model_validate(FACTS))]
    assert check in found


@pytest.mark.parametrize(
    "sentence",
    [
        "Of the team of five that you asked for, three could start in two weeks.",
        "Three of the ten engineers you asked for are free.",
        "Would a first group of three help while your seven roles are open?",
        "Three engineers for your seven roles could start in two weeks.",
        "It took four weeks to fill roles like these.",
        "Our delivery lead will answer your question about the NDA.",
    ],
)
def test_is_let_pass(sentence):
    draft = Draft(subject="Go cover for Halden Freight", body=f"Hi Dana,\n\n{sentence}\n\nBest,\nSam")
    assert [
        f for f in RULES.check(draft, Context.model_validate(FACTS)) if f.check.startswith(("capacity", "coord"))
    ] == []
