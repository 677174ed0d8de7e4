"""Two drafts through the real service: rules first, then the judge in both orders, and no winner without both."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.drafts import BROKEN, HONEST, pair
from tests.service import Caller, Service

OTHER: dict[str, Any] = {**HONEST, "body": HONEST["body"].replace("Thank you for asking", "Thanks for your note")}


def test_one_broken_rule_decides_without_the_model(service: Service, agent: Caller) -> None:
    for a, b, winner in ((HONEST, BROKEN, "a"), (BROKEN, HONEST, "b")):
        found = agent.ok(agent.post("/v1/comparisons", pair(a, b)))
        assert (found["winner"], found["decided_by"], found["outcome"]) == (winner, "rules", "not_called")
        assert found["orders"] == []
        assert found["position_bias"] is None
        assert found["findings"][winner] == []
        assert found["findings"]["a" if winner == "b" else "b"] != []
        assert agent.ok(agent.get(f"/v1/comparisons/{found['id']}")) == found
    assert service.fake.log()["received"] == 0


def test_a_judge_that_prefers_the_first_place_is_inconsistent(service: Service, agent: Caller) -> None:
    service.fake.always("ok", winner="1")
    found = agent.ok(agent.post("/v1/comparisons", pair(HONEST, OTHER)))
    assert (found["winner"], found["decided_by"], found["outcome"]) == ("inconsistent", "model", "judged")
    assert [(o["first"], o["preferred"]) for o in found["orders"]] == [("a", "a"), ("b", "b")]
    assert found["position_bias"] == pytest.approx(0.4, abs=0.1)
    assert agent.ok(agent.get(f"/v1/comparisons/{found['id']}")) == found


def test_both_orders_are_asked_with_the_drafts_exchanged(service: Service, agent: Caller) -> None:
    agent.ok(agent.post("/v1/comparisons", pair(HONEST, OTHER)))
    shown = [note["body"]["messages"][1]["content"] for note in service.fake.log()["requests"]]
    firsts = {text.index("Thank you for asking") < text.index("Thanks for your note") for text in shown}
    assert (len(shown), firsts) == (2, {True, False})


@pytest.mark.parametrize(("better", "winner"), [("a", "a"), ("b", "b")])
def test_a_judge_that_agrees_with_itself_names_a_winner(
    service: Service, agent: Caller, better: str, winner: str
) -> None:
    # One comparison tells which order arrives first; the places answer accordingly.
    agent.ok(agent.post("/v1/comparisons", pair(HONEST, OTHER)))
    shown = [note["body"]["messages"][1]["content"] for note in service.fake.log()["requests"]]
    a_first = next(t for t in shown if t.index("Thank you for asking") < t.index("Thanks for your note"))
    b_first = next(t for t in shown if t is not a_first)
    place = {"a": ("1", "2"), "b": ("2", "1")}[better]
    service.fake.script(
        when=[
            {"contains": a_first, "step": {"winner": place[0]}},
            {"contains": b_first, "step": {"winner": place[1]}},
        ]
    )
    found = agent.ok(agent.post("/v1/comparisons", pair(HONEST, OTHER)))
    assert (found["winner"], found["decided_by"]) == (winner, "model")
    assert abs(found["position_bias"]) < 0.05


def test_a_tie(service: Service, agent: Caller) -> None:
    service.fake.always("ok", winner="tie")
    found = agent.ok(agent.post("/v1/comparisons", pair(HONEST, OTHER)))
    assert (found["winner"], found["decided_by"]) == ("tie", "model")
    assert found["position_bias"] == pytest.approx(0.0, abs=1e-9)


def test_two_broken_drafts_are_for_the_model(service: Service, agent: Caller) -> None:
    found = agent.ok(agent.post("/v1/comparisons", pair(BROKEN, BROKEN)))
    assert found["decided_by"] == "model"
    assert service.fake.log()["received"] == 2


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("500", "upstream_error"),
        ("429", "rate_limited"),
        ("truncated", "truncated"),
        ("empty", "empty"),
        ("refusal", "refused"),
        ("abort", "cancelled"),
        ("not_json", "unparseable"),
        ("wrong_schema", "schema_mismatch"),
        ("missing_logprobs", "schema_mismatch"),
    ],
)
@pytest.mark.parametrize("failures", [1, 2])
def test_without_both_orders_there_is_no_winner(
    service: Service, agent: Caller, kind: str, outcome: str, failures: int
) -> None:
    retried = kind == "429"
    service.fake.then(*[{"kind": kind, "retry_after": "60" if retried else None}] * failures)
    found = agent.ok(agent.post("/v1/comparisons", pair(HONEST, OTHER)))
    assert (found["winner"], found["decided_by"], found["position_bias"]) == (None, None, None)
    assert found["outcome"] == outcome
    assert sorted(o["outcome"] for o in found["orders"]) == sorted([outcome] * failures + ["judged"] * (2 - failures))
    assert all(o["p_a"] is None and o["preferred"] is None for o in found["orders"] if o["outcome"] != "judged")
    assert agent.ok(agent.get(f"/v1/comparisons/{found['id']}")) == found


def test_a_choice_that_is_none_is_out_of_range(service: Service, agent: Caller) -> None:
    service.fake.always("ok", text='{"w":"both"}')
    assert agent.ok(agent.post("/v1/comparisons", pair(HONEST, OTHER)))["outcome"] == "out_of_range"


def test_the_deadline_covers_both_orders(service: Service, agent: Caller) -> None:
    service.fake.always("hang")
    begun = time.monotonic()
    found = agent.ok(agent.post("/v1/comparisons", pair(HONEST, OTHER, deadline_ms=300)))
    assert time.monotonic() - begun < 0.75
    assert (found["winner"], found["outcome"]) == (None, "timeout")
    service.fake.wait_for(cancelled=2, active=0)


def test_the_inputs_and_raw_answers_are_kept(service: Service, agent: Caller) -> None:
    service.fake.always("not_json")
    found = agent.ok(agent.post("/v1/comparisons", pair(HONEST, OTHER)))
    ((a, b, raw),) = service.sql("SELECT draft_a, draft_b, raw_outputs FROM pairwise WHERE id = %s", found["id"])
    assert (a, b) == (HONEST, OTHER)
    assert len(raw) == 2
    assert all("five out of five" in text for text in raw)
