"""Whether the engine would answer now: asked briefly, never raising, and whether the fake keeps its own promises."""

from __future__ import annotations

import time

import pytest

from app.errors import ConfigurationError
from app.judge.verdict import RawAnswer
from app.llm import EngineHealth, JudgeClient, LlmSettings
from tests.fake_plugin import FakeVllm
from tests.fake_replies import step_from
from tests.llm.asking import PROMPT, RUBRIC, ask, ask_once, settings, with_client


def health(given: LlmSettings, timeout_s: float = 2.0) -> EngineHealth:
    return with_client(given, lambda client: client.health(timeout_s))


def test_a_ready_engine(fake_vllm: FakeVllm) -> None:
    assert health(settings(fake_vllm)) == EngineHealth(True, "0.32.0", ("presend-judge",), "ready")


def test_an_engine_without_our_model_is_not_ready(fake_vllm: FakeVllm) -> None:
    found = health(settings(fake_vllm, model="another"))
    assert not found.ready
    assert "does not serve another" in found.detail


def test_an_engine_that_says_it_is_ill_is_not_ready(fake_vllm: FakeVllm) -> None:
    fake_vllm.script(healthy=False)
    found = health(settings(fake_vllm))
    assert not found.ready
    assert "503" in found.detail


def test_a_server_that_is_not_vllm_is_ready_without_health_and_version(fake_vllm: FakeVllm) -> None:
    fake_vllm.script(version="", owned_by="someone")
    given = settings(fake_vllm, engine="auto", base_url=fake_vllm.url.replace("/v1", "/elsewhere/v1"))
    assert not health(given).ready  # nothing is there at all
    assert health(settings(fake_vllm, engine="auto")) == EngineHealth(True, None, ("presend-judge",), "ready")


def test_an_engine_that_is_not_there(fake_vllm: FakeVllm) -> None:
    found = health(settings(fake_vllm, base_url="http://127.0.0.1:9/v1"))
    assert found == EngineHealth(False, None, (), "the connection to the engine failed")


def test_an_engine_that_does_not_answer_costs_the_timeout_only(fake_vllm: FakeVllm) -> None:
    fake_vllm.script(hang_health=True)
    started = time.monotonic()
    found = health(settings(fake_vllm), 0.2)
    assert not found.ready
    assert "0.2 s" in found.detail
    assert time.monotonic() - started < 0.7


def test_health_tells_auto_what_the_server_is(fake_vllm: FakeVllm) -> None:
    async def use(client: JudgeClient) -> None:
        await client.health()
        await ask(client)

    with_client(settings(fake_vllm, engine="auto"), use)
    assert "cache_salt" in fake_vllm.log()["requests"][0]["body"]


def test_a_canary_warms_without_tenant_or_priority(fake_vllm: FakeVllm) -> None:
    schema = RUBRIC.schema(explain=True)
    answer = with_client(
        settings(fake_vllm),
        lambda client: client.canary(PROMPT.messages, schema, schema_name="warm", max_tokens=60),
    )
    assert isinstance(answer, RawAnswer)
    body = fake_vllm.log()["requests"][0]["body"]
    assert body["response_format"]["json_schema"]["schema"] == schema
    assert not {"priority", "cache_salt"} & set(body)


@pytest.mark.parametrize("url", ["", "engine:8000/v1", "ftp://engine/v1", "http://", "http://engine/v1?x=1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="http://host:port/v1"):
        JudgeClient(LlmSettings(base_url=url, model="m"))


class TestTheFake:
    def test_steps_are_used_up_in_order(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.then({"kind": "empty", "times": 2}, {"kind": "prose"})
        for _ in range(4):
            ask_once(fake_vllm)
        assert [r["kind"] for r in fake_vllm.log()["requests"]] == ["empty", "empty", "prose", "ok"]

    def test_a_step_can_depend_on_the_text(self, fake_vllm: FakeVllm) -> None:
        fake_vllm.script(when=[{"contains": "two roles", "step": {"kind": "ok", "scores": 1}}])
        answer = ask_once(fake_vllm)
        assert isinstance(answer, RawAnswer)
        assert answer.text == '{"s":[1,1,1,1,1,1]}'

    @pytest.mark.parametrize("step", [{"kind": "okay"}, {"latency": 5}])
    def test_a_mistyped_step_is_refused(self, step: dict[str, object]) -> None:
        with pytest.raises(ValueError, match="unknown"):
            step_from(step)

    def test_it_runs_as_a_process(self, fake_vllm_process: FakeVllm) -> None:
        assert health(settings(fake_vllm_process)).ready
