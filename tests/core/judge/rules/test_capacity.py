"""Who may be promised: free people, of that stack, that senior, that soon, and honest answers pass."""

from __future__ import annotations

from typing import Any

import pytest

from app.judge.rules.context_fields import note_withholds


def request(
    asked: int = 12,
    free: int | None = 4,
    note: str = "",
    days: int | None = None,
    *,
    lead: int | None = None,
    seniority: str | None = None,
    mix: dict[str, int] | None = None,
) -> dict[str, Any]:
    stack: dict[str, Any] = {"available_engineers": free, "note": note, "time_to_deploy_days": days}
    if mix is not None:
        stack["seniority_mix"] = mix
    return {
        "thread_stage": "reply_active",
        "bench_summary": {"stacks": {"python": stack}},
        "capacity_request": [
            {"stack": "Python", "requested_count": asked, "seniority": seniority, "lead_days": lead},
        ],
    }


@pytest.mark.parametrize(
    "body",
    [
        "Yes, we can cover all twelve Python engineers.",
        "Yes, we can cover all 12 Python engineers.",
        "A pod of eight is on standby for this work.",
        "We could have a team of 12 in place in four weeks.",
        "Your 12-person Python team is confirmed.",
        "All 12 engineers are ready.",
        "Kestrelworks can supply twelve Python engineers.",
        "Happy to put half a dozen Python developers on this.",
        "We can provide up to 12 developers.",
        "We can do 12 from the first week of the quarter.",
    ],
)
def test_offer_above_what_is_free_fails_however_it_is_worded(failed, body):
    assert "capacity.overcommitment" in failed(body, **request())


def test_stated_free_count_above_the_context_fails(failed):
    assert "capacity.misreported" in failed("We have 9 Python engineers free now.", **request())


def test_free_now_is_an_offer_although_the_requested_number_is_another(failed):
    given = request(asked=1, free=1)
    assert "capacity.misreported" in failed("We have 2 free now and can start them after a short call.", **given)


def test_ready_to_deploy_is_a_yes(failed):
    assert "capacity.overcommitment" in failed("Good news: the team is ready to deploy.", **request())


@pytest.mark.parametrize(
    "body",
    [
        "We can confirm 4 Python engineers, not 12.",
        "We can confirm 4 of the 12 you asked for; for the rest I would refer you to a partner.",
        "I cannot promise 12 Python engineers; four are free today.",
        "We only have 4, so 12 would exceed what is free.",
        "Four Python engineers are free. For 12, our delivery lead would have to scope a phased ramp.",
        "Twelve is more than we can staff. Would a scoping call with our delivery lead help?",
        "We do not have 12 Python engineers. I can point you to two firms that might.",
        "You asked for 12 engineers. We have 4 and would rather say so now.",
    ],
)
def test_honest_answers_pass(failed, body):
    assert not {check for check in failed(body, **request()) if check.startswith("capacity.")}


def test_offer_within_what_is_free_passes(failed):
    assert not failed("We can offer 4 Python engineers for this work.", **request(asked=4))


def test_committed_note_withholds_everyone(failed):
    given = request(asked=2, free=2, note="Committed to another programme until autumn")
    assert "capacity.committed" in failed("We have 2 Python engineers who can join the work.", **given)
    assert not failed("Both are already promised elsewhere, so I should not offer them.", **given)


@pytest.mark.parametrize(
    ("note", "withheld"),
    [
        ("Committed through Q3", True),
        ("Limited availability this quarter", True),
        ("On hold for a renewal", True),
        ("not available before May", True),
        ("Uncommitted", False),
        ("two are uncommitted and free", False),
        ("No longer committed", False),
        ("not on hold", False),
        ("none are committed", False),
        ("", False),
    ],
)
def test_note_is_read_by_words(note, withheld):
    assert note_withholds(note) is withheld


def test_uncommitted_note_keeps_people_free(failed):
    assert not failed("We can offer 2 Python engineers for this work.", **request(asked=2, note="uncommitted"))


def test_seniority_is_compared_with_the_mix(failed):
    given = request(asked=3, free=4, seniority="senior", mix={"senior_4_plus_yrs": 1, "mid_2_4_yrs": 3})
    assert failed("We can offer 3 senior Python engineers.", **given) == {"capacity.seniority"}
    assert not failed("We can offer 1 senior Python engineer and 3 mid-level Python engineers.", **given)


def test_start_sooner_than_possible_fails(failed):
    given = request(asked=2, days=21, lead=7)
    assert "capacity.lead_time" in failed("We can start 2 Python engineers next week.", **given)
    assert "capacity.lead_time" in failed("Two Python engineers can start within 10 days.", **given)
    assert not failed("Two Python engineers can start within four weeks.", **given)


def test_start_is_not_judged_without_deploy_days(failed):
    assert not failed("Two Python engineers can start next week.", **request(asked=2, lead=7))


def test_requests_on_one_stack_are_added_up(failed):
    given = request(asked=3, free=4)
    given["capacity_request"].append({"stack": "python", "requested_count": 2})
    assert "capacity.overcommitment" in failed("Yes, we can meet your request in full.", **given)
    body = "We can provide 3 Python engineers for the first team and 2 Python engineers for the second."
    assert "capacity.overcommitment" in failed(body, **given)


def test_stack_without_people_cannot_be_offered(failed):
    assert "capacity.unlisted_stack" in failed("We can start 2 Python engineers.", **request(asked=2, free=0))


def test_unknown_stack_cannot_be_accepted(failed):
    given = request(asked=2)
    given["bench_summary"] = {"stacks": {"go": {"available_engineers": 5}}}
    assert "capacity.unlisted_stack" in failed("Absolutely, we can cover this.", **given)


def test_number_without_any_capacity_in_the_context_fails(failed):
    assert failed("We have seven Rust engineers available.", thread_stage="reply_active") == {"capacity.unverified"}


def test_number_that_the_context_states_in_prose_passes(failed, signal):
    given = signal("free capacity: 3 Rust engineers from Monday")
    assert not failed("We have 3 Rust engineers available.", thread_stage="reply_active", **given)


def test_named_engineer_of_another_programme(failed, signal):
    given = signal("engineer name: Ida Holt; committed until: 2026-09-30")
    assert "capacity.committed" in failed("Ida Holt is available to start immediately on this.", **given)
    assert not failed("Ida Holt is committed until the end of September. Would October work?", **given)


def test_roles_of_the_company_are_no_offer(failed, signal):
    given = {**request(asked=2), **signal("open roles: 9", "high")}
    assert not failed("I saw 9 open Python roles. Is delivery capacity the limit?", **given)
