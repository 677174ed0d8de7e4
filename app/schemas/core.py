"""Drafts, contexts, findings and verdicts: what comes in, what goes out, and the words for both.

Nothing here does anything. Known fields are typed, bounded and checked; unknown context keys are kept, because
sales agents differ. A number that was not judged has no place here: see ``Outcome``.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints, model_validator

MAX_SUBJECT_CHARS = 1_000
MAX_BODY_CHARS = 100_000
MAX_TEXT_CHARS = 20_000
MIN_DEADLINE_MS = 50
MAX_DEADLINE_MS = 120_000

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Outcome(StrEnum):
    """What became of one call to the model. Only ``judged`` carries numbers."""

    JUDGED = "judged"
    NOT_CALLED = "not_called"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    UNPARSEABLE = "unparseable"
    SCHEMA_MISMATCH = "schema_mismatch"
    OUT_OF_RANGE = "out_of_range"
    EMPTY = "empty"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    UPSTREAM_ERROR = "upstream_error"
    CANCELLED = "cancelled"


class Action(StrEnum):
    """What the sales agent should do with the draft."""

    SEND = "send"
    REVISE = "revise"
    HOLD = "hold"


class DecisionSource(StrEnum):
    """Who decided the action."""

    RULES = "rules"
    MODEL = "model"
    RULES_AND_MODEL = "rules+model"
    FALLBACK = "fallback"


class Severity(StrEnum):
    """How bad a failed check is. ``info`` never changes an action."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class JudgedBy(StrEnum):
    """Who answers a criterion."""

    RULE = "rule"
    MODEL = "model"
    BOTH = "both"


class TaskType(StrEnum):
    """What kind of message the draft is."""

    COLD = "cold_outbound_email"
    WARM = "warm_reply_email"
    RE_ENGAGEMENT = "re_engagement_email"


class ThreadStage(StrEnum):
    """Where the conversation with the prospect stands."""

    COLD_FIRST_TOUCH = "cold_first_touch"
    REPLY_ACTIVE = "reply_active"
    READY_TO_SCHEDULE = "ready_to_schedule"
    RE_ENGAGEMENT = "re_engagement"


Tier = Literal["high", "medium", "low", "none"]
Seniority = Literal["junior", "mid", "senior"]


class Strict(BaseModel):
    """Exactly these keys."""

    model_config = ConfigDict(extra="forbid")


class _Open(BaseModel):
    """These keys, typed; any others are kept as they come."""

    model_config = ConfigDict(extra="allow")


class Draft(Strict):
    """Subject and body of the message about to be sent."""

    subject: Annotated[str, StringConstraints(max_length=MAX_SUBJECT_CHARS)]
    body: Annotated[str, StringConstraints(max_length=MAX_BODY_CHARS)]


class SignalBrief(_Open):
    """The evidence that the draft may lean on, and how far it may be trusted."""

    signal_line: Text = ""
    signal_confidence_tier: Tier | None = None


class SeniorityMix(_Open):
    """Free engineers of one stack by seniority."""

    junior_0_2_yrs: Annotated[StrictInt, Field(ge=0)] | None = None
    mid_2_4_yrs: Annotated[StrictInt, Field(ge=0)] | None = None
    senior_4_plus_yrs: Annotated[StrictInt, Field(ge=0)] | None = None


class StackRecord(_Open):
    """What is free on one stack, and when."""

    available_engineers: Annotated[StrictInt, Field(ge=0)] | None = None
    time_to_deploy_days: Annotated[StrictInt, Field(ge=0)] | None = None
    note: Text = ""
    seniority_mix: SeniorityMix | None = None
    skill_subsets: Any = None


class BenchSummary(_Open):
    """Capacity that is free now, by stack."""

    stacks: dict[str, StackRecord] = Field(default_factory=dict, max_length=500)


class CapacityRequest(Strict):
    """What the prospect asked for on one stack."""

    stack: Name
    requested_count: Annotated[StrictInt, Field(ge=1, le=100_000)]
    seniority: Seniority | None = None
    lead_days: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = None


class ThreadMessage(Strict):
    """One earlier message of the conversation."""

    role: Literal["prospect", "agent"]
    content: Text


class Context(_Open):
    """The structured facts that the draft was written from."""

    company_name: Name
    icp_segment: Annotated[StrictInt, Field(ge=0, le=4)]
    thread_stage: ThreadStage
    task_type: TaskType | None = None
    signal_brief: SignalBrief = Field(default_factory=SignalBrief)
    bench_summary: BenchSummary | None = None
    capacity_request: list[CapacityRequest] = Field(default_factory=list, max_length=100)
    prior_thread: list[ThreadMessage] = Field(default_factory=list, max_length=200)

    @property
    def kind(self) -> TaskType:
        """The task type given, or the one that the thread stage implies."""
        if self.task_type is not None:
            return self.task_type
        if self.thread_stage is ThreadStage.COLD_FIRST_TOUCH:
            return TaskType.COLD
        if self.thread_stage is ThreadStage.RE_ENGAGEMENT:
            return TaskType.RE_ENGAGEMENT
        return TaskType.WARM

    @property
    def extras(self) -> dict[str, Any]:
        """Keys that Presend does not know, as they came."""
        return self.model_extra or {}


class Evidence(Strict):
    """Where in the draft: ``draft[field][start:end]``, in characters of the text as it was sent."""

    field: Literal["subject", "body"]
    start: int
    end: int


class Finding(Strict):
    """A rule's answer. ``check`` is ``<criterion>.<name>`` and never changes its meaning."""

    check: str
    severity: Severity
    passed: bool
    detail: str
    evidence: list[Evidence] = Field(default_factory=list)

    @property
    def criterion(self) -> str:
        """The rubric criterion that the check belongs to."""
        return self.check.partition(".")[0]


class CriterionResult(Strict):
    """One criterion of one verdict; ``score`` and ``p_fail`` only where the model judged it."""

    id: str
    judged_by: JudgedBy
    score: Annotated[float, Field(ge=1.0, le=5.0)] | None = None
    p_fail: Probability | None = None
    passed: bool | None = None


class RubricRef(Strict):
    """Which rubric judged."""

    name: str
    version: str


class JudgeRef(Strict):
    """Which judge, exactly: ``digest`` covers everything that can change a verdict."""

    digest: str
    model: str
    adapter: str | None = None
    engine: str | None = None
    ruleset: str | None = None


class Usage(Strict):
    """Tokens that the model call took."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None


class Latency(Strict):
    """Milliseconds: the whole judgement, the wait for a model slot, the model call."""

    total: float
    queue: float | None = None
    model: float | None = None


class Verdict(Strict):
    """The judge's answer on one draft. Without ``outcome == judged`` it holds no number."""

    id: str
    created_at: datetime
    run_id: str | None = None
    task_id: str | None = None
    rubric: RubricRef
    judge: JudgeRef
    outcome: Outcome
    passed: bool | None = None
    score: Annotated[float, Field(ge=1.0, le=5.0)] | None = None
    p_fail: Probability | None = None
    abstained: bool = False
    criteria: list[CriterionResult] = Field(default_factory=list)
    findings: list[Finding] = Field(default_factory=list)
    reason: str | None = None
    notes: list[str] = Field(default_factory=list)
    finish_reason: str | None = None
    usage: Usage | None = None
    latency_ms: Latency
    action: Action | None = None
    decision_source: DecisionSource | None = None

    @model_validator(mode="after")
    def _no_number_without_judgement(self) -> Verdict:
        if self.outcome is not Outcome.JUDGED and not (self.passed is self.score is self.p_fail is None):
            raise ValueError(f"a verdict with outcome {self.outcome} carries no passed, score or p_fail")
        return self


class VerdictRequest(Strict):
    """Score one draft."""

    draft: Draft
    context: Context
    rubric: Name | None = None
    explain: StrictBool = False
    deadline_ms: Annotated[StrictInt, Field(ge=MIN_DEADLINE_MS, le=MAX_DEADLINE_MS)] | None = None


class GateRequest(VerdictRequest):
    """Decide about one draft just before it is sent."""

    on_failure: Literal["hold", "allow"] = "hold"


class GateResponse(Strict):
    """The decision, why, and a receipt for exactly what was judged."""

    action: Action
    decision_source: DecisionSource
    why: str
    bypass: str | None = None
    verdict: Verdict
    receipt: str
    deadline_ms: int
    elapsed_ms: float


class ReceiptVerifyRequest(Strict):
    """A receipt and the draft that is about to be sent under it."""

    receipt: Annotated[str, StringConstraints(min_length=1, max_length=4_096)]
    draft: Draft
    context: Context


class ReceiptVerifyResponse(Strict):
    """Whether the receipt covers this draft, and why not."""

    valid: bool
    reason: str
    action: Action | None = None
    expires_at: datetime | None = None
    judge_digest: str | None = None


class PairwiseRequest(Strict):
    """Two drafts for one context."""

    a: Draft
    b: Draft
    context: Context
    rubric: Name | None = None
    deadline_ms: Annotated[StrictInt, Field(ge=MIN_DEADLINE_MS, le=MAX_DEADLINE_MS)] | None = None


class PairwiseOrder(Strict):
    """One of the two orders in which a pair was shown; ``p_a`` is the probability given to draft a."""

    first: Literal["a", "b"]
    outcome: Outcome
    preferred: Literal["a", "b", "tie"] | None = None
    p_a: Probability | None = None


class Pairwise(Strict):
    """Which of two drafts is better. ``winner`` is null when the model did not answer in both orders."""

    id: str
    created_at: datetime
    rubric: RubricRef
    judge: JudgeRef
    winner: Literal["a", "b", "tie", "inconsistent"] | None
    decided_by: Literal["rules", "model"] | None
    outcome: Outcome
    orders: list[PairwiseOrder]
    position_bias: Annotated[float, Field(ge=-1.0, le=1.0)] | None = None
    findings: dict[Literal["a", "b"], list[Finding]]
    latency_ms: Latency


class ErrorItem(Strict):
    """One fault in a request: where, and what would be right."""

    path: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details. Never echoes what was sent."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[ErrorItem] | None = None


T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list; pass ``next_cursor`` back as ``cursor`` for the next."""

    items: list[T]
    next_cursor: str | None = None
