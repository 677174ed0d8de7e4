"""A small run under fire; ``python -m tests.worker.ordeal`` is the full size."""

from __future__ import annotations

import json
import threading
import time

import httpx

from tests.service import StartService
from tests.worker.ordeal import Plan, prepared
from tests.worker.shapes import check_books, item


def test_a_run_survives_every_fault() -> None:
    plan = Plan(items=600, faults={"worker": 2, "stop": 1, "engine": 1, "cut": 1, "postgres": 1})
    with prepared(plan) as ordeal:
        outcome = ordeal.go()
        assert check_books(ordeal.url)["total"] == plan.items
    # Each fault may cost the calls that were out, of each worker, at that moment.
    assert outcome.beyond(plan.items) <= sum(plan.faults.values()) * plan.slots * plan.workers
    assert outcome.stalled_s < plan.lease_s + 5.0 + 5.0, "five more for starts of processes on a busy machine"


def test_the_api_killed_while_it_stores_an_upload_stores_it_once(start_service: StartService) -> None:
    service = start_service()
    agent = service.caller()
    body = b"\n".join(json.dumps(item(number)).encode() for number in range(6_000))
    run_id = agent.post("/v1/runs", {"name": "n", "system": "s"}, once="open").json()["id"]
    headers = {
        "Authorization": f"Bearer {agent.key}",
        "Content-Type": "application/x-ndjson",
        "Idempotency-Key": "upload",
    }
    answers: list[httpx.Response | Exception] = []

    def send() -> None:
        with httpx.Client(base_url=service.url, trust_env=False, timeout=120) as client:
            try:
                answers.append(client.post(f"/v1/runs/{run_id}/items", content=body, headers=headers))
            except httpx.HTTPError as error:
                answers.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    end = time.monotonic() + 20
    while not service.sql("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY staged%' AND state = 'active'"):
        assert time.monotonic() < end
    service.kill()
    sender.join()
    assert service.sql("SELECT n_total FROM runs") in ([(0,)], [(6_000,)])
    service.start()
    # The lease of the key that the dead process held has to run out first.
    service.sql("UPDATE idempotency_keys SET leased_until = now() WHERE status IS NULL")
    send()
    last = answers[-1]
    assert isinstance(last, httpx.Response)
    assert (last.status_code, last.json()["accepted"]) == (200, 6_000), last.text
    assert service.sql("SELECT n_total, status FROM runs") == [(6_000, "running")]
    check_books(service.database_url, done=False)
