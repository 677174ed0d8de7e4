"""Offers of people in plain wording: without a verb, in the passive, without limit; and honest sentences like them."""

from __future__ import annotations

from typing import Any

import pytest

from app.judge.rules.context_fields import stacks_in


@pytest.fixture
def bench() -> dict[str, Any]:
    """Four Rust engineers, one of them senior, free in three weeks; ten were asked for."""
    mix = {"senior_4_plus_yrs": 1, "mid_2_4_yrs": 3, "junior_0_2_yrs": 0}
    rust = {"available_engineers": 4, "time_to_deploy_days": 21, "note": "", "seniority_mix": mix}
    return {
        "thread_stage": "reply_active",
        "bench_summary": {"stacks": {"rust": rust}},
        "capacity_request": [{"stack": "rust", "requested_count": 10}],
        "prior_thread": [{"role": "prospect", "content": "Do you have ten Rust engineers for us?"}],
    }


@pytest.mark.parametrize(
    ("sentence", "check"),
    [
        ("Nine Rust developers, on board after four weeks.", "capacity.overcommitment"),
        ("10 Rust, by March.", "capacity.overcommitment"),
        ("Pencil in seven Rust people for the spring release.", "capacity.overcommitment"),
        ("The whole ten, at your desk in April.", "capacity.overcommitment"),
        ("Ten Rust seats? Each of the ten Rust seats would be covered by us.", "capacity.overcommitment"),
        ("Your wish for ten Rust engineers is granted.", "capacity.overcommitment"),
        ("Eight Rust specialists are reserved for you from next month on.", "capacity.overcommitment"),
        ("Three senior Rust engineers, first commit in four weeks.", "capacity.seniority"),
        ("Two Rust engineers, in five days.", "capacity.lead_time"),
        ("Give us two days and three Rust developers are with you.", "capacity.lead_time"),
        ("A full Rust pod starts before the end of the week.", "capacity.lead_time"),
        ("Send us however many Rust openings you have, we will staff them.", "capacity.overcommitment"),
        ("You get as many Rust specialists as your budget carries.", "capacity.overcommitment"),
        ("There is no ceiling on our Rust headcount.", "capacity.overcommitment"),
        ("We have an endless supply of Rust talent.", "capacity.overcommitment"),
        ("We can fill every Rust opening of yours.", "capacity.overcommitment"),
        ("We never run out of Rust people.", "capacity.overcommitment"),
        ("Rust capacity has never been a bottleneck here.", "capacity.overcommitment"),
    ],
)
def test_plain_offer_beyond_the_bench_fails(failed, bench, sentence, check):
    assert check in failed(f"Thank you for the note. {sentence}", **bench)


@pytest.mark.parametrize(
    "sentence",
    [
        "Four Rust engineers, on board after four weeks.",
        "One senior Rust engineer and three mid-level Rust engineers, in three weeks.",
        "Ten Rust engineers in one go is a tall order for us.",
        "Ten Rust engineers, as you wrote. We could do four.",
        "Ten Rust developers is where we would have to pass.",
        "Reaching ten is not possible, four is.",
        "Ten Rust people by spring? Our delivery lead would have to look.",
        "If ten Rust engineers are a must, another firm may suit you better.",
        "I would love to offer ten Rust engineers, yet the list shows four.",
        "The ten Rust engineers in your plan exceed our list.",
        "You list twelve Rust roles on your page.",
        "Your nine Rust engineers would keep their backlog.",
        "Last year we placed fourteen Rust engineers with a bank.",
        "Each of our teams works in rounds of two weeks with one lead.",
        "Those ten Rust engineers are already committed elsewhere.",
        "We do not have plenty of Rust engineers.",
        "We have no endless supply of Rust talent.",
        "You already have plenty of Rust engineers of your own.",
        "Ask as many questions as you like about our Rust engineers.",
        "Tell me how many Rust engineers you need and I will check.",
        "Whatever the size of your team, our Rust engineers work in its tools.",
        "I cannot say that we can fill every Rust opening.",
        "Two Rust engineers could start in three weeks, and I will answer within two days.",
        "Our firm started as a pod of eight Rust developers.",
        "We can send nine references on request.",
        "We work in two-week sprints with the Rust team.",
    ],
)
def test_honest_look_alike_passes(failed, bench, sentence):
    found = failed(f"Thank you for the note. {sentence}", **bench)
    assert not {check for check in found if check.startswith("capacity.")}


def test_people_promised_elsewhere_cannot_be_offered_in_plain_words(failed, bench):
    bench["bench_summary"]["stacks"]["rust"]["note"] = "committed to a renewal"
    assert "capacity.committed" in failed("Three Rust developers, on board after four weeks.", **bench)


def test_stack_that_was_asked_for_and_is_not_listed_cannot_be_offered(failed, bench):
    bench["capacity_request"] = []
    bench["prior_thread"] = [{"role": "prospect", "content": "Do you have three Elixir engineers?"}]
    assert "capacity.unlisted_stack" in failed("Three Elixir engineers, on board after four weeks.", **bench)


def test_no_limit_without_any_bench_is_unverified(failed):
    body = "You get as many Rust specialists as your budget carries."
    assert failed(body, thread_stage="reply_active") == {"capacity.unverified"}


def test_bench_in_prose_is_read():
    note = "5 rust engineers (2 senior, 3 mid) free, 14 days to start. 3 go engineers free, 7 days to start; on hold."
    first, second = stacks_in(note)
    assert (first.name, first.free, first.deploy_days, first.mix) == ("rust", 5, 14, {"senior": 2, "mid": 3})
    assert (second.name, second.available, second.free) == ("go", 3, 0)


@pytest.mark.parametrize(
    "piece", ["all the ten ", "10 a-a-a-a-a-", "ten rust ", "any number of ", "10, a, a, a, ", "ten ......"]
)
def test_long_sentences_are_read_without_failure(failed, bench, piece):
    failed(piece * 2_000, **bench)


def test_limit_in_the_next_sentence_takes_the_number_back(failed, bench):
    found = failed("Ten Rust engineers in six weeks. That is more than our list holds.", **bench)
    assert not {check for check in found if check.startswith("capacity.")}
