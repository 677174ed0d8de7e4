"""Runs over HTTP: judged by a worker of their own, read, exported, moved, listed and erased."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from app.api.examples import CONTEXT, OVERCOMMITTED
from app.api.run_examples import ITEMS, LABELS, SCORES
from app.db.keys import Scope
from tests.api.run_calls import ND, finished, lines, opened, problem, upload
from tests.service import Caller, Service
from tests.worker.fixtures import run_worker
from tests.worker.shapes import check_books, item

__all__ = ["run_worker"]


@pytest.mark.usefixtures("run_worker")
def test_a_run_from_its_upload_to_its_export(agent: Caller, service: Service) -> None:
    run_id = opened(agent, tags={"branch": "main"})
    result = agent.ok(
        upload(agent, run_id, [*ITEMS, '{"task_id": "broken"', {"task_id": "no-draft", "context": CONTEXT}])
    )
    assert (result["received"], result["accepted"], result["rejected"]) == (4, 2, 2)
    assert [(fault["line"], fault["path"]) for fault in result["errors"]] == [(3, "line"), (4, "draft")]
    assert result["errors"][1]["task_id"] == "no-draft"
    run = finished(agent, run_id)
    assert (run["counts"]["total"], run["counts"]["judged"], run["counts"]["passed"], run["counts"]["failed"]) == (
        2,
        2,
        1,
        1,
    )
    assert (run["system"], run["tags"], run["kind"], run["created_by"]) == (
        "agent-4",
        {"branch": "main"},
        "judged",
        agent.key_id,
    )
    assert len(run["task_set_digest"]) == 64
    assert run["judge_digest"] == agent.ok(agent.get("/v1/judge"))["digest"]
    assert run["judge"]["model"] == "presend-judge"

    items = agent.ok(agent.get(f"/v1/runs/{run_id}/items"))["items"]
    assert [(one["seq"], one["task_id"], one["passed"], one["category"]) for one in items] == [
        (1, "marlow-1", True, "capacity"),
        (2, "marlow-2", False, "capacity"),
    ]
    full = agent.ok(agent.get(f"/v1/runs/{run_id}/items/marlow-2"))
    assert full["draft"] == OVERCOMMITTED
    verdict = agent.ok(agent.get(f"/v1/verdicts/{full['verdict_id']}"))
    assert (verdict["run_id"], verdict["task_id"], verdict["passed"]) == (run_id, "marlow-2", False)
    assert {one["id"] for one in agent.ok(agent.get("/v1/verdicts", run_id=run_id))["items"]} == {
        one["verdict_id"] for one in items
    }

    exported = [json.loads(line) for line in agent.get(f"/v1/runs/{run_id}/export").text.splitlines()]
    assert exported[1]["verdict"] == verdict
    rows = list(csv.DictReader(io.StringIO(agent.get(f"/v1/runs/{run_id}/export", format="csv").text)))
    assert [(row["task_id"], row["passed"], row["action"]) for row in rows] == [
        ("marlow-1", "true", "send"),
        ("marlow-2", "false", verdict["action"]),
    ]
    assert "capacity.overcommitment" in rows[1]["failed_checks"]
    check_books(service.database_url, done=False)


@pytest.mark.usefixtures("run_worker")
def test_outcomes_of_a_failing_engine_are_counted_and_carry_no_score(agent: Caller, service: Service) -> None:
    service.fake.script(
        when=[
            {"contains": "Company 1\n", "step": {"kind": "truncated"}},
            {"contains": "Company 2\n", "step": {"kind": "refusal"}},
            {"contains": "Company 3\n", "step": {"kind": "not_json"}},
        ]
    )
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [item(n) for n in range(5)]))
    counts = finished(agent, run_id)["counts"]
    assert (counts["judged"], counts["truncated"], counts["refused"], counts["unparseable"]) == (2, 1, 1, 1)
    bad = agent.ok(agent.get(f"/v1/runs/{run_id}/items", outcome="truncated"))["items"]
    assert [(one["task_id"], one["passed"], one["score"]) for one in bad] == [("t1", None, None)]
    assert bad[0]["detail"]


@pytest.mark.usefixtures("run_worker")
def test_a_busy_engine_is_waited_for(agent: Caller, service: Service) -> None:
    service.fake.then({"kind": "429", "times": 4}, {"kind": "503", "times": 2}, {"kind": "disconnect", "times": 2})
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [item(n) for n in range(12)]))
    assert finished(agent, run_id)["counts"]["judged"] == 12


@pytest.mark.usefixtures("run_worker")
def test_events_tell_of_progress_and_of_the_end(agent: Caller, service: Service) -> None:
    service.fake.always("ok", latency_ms=150)
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [item(n) for n in range(150)]))
    events: list[tuple[str, dict[str, Any]]] = []
    with agent.client.stream(
        "GET", f"/v1/runs/{run_id}/events", headers={"Authorization": f"Bearer {agent.key}"}
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        kind = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                events.append((kind, json.loads(line.removeprefix("data: "))))
    assert [kind for kind, _ in events][-2:] == ["progress", "end"]
    done = [look["finished"] for _, look in events]
    assert done == sorted(done)
    assert done[-1] == 150
    assert any(look["rate"] and look["eta_s"] for kind, look in events if kind == "progress")
    assert events[-1][1]["status"] == "completed"


def test_runs_are_listed_newest_first_and_found_by_what_they_are(agent: Caller) -> None:
    ids = [opened(agent, system=f"s{n % 2}", name=f"n{n}", tags={"k": str(n % 3)}) for n in range(7)]
    page = agent.ok(agent.get("/v1/runs", limit=3))
    seen = [one["id"] for one in page["items"]]
    while page["next_cursor"]:
        page = agent.ok(agent.get("/v1/runs", limit=3, cursor=page["next_cursor"]))
        seen += [one["id"] for one in page["items"]]
    assert seen == ids[::-1]

    def found(**query: Any) -> list[str]:
        return [one["name"] for one in agent.ok(agent.get("/v1/runs", **query))["items"]]

    assert found(system="s1") == ["n5", "n3", "n1"]
    assert found(tag="k:0") == ["n6", "n3", "n0"]
    assert found(tag="k:0", system="s1") == ["n3"]
    assert found(name="n4") == ["n4"]
    agent.ok(agent.post(f"/v1/runs/{ids[2]}/cancel"))
    assert found(status="cancelled") == ["n2"]
    problem(agent.get("/v1/runs", tag="k"), 422, "invalid-input")
    problem(agent.get("/v1/runs", cursor="nonsense"), 422, "invalid-input")
    problem(agent.get("/v1/runs/not-a-run"), 422, "invalid-input")


def test_items_are_paged_in_their_order(agent: Caller) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [{"task_id": f"t{n}", "passed": n % 2 == 0} for n in range(25)], "scores"))
    seen: list[int] = []
    cursor = None
    while True:
        page = agent.ok(agent.get(f"/v1/runs/{run_id}/items", limit=10, cursor=cursor))
        seen += [one["seq"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == list(range(1, 26))
    assert agent.ok(agent.get(f"/v1/runs/{run_id}/items", state="pending"))["items"] == []
    problem(agent.get(f"/v1/runs/{run_id}/items", cursor="AAAA"), 422, "invalid-input")
    problem(agent.get(f"/v1/runs/{run_id}/items/t99"), 404, "not-found")


def test_moves_that_do_not_fit_say_why(agent: Caller) -> None:
    run_id = opened(agent)
    assert agent.ok(agent.post(f"/v1/runs/{run_id}/resume"))["status"] == "open"
    assert agent.ok(agent.post(f"/v1/runs/{run_id}/cancel"))["status"] == "cancelled"
    assert agent.ok(agent.post(f"/v1/runs/{run_id}/cancel"))["status"] == "cancelled"
    problem(upload(agent, run_id, ITEMS), 409, "run-closed")
    problem(agent.post(f"/v1/runs/{run_id}/close"), 409, "run-closed")
    assert agent.ok(agent.post(f"/v1/runs/{run_id}/resume"))["status"] == "open"
    agent.ok(upload(agent, run_id, SCORES, "scores"))
    problem(agent.post(f"/v1/runs/{run_id}/cancel"), 409, "run-completed")
    problem(agent.post(f"/v1/runs/{run_id}/resume"), 409, "run-completed")


@pytest.mark.usefixtures("run_worker")
def test_erasing_leaves_nothing(agent: Caller, service: Service) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, ITEMS))
    finished(agent, run_id)
    label = {**LABELS[0], "run_id": run_id}
    assert agent.post("/v1/labels", label).status_code == 201
    assert agent.call("DELETE", f"/v1/runs/{run_id}").status_code == 204
    problem(agent.get(f"/v1/runs/{run_id}"), 404, "not-found")
    problem(agent.call("DELETE", f"/v1/runs/{run_id}"), 404, "not-found")
    for table, column in (
        ("runs", "id"),
        ("run_items", "run_id"),
        ("run_inputs", "run_id"),
        ("verdicts", "run_id"),
        ("labels", "run_id"),
    ):
        assert service.sql(f"SELECT count(*) FROM {table} WHERE {column} = %s", run_id) == [(0,)]


def test_an_unknown_rubric_is_refused(agent: Caller) -> None:
    problem(agent.post("/v1/runs", {"name": "n", "system": "s", "rubric": "none such"}), 422, "unknown-rubric")


def test_a_spreadsheet_finds_no_formula_in_an_export(agent: Caller) -> None:
    run_id = opened(agent)
    agent.ok(
        upload(agent, run_id, [{"task_id": "=1+1", "passed": True, "category": "@home", "cluster": "-x"}], "scores")
    )
    (row,) = csv.DictReader(io.StringIO(agent.get(f"/v1/runs/{run_id}/export", format="csv").text))
    assert (row["task_id"], row["category"], row["cluster"]) == ("'=1+1", "'@home", "'-x")


def test_an_upload_with_a_key_is_stored_once_and_answered_alike(agent: Caller) -> None:
    first = agent.post("/v1/runs", {"name": "n", "system": "s"}, once="open-1")
    again = agent.post("/v1/runs", {"name": "n", "system": "s"}, once="open-1")
    assert (first.status_code, first.content, again.headers["idempotent-replayed"]) == (201, again.content, "true")
    run_id = first.json()["id"]
    headers = {**ND, "Idempotency-Key": "upload-1"}
    path = f"/v1/runs/{run_id}/items"
    sent = agent.call("POST", path, headers, content=lines(ITEMS))
    replay = agent.call("POST", path, headers, content=lines(ITEMS))
    assert (sent.status_code, sent.content, replay.headers["idempotent-replayed"]) == (200, replay.content, "true")
    problem(agent.call("POST", path, headers, content=lines(ITEMS[:1])), 409, "idempotency-mismatch")
    problem(
        agent.call("POST", path, headers, content=lines(ITEMS), params={"close": "false"}), 409, "idempotency-mismatch"
    )
    cancelled = [agent.post(f"/v1/runs/{run_id}/cancel", once="c") for _ in range(2)]
    assert cancelled[0].content == cancelled[1].content


def test_uploads_at_once_do_not_mix(agent: Caller, service: Service) -> None:
    run_id = opened(agent)
    batches = [[item(n) for n in range(start, start + 60)] for start in range(0, 240, 40)]

    def send(batch: list[Any]) -> dict[str, Any]:
        with httpx.Client(base_url=service.url, trust_env=False, timeout=60) as client:
            found: dict[str, Any] = Caller(client, agent.key, agent.key_id, agent.tenant).ok(
                upload(Caller(client, agent.key, agent.key_id, agent.tenant), run_id, batch, close="false")
            )
            return found

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(send, batches))
    assert sum(one["accepted"] for one in results) == 260
    assert agent.ok(agent.get(f"/v1/runs/{run_id}"))["counts"]["total"] == 260
    check_books(service.database_url, done=False)


def test_another_tenants_run_is_unknown(agent: Caller, service: Service) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, SCORES, "scores", close="false"))
    stranger = service.caller()
    for method, path in (
        ("GET", ""),
        ("GET", "/items"),
        ("GET", "/items/marlow-1"),
        ("GET", "/events"),
        ("GET", "/export"),
        ("POST", "/close"),
        ("POST", "/cancel"),
        ("POST", "/resume"),
        ("DELETE", ""),
    ):
        problem(stranger.call(method, f"/v1/runs/{run_id}{path}"), 404, "not-found")
    problem(upload(stranger, run_id, SCORES, "scores"), 404, "not-found")
    assert stranger.ok(stranger.get("/v1/runs"))["items"] == []
    assert agent.ok(agent.get(f"/v1/runs/{run_id}"))["counts"]["total"] == 3


def test_scopes_are_asked_for(agent: Caller, service: Service) -> None:
    run_id = opened(agent)
    reader = service.caller({Scope.READ}, agent.tenant)
    problem(reader.post("/v1/runs", {"name": "n", "system": "s"}), 403, "not-permitted")
    problem(upload(reader, run_id, ITEMS), 403, "not-permitted")
    reader.ok(reader.get(f"/v1/runs/{run_id}"))
    service.revoke(reader.key_id)  # a name has two live keys at most
    writer = service.caller({Scope.SCORE}, agent.tenant)
    problem(writer.get(f"/v1/runs/{run_id}"), 403, "not-permitted")
    problem(writer.call("DELETE", f"/v1/runs/{run_id}"), 403, "not-permitted")
