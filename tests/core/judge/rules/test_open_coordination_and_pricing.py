"""Meetings, asks, prices and terms in open wording, and what looks like them: each idea once, in words of its own."""

from __future__ import annotations

from typing import Any

import pytest

from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from app.schemas import Context, Draft

RULES = Ruleset(default_policy())
BY_MAIL = [{"role": "prospect", "content": "Tell me a bit more by mail, please."}]


def found(sentence: str, thread: list[dict[str, str]] | None = None, **known: Any) -> set[str]:
    context = Context.model_validate(
        {
            "company_name": "Orla Freight",
            "icp_segment": 0,
            "thread_stage": "reply_active",
            "prior_thread": thread or BY_MAIL,
            **known,
        }
    )
    draft = Draft(subject="Engineers for Orla Freight", body=f"Hi Lena,\n\n{sentence}\n\nBest,\nSam")
    checks = {finding.check for finding in RULES.check(draft, context)}
    return {check for check in checks if check.startswith(("coordination.", "pricing."))}


@pytest.mark.parametrize(
    ("sentence", "check"),
    [
        ("Thursday 10:30, your office or ours?", "coordination.booking"),
        ("I'm free this side of lunch tomorrow, shall I dial in?", "coordination.booking"),
        ("What does your Thursday look like around three?", "coordination.booking"),
        ("Use the button in my signature to get on my calendar.", "coordination.booking"),
        ("You'll find my open hours at meet.brightlane.io/sam.", "coordination.booking"),
        ("An entry has gone into your calendar for the 9th.", "coordination.slot_claimed"),
        ("The Zoom details are already in your inbox.", "coordination.slot_claimed"),
        ("I rang your office twice this morning.", "coordination.channel"),
        ("Which number can I catch you on?", "coordination.channel"),
        ("Reply with your top priority, then send the org chart.", "coordination.multi_ask"),
        ("Who signs off on suppliers, and could we get twenty minutes with them?", "coordination.multi_ask"),
        ("Budget roughly 140k for it.", "pricing.total"),
        ("It comes in at a hundred and twenty thousand all told.", "pricing.total"),
        ("The kickoff workshop is our treat.", "pricing.discount"),
        ("You won't see a bill for the first two weeks.", "pricing.discount"),
        ("Whatever they quote, we'll match it.", "pricing.discount"),
        ("Unhappy? You get every cent back.", "pricing.commitment"),
        ("If the engineer leaves, a replacement is there within a week.", "pricing.commitment"),
        ("Attached you find the order form, please countersign.", "pricing.commitment"),
        ("Payment is net 30.", "pricing.commitment"),
    ],
)
def test_open_wording_is_found(sentence: str, check: str) -> None:
    assert check in found(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "I'll send the summary by Thursday.",
        "Three engineers are free from Monday 9 March.",
        "Your release notes of 3 March mention a freeze.",
        "A quarter of an hour some time, if it is of use?",
        "Drivers book slots in your app, and the reviews complain of double bookings.",
        "If you want to talk, tell me and I'll send times.",
        "Does one team own both apps, or are they split?",
        "Who owns the carrier API? If it isn't you, a name would help.",
        "You wrote that the rebuild cost 400k.",
        "The warehouse app processes 40k orders a day.",
        "What is the notice period with your current supplier?",
        "Terms, notice and invoicing are for Carla, our contracts lead.",
        "Your payment service cut its latency by 40%.",
        "A discount is not something I can promise.",
        "Contract tests would have caught the change in the carrier API.",
    ],
)
def test_what_looks_like_it_passes(sentence: str) -> None:
    assert found(sentence) == set()


def test_a_time_that_the_prospect_named_or_a_channel_that_she_offered_is_no_fault() -> None:
    assert (
        found("Thursday at 10:30 is fine.", [{"role": "prospect", "content": "Thursday at 10:30 would suit me."}])
        == set()
    )
    assert found("I'll phone you.", [{"role": "prospect", "content": "Just ring me: +49 40 555 0134."}]) == set()
