"""A canary in every field, then looked for in problems, logs and metrics: zero hits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.api.test_hostile_bytes import ROUTES
from tests.drafts import BROKEN
from tests.service import Caller, Service


def laced(canary: str) -> dict[str, Any]:
    """A draft and a context with the canary in every text, and in keys of the caller's own."""
    context = {
        "company_name": f"Tern {canary}",
        "icp_segment": 1,
        "thread_stage": "reply_active",
        "task_type": "warm_reply_email",
        "signal_brief": {"signal_line": f"Tern lists six roles {canary}.", "more": canary},
        "bench_summary": {"stacks": {"go": {"available_engineers": 1, "note": canary, "skill_subsets": [canary]}}},
        "capacity_request": [{"stack": f"go {canary}", "requested_count": 8}],
        "prior_thread": [{"role": "prospect", "content": f"Eight please {canary}"}],
        "crm": {"id": canary, canary: canary},
    }
    draft = {"subject": f"Go {canary}", "body": BROKEN["body"].replace("Ana", f"Ana {canary}")}
    return {"draft": draft, "context": context}


def _strings(value: Any, put: Callable[[Any], None]) -> list[Callable[[Any], None]]:
    """One setter for every string below ``value``."""
    if isinstance(value, dict):
        return [s for k, v in value.items() for s in _strings(v, lambda new, k=k: value.__setitem__(k, new))]
    if isinstance(value, list):
        return [s for i, v in enumerate(value) for s in _strings(v, lambda new, i=i: value.__setitem__(i, new))]
    return [put] if isinstance(value, str) else []


def test_nothing_that_was_sent_comes_out_elsewhere(service: Service, agent: Caller) -> None:
    canary = f"zanzibar{uuid4().hex[:12]}"
    fine = laced(canary)
    problems: list[str] = []

    def refused(content: bytes, path: str) -> None:
        response = agent.raw(path, content)
        if response.status_code == 200:
            return
        assert 400 <= response.status_code < 500, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problems.append(response.text)

    text = json.dumps(fine)
    for path in ROUTES:
        for broken in (
            text[:-3],
            text + canary,
            text.replace('"subject": "', '"subject": NaN, "x": "'),
            text.replace(canary, canary + "\\u0000", 1),
            text.replace(canary, canary + "\\ud800", 1),
            text.replace('"crm"', '"company_name"'),
            "[" * 50 + f'"{canary}"' + "]" * 50,
            f'"{canary}"',
            "{" + f'"draft": "{canary}", "context": "{canary}", "deadline_ms": "{canary}", "rubric": "{canary}"' + "}",
        ):
            refused(broken.encode(), path)
        refused(text.encode() + b"\xff", path)
        refused(json.dumps({**fine, "rubric": canary}).encode(), path)
        refused(json.dumps({**fine, "padding": canary * 100_000}).encode(), path)
        for wrong in ({"canary": canary}, [canary], 7):
            for number in range(len(_strings(json.loads(text), lambda _: None))):
                body = json.loads(text)
                _strings(body, lambda _: None)[number](wrong)
                refused(json.dumps(body).encode(), path)
    assert len(problems) > 150

    for path in (
        f"/v1/verdicts/{canary}",
        f"/{canary}",
        f"/v1/verdicts?cursor={canary}",
        f"/v1/verdicts?since={canary}",
    ):
        problems.append(agent.get(path).text)
    problems.append(agent.call("GET", "/v1/judge", {"Authorization": f"Bearer {canary}"}).text)
    problems.append(agent.call("POST", "/v1/gate", {"Idempotency-Key": f"{canary} {canary}"}, json=fine).text)
    problems.append(agent.get("/v1/judge", rubric=canary).text)
    assert [text for text in problems if canary in text] == []

    counting = "SELECT count(*) FROM verdicts WHERE draft::text LIKE %s"
    ((before,),) = service.sql(counting, f"%{canary}%")
    for kind in ("ok", "500", "not_json", "truncated", "disconnect", "missing_logprobs"):
        service.fake.always(kind, text=canary) if kind == "not_json" else service.fake.always(kind)
        for once in (None, uuid4().hex):
            assert agent.post("/v1/gate", fine, once=once).status_code == 200
            assert agent.post("/v1/verdicts", {**fine, "explain": True}, once=once).status_code == 200
            pair = {"a": fine["draft"], "b": fine["draft"], "context": fine["context"]}
            assert agent.post("/v1/comparisons", pair, once=once).status_code == 200
    ((stored,),) = service.sql(counting, f"%{canary}%")
    assert stored == before + 24

    assert canary not in service.client().get("/metrics").text
    assert canary not in service.log
    assert service.log.count("request") > 200


def test_a_store_that_fails_mid_way_logs_no_text(service: Service, agent: Caller) -> None:
    canary = f"zanzibar{uuid4().hex[:12]}"
    service.sql("ALTER TABLE verdicts ADD CONSTRAINT no_canary CHECK (draft::text NOT LIKE '%zanzibar%') NOT VALID")
    try:
        response = agent.post("/v1/gate", laced(canary))
    finally:
        service.sql("ALTER TABLE verdicts DROP CONSTRAINT no_canary")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert canary not in response.text
    assert canary not in service.log


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/openapi.json", "/docs"])
def test_what_needs_no_key_holds_no_key(service: Service, agent: Caller, path: str) -> None:
    agent.ok(agent.get("/v1/judge"))
    text = service.client().get(path).text
    secret = agent.key.split("_")[2]
    assert secret not in text
    assert secret not in service.log
    assert agent.tenant not in text
