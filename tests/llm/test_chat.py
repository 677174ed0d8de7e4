"""Any endpoint asked for one JSON object: faults are outcomes, and a schema is only offered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.errors import ConfigurationError
from app.judge.verdict import RawAnswer
from app.llm import CallFailure, ChatClient, Endpoint
from app.schemas import Outcome
from tests.fake_plugin import FakeVllm

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def ask(fake: FakeVllm, times: int = 1, **endpoint: Any) -> list[RawAnswer | CallFailure]:
    async def main() -> list[RawAnswer | CallFailure]:
        given = {"base_url": fake.url, "model": "writer", "pause_s": 0.001} | endpoint
        async with ChatClient(Endpoint(**given)) as client:
            messages = [{"role": "user", "content": "Write."}]
            return [
                await client.complete(messages, SCHEMA, name="draft", temperature=0.8, seed=7, max_tokens=50)
                for _ in range(times)
            ]

    return asyncio.run(main())


def test_what_is_asked_and_what_comes_back(fake_vllm: FakeVllm) -> None:
    fake_vllm.always("ok", text='{"a": 1}')
    (answer,) = ask(fake_vllm, api_key="k")
    assert isinstance(answer, RawAnswer)
    assert answer.text == '{"a": 1}'
    assert answer.usage is not None
    (request,) = fake_vllm.log()["requests"]
    body = request.get("body", request)
    assert (body["model"], body["temperature"], body["seed"], body["max_tokens"]) == ("writer", 0.8, 7, 50)
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize("kind", ["429", "502", "503", "disconnect"])
def test_a_fault_that_may_pass_is_tried_again(fake_vllm: FakeVllm, kind: str) -> None:
    fake_vllm.script(default={"kind": "ok", "text": "{}"}, queue=[{"kind": kind, "times": 2}])
    (answer,) = ask(fake_vllm)
    assert isinstance(answer, RawAnswer)
    assert fake_vllm.log()["received"] == 3


@pytest.mark.parametrize(
    ("kind", "outcome", "asked"),
    [
        ("429", Outcome.RATE_LIMITED, 4),
        ("502", Outcome.UPSTREAM_ERROR, 4),
        ("500", Outcome.UPSTREAM_ERROR, 1),
        ("401", Outcome.UPSTREAM_ERROR, 1),
        ("404", Outcome.UPSTREAM_ERROR, 1),
        ("truncated", Outcome.TRUNCATED, 1),
        ("refusal", Outcome.REFUSED, 1),
        ("content_filter", Outcome.REFUSED, 1),
        ("empty", Outcome.EMPTY, 1),
        ("null_content", Outcome.EMPTY, 1),
        ("no_choices", Outcome.EMPTY, 1),
        ("broken_envelope", Outcome.UPSTREAM_ERROR, 1),
        ("redirect", Outcome.UPSTREAM_ERROR, 1),
    ],
)
def test_every_fault_is_an_outcome(fake_vllm: FakeVllm, kind: str, outcome: Outcome, asked: int) -> None:
    fake_vllm.always(kind)
    (answer,) = ask(fake_vllm)
    assert isinstance(answer, CallFailure)
    assert answer.outcome is outcome
    assert fake_vllm.log()["received"] == asked


def test_an_endpoint_that_takes_no_schema_is_asked_without_from_then_on(fake_vllm: FakeVllm) -> None:
    fake_vllm.script(default={"kind": "ok", "text": "{}"}, queue=[{"kind": "400"}])
    assert all(isinstance(answer, RawAnswer) for answer in ask(fake_vllm, times=2))
    offered = ["response_format" in (r.get("body") or r) for r in fake_vllm.log()["requests"]]
    assert offered == [True, False, False]


def test_an_answer_that_does_not_come_is_a_timeout(fake_vllm: FakeVllm) -> None:
    fake_vllm.always("hang")
    (answer,) = ask(fake_vllm, timeout_s=0.05)
    assert isinstance(answer, CallFailure)
    assert answer.outcome is Outcome.TIMEOUT


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must look like http"):
        ChatClient(Endpoint("one:8000", "m"))
