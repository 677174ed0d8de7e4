"""What a draft asserts must stand in the context; questions about it need not."""

from __future__ import annotations

import datetime

import pytest

from app.judge.rules.facts import Facts
from app.schemas import Context

FUNDED = "Orla Freight closed a $14M Series A on 2026-01-20; 8 open engineering roles"


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("I saw that you closed a $40M round.", "grounding.amount"),
        ("I saw your Series C.", "grounding.round"),
        ("With 31 open roles, is delivery the limit?", "grounding.count"),
        ("Growth of 45% on your side caught our eye.", "grounding.percentage"),
        ("After your recent layoffs, is delivery the limit?", "grounding.event_absent"),
        ("Your acquisition of a rival stood out.", "grounding.event_absent"),
        ("You raised your Series A in August.", "grounding.date"),
        ("Teams such as Brightpeak and Nordlys use us.", "grounding.peers"),
        ("Most of your competitors have already moved on this.", "grounding.peer_trend"),
    ],
)
def test_absent_facts_fail(failed, signal, body, check):
    expected = failed(body, **signal(FUNDED, "high"))
    assert check in expected or (check == "grounding.event_absent" and "grounding.event_denied" in expected)


@pytest.mark.parametrize(
    "body",
    [
        "I saw that you closed a $14M Series A in January. Is hiring the limit?",
        "I saw that you closed a $14 million Series A. Is hiring the limit?",
        "I saw eight open engineering roles. Is hiring the limit?",
        "Three of the roles look like backend work. Is that right?",
        "I do not see layoffs or other changes from the outside.",
    ],
)
def test_facts_of_the_context_pass(failed, signal, body):
    assert not failed(body, **signal(FUNDED, "high"))


def test_a_number_is_compared_not_just_found(failed, signal):
    """A lone digit somewhere in the context does not make "2 roles" true."""
    given = signal("2 offices; open roles: 7", "high")
    assert "grounding.count" in failed("I saw 9 open roles at Orla Freight.", **given)
    assert "grounding.count" not in failed("I saw 7 open roles at Orla Freight.", **given)


def test_honest_note_on_a_stub_signal_line_passes(failed, signal):
    body = "I cannot tell from the outside whether delivery capacity is the limit. Is it?"
    assert not failed(body, **signal("Ref=17 Orla Freight hiring-signal.", "medium"))


@pytest.mark.parametrize(
    "context",
    [
        {"funding_event": {"detected": False, "stage": "Series B", "date": "2026-01-10"}},
        {"signal_brief": {"signal_line": "open roles: 5; funding detected: False; funding stage: series_b"}},
        {"signal_brief": {"signal_line": "Orla Freight: no public funding and no leadership changes"}},
        {"signal_brief": {"signal_line": "total funding rounds: 0; open roles: 5"}},
        {"signal_brief": {"signal_line": "funding event: {'detected': False, 'round': 'Series B'}"}},
    ],
)
def test_event_flagged_as_not_detected_did_not_happen(failed, context):
    assert "grounding.event_denied" in failed("Congratulations on your recent funding round.", **context)


def test_layoff_flag_is_read_from_flat_keys(failed, signal):
    denied = signal("open roles estimate: 5; layoff event: False")
    assert "grounding.event_denied" in failed("Since your recent layoffs, delivery may be tight.", **denied)


def test_old_round_is_not_recent(failed, signal):
    old = signal("funding event detected: True; funding event round: Seed; funding event days ago: 240", "high")
    assert "grounding.stale_as_recent" in failed("You recently raised your seed round.", **old)
    assert not failed("You raised your seed round some time ago. Is hiring on the plan?", **old)


def test_age_comes_from_the_signal_date_when_the_day_is_known(failed, signal):
    given = {**signal("Orla Freight raised a Series A", "high"), "metadata": {"signal_date": "2025-03-01"}}
    assert "grounding.stale_as_recent" in failed("I saw your recent Series A.", **given)
    fresh = {**signal("Orla Freight raised a Series A", "high"), "metadata": {"signal_date": "2026-02-01"}}
    assert not failed("I saw your recent Series A. Is hiring the limit?", **fresh)


def test_no_age_is_guessed_without_a_reference_day():
    given = {"company_name": "Orla", "icp_segment": 1, "thread_stage": "cold_first_touch"}
    context = Context.model_validate({**given, "metadata": {"signal_date": "2020-01-01"}, "funding_event": "Series A"})
    assert Facts.of(context, None).funding.days_ago is None
    assert Facts.of(context, datetime.date(2020, 7, 1)).funding.days_ago == 182


def test_misquoted_request_fails(failed):
    thread = [{"role": "prospect", "content": "Could you send two references?"}]
    given = {"thread_stage": "reply_active", "prior_thread": thread}
    assert "grounding.count" in failed("That covers your request for 5, and I can tell you more.", **given)
    assert not failed("That covers your request for two, and I can tell you more.", **given)


def test_pitch_without_a_fact_is_only_a_warning(findings, policy, signal):
    body = "Kestrelworks helps companies deliver software with dedicated people at flexible terms."
    found = findings(body, **signal("open roles: 9; funding stage: series_a"))
    assert [finding.check for finding in found] == ["grounding.missing"]
    assert policy.checks["grounding.missing"].action == "warn"


def test_requirement_in_the_context_is_not_passed_over(failed, signal):
    given = {**signal("regulatory context: clearance needed"), "thread_stage": "reply_active"}
    assert "grounding.requirement_ignored" in failed("We can onboard people within 2 weeks.", **given)
    assert not failed("We can onboard people within 2 weeks plus the time for clearance.", **given)
