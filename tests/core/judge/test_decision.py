"""final = rules AND model, and a verdict that did not happen is never a number."""

from __future__ import annotations

from importlib import resources

import pytest

from app.judge.calibration import Calibration, CriterionCalibration
from app.judge.decision import Scored, blocking, decide, score, thresholds
from app.judge.policy import Policy, parse_policy
from app.judge.rubric import Rubric, parse_rubric
from app.judge.verdict import ModelVerdict, ScoreDistribution
from app.schemas import Action, DecisionSource, Finding, Outcome

GOOD = ScoreDistribution((0.0, 0.0, 0.0, 0.0, 1.0), 1.0)
BAD = ScoreDistribution((0.9, 0.05, 0.0, 0.0, 0.05), 1.0)
DOUBT = ScoreDistribution((0.45, 0.0, 0.1, 0.0, 0.45), 1.0)


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    text = (resources.files("app.judge") / "rubrics" / "default.toml").read_text()
    return parse_rubric(text, "default.toml")


@pytest.fixture(scope="module")
def policy() -> Policy:
    text = (resources.files("app.judge") / "vendors" / "kestrelworks.toml").read_text()
    return parse_policy(text, "kestrelworks.toml")


def judged(rubric: Rubric, **by_id: ScoreDistribution) -> ModelVerdict:
    distributions = tuple(by_id.get(c.id, GOOD) for c in rubric.model_criteria)
    return ModelVerdict(Outcome.JUDGED, "judged", (5,) * len(distributions), distributions)


def finding(policy: Policy, action: str) -> Finding:
    check = next(name for name, check in sorted(policy.checks.items()) if check.action == action)
    return Finding(check=check, severity=policy.checks[check].severity, passed=False, detail="It is so.")


def outcome_of(rubric, policy, findings, model, **more) -> tuple[Scored, Action, DecisionSource]:
    scored = score(rubric, findings, model, policy, Calibration())
    decision = decide(findings, scored, model.outcome, policy, **more)
    return scored, decision.action, decision.source


def test_clean_draft_is_sent_by_rules_and_model(rubric, policy):
    scored, action, source = outcome_of(rubric, policy, [], judged(rubric))
    assert (action, source) == (Action.SEND, DecisionSource.RULES_AND_MODEL)
    assert scored.passed is True
    assert scored.score == 5.0
    assert scored.p_fail == pytest.approx(0.0, abs=1e-5)


def test_model_cannot_overrule_a_rule(rubric, policy):
    scored, action, source = outcome_of(rubric, policy, [finding(policy, "revise")], judged(rubric))
    assert (action, source, scored.passed) == (Action.REVISE, DecisionSource.RULES, False)


def test_model_alone_can_fail_a_draft(rubric, policy):
    last = rubric.model_criteria[-1].id
    scored, action, source = outcome_of(rubric, policy, [], judged(rubric, **{last: BAD}))
    assert (action, source, scored.passed) == (Action.REVISE, DecisionSource.MODEL, False)
    assert scored.model_failed == (last,)
    assert scored.p_fail == pytest.approx(0.95, abs=1e-4)
    assert scored.score == pytest.approx(0.9 + 0.1 + 0.25)


def test_both_failing_says_so_and_hold_beats_revise(rubric, policy):
    last = rubric.model_criteria[-1].id
    findings = [finding(policy, "revise"), finding(policy, "hold")]
    _, action, source = outcome_of(rubric, policy, findings, judged(rubric, **{last: BAD}))
    assert (action, source) == (Action.HOLD, DecisionSource.RULES_AND_MODEL)


def test_warnings_change_nothing(rubric, policy):
    findings = [finding(policy, "warn")]
    assert blocking(findings, policy) == []
    scored, action, _ = outcome_of(rubric, policy, findings, judged(rubric))
    assert (action, scored.passed) == (Action.SEND, True)


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.JUDGED])
def test_without_a_verdict_there_is_no_number_and_nothing_is_sent(rubric, policy, outcome):
    model = ModelVerdict(outcome, "no verdict")
    scored, action, source = outcome_of(rubric, policy, [], model)
    assert (scored.passed, scored.score, scored.p_fail, scored.abstained) == (None, None, None, False)
    assert all(c.score is None and c.p_fail is None for c in scored.criteria)
    assert (action, source) == (Action.HOLD, DecisionSource.FALLBACK)
    _, allowed, source = outcome_of(rubric, policy, [], model, on_failure="allow")
    assert (allowed, source) == (Action.SEND, DecisionSource.FALLBACK)


def test_on_failure_allow_never_lets_a_broken_rule_through(rubric, policy):
    model = ModelVerdict(Outcome.TIMEOUT, "late")
    _, action, source = outcome_of(rubric, policy, [finding(policy, "revise")], model, on_failure="allow")
    assert (action, source) == (Action.REVISE, DecisionSource.RULES)


def test_without_the_model_shared_criteria_stay_open_and_rule_criteria_are_settled(rubric, policy):
    scored, _, _ = outcome_of(rubric, policy, [], ModelVerdict(Outcome.EMPTY, "empty"))
    by_id = {c.id: c for c in scored.criteria}
    assert by_id["form"].passed is True
    assert by_id["tone"].passed is None


def test_abstaining_holds_for_a_person(rubric, policy):
    banded = Calibration(criteria={"tone": CriterionCalibration(fail_at=0.5, abstain_band=0.2)})
    model = judged(rubric, tone=DOUBT)
    scored = score(rubric, [], model, policy, banded)
    decision = decide([], scored, model.outcome, policy)
    assert (scored.passed, scored.abstained) == (None, True)
    assert (decision.action, decision.source) == (Action.HOLD, DecisionSource.MODEL)
    assert "tone" in decision.why


def test_the_vendors_threshold_wins_over_the_fitted_one(policy):
    fitted = Calibration(criteria={"tone": CriterionCalibration(fail_at=0.9)})
    assert thresholds(policy, fitted, "tone").fail_at == 0.9
    own = policy.model_copy(
        update={
            "model": policy.model.model_validate({**policy.model.model_dump(), "criteria": {"tone": {"fail_at": 0.3}}})
        }
    )
    assert thresholds(own, fitted, "tone").fail_at == 0.3
    assert thresholds(policy, Calibration(), "tone").fail_at == policy.model.fail_at
