"""Phrasings met while the service was used: each stands for a family that a rule must not miss."""

from __future__ import annotations

import datetime

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


TODAY = datetime.date(2026, 11, 23)
LATE = {
    **FACTS,
    "bench_summary": {"stacks": {"go": {"available_engineers": 5, "time_to_deploy_days": 45, "note": ""}}},
    "capacity_request": [{"stack": "go", "requested_count": 4, "lead_days": 10}],
    "prior_thread": [{"role": "prospect", "content": "Four Go engineers in ten days, and 15 by spring?"}],
}


def checks(body, context, subject="Go cover for Halden Freight"):
    draft = Draft(subject=subject, body=f"Hi Dana,\n\n{body}\n\nBest,\nSam")
    return [finding.check for finding in RULES.check(draft, Context.model_validate(context), today=TODAY)]


@pytest.mark.parametrize(
    ("sentence", "check"),
    [
        ("Four Go engineers within your ten days is realistic.", "capacity.lead_time"),
        ("All four engineers will be with you.", "capacity.lead_time"),
        ("Four Go engineers can join you in a fortnight.", "capacity.lead_time"),
        ("And fifteen by spring won't be a problem.", "capacity.overcommitment"),
        ("You'll have your fifteen.", "capacity.overcommitment"),
        ("Nine Go engineers are yours.", "capacity.overcommitment"),
    ],
)
def test_a_request_taken_on_in_few_words_is_a_promise(sentence, check):
    assert check in checks(sentence, LATE)


@pytest.mark.parametrize(
    "sentence",
    [
        "Fifteen by spring isn't possible.",
        "Fifteen would be fine in theory, but five is what is free.",
        "Four engineers within ten days is more than we can do.",
        "Four Go engineers are possible in seven weeks; ten days are not.",
        "Whether fifteen is feasible by spring is for our delivery lead to say.",
        "If January is fine, four Go engineers are fine.",
        "Your ten days is fine for a first call, not for a start.",
    ],
)
def test_a_request_declined_or_moved_is_none(sentence):
    assert [check for check in checks(sentence, LATE) if check.startswith("capacity")] == []


def test_seniority_said_of_all():
    mix = {"junior_0_2_yrs": 1, "mid_2_4_yrs": 2, "senior_4_plus_yrs": 1}
    stack = {"available_engineers": 4, "time_to_deploy_days": 14, "note": "", "seniority_mix": mix}
    facts = {**FACTS, "bench_summary": {"stacks": {"go": stack}}}
    assert "capacity.seniority" in checks("Both Go engineers we have free are senior.", facts)
    assert "capacity.seniority" in checks("Three Go engineers are free, all of them senior.", facts)
    assert "capacity.seniority" not in checks("Three Go engineers are free, one of them senior.", facts)


@pytest.mark.parametrize(
    ("given", "draft", "altered"),
    [
        ("Thursday 3 December at 14:00 GMT works for me.", "Thursday 3 December at 16:00 GMT it is.", True),
        ("Friday, 11:00 Eastern please.", "Friday at 11:00 Pacific is in the diary.", True),
        ("4 December at noon CET or 7 December at 10 CET.", "5 December at noon CET is confirmed.", True),
        ("Tuesday 3pm GMT?", "Tuesday at 16:00 CET works.", False),
        ("Monday after 2", "Monday at 15:30 works.", False),
        ("The 3rd at 11", "Thursday 3 December at 11:00 suits.", False),
        ("Tuesday or Thursday, 10 CET", "Thursday at 10 CET works, and you will have notes by Wednesday.", False),
        ("Tomorrow at 10?", "Tuesday 24 November at 10 works.", False),
    ],
)
def test_slots_are_compared_part_by_part(given, draft, altered):
    thread = [{"role": "prospect", "content": given}]
    ready = {**FACTS, "thread_stage": "ready_to_schedule", "prior_thread": thread}
    assert ("coordination.slot_altered" in checks(draft, ready)) is altered


FUNDED = {
    "company_name": "Halden Freight",
    "icp_segment": 1,
    "thread_stage": "cold_first_touch",
    "signal_brief": {
        "signal_line": "Halden Freight raised a $14M Series A in May 2025, led by Tern Capital; Ida Roe is CTO.",
        "signal_confidence_tier": "high",
    },
}


@pytest.mark.parametrize(
    ("sentence", "check"),
    [
        ("Your recent $14M Series A made me write.", "grounding.stale_as_recent"),
        ("The $14M round, led by Marchetti Capital, was good to read about.", "grounding.event_absent"),
        ("Congratulations on your new role as CFO.", "grounding.event_absent"),
        ("Your app passed 30,000 downloads.", "grounding.count"),
        ("Congratulations on winning the Northern Freight Prize.", "grounding.event_absent"),
        ("Six roles are open at Portline Cargo.", "thread.other_company"),
        ("Between us: Portline Cargo told us that they are for sale.", "thread.leak"),
        ("All your competitors have done this.", "tone.condescension"),
        ("Even a small shop would have tests by now.", "tone.condescension"),
    ],
)
def test_particulars_are_held_against_the_context(sentence, check):
    assert check in checks(sentence, FUNDED)


@pytest.mark.parametrize(
    "sentence",
    [
        "Your Series A was back in May 2025, so this is no congratulation.",
        "The $14M Series A of May 2025, led by Tern Capital, was good to read about.",
        "Roles at Halden Freight are all in Go.",
        "We built the leverage-ratio report and a bench test rig for others.",
        "A discount is a question for our delivery lead.",
    ],
)
def test_particulars_of_the_context_may_be_named(sentence):
    assert [check for check in checks(sentence, FUNDED) if check != "grounding.missing"] == []


def test_a_price_belongs_to_the_band_that_its_sentence_names():
    asked = {**FACTS, "prior_thread": [{"role": "prospect", "content": "How much is a discovery sprint?"}]}
    assert "pricing.off_band" in checks("A discovery sprint is $8,000.", asked)
    assert "pricing.off_band" not in checks("A discovery sprint is $12,000.", asked)
    assert "pricing.off_band" not in checks("An engineer is $8,000 per month.", asked)


def test_the_month_of_may_is_no_hedge():
    assert "grounding.event_absent" in checks("You opened an office in Rotterdam in May.", FUNDED)
    assert "grounding.event_absent" not in checks("You may have opened an office in Rotterdam.", FUNDED)
