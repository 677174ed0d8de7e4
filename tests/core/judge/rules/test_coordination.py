"""Booking and stage, other channels, law, opt-outs, a no."""

from __future__ import annotations

import pytest

from app.judge.policy import Policy
from app.judge.rules import Ruleset
from app.schemas import Context, Draft


@pytest.mark.parametrize(
    "body",
    [
        "We read your Facebook post about scheduled downtime. Is that still a concern?",
        "The handbook and the schedule of the release are public. Is the date still right?",
        "I can send the calendar link if you want to look at times.",
        "Would you have 15 minutes next week to compare notes?",
        "Is the local.com migration still on the plan?",
    ],
)
def test_words_about_time_are_no_booking(failed, body):
    assert not failed(body)


@pytest.mark.parametrize(
    "body",
    [
        "Book a slot here: https://cal.com/kestrel/intro",
        "Times are at https://www.meet.kestrelworks.example/ida for you.",
        "Here is my calendar, pick a time that suits.",
        "How about Tuesday at 10am for a short call?",
    ],
)
def test_links_and_slots_wait_for_the_prospect(failed, body):
    assert "coordination.booking" in failed(body)
    assert "coordination.booking" not in failed(body, thread_stage="ready_to_schedule")


@pytest.mark.parametrize(
    ("rule", "slot_fails", "link_fails"),
    [("forbid", True, True), ("allow_ask", False, True), ("allow_link", False, False)],
)
def test_booking_rule_is_a_switch(policy, rule, slot_fails, link_fails):
    changed = Policy.model_validate(
        {**policy.model_dump(), "booking": {**policy.booking.model_dump(), "before_ready": rule}}
    )
    context = Context(company_name="Orla Freight", icp_segment=1, thread_stage="cold_first_touch")
    rules = Ruleset(changed)

    def fails(body: str) -> bool:
        found = rules.check(Draft(subject="Question", body=body), context)
        return any(finding.check == "coordination.booking" for finding in found)

    assert fails("How about Tuesday at 10am for a short call?") is slot_fails
    assert fails("Book a slot here: https://cal.com/kestrel/intro") is link_fails


@pytest.mark.parametrize("stage", ["cold_first_touch", "reply_active", "ready_to_schedule", "re_engagement"])
@pytest.mark.parametrize(
    "body",
    [
        "I have booked us for Tuesday, the details follow.",
        "Your meeting is confirmed for the coming week.",
        "The calendar invite has been sent to you.",
    ],
)
def test_claimed_slots_fail_at_every_stage(failed, stage, body):
    assert "coordination.slot_claimed" in failed(body, thread_stage=stage)


def test_another_time_than_the_prospect_gave_fails(failed):
    thread = [{"role": "prospect", "content": "Wednesday at 3pm works for me."}]
    given = {"thread_stage": "ready_to_schedule", "prior_thread": thread}
    assert "coordination.slot_altered" in failed("Thursday at 4pm is confirmed, see you then.", **given)
    assert "coordination.slot_altered" in failed("Wednesday at 5pm works, see you then.", **given)
    assert not failed("Wednesday at 3pm works for us, see you then.", **given)
    assert not failed("Wednesday at 15:00 works for us, see you then.", **given)


def test_channel_needs_consent(failed):
    assert "coordination.channel" in failed("I will text you a summary; what is your mobile number?")
    asked = {"thread_stage": "reply_active", "prior_thread": [{"role": "prospect", "content": "Just call me."}]}
    assert "coordination.channel" not in failed("I will call you about the summary.", **asked)


@pytest.mark.parametrize(
    "question",
    [
        "Can you sign our NDA first?",
        "Are you GDPR compliant?",
        "Exclusivity matters to us. Would you agree?",
    ],
)
def test_law_and_privacy_go_to_a_human(findings, policy, question):
    given = {"thread_stage": "reply_active", "prior_thread": [{"role": "prospect", "content": question}]}
    found = findings("Thanks, that should be fine on our side as well.", **given)
    assert "coordination.legal" in {finding.check for finding in found}
    assert policy.checks["coordination.legal"].action == "hold"
    assert not findings("I cannot answer that myself; a colleague from our legal team will.", **given)


def test_opt_out_ends_the_thread(findings, policy):
    given = {
        "thread_stage": "reply_active",
        "prior_thread": [{"role": "prospect", "content": "Please unsubscribe me."}],
    }
    found = findings("One more idea for your team is a comparison of team shapes.", **given)
    assert "coordination.opt_out" in {finding.check for finding in found}
    assert policy.checks["coordination.opt_out"].action == "hold"
    assert not findings("You have been removed from our list and will not hear from us again.", **given)


def test_a_no_is_not_argued_with(failed):
    given = {
        "thread_stage": "reply_active",
        "prior_thread": [{"role": "prospect", "content": "Not interested, thanks."}],
    }
    assert "coordination.pushback" in failed("I hear you, but this is still worth considering now.", **given)
    assert not failed("Understood, and thank you for saying so.", **given)


def test_escalation_rule_of_the_context(failed, signal):
    big = signal("headcount: 3000; recipient role: c_level; escalation rule: c_level_gt_2000")
    small = signal("headcount: 900; recipient role: c_level; escalation rule: c_level_gt_2000")
    body = "We work with teams of your size on delivery."
    assert "coordination.human_needed" in failed(body, **big)
    assert "coordination.human_needed" not in failed(body, **small)
