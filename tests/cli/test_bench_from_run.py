"""`presend bench from-run` against a running service: labelled items of a stored run become tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.api.run_examples import ITEMS
from app.bench.tasks import read_tasks
from tests.cli.conftest import Presend, Ran
from tests.service import Caller, Service, agent, service, shared_service

__all__ = ["agent", "service", "shared_service"]


@pytest.fixture
def run(agent: Caller) -> str:
    """A run of three items, one with a name that a URL must quote."""
    run_id: str = agent.post("/v1/runs", {"name": "nightly", "system": "s"}).json()["id"]
    items = [*ITEMS, {**ITEMS[0], "task_id": "odd/name?#1", "cluster": "c"}]
    agent.ok(agent.post(f"/v1/runs/{run_id}/items", items))
    return run_id


@pytest.fixture
def from_run(presend: Presend, service: Service, agent: Caller, tmp_path: Path) -> Presend:
    def ask(*arguments: str) -> Ran:
        out = str(tmp_path / "traces.jsonl")
        return presend("bench", "from-run", *arguments, "--out", out, "--url", service.url, "--key", agent.key)

    return ask


def label(agent: Caller, run_id: str, *labels: dict[str, Any]) -> None:
    lines = "\n".join(json.dumps({"run_id": run_id, **one}) for one in labels)
    agent.ok(agent.raw("/v1/labels", lines, **{"Content-Type": "application/x-ndjson"}))


def test_labelled_items_become_tasks(from_run: Presend, run: str, agent: Caller, tmp_path: Path) -> None:
    label(
        agent, run,
        {"task_id": "marlow-2", "labeller": "priya", "passed": False, "criteria": {"capacity": False}},
        {"task_id": "odd/name?#1", "labeller": "jonas", "passed": True},
        {"task_id": "marlow-1", "labeller": "priya", "passed": True},
        {"task_id": "marlow-1", "labeller": "jonas", "passed": False},
    )  # fmt: skip
    ran = from_run("nightly")
    assert ran.code == 0, ran.err
    assert "2 tasks (1 fail, 1 pass)" in ran.out
    assert "1 left out: its labels contradict each other" in ran.out
    tasks = {one.task_id: one for one in read_tasks(tmp_path / "traces.jsonl")}
    failed = tasks[f"run-{run[:8]}-marlow-2"]
    assert (failed.passed, failed.scores, failed.mode) == (False, {"capacity": 1}, "trace_derived")
    assert failed.draft.model_dump() == ITEMS[1]["draft"]
    assert json.loads(failed.line())["context"]["company_name"] == ITEMS[1]["context"]["company_name"]
    assert tasks[f"run-{run[:8]}-odd/name?#1"].group == "c"
    only = from_run(run, "--labeller", "jonas")
    assert "2 tasks (1 fail, 1 pass)" in only.out


def test_more_labels_than_a_page(from_run: Presend, run: str, agent: Caller) -> None:
    label(agent, run, *({"task_id": "marlow-1", "labeller": f"p{n}", "passed": True} for n in range(501)))
    label(agent, run, {"task_id": "marlow-2", "labeller": "priya", "passed": False})
    assert "2 tasks (1 fail, 1 pass)" in from_run(run).out


def test_a_run_without_labels_makes_no_tasks(from_run: Presend, run: str, tmp_path: Path) -> None:
    ran = from_run("nightly")
    assert (ran.code, "The run nightly has no labels" in ran.err) == (1, True)
    assert "no run of the name" in from_run("none such").err
    assert not (tmp_path / "traces.jsonl").exists()
