"""One way for these tests to ask: a real draft, rendered, through a real client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from app.judge.prompt import render
from app.judge.rubric import parse_rubric
from app.judge.verdict import ModelVerdict, RawAnswer, read_answer
from app.llm import CallFailure, JudgeClient, LlmSettings
from app.schemas import Context, Draft
from tests.fake_plugin import FakeVllm

ROOT = Path(__file__).resolve().parents[2]
RUBRIC = parse_rubric((ROOT / "app/judge/rubrics/default.toml").read_text("utf-8"), "default.toml")
DRAFT = Draft(subject="Cover for two roles", body="Hi Ana,\n\nYou list two roles. Would cover help?\n\nJo")
CONTEXT = Context.model_validate({"company_name": "Tern Labs", "icp_segment": 0, "thread_stage": "cold_first_touch"})
PROMPT = render(RUBRIC, DRAFT, CONTEXT)
Result = RawAnswer | CallFailure
T = TypeVar("T")


def settings(fake: FakeVllm, **changes: Any) -> LlmSettings:
    """Settings for the fake."""
    return LlmSettings(**({"base_url": fake.url, "model": "presend-judge", "engine": "vllm"} | changes))


def with_client(given: LlmSettings, use: Callable[[JudgeClient], Awaitable[T]]) -> T:
    """Run ``use`` with a client in a loop of its own, and close it."""

    async def main() -> T:
        client = JudgeClient(given)
        try:
            return await use(client)
        finally:
            await client.aclose()

    return asyncio.run(main())


async def ask(client: JudgeClient, **changes: Any) -> Result:
    """One call with usual arguments."""
    messages = changes.pop("messages", PROMPT.messages)
    schema = changes.pop("schema", RUBRIC.schema(explain=False))
    fields: dict[str, Any] = {
        "schema_name": "outreach",
        "deadline_s": 5.0,
        "priority": -10,
        "max_tokens": 40,
        "cache_salt": "tenant-1",
    }
    return await client.ask(messages, schema, **(fields | changes))


def ask_once(fake: FakeVllm, given: LlmSettings | None = None, **changes: Any) -> Result:
    """One call on a fresh client."""
    return with_client(given or settings(fake), lambda client: ask(client, **changes))


def judged(result: Result, *, explain: bool = False) -> ModelVerdict:
    """What the boundary makes of a result, as the service does it."""
    if isinstance(result, CallFailure):
        return ModelVerdict(result.outcome, result.detail)
    return read_answer(result, RUBRIC, explain=explain)
