"""Runs, items, scores and labels that work when they are pasted; shown in the OpenAPI."""

from __future__ import annotations

from typing import Any

from app.api.examples import CONTEXT, HONEST, OVERCOMMITTED

RUN: dict[str, dict[str, Any]] = {
    "a run": {"name": "nightly", "system": "agent-4", "tags": {"branch": "main"}},
}
ITEMS: list[dict[str, Any]] = [
    {"task_id": "marlow-1", "draft": HONEST, "context": CONTEXT, "category": "capacity"},
    {"task_id": "marlow-2", "draft": OVERCOMMITTED, "context": CONTEXT, "category": "capacity"},
]
SCORES: list[dict[str, Any]] = [
    {"task_id": "marlow-1", "passed": True, "category": "capacity"},
    {"task_id": "marlow-2", "score": 0.25, "category": "capacity"},
    {"task_id": "marlow-3", "outcome": "unparseable"},
]
LABELS: list[dict[str, Any]] = [
    {
        "run_id": "0190b8a0-0000-7000-8000-000000000000",
        "task_id": "marlow-2",
        "labeller": "priya",
        "passed": False,
        "criteria": {"capacity": False},
        "note": "Eight are promised, three are free.",
    }
]
