"""Stored verdicts read back: pages that never overlap, every filter, and the judge described."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.api.test_hostile_bytes import problem
from tests.drafts import BROKEN, HONEST, request
from tests.service import Caller, Service


def pages(agent: Caller, limit: int, **filters: Any) -> list[list[dict[str, Any]]]:
    """Every page of a list."""
    found, cursor = [], None
    while True:
        page = agent.ok(agent.get("/v1/verdicts", limit=limit, cursor=cursor, **filters))
        found.append(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def ids(page: list[dict[str, Any]]) -> list[str]:
    """The ids of a page."""
    return [item["id"] for item in page]


def test_pages_hold_every_verdict_once_newest_first(agent: Caller) -> None:
    made = [agent.ok(agent.post("/v1/gate", request(BROKEN)))["verdict"]["id"] for _ in range(11)]
    found = pages(agent, 4)
    assert [len(page) for page in found] == [4, 4, 3]
    assert [one for page in found for one in ids(page)] == made[::-1]
    assert pages(agent, 11)[0] == [item for page in found for item in page]


def test_verdicts_that_arrive_meanwhile_shift_no_page(agent: Caller) -> None:
    made = [agent.ok(agent.post("/v1/gate", request(BROKEN)))["verdict"]["id"] for _ in range(4)]
    first = agent.ok(agent.get("/v1/verdicts", limit=2))
    agent.ok(agent.post("/v1/gate", request(BROKEN)))
    second = agent.ok(agent.get("/v1/verdicts", limit=2, cursor=first["next_cursor"]))
    assert ids(first["items"]) + ids(second["items"]) == made[::-1]


def test_every_filter(service: Service, agent: Caller) -> None:
    sent = agent.ok(agent.post("/v1/gate", request()))["verdict"]
    revised = agent.ok(agent.post("/v1/gate", request(BROKEN)))["verdict"]
    service.fake.always("truncated")
    held = agent.ok(agent.post("/v1/gate", request()))["verdict"]
    service.fake.always("ok", scores=1)
    low = agent.ok(agent.post("/v1/verdicts", request()))

    def matching(**filters: Any) -> set[str]:
        return {one for page in pages(agent, 2, **filters) for one in ids(page)}

    assert matching() == {sent["id"], revised["id"], held["id"], low["id"]}
    assert matching(action="send") == {sent["id"]}
    assert matching(action="hold") == {held["id"]}
    assert matching(action="revise") == {revised["id"], low["id"]}
    assert matching(outcome="truncated") == {held["id"]}
    assert matching(outcome="not_called") == {revised["id"]}
    assert matching(outcome="judged", action="revise") == {low["id"]}
    assert matching(criterion="capacity") == {revised["id"]}
    assert matching(criterion="segment") == {low["id"]}
    assert matching(criterion="tone") == {low["id"]}
    assert matching(criterion="thread") == set()
    assert matching(since=held["created_at"]) == {held["id"], low["id"]}
    assert matching(until=held["created_at"]) == {sent["id"], revised["id"]}
    assert matching(since=revised["created_at"], until=low["created_at"], outcome="truncated") == {held["id"]}
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert matching(since=later) == set()
    assert matching(until=later) == matching()
    for first, last in (("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"), ("0001-01-01T00:00:00+14:00",) * 2):
        assert matching(since=first) == matching()
        assert matching(until=last) == (matching() if last.startswith("9") else set())
    elsewhere = datetime.fromisoformat(held["created_at"]).astimezone(timezone(timedelta(hours=9))).isoformat()
    assert matching(since=elsewhere) == {held["id"], low["id"]}
    assert matching(run_id="00000000-0000-7000-8000-000000000000") == set()


def test_a_cursor_of_another_tenant_shows_nothing_of_it(service: Service, agent: Caller) -> None:
    for _ in range(3):
        agent.ok(agent.post("/v1/gate", request(BROKEN)))
    cursor = agent.ok(agent.get("/v1/verdicts", limit=1))["next_cursor"]
    other = service.caller()
    assert other.ok(other.get("/v1/verdicts", cursor=cursor))["items"] == []


def test_what_was_judged_can_be_read(agent: Caller) -> None:
    verdict = agent.ok(agent.post("/v1/gate", request()))["verdict"]
    kept = agent.ok(agent.get(f"/v1/verdicts/{verdict['id']}/input"))
    assert kept["draft"] == HONEST
    assert kept["kind"] == "gate"
    assert kept["raw_output"] == '{"s":[5,5,5,5,5,5]}'


@pytest.mark.parametrize("path", ["/v1/verdicts", "/v1/comparisons"])
def test_an_unknown_id_is_not_found(agent: Caller, path: str) -> None:
    problem(agent.get(f"{path}/00000000-0000-7000-8000-000000000000"), 404, "not-found")


def test_the_judge_is_described_exactly(agent: Caller) -> None:
    judge = agent.ok(agent.get("/v1/judge"))
    verdict = agent.ok(agent.post("/v1/gate", request()))["verdict"]
    assert judge["digest"] == verdict["judge"]["digest"]
    assert judge["ready"] is True
    assert judge["breaker"] == "closed"
    assert {"model", "engine", "rubric", "prompt", "schema", "ruleset", "calibration", "decoding"} <= set(
        judge["parts"]
    )
    (rubric,) = agent.ok(agent.get("/v1/rubrics"))
    assert [c["id"] for c in rubric["criteria"]] == [c["id"] for c in verdict["criteria"]]
    assert set(judge["thresholds"]) == {c["id"] for c in rubric["criteria"] if c["judged_by"] != "rule"}
    assert agent.ok(agent.get("/v1/judge", rubric=rubric["name"])) == judge
