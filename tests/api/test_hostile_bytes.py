"""Bytes that break careless services, on every route that takes a body: a problem with a stable slug, and no echo."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.errors import InvalidInput, PresendError
from tests.drafts import CONTEXT, HONEST, pair, request
from tests.service import Caller, Service

ROUTES: dict[str, dict[str, Any]] = {
    "/v1/gate": request(),
    "/v1/verdicts": request(),
    "/v1/comparisons": pair(),
    "/v1/receipts/verify": {"receipt": "x.y", "draft": HONEST, "context": CONTEXT},
    "/v1/runs": {"name": "a run", "system": "a system"},
}
LIMIT = 1_048_576
GOOD_DRAFT = json.dumps(HONEST)


@pytest.fixture(scope="module")
def agent(shared_service: Service) -> Caller:
    """One caller for all these requests, most of which change nothing."""
    return shared_service.caller()


def with_body(text: str) -> bytes:
    """A gate request with this JSON text for the draft's body."""
    return f'{{"draft": {{"subject": "a", "body": {text}}}, "context": {json.dumps(CONTEXT)}}}'.encode()


MALFORMED: dict[str, bytes] = {
    "NaN": with_body("NaN"),
    "Infinity": with_body("Infinity"),
    "minus Infinity": with_body("-Infinity"),
    "a float beyond 64 bits": b'{"draft": 1e999}',
    "a negative float beyond 64 bits": b'{"draft": -1e999}',
    "NUL, escaped": with_body(r'"x\u0000y"'),
    "NUL, raw": with_body('"x\0y"'),
    "NUL in a key": b'{"a\\u0000b": 1}',
    "a lone high surrogate": with_body(r'"x\ud800y"'),
    "a lone low surrogate": with_body(r'"x\udc00y"'),
    "a surrogate in a key": b'{"\\ud800": 1}',
    "surrogates in the wrong order": with_body(r'"\udc00\ud800"'),
    "an encoded surrogate": b'{"draft": "\xed\xa0\x80"}',
    "a key twice": b'{"draft": ' + GOOD_DRAFT.encode() + b', "draft": {"subject": "a", "body": "c"}, "context": {}}',
    "a key twice, deep": b'{"context": {"signal_brief": {"x": [{"k": 1, "k": 2}]}}}',
    "arrays, deep": b"[" * 30_000,
    "arrays, deep and closed": b"[" * 5_000 + b"]" * 5_000,
    "arrays, just too deep": b"[" * 40 + b"]" * 40,
    "objects, deep": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "empty": b"",
    "whitespace": b" \r\n\t ",
    "bytes that are no UTF-8": b'{"draft": "\xff\xfe"}',
    "an overlong encoding": b'{"draft": "\xc0\x80"}',
    "UTF-16": json.dumps(request()).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(request()).encode(),
    "an integer of 5,000 digits": b'{"draft": ' + b"9" * 5_000 + b"}",
    "cut off": json.dumps(request()).encode()[:-20],
    "something behind it": json.dumps(request()).encode() + b" x",
    "two documents": json.dumps(request()).encode() * 2,
    "single quotes": b"{'draft': 1}",
    "a comment": b'{"draft": 1 /* one */}',
    "a trailing comma": b'{"draft": 1,}',
    "a control character": with_body('"a\x01b"'),
    "a bad escape": with_body(r'"\x41"'),
    "HTML": b"<!doctype html><p>draft</p>",
}
NOT_NUMBERS = ("NaN", "Infinity", "minus Infinity")
WRONG_TOP: dict[str, bytes] = {
    "a list": b"[]",
    "a list of requests": b"[{}]",
    "a string": b'"draft"',
    "a number": b"1",
    "a huge number": b"9" * 4_000,
    "null": b"null",
    "true": b"true",
    "lists of the allowed depth": b"[" * 30 + b"]" * 30,
}


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem in a response, which must have this status and slug."""
    assert response.status_code == status, response.text[:400]
    assert response.headers["content-type"] == "application/problem+json"
    value: dict[str, Any] = response.json()
    assert value["type"] == f"https://presend.dev/problems/{slug}"
    assert value["status"] == status
    assert value["instance"] == f"urn:presend:request:{response.headers['x-request-id']}"
    assert set(value) <= {"type", "title", "status", "detail", "instance", "errors"}
    return value


@pytest.fixture(scope="module")
def routes(shared_service: Service) -> dict[str, Any]:
    """Every route that takes one JSON document, with an example of it; streams of records have tests of their own."""
    found = {}
    for path, methods in shared_service.client().get("/openapi.json").json()["paths"].items():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {})
            if list(content) == ["application/json"]:
                found[path] = next(iter(content["application/json"]["examples"].values()))["value"]
    assert set(ROUTES) <= set(found)
    return found


@pytest.mark.parametrize("name", MALFORMED)
def test_bytes_that_are_no_acceptable_json(agent: Caller, routes: dict[str, Any], name: str) -> None:
    for route in routes:
        # Statistics take NaN as the fault of one item of a batch, so that the others still count.
        as_item = name in NOT_NUMBERS and route.startswith("/v1/statistics")
        expected = (422, "invalid-input") if as_item else (400, "malformed-body")
        assert problem(agent.raw(route, MALFORMED[name]), *expected)["detail"].endswith(".")


@pytest.mark.parametrize("name", WRONG_TOP)
def test_json_that_is_no_request(agent: Caller, routes: dict[str, Any], name: str) -> None:
    for route in routes:
        problem(agent.raw(route, WRONG_TOP[name]), 422, "invalid-input")


def test_bodies_over_the_limit(agent: Caller) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    for route in ROUTES:
        problem(agent.raw(route, b'{"draft": "' + b"x" * LIMIT + b'"}'), 413, "payload-too-large")
        problem(agent.raw(route, chunks()), 413, "payload-too-large")
        problem(agent.raw(route, b" " * (LIMIT - 2) + b"{}"), 422, "invalid-input")


def test_a_declared_length_over_the_limit_is_refused_before_the_body_comes(service: Service, agent: Caller) -> None:
    head = (
        f"POST /v1/gate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {10**12}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as sock:
        sock.sendall(head.encode())
        assert sock.recv(4_096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "*"],
)
def test_other_content_types(agent: Caller, routes: dict[str, Any], kind: str) -> None:
    for route, example in routes.items():
        body = json.dumps(example).encode()
        problem(agent.raw(route, body, **{"Content-Type": kind}), 415, "unsupported-media-type")


def test_a_compressed_body_is_refused(agent: Caller) -> None:
    body = gzip.compress(json.dumps(request()).encode())
    problem(agent.raw("/v1/gate", body, **{"Content-Encoding": "gzip"}), 415, "unsupported-media-type")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/ld+json"])
def test_json_by_its_other_names(agent: Caller, kind: str) -> None:
    assert agent.raw("/v1/gate", json.dumps(request()).encode(), **{"Content-Type": kind}).status_code == 200


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        place: Any = body
        for part in parents:
            place = place[int(part) if part.isdigit() else part]
        place[last] = value

    return change


WRONG_TYPES: list[tuple[str, Any, str]] = [
    ("draft.subject", 7, "draft.subject"),
    ("draft.body", None, "draft.body"),
    ("draft.body", ["x"], "draft.body"),
    ("draft.body", "x" * 100_001, "draft.body"),
    ("draft.extra", "x", "draft.extra"),
    ("context", [], "context"),
    ("context.company_name", "", "context.company_name"),
    ("context.company_name", 5, "context.company_name"),
    ("context.icp_segment", 5, "context.icp_segment"),
    ("context.icp_segment", "1", "context.icp_segment"),
    ("context.icp_segment", True, "context.icp_segment"),
    ("context.icp_segment", 1.0, "context.icp_segment"),
    ("context.icp_segment", 10**400, "context.icp_segment"),
    ("context.thread_stage", "later", "context.thread_stage"),
    ("context.task_type", "fax", "context.task_type"),
    ("context.signal_brief", "x", "context.signal_brief"),
    ("context.signal_brief.signal_line", {}, "context.signal_brief.signal_line"),
    ("context.signal_brief.signal_confidence_tier", "sure", "context.signal_brief.signal_confidence_tier"),
    ("context.bench_summary.stacks", [], "context.bench_summary.stacks"),
    ("context.bench_summary.stacks.go", 3, "context.bench_summary.stacks.go"),
    ("context.bench_summary.stacks.go.available_engineers", -1, "context.bench_summary.stacks.go.available_engineers"),
    ("context.bench_summary.stacks.go.available_engineers", "3", "context.bench_summary.stacks.go.available_engineers"),
    ("context.bench_summary.stacks.go.seniority_mix", [], "context.bench_summary.stacks.go.seniority_mix"),
    ("context.capacity_request", {}, "context.capacity_request"),
    ("context.capacity_request.0.requested_count", 0, "context.capacity_request[0].requested_count"),
    ("context.capacity_request.0.seniority", "guru", "context.capacity_request[0].seniority"),
    ("context.capacity_request.0.more", 1, "context.capacity_request[0].more"),
    ("context.prior_thread.0.role", "boss", "context.prior_thread[0].role"),
    ("context.prior_thread.0.content", 1, "context.prior_thread[0].content"),
    ("rubric", "", "rubric"),
    ("explain", "yes", "explain"),
    ("explain", 1, "explain"),
    ("deadline_ms", 49, "deadline_ms"),
    ("deadline_ms", 120_001, "deadline_ms"),
    ("deadline_ms", 1_000.5, "deadline_ms"),
    ("deadline_ms", "1000", "deadline_ms"),
    ("on_failure", "send", "on_failure"),
    ("surprise", 1, "surprise"),
]


@pytest.mark.parametrize(("path", "value", "named"), WRONG_TYPES, ids=lambda v: str(v)[:40])
def test_wrong_types_of_known_keys_are_named_by_path(agent: Caller, path: str, value: Any, named: str) -> None:
    body = json.loads(json.dumps(request()))
    _set(path, value)(body)
    found = problem(agent.post("/v1/gate", body), 422, "invalid-input")
    assert [item["path"] for item in found["errors"]] == [named]


def test_faults_are_counted_and_bounded(agent: Caller) -> None:
    body = request(context={**CONTEXT, "prior_thread": [{"role": "x", "content": 1}] * 100})
    found = problem(agent.post("/v1/gate", body), 422, "invalid-input")
    assert len(found["errors"]) == 20
    assert "200 fields" in found["detail"]


def test_an_unknown_rubric_is_refused_by_name_of_those_that_exist(agent: Caller) -> None:
    for route in ("/v1/gate", "/v1/verdicts", "/v1/comparisons"):
        found = problem(agent.post(route, {**ROUTES[route], "rubric": "another"}), 422, "unknown-rubric")
        assert "outreach" in found["detail"]
        assert "another" not in found["detail"]


def test_unknown_context_keys_are_kept(service: Service, agent: Caller) -> None:
    extra = {"crm": {"id": 12345678901234567890, "tags": ["a", None, 1.5], "ü": "é🙂"}, "zebra": True}
    context = {**CONTEXT, **extra, "signal_brief": {**CONTEXT["signal_brief"], "source": {"url": "https://x.example"}}}
    verdict = agent.ok(agent.post("/v1/gate", request(context=context)))["verdict"]
    ((stored,),) = service.sql("SELECT context::text FROM verdicts WHERE id = %s", verdict["id"])
    assert json.loads(stored) == context


def test_a_pair_of_surrogates_is_a_character(service: Service, agent: Caller) -> None:
    body = with_body(r'"Hi Ana,\n\nThank you \ud83d\ude42 for asking.\n\nBest,\nJo"')
    verdict = agent.ok(agent.raw("/v1/gate", body))["verdict"]
    ((stored,),) = service.sql("SELECT draft->>'body' FROM verdicts WHERE id = %s", verdict["id"])
    assert "🙂" in stored


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/v1/nowhere", 404, "not-found"),
        ("GET", "/", 404, "not-found"),
        ("GET", "/v1/verdicts/", 404, "not-found"),
        ("GET", "/v1/gate", 405, "method-not-allowed"),
        ("PUT", "/v1/verdicts", 405, "method-not-allowed"),
        ("GET", "/v1/verdicts/not-a-uuid", 422, "invalid-input"),
        ("GET", "/v1/verdicts?limit=0", 422, "invalid-input"),
        ("GET", "/v1/verdicts?limit=201", 422, "invalid-input"),
        ("GET", "/v1/verdicts?limit=x", 422, "invalid-input"),
        ("GET", "/v1/verdicts?cursor=%00", 422, "invalid-input"),
        ("GET", "/v1/verdicts?cursor=%C3%BC", 422, "invalid-input"),
        ("GET", "/v1/verdicts?cursor=AAAA", 422, "invalid-input"),
        ("GET", "/v1/verdicts?criterion=%00", 422, "invalid-input"),
        ("GET", "/v1/verdicts?criterion=tone%27--", 422, "invalid-input"),
        ("GET", "/v1/verdicts?outcome=fine", 422, "invalid-input"),
        ("GET", "/v1/verdicts?since=yesterday", 422, "invalid-input"),
        ("GET", "/v1/verdicts?since=1700000000", 422, "invalid-input"),
        ("GET", "/v1/verdicts?until=0.5", 422, "invalid-input"),
        ("GET", "/v1/verdicts?since=2026-01-01T00:00:00", 422, "invalid-input"),
        ("GET", "/v1/verdicts?run_id=1", 422, "invalid-input"),
        ("GET", "/v1/judge?rubric=%00", 422, "unknown-rubric"),
        ("GET", "/v1/runs?system=%00", 422, "invalid-input"),
        ("GET", "/v1/runs?name=%00", 422, "invalid-input"),
        ("GET", "/v1/runs?tag=%00:x", 422, "invalid-input"),
        ("GET", "/v1/runs?tag=x", 422, "invalid-input"),
    ],
)
def test_addresses_and_parameters(agent: Caller, method: str, path: str, status: int, slug: str) -> None:
    problem(agent.call(method, path), status, slug)


def test_an_idempotency_key_must_fit(agent: Caller) -> None:
    for key in ("two words", "ü".encode().decode("latin-1"), "x" * 201):
        response = agent.call("POST", "/v1/gate", {"Idempotency-Key": key.encode("latin-1")}, json=request())  # type: ignore[dict-item]
        found = problem(response, 422, "invalid-input")
        assert found["errors"][0]["path"] == "header.Idempotency-Key"


def test_request_ids_come_back_when_they_are_plain(agent: Caller) -> None:
    for given in ("abc-1.2:3_4", "x" * 100):
        assert agent.call("GET", "/v1/judge", {"X-Request-ID": given}).headers["x-request-id"] == given
    for given in ("two words", "x" * 101, "<script>", "a\tb"):
        assert agent.call("GET", "/v1/judge", {"X-Request-ID": given}).headers["x-request-id"] != given


def test_every_slug_of_the_tree_is_stable() -> None:
    def tree(kind: type[PresendError]) -> Iterator[tuple[str, int]]:
        yield kind.slug, kind.status
        for child in kind.__subclasses__():
            yield from tree(child)

    known = dict(tree(InvalidInput))
    assert known == {
        "invalid-input": 422,
        "malformed-body": 400,
        "payload-too-large": 413,
        "unsupported-media-type": 415,
        "unknown-rubric": 422,
    }
