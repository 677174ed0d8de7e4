"""What tests of runs send and expect over HTTP."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from tests.service import Caller

ND = {"Content-Type": "application/x-ndjson"}


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
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), (
        response.text
    )
    found: dict[str, Any] = response.json()
    assert found["type"].endswith(slug), found
    return found
