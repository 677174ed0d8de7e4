"""Crashes and shutdowns: what was answered is kept, what runs is finished, and a lost database comes back by itself."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.api.test_hostile_bytes import problem
from tests.drafts import BROKEN, request
from tests.postgres import shared_server
from tests.service import Service, StartService

KILL_CLIENTS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = 'presend'"
)


def _database(service: Service) -> str:
    return service.database_url.rpartition("/")[2].partition("?")[0]


@contextlib.contextmanager
def without_database(service: Service) -> Iterator[None]:
    """Nobody can connect to the service's database, and nobody is connected."""
    name = _database(service)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with shared_server().admin() as admin:
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        try:
            admin.execute(KILL_CLIENTS, (name,))
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def test_a_killed_process_loses_nothing_that_was_answered(start_service: StartService) -> None:
    service = start_service()
    callers = [service.caller(tenant=f"acme-{n}") for n in range(6)]
    answered: dict[int, list[dict[str, object]]] = {n: [] for n in range(6)}
    started = threading.Barrier(7)

    def work(number: int) -> None:
        started.wait()
        with contextlib.suppress(httpx.TransportError):
            for n in range(10_000):
                route = ("/v1/gate", "/v1/verdicts")[n % 2]
                found = callers[number].ok(
                    callers[number].post(route, request(BROKEN if n % 3 else request()["draft"]))
                )
                answered[number].append(found.get("verdict", found))

    with ThreadPoolExecutor(6) as pool:
        for number in range(6):
            pool.submit(work, number)
        started.wait()
        time.sleep(1.0)
        service.kill()
    assert all(answered.values())

    service.start(ready=False)
    for number, verdicts in answered.items():
        reader = service.caller(tenant=callers[number].tenant)
        stored = {}
        cursor = None
        while True:
            page = reader.ok(reader.get("/v1/verdicts", limit=200, cursor=cursor))
            stored |= {item["id"]: item for item in page["items"]}
            if (cursor := page["next_cursor"]) is None:
                break
        assert [v for v in verdicts if stored.get(str(v["id"])) != v] == []
        assert len(stored) <= len(verdicts) + 1  # at most the one whose answer was on its way


def test_connections_that_the_database_dropped_cost_no_request(service: Service) -> None:
    agent = service.caller()
    agent.ok(agent.post("/v1/gate", request()))
    with shared_server().admin() as admin:
        admin.execute(KILL_CLIENTS, (_database(service),))
    time.sleep(0.1)
    assert agent.ok(agent.post("/v1/gate", request()))["action"] == "send"


def test_a_connection_lost_while_writing_is_a_503(service: Service) -> None:
    agent = service.caller()
    agent.ok(agent.get("/v1/judge"))
    with psycopg.connect(service.database_url) as blocker, ThreadPoolExecutor(1) as pool:
        blocker.execute("LOCK TABLE verdicts IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(agent.post, "/v1/gate", request(), once="k")
        end = time.monotonic() + 5
        with shared_server().admin() as admin:
            while not admin.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", (_database(service),)
            ).fetchone():
                assert time.monotonic() < end
                time.sleep(0.01)
            admin.execute(KILL_CLIENTS, (_database(service),))
        lost = waiting.result()
        blocker.rollback()
    problem(lost, 503, "store-unavailable")
    assert int(lost.headers["retry-after"]) >= 1
    again = agent.post("/v1/gate", request(), once="k")
    assert agent.ok(again)["action"] == "send"
    assert "idempotent-replayed" not in again.headers


@pytest.mark.parametrize("once", [None, "k"])
def test_without_a_database_nothing_is_decided_and_it_comes_back(service: Service, once: str | None) -> None:
    agent, client = service.caller(), service.client()
    agent.ok(agent.get("/v1/judge"))  # the key is known for a few seconds, so that it is the write that fails
    with without_database(service):
        for response in (
            agent.post("/v1/gate", request(deadline_ms=2_000), once=once),
            agent.post("/v1/gate", request(BROKEN, deadline_ms=2_000), once=once),
            agent.get("/v1/verdicts"),
        ):
            problem(response, 503, "store-unavailable")
            assert int(response.headers["retry-after"]) >= 1
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
        assert ready.json()["database"]["ready"] is False
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200
    end = time.monotonic() + 5
    while (answer := agent.post("/v1/gate", request(), once=once)).status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert answer.json()["action"] == "send"
    assert client.get("/readyz").status_code == 200
    assert len(agent.ok(agent.get("/v1/verdicts"))["items"]) == 1


def test_sigterm_says_draining_finishes_and_exits_with_zero(start_service: StartService) -> None:
    service = start_service(unready_s=0.8)
    agent, late, client = service.caller(), service.caller(), service.client()
    late.ok(late.get("/v1/judge"))
    service.fake.always("ok", latency_ms=1_500)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(agent.post, "/v1/gate", request(deadline_ms=10_000))
        service.fake.wait_for(active=1)
        begun = time.monotonic()
        service.terminate()
        draining = service.wait_for("/readyz", 503, seconds=0.7)
        assert draining.json()["status"] == "draining"
        assert client.get("/healthz").status_code == 200
        assert late.ok(late.post("/v1/gate", request(BROKEN)))["action"] == "revise"
        assert agent.ok(running.result())["action"] == "send"
    assert service.exit_code() == 0
    assert time.monotonic() - begun < 5.0
    with pytest.raises(httpx.TransportError):
        client.get("/healthz")
    assert service.sql("SELECT count(*) FROM verdicts") == [(2,)]
    assert "crashed" not in service.log


def test_a_request_longer_than_the_drain_does_not_hold_the_process(start_service: StartService) -> None:
    service = start_service(unready_s=0, drain_s=1)
    agent = service.caller()
    service.fake.always("hang")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(agent.post, "/v1/gate", request(deadline_ms=60_000))
        service.fake.wait_for(active=1)
        service.terminate()
        assert service.exit_code(8.0) == 0
        with contextlib.suppress(httpx.TransportError):
            assert running.result().status_code >= 500
    service.fake.wait_for(cancelled=1)
    assert service.sql("SELECT count(*) FROM verdicts") == [(0,)]
