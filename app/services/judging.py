"""One draft, judged: normalise, rules, prompt, model under the deadline, boundary, decision. Stores nothing.

Gate, batch worker and command line all judge through here, so a draft gets the same verdict wherever it comes from.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from app.errors import UnknownRubric
from app.judge.calibration import Calibration
from app.judge.decision import Decision, Scored, blocking, decide, score
from app.judge.identity import JudgeIdentity, ModelIdentity
from app.judge.normalise import normalise
from app.judge.policy import Policy
from app.judge.prompt import DraftTooLong, Prompt, render
from app.judge.rubric import Rubric, canonical_json
from app.judge.rules import RULESET_VERSION, Ruleset
from app.judge.verdict import ModelVerdict, RawAnswer, read_answer
from app.llm import DECODING, CallFailure, JudgeClient
from app.schemas import Context, Draft, Finding, Latency, Outcome, Verdict
from app.services.breaker import Breaker
from app.services.deadline import Deadline
from app.services.slots import Lane, NoSlot, Slots
from app.telemetry import Metrics

MAX_TOKENS, MAX_TOKENS_EXPLAINED = 40, 160
FAIR_BUDGET_S = 5.0
"""A timeout counts against the server only when the call had at least this long."""


@dataclass(frozen=True)
class ModelCall:
    """What one call to the model came to: its typed verdict, and what it cost in milliseconds."""

    verdict: ModelVerdict
    bypass: str | None = None
    answer: RawAnswer | None = None
    queue_ms: float | None = None
    model_ms: float | None = None
    failure: CallFailure | None = None


@dataclass(frozen=True)
class Judgement:
    """Everything known about one judged draft before it is stored."""

    rubric: Rubric
    identity: JudgeIdentity
    findings: tuple[Finding, ...]
    scored: Scored
    decision: Decision
    call: ModelCall
    notes: tuple[str, ...]
    total_ms: float

    def verdict(self, verdict_id: str, *, run_id: str | None = None, task_id: str | None = None) -> Verdict:
        """The judgement in the shape that is stored and sent."""
        answer = self.call.answer
        return Verdict.model_construct(
            id=verdict_id,
            created_at=datetime.now(UTC),
            run_id=run_id,
            task_id=task_id,
            rubric=self.rubric.ref,
            judge=self.identity.ref,
            outcome=self.call.verdict.outcome,
            passed=self.scored.passed,
            score=self.scored.score,
            p_fail=self.scored.p_fail,
            abstained=self.scored.abstained,
            criteria=list(self.scored.criteria),
            findings=list(self.findings),
            reason=self.call.verdict.reason,
            notes=list(self.notes),
            finish_reason=answer.finish_reason if answer else None,
            usage=answer.usage if answer else None,
            latency_ms=Latency.model_construct(
                total=round(self.total_ms, 3), queue=self.call.queue_ms, model=self.call.model_ms
            ),
            action=self.decision.action,
            decision_source=self.decision.source,
        )


@dataclass
class EngineState:
    """What is known about the judge's engine; written by the monitor, read by everyone."""

    ready: bool = False
    detail: str = "the judge has not been reached yet"
    version: str = "unknown"
    model: ModelIdentity = field(default_factory=lambda: ModelIdentity("unknown"))


class Judge:
    """Judges drafts under one policy, several rubrics and one engine."""

    def __init__(
        self,
        *,
        policy: Policy,
        rubrics: Mapping[str, Rubric],
        default_rubric: str,
        calibration: Calibration,
        client: JudgeClient,
        slots: Slots,
        breaker: Breaker,
        engine: EngineState,
        metrics: Metrics,
    ) -> None:
        self.policy = policy
        self.rubrics = dict(rubrics)
        self.calibration = calibration
        self.engine = engine
        self.slots = slots
        self.breaker = breaker
        self._default = default_rubric
        self._rules = Ruleset(policy)
        self._client = client
        self._metrics = metrics
        self._schemas: dict[tuple[str, bool], dict[str, Any]] = {
            (name, explain): rubric.schema(explain=explain)
            for name, rubric in self.rubrics.items()
            for explain in (False, True)
        }
        self._identities: dict[tuple[str, str, ModelIdentity], JudgeIdentity] = {}

    def rubric(self, name: str | None) -> Rubric:
        """The rubric of that name, or the default one.

        Raises
        ------
        UnknownRubric
            Naming the rubrics that exist.
        """
        found = self.rubrics.get(name or self._default)
        if found is None:
            raise UnknownRubric(f"No rubric has that name; there are: {', '.join(sorted(self.rubrics))}.")
        return found

    def identity(self, rubric: Rubric) -> JudgeIdentity:
        """Who judges under this rubric at this moment."""
        key = (rubric.name, self.engine.version, self.engine.model)
        if (found := self._identities.get(key)) is None:
            found = JudgeIdentity(
                model=self.engine.model,
                engine=self.engine.version,
                rubric=rubric,
                ruleset_version=RULESET_VERSION,
                policy_digest=self.policy.digest,
                calibration_digest=self.calibration.digest,
                decoding=canonical_json({**DECODING, "max_tokens": [MAX_TOKENS, MAX_TOKENS_EXPLAINED]}),
            )
            self._identities[key] = found
        return found

    def findings(self, draft: Draft, context: Context) -> list[Finding]:
        """What the rules say; pure and quick."""
        return self._rules.check(draft, context, today=datetime.now(UTC).date())

    async def judge(
        self,
        draft: Draft,
        context: Context,
        *,
        deadline: Deadline,
        lane: Lane,
        rubric: str | None = None,
        explain: bool = False,
        on_failure: Literal["hold", "allow"] = "hold",
        stop_at_rules: bool = False,
        cache_salt: str | None = None,
    ) -> Judgement:
        """Judge one draft. ``stop_at_rules`` leaves the model alone when a rule has decided already.

        Never raises for anything that the model or its server does: that is an outcome.
        """
        chosen = self.rubric(rubric)
        findings = self.findings(draft, context)
        for finding in findings:
            self._metrics.finding(finding.check)
        notes: tuple[str, ...] = ()
        if stop_at_rules and blocking(findings, self.policy):
            call = _not_called("a rule had decided", bypass=None)
        else:
            try:
                prompt = render(chosen, plain(draft), context, explain=explain)
            except DraftTooLong as error:
                call = _not_called(str(error), bypass="draft_too_long")
            else:
                notes = prompt.notes
                call = await self._call(chosen, prompt, deadline, lane, explain=explain, cache_salt=cache_salt)
        scored = score(chosen, findings, call.verdict, self.policy, self.calibration)
        outcome = call.verdict.outcome
        bypass = call.bypass or (None if outcome in (Outcome.JUDGED, Outcome.NOT_CALLED) else outcome.value)
        decision = decide(findings, scored, outcome, self.policy, on_failure=on_failure, bypass=bypass)
        self._metrics.verdict(outcome.value)
        return Judgement(
            rubric=chosen,
            identity=self.identity(chosen),
            findings=tuple(findings),
            scored=scored,
            decision=decision,
            call=replace(call, bypass=bypass),
            notes=notes + call.verdict.notes,
            total_ms=deadline.elapsed_ms,
        )

    async def _call(
        self,
        rubric: Rubric,
        prompt: Prompt,
        deadline: Deadline,
        lane: Lane,
        *,
        explain: bool,
        cache_salt: str | None,
    ) -> ModelCall:
        reply = await self.ask(
            prompt,
            self._schemas[rubric.name, explain],
            schema_name=f"{rubric.name}-{'explained' if explain else 'scores'}",
            deadline=deadline,
            lane=lane,
            max_tokens=MAX_TOKENS_EXPLAINED if explain else MAX_TOKENS,
            cache_salt=cache_salt,
        )
        if isinstance(reply, ModelCall):
            return reply
        answer, queue_ms, model_ms = reply
        verdict = read_answer(answer, rubric, explain=explain, delimiter=prompt.delimiter)
        return ModelCall(verdict, None, answer, queue_ms, model_ms)

    async def ask(
        self,
        prompt: Prompt,
        schema: dict[str, Any],
        *,
        schema_name: str,
        deadline: Deadline,
        lane: Lane,
        max_tokens: int,
        cache_salt: str | None,
    ) -> ModelCall | tuple[RawAnswer, float, float]:
        """One guarded call: engine ready, breaker closed, slot free, deadline kept. A ModelCall is a failure."""
        if not self.engine.ready:
            return _not_called(f"the judge is not ready: {self.engine.detail}", bypass="judge_not_ready")
        asked = time.monotonic()
        try:
            async with self.slots.hold(lane, deadline.remaining_s):
                queue_ms = _ms_since(asked)
                self._metrics.queue_wait(queue_ms / 1000.0)
                if not self.breaker.allow():
                    return _not_called("the circuit breaker is open", bypass="breaker_open", queue_ms=queue_ms)
                budget_s, begun = deadline.remaining_s, time.monotonic()
                settled = False
                try:
                    reply = await self._client.ask(
                        list(prompt.messages),
                        schema,
                        schema_name=schema_name,
                        deadline_s=budget_s,
                        priority=int(lane),
                        max_tokens=max_tokens,
                        cache_salt=cache_salt,
                    )
                    settled = True
                finally:
                    if not settled:
                        self.breaker.undecided()
                model_ms = _ms_since(begun)
        except NoSlot as error:
            queue_ms = _ms_since(asked)
            return _not_called(str(error), bypass="no_slot", queue_ms=queue_ms)
        self._metrics.model_latency(model_ms / 1000.0)
        if isinstance(reply, CallFailure):
            self._count_failure(reply, budget_s)
            if reply.outcome is Outcome.NOT_CALLED:
                return _not_called(reply.detail, bypass="deadline_spent", queue_ms=queue_ms)
            return ModelCall(ModelVerdict(reply.outcome, reply.detail), None, None, queue_ms, model_ms, reply)
        self.breaker.succeeded()
        return reply, queue_ms, model_ms

    def _count_failure(self, failure: CallFailure, budget_s: float) -> None:
        slow = failure.outcome is Outcome.TIMEOUT and budget_s >= FAIR_BUDGET_S
        # A 4xx is about one request, so a tenant could provoke it; a refused key is about the server's set-up.
        theirs = failure.status is not None and 400 <= failure.status < 500 and failure.status not in (401, 403)
        if slow or (failure.outcome is Outcome.UPSTREAM_ERROR and not theirs):
            self.breaker.failed()
        else:
            self.breaker.undecided()
        self._metrics.breaker(self.breaker.state.value)


def plain(draft: Draft) -> Draft:
    """The draft as the model reads it: normalised, unchecked for length."""
    return Draft.model_construct(subject=normalise(draft.subject).text, body=normalise(draft.body).text)


def _not_called(detail: str, *, bypass: str | None, queue_ms: float | None = None) -> ModelCall:
    return ModelCall(ModelVerdict(Outcome.NOT_CALLED, detail), bypass, queue_ms=queue_ms)


def _ms_since(start: float) -> float:
    return round((time.monotonic() - start) * 1000.0, 3)
