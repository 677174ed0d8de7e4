"""Drafts that others labelled, as Presend's requests.

Each source has its own shape of context; :func:`to_context` turns them into one. The rules of the adapter: company and
stage come from the keys that name them, the segment is 0 unless a typed number is given, capacity becomes stack
records, a conversation becomes the thread, and everything else is flattened into the signal line as ``key: value``.
The labels are their authors' and are known to be noisy, the "pass" labels above all.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.schemas import Context, Draft

ROOT = Path(__file__).resolve().parents[2]
_CAPACITY = re.compile(r"([a-z+#]+)_engineers")
_PROMPT_BENCH = re.compile(r"Bench (\w+)=(\d+)")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One draft with its context; ``fails`` is what the label says."""

    id: str
    source: str
    category: str | None
    draft: Draft
    context: Context
    fails: bool


def data_file(name: str) -> Path:
    """``name`` in the shared data folder (``PRESEND_SHARED`` or ../shared); fails with its path when missing."""
    path = Path(os.environ.get("PRESEND_SHARED", ROOT.parent / "shared")) / "data" / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; set PRESEND_SHARED to the folder that holds data/{name}")
    return path


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with data_file(name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def load_adjudicated() -> list[Labelled]:
    """The 79 drafts that were labelled again, blind."""
    found = []
    for row in _rows("dev_adjudicated.jsonl"):
        request = row["request"]
        context = Context.model_validate({**request["input"], "task_type": request["task_type"]})
        draft = Draft.model_validate(request["candidate_output"])
        found.append(Labelled(row["id"], row["source"], row["category"], draft, context, row["label"] == "fail"))
    return found


def load_noisy(name: str, *, without: frozenset[str] = frozenset()) -> list[Labelled]:
    """One third-party file, without the ids in ``without`` and without repeated texts in one context."""
    found = []
    seen: set[tuple[str, str]] = set()
    for row in _rows(name):
        key = (row["draft"]["subject"] + "\n" + row["draft"]["body"], json.dumps(row["context"], sort_keys=True))
        if row["id"] in without or f"ext:{row['id']}" in without or key in seen:
            continue
        seen.add(key)
        context = to_context(row["context"], row["task_type"])
        draft = Draft(subject=row["draft"]["subject"], body=row["draft"]["body"])
        found.append(
            Labelled(row["id"], row["source_repo"], row["category_norm"], draft, context, row["label"] == "fail")
        )
    return found


def to_context(raw: dict[str, Any], task_type: str) -> Context:
    """One of the seven shapes as a :class:`Context`."""
    if "thread_stage" in raw:
        return Context.model_validate({**raw, "task_type": task_type})
    raw = dict(raw)
    prompt = raw.pop("prompt", None)
    if prompt is not None:
        return _from_prompt(prompt)
    thread = [
        {"role": "agent" if turn.get("role") == "agent" else "prospect", "content": turn.get("message", "")}
        for turn in raw.pop("conversation_history", None) or ()
    ]
    if "reply_text" in raw:
        thread.append({"role": "prospect", "content": str(raw.pop("reply_text"))})
    for noise in (
        "pricing_policy",
        "outreach_instruction",
        "system_prompt_excerpt",
        "evaluation_instruction",
        "domain",
    ):
        raw.pop(noise, None)
    stacks = _stacks(raw)
    pairs = list(_flat(raw, ()))
    company = next((v for k, v in pairs if k in {"company", "company name"}), None) or "Unknown"
    stage = "reply_active" if thread else "cold_first_touch"
    if raw.get("event_type") == "reply_processed":
        stage = "ready_to_schedule" if "offer_scheduling" in json.dumps(raw) else "reply_active"
    tier = next((v.lower() for k, v in pairs if k.endswith("confidence") and v.lower() in _TIERS), None)
    return Context.model_validate(
        {
            "company_name": company[:200],
            "icp_segment": 0,
            "thread_stage": stage,
            "task_type": "warm_reply_email" if thread else "cold_outbound_email",
            "signal_brief": {
                "signal_line": "; ".join(f"{k}: {v}" for k, v in pairs)[:20_000],
                "signal_confidence_tier": tier,
            },
            "bench_summary": {"stacks": stacks} if stacks else None,
            "prior_thread": thread,
        }
    )


_TIERS = {"high", "medium", "low", "none"}
_INNER = {"prospect_data", "signal_brief", "hiring_signal_brief", "enrichment_brief", "available_signals"}


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, path if key in _INNER else (*path, key.replace("_", " ")))
    elif isinstance(value, list):
        if value:
            yield " ".join(path), ", ".join(json.dumps(v) if isinstance(v, dict) else str(v) for v in value)
    elif value is not None:
        yield " ".join(path), str(value)


def _stacks(raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Stack records out of the four shapes of capacity; what is understood is taken out of ``raw``."""
    stacks: dict[str, dict[str, Any]] = {}
    state = raw.pop("bench_state", None) or {}
    for key, count in state.items():
        named = _CAPACITY.fullmatch(key)
        if named and isinstance(count, int):
            stacks[named.group(1)] = {"available_engineers": count}
    summary = raw.get("bench_summary")
    if isinstance(summary, dict) and isinstance(summary.get("available_capacity"), dict):
        raw.pop("bench_summary")
        days = summary.get("max_supported_start_days")
        for name, count in summary["available_capacity"].items():
            stacks[name.lower()] = {"available_engineers": count, "time_to_deploy_days": days}
    context = raw.pop("bench_context", None) or {}
    for name, record in context.items():
        if isinstance(record, dict) and "available_engineers" in record:
            stacks[name] = {"available_engineers": record["available_engineers"], "note": record.get("note", "")}
        else:
            raw[name] = record
    return stacks


def _from_prompt(prompt: str) -> Context:
    facts = prompt.rsplit("\n\n", 1)[-1]
    company = re.search(r"Company: ([^|\n]+)", facts)
    asked = re.search(r"(?:Question|Prospect): (.+)", facts, re.DOTALL)
    bench = {name: {"available_engineers": int(n)} for name, n in _PROMPT_BENCH.findall(facts)}
    segment = re.search(r"Segment: ([0-4])", facts)
    return Context.model_validate(
        {
            "company_name": (company.group(1).strip() if company else "Unknown")[:200],
            "icp_segment": int(segment.group(1)) if segment else 0,
            "thread_stage": "reply_active" if asked else "cold_first_touch",
            "signal_brief": {"signal_line": facts.replace(" | ", "; ").replace("Jobs:", "open roles:")[:20_000]},
            "bench_summary": {"stacks": bench} if bench else None,
            "prior_thread": [{"role": "prospect", "content": asked.group(1).strip()}] if asked else [],
        }
    )
