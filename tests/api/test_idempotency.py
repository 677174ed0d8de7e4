"""One effect for one idempotency key, whatever arrives twice, at once, late, or after a crash."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.api.test_hostile_bytes import problem
from tests.drafts import BROKEN, HONEST, pair, request
from tests.service import Caller, Service, StartService

WRITES: dict[str, dict[str, Any]] = {"/v1/gate": request(), "/v1/verdicts": request(), "/v1/comparisons": pair()}
CALLS = {"/v1/gate": 1, "/v1/verdicts": 1, "/v1/comparisons": 2}


@pytest.mark.parametrize("route", WRITES)
def test_a_replay_is_the_same_bytes_and_says_so(service: Service, agent: Caller, route: str) -> None:
    first = agent.post(route, WRITES[route], once="key-1")
    again = agent.post(route, WRITES[route], once="key-1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert service.fake.log()["received"] == CALLS[route]


@pytest.mark.parametrize("route", WRITES)
def test_another_body_is_a_mismatch(service: Service, agent: Caller, route: str) -> None:
    agent.ok(agent.post(route, WRITES[route], once="key-1"))
    problem(agent.post(route, {**WRITES[route], "deadline_ms": 9_999}, once="key-1"), 409, "idempotency-mismatch")
    assert service.fake.log()["received"] == CALLS[route]


def test_the_same_json_in_other_bytes_is_the_same_body(agent: Caller) -> None:
    body = request()
    first = agent.post("/v1/gate", body, once="key-1")
    turned = json.dumps(dict(reversed(body.items())), indent=2).encode()
    again = agent.raw("/v1/gate", turned, **{"Idempotency-Key": "key-1"})
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"


def test_keys_of_routes_and_tenants_are_apart(service: Service, agent: Caller) -> None:
    other = service.caller()
    answers = [
        caller.post(route, request(), once="k") for caller in (agent, other) for route in ("/v1/gate", "/v1/verdicts")
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert all("idempotent-replayed" not in answer.headers for answer in answers)
    assert service.fake.log()["received"] == 4


def test_without_a_key_every_request_counts(service: Service, agent: Caller) -> None:
    first, second = (agent.ok(agent.post("/v1/gate", request()))["verdict"]["id"] for _ in range(2))
    assert first != second
    assert service.sql("SELECT count(*) FROM idempotency_keys WHERE key = ''") == [(0,)]


def test_a_rule_decision_and_a_failed_model_are_replayed_too(service: Service, agent: Caller) -> None:
    service.fake.always("500")
    for key, draft in (("rules", BROKEN), ("model", HONEST)):
        first = agent.post("/v1/gate", request(draft), once=key)
        service.fake.always("ok")
        assert agent.post("/v1/gate", request(draft), once=key).content == first.content


def test_two_hundred_at_once_make_one_model_call(service: Service, agent: Caller) -> None:
    service.fake.always("ok", latency_ms=400)
    replays = service.metrics().get("presend_idempotent_replays_total", 0.0)

    async def all_at_once() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=200)
        headers = {"Authorization": f"Bearer {agent.key}", "Idempotency-Key": "storm"}
        async with httpx.AsyncClient(
            base_url=service.url, limits=limits, timeout=60, headers=headers, trust_env=False
        ) as client:
            body = request(deadline_ms=50_000)
            return await asyncio.gather(*(client.post("/v1/gate", json=body) for _ in range(200)))

    answers = asyncio.run(all_at_once())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert service.fake.log()["received"] == 1
    assert len(agent.ok(agent.get("/v1/verdicts"))["items"]) == 1
    assert service.metrics()["presend_idempotent_replays_total"] == replays + 199


def test_a_duplicate_waits_no_longer_than_its_deadline(service: Service, agent: Caller) -> None:
    # The first has stopped without a trace, as after a crash: its lease stands, and nobody works on it.
    body = request(deadline_ms=300)
    agent.ok(agent.post("/v1/gate", body, once="k"))
    service.sql(
        "UPDATE idempotency_keys SET status = NULL, body = NULL, leased_until = now() + interval '20 seconds' "
        "WHERE tenant_id = (SELECT id FROM tenants WHERE name = %s)",
        agent.tenant,
    )
    begun = time.monotonic()
    waited = agent.post("/v1/gate", body, once="k")
    assert 0.2 < time.monotonic() - begun < 0.8
    problem(waited, 409, "idempotency-in-flight")
    assert waited.headers["retry-after"] == "1"
    problem(agent.post("/v1/gate", request(), once="k"), 409, "idempotency-mismatch")


def test_a_caller_that_leaves_finds_its_answer_later(service: Service, agent: Caller) -> None:
    service.fake.always("ok", latency_ms=500)
    with pytest.raises(httpx.ReadTimeout):
        agent.post("/v1/gate", request(), once="k", timeout=0.2)
    again = agent.post("/v1/gate", request(), once="k")
    assert agent.ok(again)["action"] == "send"
    assert again.headers["idempotent-replayed"] == "true"
    assert service.fake.log()["received"] == 1


def test_a_failed_request_gives_its_key_back(service: Service, agent: Caller) -> None:
    body = request(deadline_ms=300)
    with psycopg.connect(service.database_url) as blocker:
        blocker.execute("LOCK TABLE verdicts IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        failed = agent.post("/v1/gate", body, once="k")
        assert time.monotonic() - begun < 1.0
        problem(failed, 503, "store-unavailable")
        assert int(failed.headers["retry-after"]) >= 1
        blocker.rollback()
    again = agent.post("/v1/gate", body, once="k")
    assert agent.ok(again)["action"] == "send"
    assert "idempotent-replayed" not in again.headers
    assert len(agent.ok(agent.get("/v1/verdicts"))["items"]) == 1


def test_a_crash_in_the_middle_blocks_no_key(start_service: StartService) -> None:
    service = start_service()
    agent = service.caller()
    service.fake.always("ok", latency_ms=3_000)
    once = uuid4().hex
    body = request(deadline_ms=20_000)

    def doomed() -> None:
        with pytest.raises(httpx.TransportError):
            agent.post("/v1/gate", body, once=once)

    caller = threading.Thread(target=doomed)
    caller.start()
    service.fake.wait_for(active=1)
    service.kill()
    caller.join(10)
    assert service.sql("SELECT count(*) FROM verdicts") == [(0,)]
    ((left_s,),) = service.sql("SELECT extract(epoch FROM leased_until - now()) FROM idempotency_keys")
    assert 0 < left_s <= 26

    service.fake.reset()
    service.start()
    retry = service.caller(tenant=agent.tenant)
    service.sql("UPDATE idempotency_keys SET leased_until = now() + interval '1 second'")
    begun = time.monotonic()
    answer = retry.post("/v1/gate", body, once=once)
    assert retry.ok(answer)["action"] == "send"
    assert 0.5 < time.monotonic() - begun < 5.0
    assert "idempotent-replayed" not in answer.headers
    assert retry.post("/v1/gate", body, once=once).content == answer.content
    assert service.sql("SELECT count(*) FROM verdicts") == [(1,)]
    assert service.sql("SELECT attempt, status FROM idempotency_keys") == [(2, 200)]
