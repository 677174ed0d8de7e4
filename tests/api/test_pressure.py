"""The engine fails, is slow, or is not there yet: breaker, slots and readiness, through the real service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.drafts import BROKEN, HONEST, request
from tests.service import Caller, Service, StartService, fake_engine, service_with

OPEN_S = 1.0


@pytest.fixture(scope="module")
def small_service() -> Iterator[Service]:
    """A service with few slots and an impatient breaker."""
    with (
        fake_engine() as fake,
        service_with(
            fake, breaker_failures=3, breaker_open_s=OPEN_S, model_slots=4, gate_slots=2, max_waiting=3
        ) as service,
    ):
        yield service.start()


@pytest.fixture
def small(small_service: Service) -> Service:
    """The small service with a closed breaker, and an engine in order."""
    small_service.fake.reset()
    agent = small_service.caller()
    end = time.monotonic() + 10
    while agent.ok(agent.get("/v1/judge"))["breaker"] != "closed":
        assert time.monotonic() < end
        agent.post("/v1/gate", request())
        time.sleep(0.1)
    small_service.fake.reset()
    return small_service


def breaker(service: Service) -> str:
    """The state that the metrics show."""
    samples = service.metrics()
    (state,) = (s for s in ("closed", "half_open", "open") if samples[f'presend_breaker_state{{state="{s}"}}'] == 1.0)
    return state


def gate(agent: Caller, **more: Any) -> dict[str, Any]:
    """A gate's answer."""
    found: dict[str, Any] = agent.ok(agent.post("/v1/gate", request(**more)))
    return found


def test_the_breaker_opens_tries_once_and_closes(small: Service) -> None:
    agent = small.caller()
    small.fake.always("500")
    assert [gate(agent)["bypass"] for _ in range(3)] == ["upstream_error"] * 3
    asked = small.fake.log()["received"]
    assert breaker(small) == "open"
    for on_failure, action in (("hold", "hold"), ("allow", "send")):
        stopped = gate(agent, on_failure=on_failure)
        assert (stopped["action"], stopped["decision_source"], stopped["bypass"]) == (
            action,
            "fallback",
            "breaker_open",
        )
        assert stopped["verdict"]["outcome"] == "not_called"
    ruled = agent.ok(agent.post("/v1/gate", request(BROKEN)))
    assert (ruled["action"], ruled["decision_source"]) == ("revise", "rules")
    assert small.fake.log()["received"] == asked

    time.sleep(OPEN_S + 0.05)
    assert gate(agent)["bypass"] == "upstream_error"
    assert gate(agent)["bypass"] == "breaker_open"

    small.fake.always("ok", latency_ms=300)
    time.sleep(OPEN_S + 0.05)
    assert breaker(small) == "half_open"
    with ThreadPoolExecutor(3) as pool:
        both = [pool.submit(gate, small.caller()) for _ in range(3)]
        assert sorted(f.result()["bypass"] or "" for f in both) == ["", "breaker_open", "breaker_open"]
    assert breaker(small) == "closed"
    assert gate(agent)["action"] == "send"
    assert small.metrics()['presend_gate_bypasses_total{reason="breaker_open",result="allowed"}'] >= 1


def test_a_callers_tiny_deadline_does_not_open_the_breaker(small: Service) -> None:
    agent = small.caller()
    small.fake.always("hang")
    for _ in range(5):
        assert gate(agent, deadline_ms=60)["bypass"] in {"timeout", "deadline_spent"}
    assert breaker(small) == "closed"


def test_an_engine_that_is_busy_does_not_open_the_breaker(small: Service) -> None:
    agent = small.caller()
    small.fake.always("429", retry_after="60")
    for _ in range(5):
        assert gate(agent)["bypass"] == "rate_limited"
    assert breaker(small) == "closed"


def test_the_gate_keeps_slots_that_others_cannot_take(small: Service) -> None:
    small.fake.always("ok", latency_ms=900)
    scorers, gates = [small.caller() for _ in range(6)], [small.caller() for _ in range(2)]
    bodies = [request(context={**request()["context"], "n": n}, deadline_ms=20_000) for n in range(6)]

    def score(agent: Caller, body: dict[str, Any]) -> httpx.Response:
        return agent.post("/v1/verdicts", body)

    with ThreadPoolExecutor(8) as pool:
        first: list[Future[httpx.Response]] = [pool.submit(score, a, b) for a, b in zip(scorers, bodies, strict=True)]
        small.fake.wait_for(active=2)
        time.sleep(0.1)
        samples = small.metrics()
        assert samples['presend_model_slots{state="running"}'] == 2
        assert samples['presend_model_slots{state="waiting"}'] == 3
        quick = [pool.submit(gate, agent) for agent in gates]
        answers = [f.result() for f in quick]
        verdicts = [f.result().json() for f in first]
    assert [a["action"] for a in answers] == ["send", "send"]
    assert all(a["verdict"]["latency_ms"]["queue"] < 200 for a in answers)
    assert small.fake.log()["max_active"] == 4
    outcomes = sorted(v["outcome"] for v in verdicts)
    assert outcomes == ["judged"] * 5 + ["not_called"]  # two ran, three waited, one was turned away
    (refused,) = (v for v in verdicts if v["outcome"] == "not_called")
    assert refused["latency_ms"]["total"] < 700
    assert small.sql("SELECT bypass FROM verdicts WHERE id = %s", refused["id"]) == [("no_slot",)]


def test_a_gate_without_a_slot_in_time_says_so(small: Service) -> None:
    small.fake.always("ok", latency_ms=1_500)
    agents = [small.caller() for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(gate, agent) for agent in agents[:4]]
        small.fake.wait_for(active=4)
        late = gate(agents[4], deadline_ms=300)
        assert (late["action"], late["bypass"]) == ("hold", "no_slot")
        assert late["elapsed_ms"] < 700
        assert {f.result()["action"] for f in running} == {"send"}


def test_before_the_judge_is_ready_rules_decide(start_service: StartService) -> None:
    service = start_service(ready=False)
    agent, client = service.caller(), service.client()
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["status"] == "rules_only"
    assert ready.json()["judge"]["ready"] is False
    assert "not healthy" in ready.json()["judge"]["detail"]
    assert client.get("/healthz").status_code == 200

    held = agent.ok(agent.post("/v1/gate", request(HONEST)))
    assert (held["action"], held["decision_source"], held["bypass"]) == ("hold", "fallback", "judge_not_ready")
    assert agent.ok(agent.post("/v1/gate", request(BROKEN)))["action"] == "revise"
    assert service.fake.log()["received"] == 0

    service.fake.script(healthy=True, default={"kind": "missing_logprobs"})
    end = time.monotonic() + 10
    while "log-probs" not in client.get("/readyz").json()["judge"]["detail"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert agent.ok(agent.post("/v1/gate", request()))["bypass"] == "judge_not_ready"

    service.fake.always("ok")
    assert service.wait_for("/readyz").json() == {
        "status": "ready",
        "database": {"ready": True, "detail": "ready"},
        "judge": {"ready": True, "detail": "ready"},
    }
    assert agent.ok(agent.post("/v1/gate", request()))["action"] == "send"
