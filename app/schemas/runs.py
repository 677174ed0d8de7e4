"""Runs, their items, scores from elsewhere and human labels: what comes in and what goes out.

An item without a draft, a score without a task, a label on nothing: each is refused here, by field.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints, model_validator

from app.schemas.core import Context, Draft, JudgeRef, Name, Outcome, Probability, RubricRef, Strict

MAX_TAGS = 50
MAX_NOTE_CHARS = 4_000
MAX_CRITERIA = 64

TaskId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Group = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=60)]
TagText = Annotated[str, StringConstraints(max_length=200)]
CriterionId = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class RunStatus(StrEnum):
    """open: takes items; running: closed, being judged; completed: every item has ended; cancelled: stopped."""

    OPEN = "open"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class RunKind(StrEnum):
    """judged: Presend judges its drafts; scored: its outcomes were made elsewhere."""

    JUDGED = "judged"
    SCORED = "scored"


class ItemState(StrEnum):
    """pending: waits; running: a worker has it; done: ended with an outcome, for good."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"


class RunCreate(Strict):
    """Open a run: one system's drafts over one task set."""

    name: Name
    system: Name
    rubric: Name | None = None
    tags: dict[Tag, TagText] = Field(default_factory=dict, max_length=MAX_TAGS)
    reuse: StrictBool = True


class RunItemIn(Strict):
    """One draft of a run. ``category`` and ``cluster`` group it in statistics."""

    task_id: TaskId
    draft: Draft
    context: Context
    category: Group | None = None
    cluster: Group | None = None


class ScoreIn(Strict):
    """One outcome that was made elsewhere. With neither ``passed`` nor ``score`` it says that there is none."""

    task_id: TaskId
    passed: StrictBool | None = None
    score: Annotated[float, Field(allow_inf_nan=False, strict=True)] | None = None
    outcome: Outcome | None = None
    category: Group | None = None
    cluster: Group | None = None

    @model_validator(mode="after")
    def _number_means_judged(self) -> ScoreIn:
        judged = self.passed is not None or self.score is not None
        if self.outcome is not None and judged != (self.outcome is Outcome.JUDGED):
            raise ValueError(
                "passed or score go with the outcome `judged`, and with no other"
                if judged
                else "the outcome `judged` needs passed or score"
            )
        return self

    @property
    def ended(self) -> Outcome:
        """The outcome given, else ``judged`` where there is a result and ``not_called`` where there is none."""
        if self.outcome is not None:
            return self.outcome
        return Outcome.NOT_CALLED if self.passed is None and self.score is None else Outcome.JUDGED


class RunCounts(Strict):
    """Items of a run by state, and those that ended by outcome. The first three add up with the outcomes."""

    total: int
    pending: int
    running: int
    judged: int = 0
    not_called: int = 0
    refused: int = 0
    truncated: int = 0
    unparseable: int = 0
    schema_mismatch: int = 0
    out_of_range: int = 0
    empty: int = 0
    timeout: int = 0
    rate_limited: int = 0
    upstream_error: int = 0
    cancelled: int = 0
    passed: int = 0
    failed: int = 0
    reused: int = 0

    @property
    def finished(self) -> int:
        """Items that have ended, with whatever outcome."""
        return self.total - self.pending - self.running


class Run(Strict):
    """A run and where it stands. ``judge_digests`` holds more than one when the judge changed on the way."""

    id: str
    name: str
    system: str
    kind: RunKind | None
    status: RunStatus
    rubric: RubricRef
    judge_digest: str | None
    judge: JudgeRef | None = None
    judge_digests: list[str] = Field(default_factory=list)
    task_set_digest: str | None
    tags: dict[str, str]
    reuse: bool
    counts: RunCounts
    created_by: str
    created_at: datetime
    started_at: datetime | None = None
    closed_at: datetime | None = None
    finished_at: datetime | None = None


class RunItem(Strict):
    """One item as it stands. Numbers only when its outcome is ``judged``; ``detail`` says why it ended otherwise."""

    seq: int
    task_id: str
    state: ItemState
    outcome: Outcome | None = None
    passed: bool | None = None
    score: float | None = None
    p_fail: Probability | None = None
    category: str | None = None
    cluster: str | None = None
    attempt: int
    failures: int
    detail: str | None = None
    verdict_id: str | None = None
    reused_from: str | None = None
    finished_at: datetime | None = None


class RunItemFull(RunItem):
    """An item with what is judged; ``draft`` and ``context`` are null where drafts are not kept."""

    draft: Draft | None = None
    context: Context | None = None


class LineFault(Strict):
    """Why one line of an upload was not taken: its number (from 1), the field, and what would be right."""

    line: int
    path: str
    message: str
    task_id: str | None = None


class UploadResult(Strict):
    """What became of an upload. ``errors`` holds the first faults; ``rejected`` counts all lines with one."""

    run_id: str
    received: int
    accepted: int
    rejected: int
    errors: list[LineFault]
    status: RunStatus
    total: int


class Progress(Strict):
    """Where a run stands, its pace over the last seconds (items a second), and the seconds left at that pace."""

    run_id: str
    status: RunStatus
    counts: RunCounts
    finished: int
    rate: float | None
    eta_s: float | None
    elapsed_s: float


class LabelIn(Strict):
    """A human's verdict on a stored verdict, or on an item of a run."""

    verdict_id: str | None = None
    run_id: str | None = None
    task_id: TaskId | None = None
    labeller: Name
    passed: StrictBool | None = None
    criteria: dict[CriterionId, StrictBool | None] = Field(default_factory=dict, max_length=MAX_CRITERIA)
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE_CHARS)] | None = None

    @model_validator(mode="after")
    def _says_something_about_one_thing(self) -> LabelIn:
        by_item = self.run_id is not None and self.task_id is not None
        by_verdict = self.verdict_id is not None
        if by_verdict == by_item or (by_verdict and (self.run_id is not None or self.task_id is not None)):
            raise ValueError("name either verdict_id, or run_id and task_id")
        if self.passed is None and not self.criteria:
            raise ValueError("give passed, or a verdict on at least one criterion")
        return self


class Label(Strict):
    """A stored label: what it is about, whose it is, and when it came."""

    id: str
    created_at: datetime
    verdict_id: str | None
    run_id: str | None
    task_id: str | None
    labeller: str
    passed: bool | None
    criteria: dict[str, bool | None]
    note: str | None
    created_by: str


class LabelsResult(Strict):
    """What became of labels sent in bulk."""

    received: int
    accepted: int
    rejected: int
    errors: list[LineFault]


OnError = Literal["keep", "refuse"]
