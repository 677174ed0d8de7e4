"""How findings and a model verdict become criteria, a pass and an action. Code decides; the model only scores.

final = rules AND model. A failed rule stands whatever the model says, and a draft that the model did not judge is never
sent on the strength of a default, unless the caller asked for exactly that and the answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.judge.calibration import Calibration
from app.judge.policy import Policy
from app.judge.rubric import Criterion, Rubric
from app.judge.verdict import ModelVerdict
from app.schemas import Action, CriterionResult, DecisionSource, Finding, JudgedBy, Outcome, Severity

_DIGITS = 4
"""Of what is shown and stored; thresholds see the whole number."""
_WORST_FIRST = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True)
class Thresholds:
    """When a calibrated P(fail) fails, and the half-width of the band in which the judge abstains."""

    fail_at: float
    band: float

    def read(self, p_fail: float) -> bool | None:
        """True passes, False fails, None abstains."""
        if self.band > 0 and abs(p_fail - self.fail_at) < self.band:
            return None
        return p_fail < self.fail_at


@dataclass(frozen=True)
class Scored:
    """The criteria of one draft and what follows for the whole; numbers only when the model judged."""

    criteria: tuple[CriterionResult, ...]
    passed: bool | None
    score: float | None
    p_fail: float | None
    abstained: bool
    model_failed: tuple[str, ...] = ()
    model_abstained: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """The action, who decided it, and one sentence that says why."""

    action: Action
    source: DecisionSource
    why: str


def thresholds(policy: Policy, calibration: Calibration, criterion: str) -> Thresholds:
    """The vendor's own threshold for a criterion, else the adapter's fitted one, else the vendor's general one."""
    own, fitted = policy.model.criteria.get(criterion), calibration.of(criterion)
    fail_at = own.fail_at if own else None
    band = own.abstain_band if own else None
    if fail_at is None:
        fail_at = fitted.fail_at if fitted.fail_at is not None else policy.model.fail_at
    if band is None:
        band = fitted.abstain_band if fitted.abstain_band is not None else policy.model.abstain_band
    return Thresholds(fail_at, band)


def blocking(findings: Sequence[Finding], policy: Policy) -> list[Finding]:
    """Failed findings whose policy action is to revise or to hold, worst first."""
    failed = [f for f in findings if not f.passed and policy.checks[f.check].action != "warn"]
    return sorted(failed, key=lambda f: _WORST_FIRST[f.severity])


def score(
    rubric: Rubric, findings: Sequence[Finding], model: ModelVerdict, policy: Policy, calibration: Calibration
) -> Scored:
    """Criterion by criterion, then the whole. ``score`` is the weakest expected score, ``p_fail`` the largest."""
    failed_by_rule = {f.criterion for f in blocking(findings, policy)}
    judged = model.outcome is Outcome.JUDGED
    by_id = dict(zip((c.id for c in rubric.model_criteria), model.distributions, strict=True)) if judged else {}
    results: list[CriterionResult] = []
    failing: list[str] = []
    abstaining: list[str] = []
    for criterion in rubric.criteria:
        distribution = by_id.get(criterion.id)
        rules_pass = None if criterion.judged_by is JudgedBy.MODEL else criterion.id not in failed_by_rule
        if distribution is None:
            passed = rules_pass if _rules_suffice(criterion, rules_pass) else None
            results.append(CriterionResult(id=criterion.id, judged_by=criterion.judged_by, passed=passed))
            continue
        p_fail = calibration.of(criterion.id).apply(distribution.p_fail)
        reading = thresholds(policy, calibration, criterion.id).read(p_fail)
        if reading is False:
            failing.append(criterion.id)
        elif reading is None:
            abstaining.append(criterion.id)
        passed = False if rules_pass is False else reading
        results.append(
            CriterionResult(
                id=criterion.id,
                judged_by=criterion.judged_by,
                score=round(distribution.expected, _DIGITS),
                p_fail=round(p_fail, _DIGITS),
                passed=passed,
            )
        )
    if not judged:
        return Scored(tuple(results), None, None, None, abstained=False)
    whole: bool | None = True
    if failed_by_rule or failing:
        whole = False
    elif abstaining:
        whole = None
    return Scored(
        criteria=tuple(results),
        passed=whole,
        score=min(r.score for r in results if r.score is not None),
        p_fail=max(r.p_fail for r in results if r.p_fail is not None),
        abstained=whole is None,
        model_failed=tuple(failing),
        model_abstained=tuple(abstaining),
    )


def _rules_suffice(criterion: Criterion, rules_pass: bool | None) -> bool:
    """Without the model, rules alone settle their own criteria, and failures of shared ones."""
    return criterion.judged_by is JudgedBy.RULE or rules_pass is False


def decide(
    findings: Sequence[Finding],
    scored: Scored,
    outcome: Outcome,
    policy: Policy,
    *,
    on_failure: Literal["hold", "allow"] = "hold",
    bypass: str | None = None,
) -> Decision:
    """The action for one draft. ``bypass`` names why the model had no say, when it had none."""
    stopped = blocking(findings, policy)
    judged = outcome is Outcome.JUDGED
    if stopped:
        held = [f for f in stopped if policy.checks[f.check].action == "hold"]
        first = (held or stopped)[0]
        more = f" (and {len(stopped) - 1} more)" if len(stopped) > 1 else ""
        source = DecisionSource.RULES_AND_MODEL if scored.model_failed else DecisionSource.RULES
        action = Action.HOLD if held else Action.REVISE
        return Decision(action, source, f"{first.check}: {_sentence(first.detail)}{more}.")
    if judged and scored.model_failed:
        return Decision(Action.REVISE, DecisionSource.MODEL, f"The judge finds {_named(scored, failed=True)}.")
    if judged and scored.model_abstained:
        return Decision(
            Action.HOLD,
            DecisionSource.MODEL,
            f"The judge is not sure about {_named(scored, failed=False)}; a person decides.",
        )
    if judged:
        return Decision(Action.SEND, DecisionSource.RULES_AND_MODEL, "Every rule holds and the judge finds no fault.")
    cause = (bypass or outcome.value).replace("_", " ")
    if on_failure == "allow":
        return Decision(
            Action.SEND,
            DecisionSource.FALLBACK,
            f"Every rule holds; the judge gave no verdict ({cause}) and the caller allows that.",
        )
    return Decision(
        Action.HOLD,
        DecisionSource.FALLBACK,
        f"Every rule holds, but the judge gave no verdict ({cause}); a person decides.",
    )


def _named(scored: Scored, *, failed: bool) -> str:
    ids = scored.model_failed if failed else scored.model_abstained
    p_of = {c.id: c.p_fail for c in scored.criteria}
    return ", ".join(f"{name} (P(fail) {p_of[name]:.2f})" for name in ids) + (" wanting" if failed else "")


def _sentence(detail: str) -> str:
    return detail.strip().rstrip(".")
