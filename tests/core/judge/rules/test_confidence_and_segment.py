"""How firmly a signal may be spoken of, and which pitch the facts route to."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("tier", ["high", "medium", "low"])
@pytest.mark.parametrize(
    "body",
    [
        "You are hiring aggressively across engineering.",
        "Your rapid growth stands out.",
        "This looks like a hiring spree.",
        "You are scaling fast.",
    ],
)
def test_few_roles_are_never_rapid_hiring(failed, signal, tier, body):
    assert "confidence.weak_hiring" in failed(body, **signal("open roles: 4", tier))


@pytest.mark.parametrize(
    "body",
    [
        "We close gaps in delivery fast when hiring takes long.",
        "If you are hiring aggressively, the backlog may already show it.",
        "Four open roles do not look like rapid hiring, so I would not assume a queue.",
    ],
)
def test_words_about_speed_alone_are_no_claim(failed, signal, body):
    assert not failed(body, **signal("open roles: 4", "high"))


def test_many_roles_carry_the_claim(failed, signal):
    assert not failed("You are hiring quickly: 14 open roles.", **signal("open roles: 14", "high"))


def test_flat_velocity_carries_none(failed, signal):
    given = signal("open roles: 8; velocity label: flat", "high")
    assert "confidence.growth_unsupported" in failed("Your rapid growth stands out.", **given)


@pytest.mark.parametrize(("tier", "fails"), [("high", False), ("medium", True), ("low", True)])
def test_certainty_needs_a_high_tier(failed, signal, tier, fails):
    found = failed("Clearly your hiring is the limit on the roadmap.", **signal("open roles: 9", tier))
    assert ("confidence.assertive" in found) is fails


def test_low_tier_passes_when_the_limit_of_the_view_is_said(failed, signal):
    body = "I saw 9 open roles. I cannot tell from the outside whether they are the whole queue. Are they?"
    assert not failed(body, **signal("open roles: 9", "low"))
    assert "confidence.assertive" in failed(
        "I saw your 9 open roles. We add capacity.", **signal("open roles: 9", "low")
    )


def test_tier_none_claims_nothing(failed, signal):
    assert "confidence.untrusted_signal" in failed("I noticed the funding at your side.", **signal("funding 5", "none"))
    assert not failed("Is hiring on the plan for this year?", **signal("funding 5", "none"))


def test_inner_states_are_not_asserted(failed):
    assert "confidence.mind_reading" in failed("You must be feeling the pressure of the roadmap.")
    assert not failed("Is the roadmap under pressure, or is it on plan?")


def test_growth_after_a_layoff(failed, signal):
    given = {
        "icp_segment": 2,
        **signal("layoff event detected: True; layoff event days ago: 40; open roles: 6", "high"),
    }
    assert "segment.growth_after_layoff" in failed("Congratulations on the growth of your team.", **given)
    assert not failed("After the restructuring, is keeping delivery on plan the open question?", **given)


def test_growth_pitch_without_roles(failed, signal):
    given = signal("recent funding; open roles: 0", "high")
    body = "Congratulations on the raise. This looks like the right moment to add engineering capacity."
    assert "segment.growth_without_roles" in failed(body, **given)
    assert not failed("With no public roles I would not assume a need to add engineering capacity.", **given)


@pytest.mark.parametrize(("score", "fails"), [(0, True), (1, True), (2, False), (3, False)])
def test_ai_pitch_needs_maturity(failed, signal, score, fails):
    given = {"icp_segment": 4, **signal(f"ai maturity score: {score}; open roles: 7", "high")}
    found = failed("We build agentic systems and LLM pipelines that accelerate your AI roadmap.", **given)
    assert ("segment.ai_pitch" in found) is fails


def test_first_ai_step_may_be_asked_about_at_low_maturity(failed, signal):
    given = {"icp_segment": 4, **signal("ai maturity score: 1; open roles: 7", "high")}
    assert not failed("If AI is on the roadmap, a scoped first assessment may be the useful step.", **given)


def test_cost_pitch_to_a_funded_company(failed, signal):
    given = signal("Orla Freight raised a Series A; open roles: 7", "high")
    assert "segment.cost_pitch" in failed("We cut costs for teams like yours.", **given)


def test_low_segment_confidence_means_no_segment_pitch(failed, signal):
    given = signal("segment: segment_1_series_a_b; segment confidence: 0.4; funding stage: series_a; open roles: 7")
    assert "segment.abstain" in failed("Your Series A is the moment to grow the team.", **given)


def test_pitch_for_another_age_of_company(failed, signal):
    given = signal("funding stage: series_c; open roles: 9")
    assert "segment.mismatch" in failed("We help early-stage startups make their first hires.", **given)


def test_disqualified_prospect_is_held(findings, policy, signal):
    found = findings("Our remote engineers can join your team.", **signal("disqualifiers: anti_offshore"))
    assert "segment.disqualified" in {finding.check for finding in found}
    assert policy.checks["segment.disqualified"].action == "hold"
