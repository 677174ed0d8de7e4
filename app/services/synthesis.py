"""Tasks written by one model and marked by another, kept in a log from which an interrupted synthesis goes on.

Each job ends in one line of the log: accepted with its task, or left out with the reason. Nothing is dropped in
silence, and the task file is always the accepted lines of the log. A fault of an endpoint that may pass is asked again
when the same command is run again; an endpoint that fails again and again ends the synthesis.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from pydantic import ValidationError

from app.bench.authoring import (
    ACCEPTED_FROM,
    MARKS_SCHEMA,
    WRITTEN_SCHEMA,
    Asked,
    Job,
    Left,
    accepted,
    generator_messages,
    judge_messages,
    marked,
    read_marks,
    read_written,
)
from app.bench.tasks import Quality, Task
from app.errors import Fault, InvalidInput, SetupError
from app.judge.decision import blocking
from app.judge.policy import Policy
from app.judge.rules.engine import Ruleset
from app.llm import CallFailure, ChatClient
from app.schemas import Outcome, Usage
from app.schemas.core import Strict

MAX_TOKENS = 1_200
MARK_TOKENS = 200
TEMPERATURE = 0.8
PATIENCE = 8
"""Faults of an endpoint in a row after which the synthesis stops."""
ACCEPTED: Literal["accepted"] = "accepted"
_MAY_PASS = frozenset({Outcome.TIMEOUT, Outcome.RATE_LIMITED, Outcome.UPSTREAM_ERROR, Outcome.NOT_CALLED})


class Makers(Strict):
    """Who writes and who marks: models, their families, and the mark from which a task is accepted."""

    generator: str
    generator_family: str
    judge: str
    judge_family: str
    at_least: int = ACCEPTED_FROM


class Entry(Strict):
    """What became of one job. ``detail`` never quotes a draft; ``task`` is there only when it was accepted."""

    job: str
    outcome: Literal["accepted"] | Left | Outcome
    by: Literal["generator", "judge", "rules"]
    detail: str = ""
    quality: Quality | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    task: Task | None = None

    def line(self) -> str:
        """Its line in the log; the task as it stands in a task file."""
        value = self.model_dump(mode="json", exclude_defaults=True)
        if self.task is not None:
            value["task"] = self.task.record()
        return json.dumps(value, ensure_ascii=False)

    @property
    def final(self) -> bool:
        """Whether asking again would be no use."""
        return self.outcome not in _MAY_PASS


@dataclass(frozen=True)
class Synthesised:
    """The whole log: its accepted tasks in order of id, and how many jobs ended how."""

    tasks: list[Task]
    counts: dict[str, int]
    prompt_tokens: int
    completion_tokens: int


class RuleCheck:
    """Whether the deterministic rules agree with what a task says of its draft."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._rules = Ruleset(policy)

    def against(self, task: Task) -> list[str]:
        """Criteria that a rule blocks although the task does not say that they are broken."""
        stopped = blocking(self._rules.check(task.draft, task.context), self._policy)
        return sorted({finding.criterion for finding in stopped} - set(task.violated))


@dataclass
class Log:
    """The log of one synthesis: its makers, and the last line of each job."""

    path: Path
    makers: Makers
    entries: dict[str, Entry] = field(default_factory=dict)

    @contextmanager
    def writing(self) -> Iterator[Callable[[Entry], None]]:
        """Read what is there, then take further lines; one process at a time.

        Raises
        ------
        InvalidInput
            When the log is of other makers, or a line of it does not fit.
        SetupError
            When another process writes it.
        """
        with self.path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SetupError(f"Another synthesis is writing {self.path.name}; wait for it to end.") from None
            self._read(file)

            def take(entry: Entry) -> None:
                self.entries[entry.job] = entry
                file.write(entry.line() + "\n")
                file.flush()

            yield take

    def _read(self, file: IO[str]) -> None:
        file.seek(0)
        text = file.read()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            # The last line was cut off when the process was stopped; its job is done again.
            file.truncate(len(whole.encode()))
        if not whole:
            file.write(self.makers.model_dump_json() + "\n")
            file.flush()
            return
        first, *rest = whole.removesuffix("\n").split("\n")
        try:
            before = Makers.model_validate_json(first)
        except ValidationError:
            raise InvalidInput(f"{self.path.name} is no log of a synthesis; name another file with --out.") from None
        if before != self.makers:
            raise InvalidInput(
                f"{self.path.name} was begun with {before.generator} and {before.judge} at {before.at_least};"
                " go on with the same, or name another file with --out."
            )
        for number, line in enumerate(rest, start=2):
            try:
                entry = Entry.model_validate_json(line)
            except ValidationError as error:
                first_fault = error.errors(include_input=False)[0]
                fault = Fault(
                    f"{self.path.name}:{number}: " + ".".join(map(str, first_fault["loc"])), first_fault["msg"]
                )
                raise InvalidInput("A line of the log does not fit.", (fault,)) from None
            self.entries[entry.job] = entry

    def result(self) -> Synthesised:
        """What the log holds now."""
        entries = [self.entries[job] for job in sorted(self.entries)]
        return Synthesised(
            tasks=[entry.task for entry in entries if entry.task is not None],
            counts=dict(sorted(Counter(str(entry.outcome) for entry in entries).items())),
            prompt_tokens=sum(entry.prompt_tokens for entry in entries),
            completion_tokens=sum(entry.completion_tokens for entry in entries),
        )


@dataclass
class Synthesis:
    """One generator, one judge, one log."""

    generator: ChatClient
    judge: ChatClient
    log: Log
    rules: RuleCheck
    parallel: int = 4
    _failing: dict[str, int] = field(default_factory=dict)

    async def run(self, jobs: Sequence[Job], tell: Callable[[Entry], None]) -> Synthesised:
        """Do the jobs that the log has not ended yet; ``tell`` hears of each as it ends.

        Raises
        ------
        SetupError
            When an endpoint fails ``PATIENCE`` times in a row; what is done is kept.
        """
        with self.log.writing() as take:
            ended = {job for job, entry in self.log.entries.items() if entry.final}
            waiting = iter([job for job in jobs if job.id not in ended])

            async def work(mine: Iterable[Job]) -> None:
                for job in mine:
                    entry = await self._do(job)
                    take(entry)
                    tell(entry)
                    self._be_patient(entry)

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(max(1, self.parallel)):
                        group.create_task(work(waiting))
            except BaseExceptionGroup as ended_by:
                stopped, others = ended_by.split(SetupError)
                if stopped is None or others is not None:
                    raise
                raise stopped.exceptions[0] from None
            return self.log.result()

    def _be_patient(self, entry: Entry) -> None:
        if entry.by == "rules":
            return
        self._failing[entry.by] = 0 if entry.final else self._failing.get(entry.by, 0) + 1
        if entry.by == "judge":
            self._failing["generator"] = 0
        if self._failing[entry.by] >= PATIENCE:
            raise SetupError(
                f"The endpoint of the {entry.by} fails: {entry.detail}. What is done is kept; the same command goes on."
            )

    async def _do(self, job: Job) -> Entry:
        seed = int.from_bytes(hashlib.sha256(job.id.encode()).digest()[:4]) >> 1
        spent = [0, 0]
        answer = await self.generator.complete(
            generator_messages(job), WRITTEN_SCHEMA, name="draft", temperature=TEMPERATURE, seed=seed,
            max_tokens=MAX_TOKENS,
        )  # fmt: skip
        if isinstance(answer, CallFailure):
            return Entry(job=job.id, outcome=answer.outcome, by="generator", detail=answer.detail)
        _add(spent, answer.usage)
        task = read_written(answer.text, job)
        if isinstance(task, Left):
            return _entry(job, task, "generator", spent)
        if broken := self.rules.against(task):
            return _entry(job, Left.RULES_DISAGREE, "rules", spent, f"the rules also block {', '.join(broken)}")
        reply = await self.judge.complete(
            judge_messages(task, job.criteria), MARKS_SCHEMA, name="marks", temperature=0.0, seed=seed,
            max_tokens=MARK_TOKENS,
        )  # fmt: skip
        if isinstance(reply, CallFailure):
            return _entry(job, reply.outcome, "judge", spent, reply.detail)
        _add(spent, reply.usage)
        quality = read_marks(reply.text)
        if isinstance(quality, Left):
            return _entry(job, quality, "judge", spent)
        if not accepted(quality, self.log.makers.at_least):
            return _entry(job, Left.BELOW_THRESHOLD, "judge", spent, quality=quality)
        makers = self.log.makers.model_dump(exclude={"at_least"})
        return _entry(job, ACCEPTED, "judge", spent, quality=quality, task=marked(task, quality, makers))


async def mark_tasks(
    judge: ChatClient, tasks: Sequence[Task], criteria: Sequence[Asked], tell: Callable[[], None], parallel: int = 4
) -> list[Quality | Left | CallFailure]:
    """Have existing tasks marked, in their order."""
    places = asyncio.Semaphore(max(1, parallel))

    async def one(task: Task) -> Quality | Left | CallFailure:
        async with places:
            reply = await judge.complete(
                judge_messages(task, criteria), MARKS_SCHEMA, name="marks", temperature=0.0, seed=0,
                max_tokens=MARK_TOKENS,
            )  # fmt: skip
        tell()
        return reply if isinstance(reply, CallFailure) else read_marks(reply.text)

    return list(await asyncio.gather(*map(one, tasks)))


def _entry(
    job: Job,
    outcome: Literal["accepted"] | Left | Outcome,
    by: Literal["generator", "judge", "rules"],
    spent: list[int],
    detail: str = "",
    quality: Quality | None = None,
    task: Task | None = None,
) -> Entry:
    return Entry(
        job=job.id, outcome=outcome, by=by, detail=detail, quality=quality, task=task,
        prompt_tokens=spent[0], completion_tokens=spent[1],
    )  # fmt: skip


def _add(spent: list[int], usage: Usage | None) -> None:
    if usage is not None:
        spent[0] += usage.prompt_tokens
        spent[1] += usage.completion_tokens
