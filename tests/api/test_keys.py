"""Who may do what: keys, scopes, tenants, and a Host header that lies."""

from __future__ import annotations

import socket
import time
from typing import Any
from uuid import uuid4

import pytest

from app.db import keys
from app.db.keys import Scope
from tests.api.test_hostile_bytes import ROUTES, problem
from tests.drafts import BROKEN, HONEST, pair, request
from tests.service import Caller, Service

READS = ("/v1/verdicts", "/v1/rubrics", "/v1/judge", "/v1/summary")
TTL_S = 5.0


def _well_formed(agent: Caller) -> str:
    """A key that was never made, with a checksum that is right."""
    unsigned = f"psk_{agent.key_id}_{'0' * 43}"
    return unsigned + keys._checksum(unsigned)


@pytest.mark.parametrize(("method", "path"), [*(("POST", p) for p in ROUTES), *(("GET", p) for p in READS)])
def test_without_a_good_key_there_is_no_answer(service: Service, agent: Caller, method: str, path: str) -> None:
    prefix, key_id, tail = agent.key.split("_")
    wrong = (
        None,
        "",
        "Bearer",
        "Bearer nobody",
        f"Basic {agent.key}",
        f"Bearer {agent.key}x",
        f"Bearer {agent.key[:-1]}",
        f"Bearer {prefix}_{key_id}_{tail[::-1]}",
        f"Bearer {_well_formed(agent)}",
        f"Bearer {agent.key} {agent.key}",
        agent.key,
    )
    client = service.client()
    for value in wrong:
        headers = {} if value is None else {"Authorization": value}
        body = {"json": ROUTES[path]} if method == "POST" else {}
        response = client.request(method, path, headers=headers, **body)
        problem(response, 401, "not-authenticated")
        assert response.headers["www-authenticate"] == 'Bearer realm="presend"'
    assert service.fake.log()["received"] == 0


def test_the_key_comes_before_the_body(service: Service) -> None:
    response = service.client().post("/v1/gate", content=b"not json", headers={"Content-Type": "application/json"})
    problem(response, 401, "not-authenticated")


@pytest.mark.parametrize("path", ROUTES)
def test_writing_needs_the_score_scope(service: Service, path: str) -> None:
    for scope in (Scope.READ, Scope.MANAGE):
        reader = service.caller({scope})
        found = problem(reader.post(path, ROUTES[path]), 403, "not-permitted")
        assert "score" in found["detail"]
    assert service.fake.log()["received"] == 0


def test_reading_needs_the_read_scope(service: Service) -> None:
    scorer = service.caller({Scope.SCORE})
    verdict = scorer.ok(scorer.post("/v1/verdicts", request()))
    comparison = scorer.ok(scorer.post("/v1/comparisons", pair()))
    of_one = (
        f"/v1/verdicts/{verdict['id']}",
        f"/v1/comparisons/{comparison['id']}",
        f"/v1/verdicts/{verdict['id']}/input",
    )
    for path in (*READS, *of_one):
        problem(scorer.get(path), 403, "not-permitted")


def test_a_revoked_key_dies_within_its_time(service: Service) -> None:
    leaver, stayer = service.caller(), service.caller()
    leaver.ok(leaver.get("/v1/judge"))
    service.revoke(leaver.key_id)
    begun = time.monotonic()
    while leaver.get("/v1/judge").status_code == 200:
        assert time.monotonic() - begun < TTL_S + 1.0
        time.sleep(0.1)
    problem(leaver.post("/v1/gate", request()), 401, "not-authenticated")
    stayer.ok(stayer.get("/v1/judge"))


def test_a_revoked_key_that_was_never_used_is_dead_at_once(service: Service) -> None:
    leaver = service.caller()
    service.revoke(leaver.key_id)
    problem(leaver.get("/v1/judge"), 401, "not-authenticated")


def test_tenants_do_not_see_each_other(service: Service, agent: Caller) -> None:
    other = service.caller()
    gate = agent.ok(agent.post("/v1/gate", request()))
    comparison = agent.ok(agent.post("/v1/comparisons", pair(HONEST, BROKEN)))
    unknown = str(uuid4())
    for path in ("/v1/verdicts/{}", "/v1/verdicts/{}/input", "/v1/comparisons/{}"):
        own = comparison["id"] if "comparisons" in path else gate["verdict"]["id"]
        agent.ok(agent.get(path.format(own)))
        theirs = problem(other.get(path.format(own)), 404, "not-found")
        nobodys = problem(other.get(path.format(unknown)), 404, "not-found")
        assert {**theirs, "instance": ""} == {**nobodys, "instance": ""}
    assert other.ok(other.get("/v1/verdicts")) == {"items": [], "next_cursor": None}
    assert other.ok(other.get("/v1/summary"))["total"] == 0
    assert agent.ok(agent.get("/v1/summary"))["total"] == 1
    checked = {"receipt": gate["receipt"], **request()}
    assert agent.ok(agent.post("/v1/receipts/verify", checked))["valid"] is True
    assert other.ok(other.post("/v1/receipts/verify", checked))["valid"] is False


def test_two_keys_of_one_tenant_see_the_same(service: Service, agent: Caller) -> None:
    colleague = service.caller(tenant=agent.tenant)
    verdict = agent.ok(agent.post("/v1/verdicts", request()))
    assert colleague.ok(colleague.get(f"/v1/verdicts/{verdict['id']}")) == verdict


def test_the_use_of_a_key_is_noted(service: Service, agent: Caller) -> None:
    agent.ok(agent.get("/v1/judge"))
    ((used,),) = service.sql("SELECT last_used_at FROM api_keys WHERE id = %s", agent.key_id)
    assert used is None  # noted in batches, not for each request


@pytest.mark.parametrize(
    "host", ["evil.example", "x/healthz?", "x/docs#", "127.0.0.1:1/v1/rubrics", "a b", "[::1", "x:99999", ""]
)
def test_a_forged_host_opens_nothing(service: Service, agent: Caller, host: str) -> None:
    def ask(headers: str) -> tuple[int, bytes]:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as sock:
            lines = f"GET /v1/judge HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"
            sock.sendall(lines.encode())
            data = b""
            while chunk := sock.recv(65_536):
                data += chunk
        return int(data[9:12]), data

    status, data = ask("")
    assert status in {400, 401}
    assert b"digest" not in data
    status, data = ask(f"Authorization: Bearer {agent.key}\r\n")
    assert status in {200, 400}
    assert status == 400 or b'"digest"' in data


def test_what_operators_need_asks_for_no_key(service: Service) -> None:
    client = service.client()
    expected: dict[str, Any] = {
        "/healthz": "alive",
        "/readyz": "ready",
        "/metrics": "presend_",
        "/openapi.json": "/v1/gate",
    }
    for path, word in expected.items():
        response = client.get(path)
        assert response.status_code == 200
        assert word in response.text
