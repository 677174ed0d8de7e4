"""Everything that the engine can do wrong, through the real service: an outcome, stored, counted, never a number."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.schemas import Outcome
from tests.drafts import BROKEN, HONEST, request
from tests.fake_replies import KINDS
from tests.service import Caller, Service

OUTCOMES: dict[str, Outcome] = {
    "429": Outcome.RATE_LIMITED,
    "queue_full": Outcome.RATE_LIMITED,
    "500": Outcome.UPSTREAM_ERROR,
    "502": Outcome.UPSTREAM_ERROR,
    "503": Outcome.UPSTREAM_ERROR,
    "400": Outcome.UPSTREAM_ERROR,
    "401": Outcome.UPSTREAM_ERROR,
    "404": Outcome.UPSTREAM_ERROR,
    "redirect": Outcome.UPSTREAM_ERROR,
    "disconnect": Outcome.UPSTREAM_ERROR,
    "wrong_content_type": Outcome.UPSTREAM_ERROR,
    "gzip": Outcome.UPSTREAM_ERROR,
    "huge": Outcome.UPSTREAM_ERROR,
    "broken_envelope": Outcome.UPSTREAM_ERROR,
    "hang": Outcome.TIMEOUT,
    "slow_drip": Outcome.TIMEOUT,
    "truncated": Outcome.TRUNCATED,
    "whitespace_loop": Outcome.TRUNCATED,
    "repetition": Outcome.TRUNCATED,
    "abort": Outcome.CANCELLED,
    "refusal": Outcome.REFUSED,
    "content_filter": Outcome.REFUSED,
    "empty": Outcome.EMPTY,
    "null_content": Outcome.EMPTY,
    "no_choices": Outcome.EMPTY,
    "not_json": Outcome.UNPARSEABLE,
    "prose": Outcome.UNPARSEABLE,
    "two_objects": Outcome.UNPARSEABLE,
    "wrong_schema": Outcome.SCHEMA_MISMATCH,
    "missing_logprobs": Outcome.SCHEMA_MISMATCH,
    "unreported_logprobs": Outcome.SCHEMA_MISMATCH,
    "out_of_range": Outcome.OUT_OF_RANGE,
}
JUDGED = ("ok", "ok_after_drip", "joined_tokens")
BROUGHT_TEXT = {"truncated", "whitespace_loop", "repetition", "not_json", "prose", "wrong_schema", "out_of_range"}
SLACK_MS = 450
"""For a busy machine; the benchmark has the real figure."""


def without_numbers(verdict: dict[str, Any]) -> bool:
    """Whether nothing in a verdict looks as if the model had judged."""
    whole = (verdict["passed"], verdict["score"], verdict["p_fail"])
    parts = [(c["score"], c["p_fail"]) for c in verdict["criteria"]]
    return whole == (None, None, None) and set(parts) == {(None, None)} and not verdict["abstained"]


def counted(service: Service, name: str, **labels: str) -> float:
    """One sample of the metrics, zero when it does not exist yet."""
    shown = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return service.metrics().get(f"{name}{{{shown}}}", 0.0)


def test_every_kind_of_reply_is_tested_here() -> None:
    assert set(OUTCOMES) | set(JUDGED) == set(KINDS)
    assert set(OUTCOMES.values()) | {Outcome.JUDGED, Outcome.NOT_CALLED} == set(Outcome)


@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_reply_that_is_no_verdict_becomes_an_outcome(service: Service, agent: Caller, kind: str) -> None:
    outcome = OUTCOMES[kind].value
    service.fake.always(kind)
    deadline_ms = 300 if outcome == "timeout" else 5_000
    before = counted(service, "presend_verdicts_total", outcome=outcome)
    held = counted(service, "presend_gate_bypasses_total", reason=outcome, result="held")

    gate = agent.ok(agent.post("/v1/gate", request(deadline_ms=deadline_ms)))
    scored = agent.ok(agent.post("/v1/verdicts", request(deadline_ms=deadline_ms)))

    assert (gate["action"], gate["decision_source"], gate["bypass"]) == ("hold", "fallback", outcome)
    for verdict in (gate["verdict"], scored):
        assert verdict["outcome"] == outcome
        assert without_numbers(verdict)
        assert agent.ok(agent.get(f"/v1/verdicts/{verdict['id']}")) == verdict
        ((raw, bypass),) = service.sql("SELECT raw_output, bypass FROM verdicts WHERE id = %s", verdict["id"])
        assert bypass == outcome
        assert raw or kind not in BROUGHT_TEXT
    assert counted(service, "presend_verdicts_total", outcome=outcome) == before + 2
    assert counted(service, "presend_gate_bypasses_total", reason=outcome, result="held") == held + 1


@pytest.mark.parametrize("kind", JUDGED)
def test_a_whole_verdict_is_judged(service: Service, agent: Caller, kind: str) -> None:
    service.fake.always(kind)
    gate = agent.ok(agent.post("/v1/gate", request()))
    assert (gate["action"], gate["decision_source"], gate["bypass"]) == ("send", "rules+model", None)
    verdict = gate["verdict"]
    assert verdict["outcome"] == "judged"
    assert verdict["passed"] is True
    assert verdict["finish_reason"] == "stop"
    assert verdict["usage"]["cached_tokens"] == 256
    assert 4.0 < verdict["score"] <= 5.0
    assert agent.ok(agent.get(f"/v1/verdicts/{verdict['id']}")) == verdict


def test_low_scores_are_revised_by_the_model(service: Service, agent: Caller) -> None:
    service.fake.always("ok", scores=1)
    gate = agent.ok(agent.post("/v1/gate", request()))
    assert (gate["action"], gate["decision_source"]) == ("revise", "model")
    assert gate["verdict"]["passed"] is False


def test_a_reason_comes_only_when_it_is_asked_for(service: Service, agent: Caller) -> None:
    assert agent.ok(agent.post("/v1/verdicts", request()))["reason"] is None
    assert agent.ok(agent.post("/v1/verdicts", request(explain=True)))["reason"] == "The draft fits the facts."
    plain, explained = (
        note["body"]["response_format"]["json_schema"]["schema"] for note in service.fake.log()["requests"]
    )
    assert list(plain["properties"]) == ["s"]
    assert list(explained["properties"]) == ["s", "reason"]


def test_allow_on_failure_sends_and_says_so(service: Service, agent: Caller) -> None:
    service.fake.always("500")
    allowed = counted(service, "presend_gate_bypasses_total", reason="upstream_error", result="allowed")
    gate = agent.ok(agent.post("/v1/gate", request(on_failure="allow")))
    assert (gate["action"], gate["decision_source"], gate["bypass"]) == ("send", "fallback", "upstream_error")
    assert without_numbers(gate["verdict"])
    assert counted(service, "presend_gate_bypasses_total", reason="upstream_error", result="allowed") == allowed + 1


@pytest.mark.parametrize("on_failure", ["hold", "allow"])
def test_a_broken_rule_answers_without_the_model(service: Service, agent: Caller, on_failure: str) -> None:
    service.fake.always("hang")
    gate = agent.ok(agent.post("/v1/gate", request(BROKEN, on_failure=on_failure, deadline_ms=5_000)))
    assert (gate["action"], gate["decision_source"], gate["bypass"]) == ("revise", "rules", None)
    assert gate["verdict"]["outcome"] == "not_called"
    assert without_numbers(gate["verdict"])
    assert gate["elapsed_ms"] < 1_000
    assert service.fake.log()["received"] == 0


def test_a_broken_rule_stands_whatever_the_model_says(service: Service, agent: Caller) -> None:
    scored = agent.ok(agent.post("/v1/verdicts", request(BROKEN)))
    assert (scored["outcome"], scored["passed"], scored["action"]) == ("judged", False, "revise")
    service.fake.always("500")
    failed = agent.ok(agent.post("/v1/verdicts", request(BROKEN)))
    assert (failed["outcome"], failed["passed"], failed["action"]) == ("upstream_error", None, "revise")
    assert failed["decision_source"] == "rules"


def test_evidence_points_into_the_draft_as_sent(agent: Caller) -> None:
    findings = agent.ok(agent.post("/v1/gate", request(BROKEN)))["verdict"]["findings"]
    spans = [BROKEN[e["field"]][e["start"] : e["end"]] for f in findings for e in f["evidence"]]
    assert any("eight" in span for span in spans)


@pytest.mark.parametrize("kind", ["hang", "slow_drip"])
def test_the_deadline_is_kept_and_the_model_request_is_given_up(service: Service, agent: Caller, kind: str) -> None:
    service.fake.always(kind)
    for number in range(1, 4):
        begun = time.monotonic()
        gate = agent.ok(agent.post("/v1/gate", request(deadline_ms=250)))
        assert (time.monotonic() - begun) * 1000 < 250 + SLACK_MS
        assert gate["verdict"]["outcome"] == "timeout"
        assert gate["deadline_ms"] == 250
        assert gate["elapsed_ms"] < 250 + SLACK_MS
        service.fake.wait_for(cancelled=number, active=0)


def test_a_retry_inside_the_deadline_saves_a_verdict(service: Service, agent: Caller) -> None:
    service.fake.then({"kind": "503"})
    assert agent.ok(agent.post("/v1/gate", request()))["action"] == "send"
    assert service.fake.log()["by_kind"] == {"503": 1, "ok": 1}


def test_a_draft_beyond_the_judges_window_is_not_cut(service: Service, agent: Caller) -> None:
    long = {**HONEST, "body": HONEST["body"] + "\n\nPS: " + "thank you " * 600}
    verdict = agent.ok(agent.post("/v1/verdicts", request(long)))
    assert verdict["outcome"] == "not_called"
    assert service.fake.log()["received"] == 0
    assert service.sql("SELECT bypass FROM verdicts WHERE id = %s", verdict["id"]) == [("draft_too_long",)]


def test_the_engine_is_asked_as_designed(service: Service, agent: Caller) -> None:
    agent.ok(agent.post("/v1/gate", request()))
    agent.ok(agent.post("/v1/verdicts", request()))
    other = service.caller()
    other.ok(other.post("/v1/gate", request()))
    gate, scored, foreign = (note["body"] for note in service.fake.log()["requests"])
    assert gate["priority"] < 0
    assert scored.get("priority", 0) == 0
    assert gate["max_completion_tokens"] <= 40
    assert gate["temperature"] == 0.0
    assert gate["logprobs"] is True
    assert gate["cache_salt"] == scored["cache_salt"] != foreign["cache_salt"]
    assert gate["messages"] == foreign["messages"]
