"""Every outcome, over real HTTP: what the engine does, what we call it, and never a number but for ``judged``."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from app.judge.verdict import RawAnswer
from app.llm import CallFailure, JudgeClient
from app.schemas import Outcome
from tests.fake_plugin import FakeVllm
from tests.fake_replies import KINDS
from tests.llm.asking import RUBRIC, Result, ask, ask_once, judged, settings, with_client

EXPECTED: dict[str, Outcome] = {
    "ok": Outcome.JUDGED,
    "ok_after_drip": Outcome.JUDGED,
    "joined_tokens": Outcome.JUDGED,
    "429": Outcome.RATE_LIMITED,
    "queue_full": Outcome.RATE_LIMITED,
    "500": Outcome.UPSTREAM_ERROR,
    "502": Outcome.UPSTREAM_ERROR,
    "503": Outcome.UPSTREAM_ERROR,
    "400": Outcome.UPSTREAM_ERROR,
    "401": Outcome.UPSTREAM_ERROR,
    "404": Outcome.UPSTREAM_ERROR,
    "redirect": Outcome.UPSTREAM_ERROR,
    "disconnect": Outcome.UPSTREAM_ERROR,
    "wrong_content_type": Outcome.UPSTREAM_ERROR,
    "gzip": Outcome.UPSTREAM_ERROR,
    "huge": Outcome.UPSTREAM_ERROR,
    "broken_envelope": Outcome.UPSTREAM_ERROR,
    "hang": Outcome.TIMEOUT,
    "slow_drip": Outcome.TIMEOUT,
    "truncated": Outcome.TRUNCATED,
    "repetition": Outcome.TRUNCATED,
    "whitespace_loop": Outcome.TRUNCATED,
    "abort": Outcome.CANCELLED,
    "refusal": Outcome.REFUSED,
    "content_filter": Outcome.REFUSED,
    "empty": Outcome.EMPTY,
    "null_content": Outcome.EMPTY,
    "no_choices": Outcome.EMPTY,
    "wrong_schema": Outcome.SCHEMA_MISMATCH,
    "missing_logprobs": Outcome.SCHEMA_MISMATCH,
    "unreported_logprobs": Outcome.SCHEMA_MISMATCH,
    "out_of_range": Outcome.OUT_OF_RANGE,
    "not_json": Outcome.UNPARSEABLE,
    "prose": Outcome.UNPARSEABLE,
    "two_objects": Outcome.UNPARSEABLE,
}


def test_every_kind_and_every_outcome_has_a_case() -> None:
    assert set(EXPECTED) == set(KINDS)
    assert set(EXPECTED.values()) | {Outcome.NOT_CALLED} == set(Outcome)


@pytest.mark.parametrize("kind", KINDS)
def test_outcome(fake_vllm: FakeVllm, kind: str) -> None:
    fake_vllm.always(kind)
    started = time.monotonic()
    verdict = judged(ask_once(fake_vllm, deadline_s=0.6))
    assert verdict.outcome is EXPECTED[kind], verdict.detail
    if verdict.outcome is Outcome.JUDGED:
        assert verdict.scores == (5,) * len(RUBRIC.model_criteria)
    else:
        assert (verdict.scores, verdict.distributions, verdict.reason) == ((), (), None)
        assert verdict.detail
    assert time.monotonic() - started < 0.6 + 0.25


@pytest.mark.parametrize("deadline_s", [0.0, -1.0])
def test_without_time_the_engine_is_not_called(fake_vllm: FakeVllm, deadline_s: float) -> None:
    assert judged(ask_once(fake_vllm, deadline_s=deadline_s)).outcome is Outcome.NOT_CALLED
    assert fake_vllm.log()["received"] == 0


def test_a_text_that_json_cannot_carry_is_not_sent(fake_vllm: FakeVllm) -> None:
    result = ask_once(fake_vllm, messages=[{"role": "user", "content": "\ud800"}])
    assert judged(result).outcome is Outcome.NOT_CALLED
    assert fake_vllm.log()["received"] == 0


def test_the_answer_carries_what_is_stored(fake_vllm: FakeVllm) -> None:
    fake_vllm.always("ok", scores=[5, 4, 3, 1, 2, 5], confidence=0.6)
    answer = ask_once(fake_vllm)
    assert isinstance(answer, RawAnswer)
    assert answer.text == '{"s":[5,4,3,1,2,5]}'
    assert (answer.finish_reason, answer.model, answer.fingerprint) == ("stop", "presend-judge", "fake-engine")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.cached_tokens) == (321, 256)
    verdict = judged(answer)
    assert verdict.scores == (5, 4, 3, 1, 2, 5)
    assert [max(d.p) for d in verdict.distributions] == pytest.approx([0.6] * 6)


def test_an_explained_answer_is_judged(fake_vllm: FakeVllm) -> None:
    fake_vllm.always("ok", reason="It names a fact – and asks once. 🙂")
    verdict = judged(ask_once(fake_vllm, schema=RUBRIC.schema(explain=True)), explain=True)
    assert verdict.outcome is Outcome.JUDGED
    assert verdict.reason == "It names a fact – and asks once. 🙂"


def test_a_refused_connection_is_an_upstream_error(fake_vllm: FakeVllm) -> None:
    given = settings(fake_vllm, base_url="http://127.0.0.1:9/v1")
    result = ask_once(fake_vllm, given)
    assert isinstance(result, CallFailure)
    assert (result.outcome, result.retryable, result.status) == (Outcome.UPSTREAM_ERROR, True, None)


def test_a_detail_never_quotes_the_engine(fake_vllm: FakeVllm) -> None:
    """An engine's validation error may quote the prompt."""
    for kind in ("400", "500", "503", "401", "429", "404"):
        fake_vllm.always(kind)
        result = ask_once(fake_vllm, deadline_s=0.3)
        assert isinstance(result, CallFailure)
        for word in ("schema", "Grammar", "exist", "Unauthorized", "Rate", "No engine"):
            assert word not in result.detail


class TestDeadline:
    @pytest.mark.parametrize("kind", ["hang", "slow_drip"])
    def test_the_answer_is_back_in_time_and_the_request_is_aborted(self, fake_vllm: FakeVllm, kind: str) -> None:
        fake_vllm.always(kind)

        async def use(client: JudgeClient) -> tuple[Result, float]:
            started = time.monotonic()
            result = await ask(client, deadline_s=0.3)
            return result, time.monotonic() - started

        result, elapsed = with_client(settings(fake_vllm), use)
        assert judged(result).outcome is Outcome.TIMEOUT
        assert 0.29 <= elapsed < 0.55
        fake_vllm.wait_for(cancelled=1, active=0)

    def test_a_full_pool_counts_against_the_deadline(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.always("hang")

        async def use(client: JudgeClient) -> list[Result]:
            return await asyncio.gather(*(ask(client, deadline_s=0.3) for _ in range(4)))

        started = time.monotonic()
        results = with_client(settings(fake_vllm, max_connections=2), use)
        assert [judged(r).outcome for r in results] == [Outcome.TIMEOUT] * 4
        assert time.monotonic() - started < 0.6
        assert fake_vllm.wait_for(active=0)["max_active"] == 2

    def test_cancelling_the_task_aborts_the_request(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.always("hang")

        async def use(client: JudgeClient) -> bool:
            task = asyncio.create_task(ask(client, deadline_s=30))
            await asyncio.to_thread(fake_vllm.wait_for, active=1)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            return task.cancelled()

        assert with_client(settings(fake_vllm), use)
        fake_vllm.wait_for(cancelled=1, active=0)

    def test_an_aborted_request_leaves_the_pool_usable(self, fake_vllm: FakeVllm) -> None:
        async def use(client: JudgeClient) -> Result:
            fake_vllm.always("hang")
            await asyncio.gather(*(ask(client, deadline_s=0.1) for _ in range(6)))
            fake_vllm.always("ok")
            return await ask(client)

        assert judged(with_client(settings(fake_vllm, max_connections=2), use)).outcome is Outcome.JUDGED

    def test_a_huge_reply_is_dropped_early(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.always("huge")
        result = ask_once(fake_vllm)
        assert isinstance(result, CallFailure)
        assert "exceeds" in result.detail
        fake_vllm.wait_for(cancelled=1, active=0)


class TestRetry:
    @pytest.mark.parametrize("kind", ["502", "503", "queue_full", "disconnect"])
    def test_one_retry_after_a_passing_fault(self, fake_vllm: FakeVllm, kind: str) -> None:
        fake_vllm.then({"kind": kind})
        assert judged(ask_once(fake_vllm)).outcome is Outcome.JUDGED
        assert fake_vllm.log()["received"] == 2

    @pytest.mark.parametrize("kind", ["502", "429", "disconnect"])
    def test_no_second_retry(self, fake_vllm: FakeVllm, kind: str) -> None:
        fake_vllm.then({"kind": kind, "times": 2})
        assert judged(ask_once(fake_vllm)).outcome is EXPECTED[kind]
        assert fake_vllm.log()["received"] == 2

    @pytest.mark.parametrize(
        "kind",
        [
            *("400", "401", "404", "500", "redirect", "gzip", "huge", "broken_envelope", "wrong_content_type"),
            *("truncated", "empty", "refusal", "prose", "out_of_range", "wrong_schema", "missing_logprobs"),
        ],
    )
    def test_a_fault_that_would_come_again_is_not_retried(self, fake_vllm: FakeVllm, kind: str) -> None:
        fake_vllm.then({"kind": kind})
        assert judged(ask_once(fake_vllm)).outcome is EXPECTED[kind]
        assert fake_vllm.log()["received"] == 1

    def test_retry_after_is_kept_when_it_fits(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.then({"kind": "429", "retry_after": "0.2"})
        started = time.monotonic()
        assert judged(ask_once(fake_vllm)).outcome is Outcome.JUDGED
        assert time.monotonic() - started >= 0.2
        assert fake_vllm.log()["received"] == 2

    def test_retry_after_is_handed_on_when_it_does_not_fit(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.then({"kind": "429", "retry_after": "30"})
        started = time.monotonic()
        result = ask_once(fake_vllm)
        assert isinstance(result, CallFailure)
        assert (result.outcome, result.retry_after_s, result.status) == (Outcome.RATE_LIMITED, 30.0, 429)
        assert result.retryable
        assert time.monotonic() - started < 1.0
        assert fake_vllm.log()["received"] == 1

    def test_a_hanging_retry_keeps_the_deadline(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.then({"kind": "503"}, {"kind": "hang"})
        started = time.monotonic()
        assert judged(ask_once(fake_vllm, deadline_s=0.4)).outcome is Outcome.TIMEOUT
        assert time.monotonic() - started < 0.6
        fake_vllm.wait_for(cancelled=1, active=0)


class TestRequest:
    def test_what_is_sent_to_vllm(self, fake_vllm: FakeVllm) -> None:
        ask_once(fake_vllm, settings(fake_vllm, api_key="secret"))
        request = fake_vllm.log()["requests"][0]
        assert request["authorization"] is True
        body = request["body"]
        assert [m["role"] for m in body.pop("messages")] == ["system", "user"]
        assert body == {
            "model": "presend-judge",
            "temperature": 0.0,
            "top_p": 1.0,
            "seed": 0,
            "n": 1,
            "logprobs": True,
            "top_logprobs": 5,
            "max_completion_tokens": 40,
            "priority": -10,
            "cache_salt": "tenant-1",
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "outreach", "schema": RUBRIC.schema(explain=False), "strict": True},
            },
        }

    def test_another_server_gets_no_extensions(self, fake_vllm: FakeVllm) -> None:
        ask_once(fake_vllm, settings(fake_vllm, engine="openai"))
        body = fake_vllm.log()["requests"][0]["body"]
        assert body["max_tokens"] == 40
        assert not {"priority", "cache_salt", "max_completion_tokens"} & set(body)

    @pytest.mark.parametrize(("owner", "extended"), [("vllm", True), ("someone", False)])
    def test_auto_learns_what_the_server_is(self, fake_vllm: FakeVllm, owner: str, extended: bool) -> None:
        fake_vllm.script(owned_by=owner)
        ask_once(fake_vllm, settings(fake_vllm, engine="auto"))
        assert ("priority" in fake_vllm.log()["requests"][0]["body"]) is extended

    def test_a_vllm_without_priority_scheduling_is_asked_without(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.script(refuse_priority=True)

        async def use(client: JudgeClient) -> list[Result]:
            return [await ask(client), await ask(client)]

        results = with_client(settings(fake_vllm), use)
        assert [judged(r).outcome for r in results] == [Outcome.JUDGED] * 2
        sent = ["priority" in r["body"] for r in fake_vllm.log()["requests"]]
        assert sent == [True, False, False]

    def test_without_logprobs(self, fake_vllm: FakeVllm) -> None:
        answer = ask_once(fake_vllm, logprobs=False, cache_salt=None)
        assert isinstance(answer, RawAnswer)
        assert answer.tokens is None
        assert not {"logprobs", "top_logprobs", "cache_salt"} & set(fake_vllm.log()["requests"][0]["body"])

    def test_a_pairwise_schema_gets_a_choice(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.always("ok", winner="tie")
        schema = {"type": "object", "properties": {"w": {"enum": ["1", "2", "tie"]}}, "required": ["w"]}
        answer = ask_once(fake_vllm, schema=schema)
        assert isinstance(answer, RawAnswer)
        assert answer.text == '{"w":"tie"}'
        assert answer.tokens is not None
        assert {t for t, _ in answer.tokens[3].top} == {"1", "2", "tie"}

    def test_calls_share_connections_and_run_at_once(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.always("ok", latency_ms=100)

        async def use(client: JudgeClient) -> list[Result]:
            return await asyncio.gather(*(ask(client) for _ in range(8)))

        results = with_client(settings(fake_vllm, max_connections=8), use)
        assert [judged(r).outcome for r in results] == [Outcome.JUDGED] * 8
        assert fake_vllm.log()["max_active"] == 8

    def test_the_environment_sends_nothing(self, fake_vllm: FakeVllm, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key, proxy or organisation of the machine must not reach the engine."""
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-someone")
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        monkeypatch.setenv("OPENAI_ORG_ID", "org")
        assert judged(ask_once(fake_vllm)).outcome is Outcome.JUDGED
        names = fake_vllm.log()["requests"][0]["headers"]
        expected = "accept accept-encoding authorization connection content-length content-type host user-agent"
        assert names == expected.split()
