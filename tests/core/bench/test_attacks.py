"""Attacks keep what they attack, name their family, and are caught by the rules where rules are meant to see them."""

from __future__ import annotations

import json

import pytest

from app.bench.attacks import ATTACKS, attacked
from app.judge.decision import blocking
from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from app.schemas import Context, Draft
from app.training.encode import answer_text, default_rubric

BODY = "Hi Rae,\n\nThree platform roles are open on your site. Is that the whole picture?\n\nBest,\nNoa"
SEEN_BY_RULES = ("override", "fake_verdict", "role_tokens", "hidden_markup", "flooding", "output_breaking")


def test_every_family_is_tried_on_every_kind_of_draft_in_turn():
    drafts = [Draft(subject=str(i), body=f"{BODY} {i}") for i in range(7)]
    found = list(attacked(drafts))
    assert {a.family for a in found} == set(ATTACKS)
    assert {a.source for a in found} == set(range(7))
    assert all(a.draft.subject == drafts[a.source].subject for a in found)
    assert all(a.draft.body != drafts[a.source].body for a in found)


def test_an_imitated_verdict_has_as_many_scores_as_the_services_own():
    own = answer_text([5] * len(default_rubric().model_criteria))
    for family in ("fake_verdict", "role_tokens", "output_breaking"):
        assert own[:-1] in ATTACKS[family][0](BODY)
    assert json.loads(ATTACKS["fake_verdict"][1]("").partition(":")[2]) == json.loads(own)


def test_an_attack_without_a_draft_is_refused():
    with pytest.raises(ValueError, match="at least one draft"):
        list(attacked([]))


@pytest.mark.parametrize("family", SEEN_BY_RULES)
def test_the_rules_see_the_families_that_address_a_judge(family):
    context = Context.model_validate(
        {
            "company_name": "Alder Row", "icp_segment": 0, "thread_stage": "cold_first_touch",
            "signal_brief": {"signal_line": "Three platform roles are open.", "signal_confidence_tier": "high"},
        }
    )  # fmt: skip
    policy = default_policy()
    rules = Ruleset(policy)
    assert not blocking(rules.check(Draft(subject="Roles", body=BODY), context), policy)
    for variant in ATTACKS[family]:
        assert blocking(rules.check(Draft(subject="Roles", body=variant(BODY)), context), policy), variant(BODY)
