"""Read labelled drafts that other authors published, in their own shapes, into the service's ``Context``.

Their contexts differ in every key, so known facts are taken where they stand and the rest is flattened into the
signal line. Their labels are noisy: a "fail" marks one criterion and says nothing of the others, a "pass" counts only
where no flag speaks against it. Refused: a row without draft or label, named by file and line.

Three shapes are known: rows with ``context``, ``draft`` and ``label``; rows with a ``request`` in the article's shape
and a ``label``; and the article's own tasks, with ``input``, ``candidate_output`` and ``ground_truth_output``, whose
candidate counts as "pass" only where it is the reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.bench.tasks import Difficulty, Mode, Task, content_key
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


def read_imports(path: Path) -> Iterator[Imported]:
    """Read one JSONL file of published drafts.

    Raises
    ------
    InvalidInput
        Naming file, line and field of the first row that does not fit.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            where = f"{path.name}:{number}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InvalidInput(f"The row {where} is no JSON object.") from error
            try:
                yield _read_row(row)
            except ValidationError as error:
                first = error.errors(include_input=False)[0]
                fault = Fault(".".join(str(part) for part in first["loc"]), first["msg"])
                raise InvalidInput(f"The row {where} does not fit.", (fault,)) from error
            except (ValueError, KeyError, TypeError) as error:
                said = f"it has no {error}" if isinstance(error, KeyError) else str(error)
                raise InvalidInput(f"The row {where} needs a context, a draft and a label: {said}.") from error


def _unified(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the second or third shape as one of the first."""
    if isinstance(row.get("request"), Mapping):
        request = row["request"]
        parts = {"context": request["input"], "draft": request["candidate_output"], "task_type": request["task_type"]}
        return {"source_repo": row.get("source"), "category_norm": row.get("category"), **row, **parts}
    if "candidate_output" in row and "input" in row:
        metadata = row.get("metadata") or {}
        candidate, reference = row["candidate_output"], row["ground_truth_output"]
        alike = all(candidate[part] == reference[part] for part in ("subject", "body"))
        return {
            "id": row["task_id"],
            "source_repo": "Natnael-Alemseged/SalesConversion-Bench",
            "license": "CC-BY-4.0",
            "context": row["input"],
            "draft": candidate,
            "reference": {part: reference[part] for part in ("subject", "body")},
            "label": "pass" if alike else "fail",
            "category_norm": metadata.get("failure_category", ""),
            "pair_id": metadata.get("scaled_from_task_id") or row["task_id"],
            "signal_date": metadata.get("signal_date"),
            "difficulty": row.get("difficulty"),
            "task_type": row.get("task_type"),
        }
    return row


def _read_row(given: dict[str, Any]) -> Imported:
    row = _unified(given)
    if row["label"] not in ("pass", "fail"):
        raise ValueError("label must be pass or fail")
    context = row["context"]
    native = "company_name" in context and "icp_segment" in context
    task_type = row.get("task_type")
    value = dict(context) if native else convert_context(context)
    if native and str(task_type).endswith("_email"):
        value["task_type"] = task_type
    return Imported(
        id=row["id"],
        author=row["source_repo"],
        license=row["license"],
        context=Context.model_validate(value),
        draft=Draft(subject=row["draft"]["subject"], body=row["draft"]["body"]),
        failed=row["label"] == "fail",
        criterion=CATEGORY_CRITERION.get(row.get("category_norm") or ""),
        flags=tuple(row.get("flags") or ()),
        pair=row.get("pair_id"),
        category=row.get("category_norm") or None,
        split=row.get("split"),
        difficulty=row.get("difficulty"),
        signal_date=row.get("signal_date"),
        reference=Draft(**row["reference"]) if row.get("reference") else None,
    )


def task_of_import(row: Imported) -> Task:
    """A published draft as a task: "fail" marks the criterion of its category, "pass" marks none.

    The names of common splits become ours; another name stays.
    """
    return Task(
        task_id=row.id[:200],
        mode=Mode.HAND_AUTHORED,
        difficulty=Difficulty(row.difficulty) if row.difficulty else None,
        split=None if row.split is None else _SPLITS.get(row.split, row.split),
        group=(row.pair or row.id)[:200],
        category=row.category,
        context=row.context,
        draft=row.draft,
        reference=row.reference,
        passed=not row.failed,
        scores={row.criterion: 1} if row.failed and row.criterion else {},
        signal_date=date.fromisoformat(row.signal_date) if row.signal_date else None,
        source={"author": row.author, "licence": row.license, **({"flags": ", ".join(row.flags)} if row.flags else {})},
    )


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
    for entry in raw.get("conversation_history") or ():
        role = "agent" if entry.get("role") == "agent" else "prospect"
        messages.append({"role": role, "content": str(entry.get("message") or entry.get("content") or "")})
    if isinstance(raw.get("reply_text"), str) and raw["reply_text"]:
        messages.append({"role": "prospect", "content": raw["reply_text"]})
    for line in prompt.splitlines():
        head, _, rest = line.partition(":")
        if head.strip() in ("Question", "Prospect", "Prospect message", "Message") and rest.strip():
            messages.append({"role": "prospect", "content": rest.strip()})
    return messages
