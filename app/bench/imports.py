"""Read labelled drafts that other authors published, in their own shapes, into the service's ``Context``.

Their contexts differ in every key, so known facts are taken where they stand and the rest is flattened into the
signal line. Their labels are noisy: a "fail" marks one criterion and says nothing of the others, a "pass" counts only
where no flag speaks against it. Refused: a row without draft or label, named by file and line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

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
                yield _read_row(row)
            except ValidationError as error:
                first = error.errors(include_input=False)[0]
                fault = Fault(".".join(str(part) for part in first["loc"]), first["msg"])
                raise InvalidInput(f"The row {where} does not fit.", (fault,)) from error
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidInput(f"The row {where} needs a context, a draft and a label: {error}.") from error


def _read_row(row: dict[str, Any]) -> Imported:
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
        criterion=CATEGORY_CRITERION.get(row.get("category_norm", "")),
        flags=tuple(row.get("flags") or ()),
        pair=row.get("pair_id"),
    )


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
