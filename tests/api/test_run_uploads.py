"""Uploads of items and scores: every form, every fault by its line, and nothing but what fits is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.api.examples import CONTEXT, HONEST
from app.api.run_examples import ITEMS, SCORES
from tests.api.run_calls import ND, opened, problem, upload
from tests.service import Caller
from tests.worker.fixtures import run_worker
from tests.worker.shapes import item

__all__ = ["run_worker"]


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


def test_scores_complete_a_run_by_themselves(agent: Caller) -> None:
    run_id = opened(agent)
    result = agent.ok(upload(agent, run_id, SCORES, "scores"))
    assert (result["accepted"], result["status"]) == (3, "completed")
    run = agent.ok(agent.get(f"/v1/runs/{run_id}"))
    assert (run["kind"], run["counts"]["judged"], run["counts"]["unparseable"], run["counts"]["passed"]) == (
        "scored",
        2,
        1,
        1,
    )
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
