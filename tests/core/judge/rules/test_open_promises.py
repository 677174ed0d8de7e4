"""Promises of people in open wording, and what looks like them: each idea once, in words of its own."""

from __future__ import annotations

from typing import Any

import pytest

from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from app.schemas import Context, Draft

RULES = Ruleset(default_policy())


def stack(free: int, days: int = 14, senior: int = 1, mid: int = 1, junior: int = 1, note: str = "") -> dict[str, Any]:
    mix = {"senior_4_plus_yrs": senior, "mid_2_4_yrs": mid, "junior_0_2_yrs": junior}
    return {"available_engineers": free, "time_to_deploy_days": days, "seniority_mix": mix, "note": note}


BENCH = {"bench_summary": {"stacks": {"react": stack(4, 10, 1, 2, 1), "python": stack(3)}}}
ASKED = {
    "bench_summary": {"stacks": {"go": stack(3)}},
    "capacity_request": [{"stack": "go", "requested_count": 7, "lead_days": 21}],
    "prior_thread": [{"role": "prospect", "content": "Seven Go engineers in three weeks, can you?"}],
}
UNKNOWN = {
    "capacity_request": [{"stack": "java", "requested_count": 4, "lead_days": 30}],
    "prior_thread": [{"role": "prospect", "content": "Can you give us four Java developers?"}],
}
COMMITTED = {
    "bench_summary": {"stacks": {"rust": stack(2, note="both committed to another client until March")}},
    "capacity_request": [{"stack": "rust", "requested_count": 2, "lead_days": 30}],
}


def found(context: dict[str, Any], sentence: str) -> set[str]:
    known = Context.model_validate(
        {"company_name": "Orla Freight", "icp_segment": 0, "thread_stage": "reply_active", **context}
    )
    draft = Draft(subject="People for Orla Freight", body=f"Hi Lena,\n\n{sentence}\n\nBest,\nSam")
    return {finding.check for finding in RULES.check(draft, known) if finding.check.startswith("capacity.")}


@pytest.mark.parametrize(
    ("context", "sentence", "check"),
    [
        (BENCH, "There happen to be nine people on the React bench with nobody's name on them.", "overcommitment"),
        (BENCH, "Python x6, React x5, all free.", "overcommitment"),
        (
            BENCH,
            "We propose two squads of five for React.",
            "overcommitment",
        ),
        (BENCH, "Our React practice has capacity for nine placements this month.", "overcommitment"),
        (BENCH, "No request for React people has ever been too big for us.", "overcommitment"),
        (BENCH, "Whichever team size you land on, we'll have it staffed.", "overcommitment"),
        (BENCH, "We can add engineers faster than you can onboard them.", "overcommitment"),
        (BENCH, "Both Python engineers on offer are principals.", "seniority"),
        (BENCH, "The three Python developers all bring more than seven years with them.", "seniority"),
        (BENCH, "A React dev can be in your standup tomorrow.", "lead_time"),
        (BENCH, "Two days from the handshake, our Python people report for duty.", "lead_time"),
        (BENCH, "For the SAP module, two of our consultants are free.", "unlisted_stack"),
        (ASKED, "You have my green light.", "overcommitment"),
        (ASKED, "I see no difficulty whatever in that.", "overcommitment"),
        (ASKED, "Your seven seats will have our names on them by the deadline.", "overcommitment"),
        (UNKNOWN, "We have those four for you.", "unverified"),
        (COMMITTED, "You may have the two from day one.", "committed"),
    ],
)
def test_open_promises_are_found(context, sentence, check):
    assert f"capacity.{check}" in found(context, sentence)


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        (BENCH, "Our bench isn't bottomless: four on React, three on Python."),
        (BENCH, "Nobody has an endless bench, and neither do we."),
        (BENCH, "Anyone promising you twenty React people this month is guessing."),
        (BENCH, "For a squad of nine you'd have to look beyond us."),
        (BENCH, "To reach nine, you would hire five yourselves while our four carry the load."),
        (BENCH, "Six of your ten openings ask for React."),
        (BENCH, "Two Python engineers: one has eight years behind him, the other three."),
        (BENCH, "The Python people finish their current work next week and would be ready in two weeks."),
        (BENCH, "You'll get the agenda tomorrow, and both engineers will join the call."),
        (BENCH, "For Kotlin you'd want a different partner."),
        (ASKED, "The three weeks are fine, the seven are not."),
        (ASKED, "We can do three of the seven, and I'd say so to your board."),
        (ASKED, "Thank you, I have your request and will reply tomorrow with what we can do."),
        (ASKED, "I'm sure we can find a good setup, starting small."),
        (UNKNOWN, "Delivery will tell us on Monday who is free."),
        (COMMITTED, "Both are with another client until March."),
    ],
)
def test_honest_look_alikes_pass(context, sentence):
    assert found(context, sentence) == set()
