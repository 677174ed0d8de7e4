"""Files of drafts or of results, as the items and scores of a run: JSONL, JSON and CSV in the shapes that people have.

Known shapes: Presend's own items and scores; task files with ``input`` and ``candidate_output``; published sets with an
``id``, a context of their own and a draft; results of several systems in one file, of which one is taken. What a row
lacks is named by file and line, before anything is sent.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.bench.imports import convert_context
from app.errors import Fault, InvalidInput, SetupError

_FACTS = ("company_name", "icp_segment", "thread_stage", "task_type")
_SIGNAL = ("signal_line", "signal_confidence_tier")
_RESULTS = ("passed", "pass", "success", "score", "weighted_score", "outcome")
_KINDS = frozenset({"cold_outbound_email", "warm_reply_email", "re_engagement_email"})
MAX_FAULTS = 20


@dataclass(frozen=True)
class Row:
    """One record of a file: where it stands, and what is sent for it."""

    line: int
    value: dict[str, Any]


@dataclass(frozen=True)
class Records:
    """What a file holds: ``kind`` is ``items`` or ``scores``."""

    kind: str
    rows: list[Row]


def read_records(path: Path, *, system: str, field: str | None = None) -> Records:
    """Read a file of drafts or results.

    ``system`` picks one system's results where a file holds several; ``field`` names the column that holds the result.

    Raises
    ------
    SetupError
        When the file cannot be read.
    InvalidInput
        Naming the file and each line that does not fit.
    """
    found: list[tuple[Row, str]] = []
    faults: list[Fault] = []
    for line, raw in _raw_rows(path, system):
        try:
            value, kind = _record(raw, line, field)
            found.append((Row(line, value), kind))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            said = f"has no {error}" if isinstance(error, KeyError) else str(error)
            faults.append(Fault(f"{path.name}:{line}", said))
    if faults:
        what = "1 record" if len(faults) == 1 else f"{len(faults)} records"
        raise InvalidInput(f"{what} of {path.name} cannot be used.", tuple(faults[:MAX_FAULTS]))
    if not found:
        raise InvalidInput(f"{path.name} holds no records.")
    kinds = {kind for _, kind in found}
    if len(kinds) > 1:
        raise InvalidInput(f"{path.name} holds drafts and results; a run takes one or the other.")
    return Records(kinds.pop(), [row for row, _ in found])


def _raw_rows(path: Path, system: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The file {path} cannot be read: {type(error).__name__}.") from None
    if path.suffix.lower() == ".csv":
        yield from _csv_rows(path, text)
        return
    if path.suffix.lower() == ".json" or text.lstrip().startswith("["):
        yield from _json_rows(path, text, system)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                value = json.loads(line)
            except ValueError:
                value = None
            if not isinstance(value, dict):
                raise InvalidInput(f"{path.name} is not JSONL.", (Fault(f"{path.name}:{number}", "is no JSON object"),))
            yield number, value


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows with the line on which each begins; a quoted field may hold line breaks, and keeps them."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    line = 2
    try:
        for row in reader:
            yield line, {k: v or None for k, v in row.items() if k}
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(f"{path.name} is not CSV.", (Fault(f"{path.name}:{line}", str(error)),)) from None


def _json_rows(path: Path, text: str, system: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{path.name} is not JSON: {error}.") from None
    tasks = value.get("tasks") if isinstance(value, dict) else value
    if isinstance(tasks, dict):
        systems = sorted({name for by in tasks.values() if isinstance(by, dict) for name in by})
        if system not in systems:
            raise InvalidInput(f"{path.name} has results of {', '.join(systems)}; choose one with --system.")
        for number, (task, by) in enumerate(tasks.items(), start=1):
            yield number, {"task_id": task, **by.get(system, {})}
    elif isinstance(tasks, list):
        yield from enumerate(tasks, start=1)
    else:
        raise InvalidInput(f"{path.name} holds neither a list of records nor tasks by name.")


def _record(raw: Mapping[str, Any], line: int, field: str | None) -> tuple[dict[str, Any], str]:
    if isinstance(raw.get("request"), Mapping):
        raw = {**raw, **raw["request"]}
    groups = _groups(raw)
    task_id = str(raw.get("task_id") or raw.get("id") or f"line-{line}")
    draft = raw.get("draft") or raw.get("candidate_output")
    if draft is None and raw.get("body") is not None:
        draft = {"subject": raw.get("subject"), "body": raw["body"]}
    if field is None and draft is not None:
        draft = {"subject": draft.get("subject") or "", "body": draft["body"]}
        return {"task_id": task_id, "draft": draft, "context": _context(raw), **groups}, "items"
    if field is not None or any(name in raw for name in _RESULTS):
        return {"task_id": task_id, **_result(raw, field), **groups}, "scores"
    raise ValueError("holds neither a draft nor a result (`passed` or `score`; --field names another)")


def _groups(raw: Mapping[str, Any]) -> dict[str, str]:
    metadata = raw.get("metadata") if isinstance(raw.get("metadata"), Mapping) else {}
    category = raw.get("category_norm") or raw.get("category") or raw.get("failure_category")
    category = category or (metadata or {}).get("failure_category")
    cluster = raw.get("cluster") or raw.get("pair_id") or (metadata or {}).get("scaled_from_task_id")
    return {k: str(v)[:200] for k, v in (("category", category), ("cluster", cluster)) if v}


def _context(raw: Mapping[str, Any]) -> dict[str, Any]:
    context = raw.get("context") or raw.get("input")
    if isinstance(context, str):
        context = json.loads(context)
    if context is None:
        context = {name: raw[name] for name in _FACTS if raw.get(name) is not None}
        context["signal_brief"] = {name: raw[name] for name in _SIGNAL if raw.get(name) is not None}
        context["icp_segment"] = int(context.get("icp_segment", 0))
        context.setdefault("thread_stage", "cold_first_touch")
        if "company_name" not in context:
            raise ValueError("has no company_name, and no context")
        return context
    if not isinstance(context, Mapping):
        raise TypeError("has a context that is no object")
    if not ("company_name" in context and "icp_segment" in context and "thread_stage" in context):
        return convert_context(context)
    kind = raw.get("task_type")
    return dict(context) if kind not in _KINDS or "task_type" in context else {**context, "task_type": kind}


def _result(raw: Mapping[str, Any], field: str | None) -> dict[str, Any]:
    if field is not None:
        value = raw[field]
        return _number_or_truth(value)
    result: dict[str, Any] = {}
    truth = next((raw[name] for name in ("passed", "pass", "success") if name in raw), None)
    number = next((raw[name] for name in ("score", "weighted_score") if name in raw), None)
    if truth is not None:
        result["passed"] = _truth(truth)
    if number is not None:
        result["score"] = float(number)
    if raw.get("outcome"):
        result["outcome"] = raw["outcome"]
    return result


def _number_or_truth(value: Any) -> dict[str, Any]:
    if value is None or value == "":
        return {}
    if isinstance(value, bool) or str(value).lower() in _TRUTHS:
        return {"passed": _truth(value)}
    return {"score": float(value)}


_TRUTHS = {"true": True, "false": False, "pass": True, "fail": False, "yes": True, "no": False, "t": True, "f": False}


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    text = str(value).strip().lower()
    if text in ("0", "1"):
        return text == "1"
    if text not in _TRUTHS:
        raise ValueError("has a result that is neither true nor false")
    return _TRUTHS[text]
