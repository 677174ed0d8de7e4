"""Runs over HTTP: opened, filled in every way, judged by a worker of its own, read, exported, stopped and erased."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from app.api.examples import CONTEXT, HONEST, OVERCOMMITTED
from app.api.run_examples import ITEMS, LABELS, SCORES
from app.db.keys import Scope
from tests.service import Caller, Service
from tests.worker.shapes import check_books, item, worker_process

ND = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def _worker(shared_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("worker")
    with worker_process(folder, shared_service.database_url, shared_service.fake.url, breaker_failures=1_000_000):
        yield


def lines(values: list[Any]) -> bytes:
    return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in values).encode()


def opened(agent: Caller, **changes: Any) -> str:
    response = agent.post("/v1/runs", {"name": "nightly", "system": "agent-4", **changes})
    assert response.status_code == 201, response.text
    run_id: str = response.json()["id"]
    return run_id


def upload(agent: Caller, run_id: str, values: list[Any] | bytes, what: str = "items", **query: str) -> httpx.Response:
    content = values if isinstance(values, bytes) else lines(values)
    return agent.call("POST", f"/v1/runs/{run_id}/{what}", ND, content=content, params=query)


def finished(agent: Caller, run_id: str, seconds: float = 30.0) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while True:
        run: dict[str, Any] = agent.ok(agent.get(f"/v1/runs/{run_id}"))
        if run["status"] == "completed":
            return run
        assert time.monotonic() < end, run
        time.sleep(0.05)


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), response.text
    found: dict[str, Any] = response.json()
    assert found["type"].endswith(slug), found
    return found


# From end to end


@pytest.mark.usefixtures("_worker")
def test_a_run_from_its_upload_to_its_export(agent: Caller, service: Service) -> None:
    run_id = opened(agent, tags={"branch": "main"})
    result = agent.ok(upload(agent, run_id, [*ITEMS, '{"task_id": "broken"', {"task_id": "no-draft", "context": CONTEXT}]))
    assert (result["received"], result["accepted"], result["rejected"]) == (4, 2, 2)
    assert [(fault["line"], fault["path"]) for fault in result["errors"]] == [(3, "line"), (4, "draft")]
    assert result["errors"][1]["task_id"] == "no-draft"
    run = finished(agent, run_id)
    assert (run["counts"]["total"], run["counts"]["judged"], run["counts"]["passed"], run["counts"]["failed"]) == (2, 2, 1, 1)
    assert (run["system"], run["tags"], run["kind"], run["created_by"]) == ("agent-4", {"branch": "main"}, "judged", agent.key_id)
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


@pytest.mark.usefixtures("_worker")
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


@pytest.mark.usefixtures("_worker")
def test_a_busy_engine_is_waited_for(agent: Caller, service: Service) -> None:
    service.fake.then({"kind": "429", "times": 4}, {"kind": "503", "times": 2}, {"kind": "disconnect", "times": 2})
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [item(n) for n in range(12)]))
    assert finished(agent, run_id)["counts"]["judged"] == 12


@pytest.mark.usefixtures("_worker")
def test_events_tell_of_progress_and_of_the_end(agent: Caller, service: Service) -> None:
    service.fake.always("ok", latency_ms=150)
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [item(n) for n in range(150)]))
    events: list[tuple[str, dict[str, Any]]] = []
    with agent.client.stream("GET", f"/v1/runs/{run_id}/events", headers={"Authorization": f"Bearer {agent.key}"}) as answer:
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


# Uploads


def test_the_whole_upload_is_refused_where_the_caller_says_so(agent: Caller) -> None:
    run_id = opened(agent)
    found = problem(upload(agent, run_id, [ITEMS[0], "{", ITEMS[1]], on_error="refuse"), 422, "invalid-input")
    assert found["errors"][0]["path"].startswith("line 2")
    run = agent.ok(agent.get(f"/v1/runs/{run_id}"))
    assert (run["counts"]["total"], run["status"], run["kind"]) == (0, "open", None)


def test_an_upload_without_one_good_line_is_refused(agent: Caller) -> None:
    run_id = opened(agent)
    problem(upload(agent, run_id, [{"task_id": "t"}, "[]", "7"]), 422, "invalid-input")
    problem(upload(agent, run_id, b""), 422, "invalid-input")
    problem(upload(agent, run_id, b"\n\n  \n"), 422, "invalid-input")


def test_a_task_stands_in_a_run_once(agent: Caller) -> None:
    run_id = opened(agent)
    first = agent.ok(upload(agent, run_id, [ITEMS[0], ITEMS[1], ITEMS[0]], close="false"))
    assert (first["accepted"], first["errors"][0]["line"], first["errors"][0]["task_id"]) == (2, 3, "marlow-1")
    second = agent.ok(upload(agent, run_id, [item(1), ITEMS[1], item(2), ITEMS[0]], close="false"))
    assert (second["accepted"], [one["line"] for one in second["errors"]], second["total"]) == (2, [2, 4], 4)
    assert "already" in second["errors"][0]["message"]
    problem(upload(agent, run_id, [item(3), ITEMS[1]], on_error="refuse"), 422, "invalid-input")
    assert agent.ok(agent.get(f"/v1/runs/{run_id}"))["counts"]["total"] == 4


def test_a_closed_run_takes_nothing_more(agent: Caller) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [ITEMS[0]]))
    found = problem(upload(agent, run_id, [ITEMS[1]]), 409, "run-closed")
    assert "close=false" in found["detail"]
    by_hand = opened(agent)
    agent.ok(upload(agent, by_hand, SCORES, "scores", close="false"))
    assert agent.ok(agent.post(f"/v1/runs/{by_hand}/close"))["status"] == "completed"
    assert agent.ok(agent.post(f"/v1/runs/{by_hand}/close"))["status"] == "completed"
    problem(upload(agent, by_hand, SCORES, "scores"), 409, "run-closed")


def test_drafts_and_scores_do_not_stand_in_one_run(agent: Caller) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [ITEMS[0]], close="false"))
    problem(upload(agent, run_id, SCORES, "scores"), 409, "run-kind")


def test_a_json_array_is_an_upload_too(agent: Caller) -> None:
    run_id = opened(agent)
    answer = agent.post(f"/v1/runs/{run_id}/items?close=false", [item(1), {"task_id": "x"}, item(2)])
    result = agent.ok(answer)
    assert (result["accepted"], result["errors"][0]["line"]) == (2, 2)
    for broken in (b"[1, 2", b'{"task_id": "t"}', b'[{"a": 1} {"a": 2}]', b"[] []", b"", b'["\xff"]', b"[nope]"):
        problem(agent.raw(f"/v1/runs/{run_id}/items", broken), 400, "malformed-body")
    text = json.dumps([item(n, task_id=f"spaced{n}") for n in range(30)], indent=3).encode()
    pieces = (text[at : at + 97] for at in range(0, len(text), 97))
    assert agent.ok(agent.raw(f"/v1/runs/{run_id}/items", pieces))["accepted"] == 30


@pytest.mark.parametrize(
    "line",
    [
        '{"task_id": "a", "task_id": "b"}',
        '{"task_id": NaN}',
        '{"task_id": "\\u0000"}',
        '{"task_id": "\\ud800"}',
        '{"task_id": 1e999}',
        "[" * 100_000,
        '{"a":' * 200 + "1" + "}" * 200,
        '{"task_id": "' + "x" * 2_000_000 + '"}',
    ],
)
def test_a_line_is_read_as_strictly_as_a_body(agent: Caller, line: str) -> None:
    run_id = opened(agent)
    result = agent.ok(upload(agent, run_id, [ITEMS[0], line, ITEMS[1]]))
    assert (result["accepted"], [fault["line"] for fault in result["errors"]]) == (2, [2])
    assert "xxx" not in json.dumps(result)


def test_windows_lines_and_blank_lines_are_read(agent: Caller) -> None:
    content = b"\r\n" + json.dumps(ITEMS[0]).encode() + b"\r\n\r\n" + json.dumps(ITEMS[1]).encode() + b"\r\n\r\n{\r\n"
    result = agent.ok(upload(agent, opened(agent), content))
    assert (result["accepted"], result["errors"][0]["line"]) == (2, 6)


def test_other_kinds_of_bodies_are_refused(agent: Caller) -> None:
    run_id = opened(agent)
    path = f"/v1/runs/{run_id}/items"
    problem(agent.call("POST", path, {"Content-Type": "text/csv"}, content=b"a"), 415, "unsupported-media-type")
    problem(agent.call("POST", path, {**ND, "Content-Encoding": "gzip"}, content=b"a"), 415, "unsupported-media-type")
    problem(agent.call("POST", path, ND, content=b"{}", params={"on_error": "maybe"}), 422, "invalid-input")


def test_a_run_holds_no_more_than_its_limit(agent: Caller) -> None:
    run_id = opened(agent)
    scores = b"".join(b'{"task_id":"t%d","passed":true}\n' % n for n in range(99_990))
    assert agent.ok(upload(agent, run_id, scores, "scores", close="false"))["accepted"] == 99_990
    more = [{"task_id": f"m{n}", "passed": False} for n in range(11)]
    problem(upload(agent, run_id, more, "scores", close="false"), 409, "run-full")
    assert agent.ok(upload(agent, run_id, more[:10], "scores"))["total"] == 100_000
    too_many = b"".join(b'{"task_id":"t%d","passed":true}\n' % n for n in range(100_001))
    problem(upload(agent, opened(agent), too_many, "scores"), 422, "invalid-input")


def test_what_is_stored_is_what_was_sent(agent: Caller) -> None:
    context = {**CONTEXT, "zebra": [1.5, 10**30, {"b": None, "a": "é\t\\n\u2028"}], "apple": "\\"}
    draft = {"subject": "Tab\there \\ and 'quote'", "body": "Line\r\nline\n\\N \\. 🙂"}
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [{"task_id": "a/b c?", "draft": draft, "context": context}]))
    full = agent.ok(agent.get(f"/v1/runs/{run_id}/items/a%2Fb%20c%3F"))
    assert (full["draft"], full["context"]["zebra"], full["context"]["apple"]) == (draft, context["zebra"], "\\")


# Scores


def test_scores_complete_a_run_by_themselves(agent: Caller) -> None:
    run_id = opened(agent)
    result = agent.ok(upload(agent, run_id, SCORES, "scores"))
    assert (result["accepted"], result["status"]) == (3, "completed")
    run = agent.ok(agent.get(f"/v1/runs/{run_id}"))
    assert (run["kind"], run["counts"]["judged"], run["counts"]["unparseable"], run["counts"]["passed"]) == ("scored", 2, 1, 1)
    assert run["judge_digest"] is None
    items = agent.ok(agent.get(f"/v1/runs/{run_id}/items"))["items"]
    assert [(one["outcome"], one["passed"], one["score"]) for one in items] == [
        ("judged", True, None),
        ("judged", None, 0.25),
        ("unparseable", None, None),
    ]


@pytest.mark.parametrize(
    "score",
    [
        {"task_id": "t", "passed": "yes"},
        {"task_id": "t", "passed": True, "outcome": "timeout"},
        {"task_id": "t", "outcome": "judged"},
        {"task_id": "t", "score": "0.5"},
        {"task_id": ""},
        {"task_id": "a\nb", "passed": True},
        {"passed": True},
        {"task_id": "t", "passed": True, "weight": 1},
    ],
)
def test_a_score_that_says_two_things_is_refused(agent: Caller, score: dict[str, Any]) -> None:
    problem(upload(agent, opened(agent), [score], "scores"), 422, "invalid-input")


def test_the_same_tasks_have_the_same_digest_in_any_order_and_any_parts(agent: Caller) -> None:
    one, two, other = opened(agent), opened(agent), opened(agent)
    tasks = [item(n) for n in range(6)]
    agent.ok(upload(agent, one, tasks))
    agent.ok(upload(agent, two, tasks[3:], close="false"))
    agent.ok(upload(agent, two, [*tasks[:3], tasks[4]]))
    agent.ok(upload(agent, other, [{**task, "draft": HONEST} for task in tasks[:5]] + [item(7, task_id="t5")]))
    digests = [agent.ok(agent.get(f"/v1/runs/{run}"))["task_set_digest"] for run in (one, two, other)]
    assert digests[0] == digests[1] != digests[2]


# Idempotency and rights


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
    problem(agent.call("POST", path, headers, content=lines(ITEMS), params={"close": "false"}), 409, "idempotency-mismatch")
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


# Lists and moves


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


@pytest.mark.usefixtures("_worker")
def test_erasing_leaves_nothing(agent: Caller, service: Service) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, ITEMS))
    finished(agent, run_id)
    label = {**LABELS[0], "run_id": run_id}
    assert agent.post("/v1/labels", label).status_code == 201
    assert agent.call("DELETE", f"/v1/runs/{run_id}").status_code == 204
    problem(agent.get(f"/v1/runs/{run_id}"), 404, "not-found")
    problem(agent.call("DELETE", f"/v1/runs/{run_id}"), 404, "not-found")
    for table, column in (("runs", "id"), ("run_items", "run_id"), ("run_inputs", "run_id"), ("verdicts", "run_id"), ("labels", "run_id")):
        assert service.sql(f"SELECT count(*) FROM {table} WHERE {column} = %s", run_id) == [(0,)]


def test_an_unknown_rubric_is_refused(agent: Caller) -> None:
    problem(agent.post("/v1/runs", {"name": "n", "system": "s", "rubric": "none such"}), 422, "unknown-rubric")


def test_a_spreadsheet_finds_no_formula_in_an_export(agent: Caller) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, [{"task_id": "=1+1", "passed": True, "category": "@home", "cluster": "-x"}], "scores"))
    (row,) = csv.DictReader(io.StringIO(agent.get(f"/v1/runs/{run_id}/export", format="csv").text))
    assert (row["task_id"], row["category"], row["cluster"]) == ("'=1+1", "'@home", "'-x")


# Labels


@pytest.mark.usefixtures("_worker")
def test_labels_are_added_and_read_back(agent: Caller, service: Service) -> None:
    run_id = opened(agent)
    agent.ok(upload(agent, run_id, ITEMS))
    finished(agent, run_id)
    items = agent.ok(agent.get(f"/v1/runs/{run_id}/items"))["items"]
    on_item = {"run_id": run_id, "task_id": "marlow-2", "labeller": "priya", "passed": False, "criteria": {"capacity": False}}
    one = agent.post("/v1/labels", on_item, once="label-1")
    assert one.status_code == 201, one.text
    assert agent.post("/v1/labels", on_item, once="label-1").content == one.content
    stored = one.json()
    assert (stored["verdict_id"], stored["labeller"], stored["criteria"]) == (items[1]["verdict_id"], "priya", {"capacity": False})
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
    assert [(one["labeller"], one["task_id"]) for one in listed] == [("ana", "marlow-1"), ("jo", "marlow-1"), ("priya", "marlow-2")]
    assert [one["labeller"] for one in agent.ok(agent.get("/v1/labels", verdict_id=items[1]["verdict_id"]))["items"]] == ["priya"]
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
