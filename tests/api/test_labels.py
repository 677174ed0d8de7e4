"""Labels over HTTP: on items and verdicts, one by one and in bulk, never changed."""

from __future__ import annotations

from typing import Any

import pytest

from app.api.run_examples import ITEMS, SCORES
from tests.api.run_calls import ND, finished, lines, opened, problem, upload
from tests.service import Caller, Service
from tests.worker.fixtures import run_worker

__all__ = ["run_worker"]


@pytest.mark.usefixtures("run_worker")
def test_labels_are_added_and_read_back(agent: Caller, service: Service) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, ITEMS))
    finished(agent, run_id)
    items = agent.ok(agent.get(f"/v1/runs/{run_id}/items"))["items"]
    on_item = {
        "run_id": run_id,
        "task_id": "marlow-2",
        "labeller": "priya",
        "passed": False,
        "criteria": {"capacity": False},
    }
    one = agent.post("/v1/labels", on_item, once="label-1")
    assert one.status_code == 201, one.text
    assert agent.post("/v1/labels", on_item, once="label-1").content == one.content
    stored = one.json()
    assert (stored["verdict_id"], stored["labeller"], stored["criteria"]) == (
        items[1]["verdict_id"],
        "priya",
        {"capacity": False},
    )
    many = [
        {"verdict_id": items[0]["verdict_id"], "labeller": "jo", "passed": True, "note": "fine"},
        {"run_id": run_id, "task_id": "marlow-1", "labeller": "ana", "criteria": {"tone": True, "ask": None}},
        {"run_id": run_id, "task_id": "none such", "labeller": "ana", "passed": True},
        {"verdict_id": items[0]["verdict_id"], "labeller": "ana"},
        "{",
    ]
    result = agent.ok(agent.call("POST", "/v1/labels", ND, content=lines(many)))
    assert (result["received"], result["accepted"], result["rejected"]) == (5, 2, 3)
    assert [fault["line"] for fault in result["errors"]] == [3, 4, 5]
    listed = agent.ok(agent.get("/v1/labels", run_id=run_id))["items"]
    assert [(one["labeller"], one["task_id"]) for one in listed] == [
        ("ana", "marlow-1"),
        ("jo", "marlow-1"),
        ("priya", "marlow-2"),
    ]
    assert [
        one["labeller"] for one in agent.ok(agent.get("/v1/labels", verdict_id=items[1]["verdict_id"]))["items"]
    ] == ["priya"]
    assert len(agent.ok(agent.get("/v1/labels", task_id="marlow-1", labeller="jo"))["items"]) == 1
    refused = agent.call("POST", "/v1/labels", ND, content=lines(many), params={"on_error": "refuse"})
    problem(refused, 422, "invalid-input")
    with pytest.raises(Exception, match="append-only"):
        service.sql("DELETE FROM labels")
    with pytest.raises(Exception, match="append-only"):
        service.sql("UPDATE labels SET passed = true")


@pytest.mark.parametrize(
    "label",
    [
        {"labeller": "a", "passed": True},
        {"labeller": "a", "passed": True, "run_id": "x"},
        {"labeller": "a", "verdict_id": "x"},
        {"verdict_id": "x", "passed": True},
        {"labeller": "a", "passed": True, "verdict_id": "x", "run_id": "y", "task_id": "z"},
    ],
)
def test_a_label_is_on_one_thing_and_somebodys(agent: Caller, label: dict[str, Any]) -> None:
    problem(agent.post("/v1/labels", label), 422, "invalid-input")


def test_a_label_on_nothing_of_the_tenants_is_refused(agent: Caller, service: Service) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, SCORES, "scores"))
    stranger = service.caller()
    label = {"run_id": run_id, "task_id": "marlow-1", "labeller": "eve", "passed": True}
    problem(stranger.post("/v1/labels", label), 404, "not-found")
    problem(stranger.post("/v1/labels", {"verdict_id": "x", "labeller": "eve", "passed": True}), 404, "not-found")
    assert agent.post("/v1/labels", label).status_code == 201
    assert stranger.ok(stranger.get("/v1/labels"))["items"] == []
