"""The task record of Presend-Bench: context, draft, labels and where they come from; one JSON object a line.

A set of tasks is a file that people can write by hand, so everything that does not fit is named by file, line and
field. Refused: an unknown key, two tasks of one id, two tasks with the same context and draft, a task without a label
and a label that contradicts its scores.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, ValidationError, model_validator

from app.bench.generate import Example
from app.errors import Fault, InvalidInput, SetupError
from app.schemas import Context, CriterionId, Draft, Group, Name, TaskId, Text
from app.schemas.core import Strict

PASSES_FROM = 3
"""The lowest score that does not violate a criterion."""
MAX_FAULTS = 20
NO_OBJECT = "is no JSON object"
RESULTS = "has results of systems and no drafts; `presend runs create FILE --system NAME` stores them as a run"

Score = Annotated[StrictInt, Field(ge=1, le=5)]


class Mode(StrEnum):
    """How a task was authored."""

    TRACE_DERIVED = "trace_derived"
    PROGRAMMATIC = "programmatic"
    MULTI_LLM_SYNTHESIS = "multi_llm_synthesis"
    HAND_AUTHORED = "hand_authored"


class Difficulty(StrEnum):
    """How hard a task is meant to be."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class Quality(Strict):
    """A judge's marks on the task itself, 1 to 5; see :mod:`app.bench.authoring`."""

    coherence: Score
    verifiability: Score
    rubric_clarity: Score

    @property
    def lowest(self) -> int:
        """The mark that decides whether the task is accepted."""
        return min(self.coherence, self.verifiability, self.rubric_clarity)

    @property
    def total(self) -> int:
        """The sum of the three marks, which settles ties."""
        return self.coherence + self.verifiability + self.rubric_clarity


class Task(Strict):
    """One labelled draft with the facts that it was written from.

    ``scores`` holds 1-5 per criterion, null where nothing is known; ``passed`` labels the draft as a whole. ``group``
    names tasks that belong together: they are split and resampled as one. ``pair`` is the id of the honest task of
    which this one is the minimal violation. ``source`` says whose the task is: author, licence, models, run.
    """

    task_id: TaskId
    mode: Mode
    difficulty: Difficulty | None = None
    split: Name | None = None
    group: Group | None = None
    family: Group | None = None
    vendor: Name | None = None
    category: Group | None = None
    context: Context
    draft: Draft
    reference: Draft | None = None
    passed: StrictBool | None = None
    scores: dict[CriterionId, Score | None] = Field(default_factory=dict)
    pair: TaskId | None = None
    moves: list[Name] = Field(default_factory=list)
    hostile: StrictBool = False
    why: Text = ""
    signal_date: date | None = None
    quality: Quality | None = None
    source: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _label_is_there_and_of_one_mind(self) -> Task:
        decided = [score for score in self.scores.values() if score is not None]
        if self.passed is None and not decided:
            raise ValueError("a task needs a label: `passed`, or a score on at least one criterion")
        if self.passed and self.violated:
            raise ValueError(f"`passed` is true, yet `scores` has {self.violated[0]} below {PASSES_FROM}")
        return self

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task_id

    @property
    def cluster(self) -> str:
        """What it is split and resampled with: its group, else itself."""
        return self.group or self.task_id

    @property
    def violated(self) -> tuple[str, ...]:
        """Criteria scored below 3."""
        return tuple(c for c, score in self.scores.items() if score is not None and score < PASSES_FROM)

    def record(self) -> dict[str, Any]:
        """The task as it stands in a file: only what was given, the context with the keys that came."""
        made = self.model_dump(mode="json", exclude_defaults=True)
        made["context"] = self.context.model_dump(mode="json", exclude_unset=True)
        return made

    def line(self) -> str:
        """Its line in a file, always the same for the same task: sorted keys, no spaces."""
        return json.dumps(self.record(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def task_of(example: Example) -> Task:
    """A generated example as a task."""
    scores = dict(example.scores)
    decided = all(score is not None for score in scores.values())
    return Task(
        task_id=example.id,
        mode=Mode(getattr(example, "mode", Mode.PROGRAMMATIC)),
        difficulty=getattr(example, "difficulty", None),
        split=example.split,
        group=example.group,
        family=example.family,
        vendor=getattr(example, "vendor", None),
        category=example.violated[0] if example.violated else None,
        context=example.parsed_context,
        draft=example.draft,
        passed=False if example.violated else True if decided else None,
        scores=scores,
        pair=example.pair,
        moves=list(example.moves),
        hostile=example.hostile,
        why=example.why,
    )


def read_tasks(*paths: Path) -> list[Task]:
    """Read one task set from one or more files.

    Raises
    ------
    SetupError
        When a file cannot be read.
    InvalidInput
        Naming file, line and field of what does not fit; at most 20 of them.
    """
    tasks: list[Task] = []
    faults: list[Fault] = []
    ids: dict[str, str] = {}
    texts: dict[str, str] = {}
    for path in paths:
        for number, line in lines_of(path):
            where = f"{path.name}:{number}"
            found = _task(line, where, faults)
            if found is None:
                continue
            if (before := ids.setdefault(found.task_id, where)) != where:
                faults.append(Fault(f"{where}: task_id", f"is taken by {before} already"))
            elif (before := texts.setdefault(content_key(found), where)) != where:
                faults.append(Fault(f"{where}: draft", f"is, with its context, the same as in {before}"))
            else:
                tasks.append(found)
    if faults:
        what = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        more = f", of which {MAX_FAULTS} are shown" if len(faults) > MAX_FAULTS else ""
        raise InvalidInput(f"The tasks do not fit: {what}{more}.", tuple(faults[:MAX_FAULTS]))
    if not tasks:
        raise InvalidInput(f"{', '.join(path.name for path in paths)}: there are no tasks.")
    return tasks


def written_tasks() -> list[Task]:
    """The drafts that ship with the package, written one by one for training and calibration."""
    return read_tasks(*sorted((Path(__file__).parent / "written").glob("*.jsonl")))


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line of a JSONL file that is not blank; a byte order mark is passed over.

    Raises
    ------
    SetupError
        When the file cannot be read.
    InvalidInput
        Naming the line that is not UTF-8.
    """
    try:
        data = path.read_bytes().removeprefix(BOM_UTF8)
    except OSError as error:
        raise SetupError(f"The file {path} cannot be read: {type(error).__name__}.") from None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise InvalidInput("The file does not fit.", (Fault(f"{path.name}:{number}", "is not UTF-8 text"),)) from None
    # Not `splitlines`: a draft may hold characters that it takes for line ends.
    yield from ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def object_of(line: str, where: str) -> dict[str, Any]:
    """The JSON object of one line; another value is refused as InvalidInput that names ``where``."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput("The line does not fit.", (Fault(where, NO_OBJECT),))
    return value


def refuse_results(path: Path) -> None:
    """Say where a file belongs that is one JSON object of tasks with what several systems reached on each.

    Raises
    ------
    InvalidInput
        When it is such a file.
    """
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return
    tasks = found.get("tasks") if isinstance(found, dict) else None
    if isinstance(tasks, dict) and all(isinstance(one, dict) for one in tasks.values()):
        raise InvalidInput("The file holds no drafts.", (Fault(path.name, RESULTS),)) from None


def faults_of(error: ValidationError, where: str, inside: str = "") -> tuple[Fault, ...]:
    """Everything that does not fit, each with ``where`` and its field, which lies in the field ``inside``."""
    faults = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        field = ".".join(str(part) for part in (*filter(None, (inside,)), *item["loc"]))
        said = item["msg"].removeprefix("Value error, ").replace("Field required", "is missing")
        said = NO_OBJECT if item["type"] in ("json_invalid", "model_type", "dict_type") else said
        faults.append(Fault(f"{where}: {field}" if field else where, said))
    return tuple(faults)


def _task(line: str, where: str, faults: list[Fault]) -> Task | None:
    try:
        return Task.model_validate_json(line)
    except ValidationError as error:
        faults.extend(faults_of(error, where))
        return None


def write_tasks(path: Path, tasks: Iterable[Task]) -> int:
    """Write a file of tasks, whole or not at all; returns how many."""
    count = 0
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
    ) as part:
        try:
            for task in tasks:
                part.write(task.line() + "\n")
                count += 1
        except BaseException:
            Path(part.name).unlink()
            raise
    os.chmod(part.name, 0o644)
    Path(part.name).replace(path)
    return count


def without_repetitions(tasks: Iterable[Task]) -> list[Task]:
    """The first task of each context and draft."""
    found: dict[str, Task] = {}
    for task in tasks:
        found.setdefault(content_key(task), task)
    return list(found.values())


def content_key(task: Task) -> str:
    """SHA-256 (hex) of what would be judged: context and draft."""
    shown = [task.context.model_dump(mode="json", exclude_unset=True), task.draft.model_dump()]
    return hashlib.sha256(json.dumps(shown, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def digest_of_tasks(tasks: Sequence[Task]) -> str:
    """SHA-256 (hex) of a task set, whatever the order of its tasks."""
    hasher = hashlib.sha256()
    for task in sorted(tasks, key=lambda one: one.task_id):
        hasher.update(task.line().encode() + b"\n")
    return hasher.hexdigest()


def counted(tasks: Sequence[Task]) -> dict[str, dict[str, int]]:
    """How many tasks there are of each mode, difficulty, vendor, family, label and violated criterion."""
    labels = Counter("undecided" if t.passed is None else "pass" if t.passed else "fail" for t in tasks)
    violated = Counter(criterion for t in tasks for criterion in t.violated)
    parts: dict[str, Counter[str]] = {
        "mode": Counter(t.mode.value for t in tasks),
        "difficulty": Counter(t.difficulty.value if t.difficulty else "not given" for t in tasks),
        "vendor": Counter(t.vendor or "not given" for t in tasks),
        "family": Counter(t.family or "not given" for t in tasks),
        "label": labels,
        "violated": violated,
    }
    return {name: dict(sorted(counter.items())) for name, counter in parts.items()}
