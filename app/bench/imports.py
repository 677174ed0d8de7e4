"""Read labelled drafts that other authors published, in their own shapes, into the service's ``Context``.

Their contexts differ in every key, so known facts are taken where they stand and the rest is flattened into the
signal line. Their labels are noisy: a "fail" marks one criterion and says nothing of the others, a "pass" counts only
where no flag speaks against it. Refused: a row without draft or label, named by file, line and field.

Three shapes are known: rows with ``context``, ``draft`` and ``label``; rows with a ``request`` in the article's shape
and a ``label``; and the article's own tasks, with ``input``, ``candidate_output`` and ``ground_truth_output``, whose
candidate counts as "pass" only where it is the reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from app.bench.tasks import Mode, Task, content_key, faults_of, lines_of, object_of, refuse_results
from app.errors import Fault, InvalidInput
from app.schemas import Context, Draft

CATEGORY_CRITERION = {
    "bench_overcommitment": "capacity",
    "signal_fabrication": "grounding",
    "missing_grounding": "grounding",
    "signal_overclaiming": "confidence",
    "gap_overclaiming": "confidence",
    "icp_misclassification": "segment",
    "tone_drift": "tone",
}
_SKIP = re.compile(
    r"instruction|excerpt|timestamp|trace|thread_id|prospect_id|calendar|policy|email|domain|evaluation|bench"
    r"|conversation|history|opt_out|disqualifiers|pair|channel|prompt"
)
_SEGMENTS = (
    (re.compile(r"segment_?\s?([0-4])"), None),
    (re.compile(r"restructur|cost"), 2),
    (re.compile(r"leadership|new_leader|transition"), 3),
    (re.compile(r"capability|gap"), 4),
    (re.compile(r"funded|series_a|series_b"), 1),
)
_SPLITS = {"train_pref": "train", "dev": "valid", "held_out": "test"}
_PROMPT_BENCH = re.compile(r"Bench\s+([a-z]+)\s*=\s*(\d+)", re.IGNORECASE)
REFUSED = "The published drafts do not fit."


@dataclass(frozen=True)
class Imported:
    """One published draft. ``criterion`` is the criterion that a "fail" speaks about, if any."""

    id: str
    author: str
    license: str
    context: Context
    draft: Draft
    failed: bool
    criterion: str | None
    flags: tuple[str, ...]
    pair: str | None
    category: str | None = None
    split: str | None = None
    difficulty: str | None = None
    signal_date: str | None = None
    reference: Draft | None = None
    where: str = ""
    """File and line."""


class _NoThread(Exception):
    """What stands as a conversation is none."""


class _Part(BaseModel):
    """A part of a published row: these keys typed, any others passed over."""

    model_config = ConfigDict(extra="ignore")


class _Mail(Draft):
    model_config = ConfigDict(extra="ignore")

    def draft(self) -> Draft:
        return Draft(subject=self.subject, body=self.body)


class _Labelled(_Part):
    id: str
    source_repo: str
    license: str
    label: Literal["pass", "fail"]
    category_norm: str | None = None
    flags: list[str] | None = None
    pair_id: str | None = None
    split: str | None = None
    difficulty: str | None = None
    signal_date: str | None = None
    reference: _Mail | None = None


class _Published(_Labelled):
    context: dict[str, Any]
    draft: _Mail
    task_type: str | None = None


class _Request(_Part):
    input: dict[str, Any]
    candidate_output: _Mail
    task_type: str


class _Requested(_Labelled):
    source_repo: str = Field(validation_alias=AliasChoices("source_repo", "source"))
    category_norm: str | None = Field(None, validation_alias=AliasChoices("category_norm", "category"))
    request: _Request


class _Metadata(_Part):
    failure_category: str | None = None
    scaled_from_task_id: str | None = None
    signal_date: str | None = None


class _Article(_Part):
    task_id: str
    task_type: str | None = None
    difficulty: str | None = None
    metadata: _Metadata | None = None
    input: dict[str, Any]
    candidate_output: _Mail
    ground_truth_output: _Mail


def read_imports(path: Path) -> Iterator[Imported]:
    """Read one JSONL file of published drafts.

    Raises
    ------
    SetupError
        When the file cannot be read.
    InvalidInput
        Naming file, line and field of the first row that does not fit.
    """
    for number, line in lines_of(path):
        where = f"{path.name}:{number}"
        try:
            row = object_of(line, where)
        except InvalidInput:
            refuse_results(path)
            raise
        try:
            yield _read_row(row, where)
        except ValidationError as error:
            raise InvalidInput(REFUSED, faults_of(error, where)) from None


def _read_row(row: dict[str, Any], where: str) -> Imported:
    """A row of any of the three shapes."""
    if isinstance(row.get("request"), Mapping):
        asked = _Requested.model_validate(row)
        request = asked.request
        context = _context(request.input, request.task_type, where, "request.input")
        return _imported(asked, context, request.candidate_output, where)
    if "candidate_output" in row and "input" in row:
        task = _Article.model_validate(row)
        about, candidate, reference = task.metadata or _Metadata(), task.candidate_output, task.ground_truth_output
        labelled = _Labelled(
            id=task.task_id,
            source_repo="Natnael-Alemseged/SalesConversion-Bench",
            license="CC-BY-4.0",
            label="pass" if candidate == reference else "fail",
            category_norm=about.failure_category,
            pair_id=about.scaled_from_task_id or task.task_id,
            difficulty=task.difficulty,
            signal_date=about.signal_date,
            reference=reference,
        )
        return _imported(labelled, _context(task.input, task.task_type, where, "input"), candidate, where)
    published = _Published.model_validate(row)
    return _imported(
        published, _context(published.context, published.task_type, where, "context"), published.draft, where
    )


def _context(given: dict[str, Any], task_type: str | None, where: str, field: str) -> Context:
    native = "company_name" in given and "icp_segment" in given
    try:
        value = dict(given) if native else convert_context(given)
        if native and task_type is not None and task_type.endswith("_email"):
            value["task_type"] = task_type
        return Context.model_validate(value)
    except ValidationError as error:
        raise InvalidInput(REFUSED, faults_of(error, where, field)) from None
    except RecursionError:
        raise InvalidInput(REFUSED, (Fault(f"{where}: {field}", "is nested too deeply"),)) from None
    except _NoThread:
        fault = Fault(f"{where}: {field}.conversation_history", "must be a list of objects with `role` and `message`")
        raise InvalidInput(REFUSED, (fault,)) from None


def _imported(row: _Labelled, context: Context, mail: _Mail, where: str) -> Imported:
    return Imported(
        id=row.id,
        author=row.source_repo,
        license=row.license,
        context=context,
        draft=mail.draft(),
        failed=row.label == "fail",
        criterion=CATEGORY_CRITERION.get(row.category_norm or ""),
        flags=tuple(row.flags or ()),
        pair=row.pair_id,
        category=row.category_norm or None,
        split=row.split,
        difficulty=row.difficulty,
        signal_date=row.signal_date,
        reference=row.reference.draft() if row.reference else None,
        where=where,
    )


def task_of_import(row: Imported) -> Task:
    """A published draft as a task: "fail" marks the criterion of its category, "pass" marks none.

    The names of common splits become ours; another name stays. Refused, as InvalidInput: what no task may hold, such
    as a difficulty that we do not know.
    """
    flags = {"flags": ", ".join(row.flags)} if row.flags else {}
    value = {
        "task_id": row.id[:200],
        "mode": Mode.HAND_AUTHORED,
        "difficulty": row.difficulty or None,
        "split": None if row.split is None else _SPLITS.get(row.split, row.split),
        "group": (row.pair or row.id)[:200],
        "category": row.category,
        "context": row.context,
        "draft": row.draft,
        "reference": row.reference,
        "passed": not row.failed,
        "scores": {row.criterion: 1} if row.failed and row.criterion else {},
        "signal_date": row.signal_date or None,
        "source": {"author": row.author, "licence": row.license, **flags},
    }
    try:
        return Task.model_validate(value)
    except ValidationError as error:
        raise InvalidInput(REFUSED, faults_of(error, row.where or row.id)) from None


def paired(tasks: Sequence[Task]) -> list[Task]:
    """The tasks, each "fail" of a group that has exactly one "pass" paired with it: the authors' own pairs."""
    honest: dict[str, list[str]] = {}
    for task in tasks:
        if task.passed:
            honest.setdefault(task.cluster, []).append(task.task_id)
    return [
        task.model_copy(update={"pair": honest[task.cluster][0]})
        if task.passed is False and len(honest.get(task.cluster, ())) == 1
        else task
        for task in tasks
    ]


@dataclass(frozen=True)
class Merged:
    """Imported tasks without repetitions.

    ``repeated`` counts records left out because an equal one is there; ``contradicted`` those of them whose label was
    the other one. Of two labels "fail" stays: of published labels it is the more reliable by far. ``renamed`` counts
    tasks whose id another one has already; the later one gets the start of its content's digest behind its own.
    """

    tasks: list[Task]
    repeated: int
    contradicted: int
    renamed: int


def merged(tasks: Iterable[Task]) -> Merged:
    """One task for each context and draft, in order of first appearance."""
    by_content: dict[str, Task] = {}
    ids: set[str] = set()
    repeated = contradicted = renamed = 0
    for given in tasks:
        task, key = given, content_key(given)
        before = by_content.get(key)
        if before is None:
            if task.task_id in ids:
                renamed += 1
                task = task.model_copy(update={"task_id": f"{task.task_id[:190]}~{key[:8]}"})
            ids.add(task.task_id)
            by_content[key] = task
            continue
        repeated += 1
        if before.passed != task.passed:
            contradicted += 1
            if before.passed:
                by_content[key] = task.model_copy(update={"task_id": before.task_id})
    return Merged(paired(list(by_content.values())), repeated, contradicted, renamed)


def convert_context(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A foreign context as ours: company, segment, stage, tier, bench and thread where known, the rest flattened."""
    leaves = list(_leaves(raw))
    prompt = str(raw.get("prompt") or "")
    thread = _thread(raw, prompt)
    signal = [f"{key.replace('_', ' ')}: {value}" for key, value in leaves if not _SKIP.search(key)]
    if prompt:
        signal = [line.strip() for line in prompt.splitlines() if line.startswith(("Company:", "Signal", "Segment"))]
    context: dict[str, Any] = {
        "company_name": _first(leaves, ("company", "company_name")) or _prompt_company(prompt) or "the prospect",
        "icp_segment": _segment(leaves),
        "thread_stage": "reply_active" if thread or raw.get("warm") is True else "cold_first_touch",
        "signal_brief": {"signal_line": "; ".join(signal)[:1_500]},
        "prior_thread": thread,
    }
    if tier := _tier(leaves):
        context["signal_brief"]["signal_confidence_tier"] = tier
    if stacks := _stacks(raw, prompt):
        context["bench_summary"] = {"stacks": stacks}
    return context


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not _SKIP.search(str(name)):
                yield from _leaves(inner, str(name))
    elif isinstance(value, list):
        plain = [str(v) for v in value if not isinstance(v, Mapping | list)]
        if plain:
            yield key, ", ".join(plain)
    elif value not in (None, ""):
        yield key, str(value)


def _first(leaves: list[tuple[str, str]], names: tuple[str, ...]) -> str | None:
    return next((value for key, value in leaves if key in names), None)


def _prompt_company(prompt: str) -> str | None:
    found = re.search(r"Company:\s*([^|\n]+)", prompt)
    return found.group(1).strip() if found else None


def _segment(leaves: list[tuple[str, str]]) -> int:
    text = (_first(leaves, ("icp_segment", "segment")) or "").casefold()
    for pattern, segment in _SEGMENTS:
        if found := pattern.search(text):
            return segment if segment is not None else int(found.group(1))
    return 0


def _tier(leaves: list[tuple[str, str]]) -> str | None:
    text = _first(leaves, ("signal_confidence", "funding_confidence", "confidence", "icp_confidence"))
    if text is None:
        return None
    if text.casefold() in ("high", "medium", "low", "none"):
        return text.casefold()
    try:
        value = float(text)
    except ValueError:
        return None
    return "high" if value >= 0.75 else "medium" if value >= 0.35 else "low" if value > 0 else "none"


def _stacks(raw: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    if found := _PROMPT_BENCH.findall(prompt):
        return {name.lower(): {"available_engineers": int(count)} for name, count in found}
    summary = raw.get("bench_summary")
    if isinstance(summary, Mapping) and isinstance(summary.get("available_capacity"), Mapping):
        counts = summary["available_capacity"]
    else:
        state = raw.get("bench_state")
        counts = state if isinstance(state, Mapping) else {}
    stacks = {}
    for name, count in counts.items():
        if isinstance(count, int) and not isinstance(count, bool) and not str(name).startswith("total"):
            stacks[str(name).removesuffix("_engineers").lower()] = {"available_engineers": count}
    return stacks


def _thread(raw: Mapping[str, Any], prompt: str) -> list[dict[str, str]]:
    messages = []
    history = raw.get("conversation_history") or []
    if not isinstance(history, list) or not all(isinstance(entry, Mapping) for entry in history):
        raise _NoThread
    for entry in history:
        role = "agent" if entry.get("role") == "agent" else "prospect"
        messages.append({"role": role, "content": str(entry.get("message") or entry.get("content") or "")})
    if isinstance(raw.get("reply_text"), str) and raw["reply_text"]:
        messages.append({"role": "prospect", "content": raw["reply_text"]})
    for line in prompt.splitlines():
        head, _, rest = line.partition(":")
        if head.strip() in ("Question", "Prospect", "Prospect message", "Message") and rest.strip():
            messages.append({"role": "prospect", "content": rest.strip()})
    return messages
