"""The engine, asked through the openai SDK: guided decoding under a deadline, every fault a typed outcome.

The SDK carries the request and raises its errors; the body is written and read here, because building and
validating the SDK's models costs more than the call itself. Nothing here believes an answer: that is
``app.judge.verdict``. It refuses redirects, and sampling parameters from outside.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
import openai
import orjson
from openai import AsyncOpenAI

from app.errors import ConfigurationError
from app.judge.verdict import RawAnswer
from app.llm.replies import NO_PRIORITY, BoundedTransport, CallFailure, failure_of, read_completion
from app.schemas import Outcome

DECODING: Mapping[str, float | int | bool] = {
    "temperature": 0.0,
    "top_p": 1.0,
    "seed": 0,
    "n": 1,
    "logprobs": True,
    # Under the grammar the five digits are the only legal tokens where a score stands, and more alternatives would
    # only be fillers; the boundary keeps the mass that the digits carried.
    "top_logprobs": 5,
}
"""How the engine decodes, always; part of the judge identity."""

HEALTH_TIMEOUT_S = 2.0
_QUIET: Mapping[str, str | openai.Omit] = {
    f"{prefix}{name}": openai.omit
    for prefix, names in (
        (
            "X-Stainless-",
            "Lang Package-Version OS Arch Runtime Runtime-Version Async Retry-Count Read-Timeout",
        ),
        ("OpenAI-", "Organization Project"),
    )
    for name in names.split()
}
"""Headers that the SDK would add about this machine and its environment; leaving them out is also cheaper."""
_NO_KEY = "no-key"


@dataclass(frozen=True)
class LlmSettings:
    """Where the engine is and how it is reached.

    ``base_url`` ends in ``/v1``. ``engine`` says whether the vLLM extensions (priority, cache salt) may be
    sent; ``auto`` asks the server once.
    """

    base_url: str
    model: str
    api_key: str | None = None
    engine: Literal["auto", "vllm", "openai"] = "auto"
    max_connections: int = 64
    connect_timeout_s: float = 2.0
    retry_pause_s: float = 0.05
    keepalive_expiry_s: float = 60.0


@dataclass(frozen=True)
class EngineHealth:
    """Whether the engine would answer now, and what it is."""

    ready: bool
    version: str | None
    models: tuple[str, ...]
    detail: str
    busy: bool = False


class JudgeClient:
    """One connection pool to one engine; one per process."""

    def __init__(self, settings: LlmSettings) -> None:
        """Open nothing yet.

        Raises
        ------
        ConfigurationError
            When ``base_url`` is no http(s) address.
        """
        url = settings.base_url.rstrip("/")
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
            raise ConfigurationError("The engine's base URL must look like http://host:port/v1.")
        self._settings = settings
        self._root = url.removesuffix("/v1")
        self._is_vllm = None if settings.engine == "auto" else settings.engine == "vllm"
        self._takes_priority = True
        limits = httpx2.Limits(
            max_connections=settings.max_connections,
            max_keepalive_connections=settings.max_connections,
            keepalive_expiry=settings.keepalive_expiry_s,
        )
        self._http = httpx2.AsyncClient(
            transport=BoundedTransport(httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)),
            # The deadline governs reading, writing and waiting for a connection; see `ask`.
            timeout=httpx2.Timeout(None, connect=settings.connect_timeout_s),
            headers={"Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
        )
        self._sdk = AsyncOpenAI(
            api_key=settings.api_key or _NO_KEY,
            base_url=url,
            max_retries=0,
            http_client=self._http,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.close()

    async def ask(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any],
        *,
        schema_name: str,
        deadline_s: float,
        priority: int,
        max_tokens: int,
        cache_salt: str | None,
        logprobs: bool = True,
    ) -> RawAnswer | CallFailure:
        """Ask once, and once more only after a transport fault that leaves time.

        ``deadline_s`` is the time left, in seconds; the answer or a failure is back by then, and the request
        is aborted. Cancelling the task aborts the request too, and raises ``CancelledError``. A smaller
        ``priority`` is served sooner.
        """
        if deadline_s <= 0:
            return CallFailure(Outcome.NOT_CALLED, "no time was left to ask the model")
        clock = asyncio.get_running_loop().time
        give_up = clock() + deadline_s
        try:
            async with asyncio.timeout_at(give_up):
                if self._is_vllm is None:
                    await self._recognise()
                body = self._body(messages, schema, schema_name, priority, max_tokens, cache_salt, logprobs)
                result = await self._post(body)
                if not isinstance(result, CallFailure):
                    return result
                pause = self._pause(result)
                if result.detail is NO_PRIORITY and body.pop("priority", None) is not None:
                    self._takes_priority, pause = False, 0.0
                if pause is None or pause >= give_up - clock():
                    return result
                await asyncio.sleep(pause)
                return await self._post(body)
        except TimeoutError:
            return CallFailure(Outcome.TIMEOUT, "the model did not answer within the deadline", retryable=True)

    async def canary(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any],
        *,
        schema_name: str,
        max_tokens: int,
        deadline_s: float = 120.0,
    ) -> RawAnswer | CallFailure:
        """Warm up before readiness: the engine compiles a schema's grammar on its first use, in seconds."""
        return await self.ask(
            messages,
            schema,
            schema_name=schema_name,
            deadline_s=deadline_s,
            priority=0,
            max_tokens=max_tokens,
            cache_salt=None,
        )

    async def health(self, timeout_s: float = HEALTH_TIMEOUT_S) -> EngineHealth:
        """Ask whether the engine is up and serves our model. Never raises."""
        try:
            async with asyncio.timeout(timeout_s):
                health, version, models = await asyncio.gather(
                    self._get(f"{self._root}/health"),
                    self._get(f"{self._root}/version"),
                    self._get("/models"),
                )
        except TimeoutError:
            return EngineHealth(False, None, (), f"the engine did not answer within {timeout_s:g} s", busy=True)
        if isinstance(models, CallFailure):
            return EngineHealth(False, None, (), models.detail)
        listed = models.get("data")
        items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
        names = tuple(str(item["id"]) for item in items if isinstance(item.get("id"), str))
        word = version.get("version") if isinstance(version, dict) else None
        engine = word if isinstance(word, str) else None
        if self._is_vllm is None:
            self._is_vllm = any(item.get("owned_by") == "vllm" for item in items)
        if isinstance(health, CallFailure) and health.status != 404:
            # Other servers have no /health; one that has it and fails it is not ready.
            return EngineHealth(False, engine, names, f"the engine reports that it is not healthy: {health.detail}")
        if self._settings.model not in names:
            return EngineHealth(False, engine, names, f"the engine does not serve {self._settings.model}")
        return EngineHealth(True, engine, names, "ready")

    async def _recognise(self) -> None:
        """Learn whether this is vLLM; unknown stays unknown, and is asked again."""
        models = await self._get("/models")
        listed = models.get("data") if isinstance(models, dict) else None
        if isinstance(listed, list):
            self._is_vllm = any(isinstance(item, dict) and item.get("owned_by") == "vllm" for item in listed)

    def _body(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any],
        schema_name: str,
        priority: int,
        max_tokens: int,
        cache_salt: str | None,
        logprobs: bool,
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._settings.model,
            "messages": messages,
            **DECODING,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": schema_name, "schema": schema, "strict": True},
            },
        }
        if not logprobs:
            del body["logprobs"], body["top_logprobs"]
        if not self._is_vllm:
            return body | {"max_tokens": max_tokens}
        body["max_completion_tokens"] = max_tokens
        if self._takes_priority and priority:
            body["priority"] = priority
        if cache_salt is not None:
            body["cache_salt"] = cache_salt
        return body

    def _pause(self, failure: CallFailure) -> float | None:
        """Seconds to wait before the one retry, or None for no retry."""
        if not failure.retryable:
            return None
        if failure.retry_after_s is not None:
            return failure.retry_after_s
        return 0.0 if failure.status is None else self._settings.retry_pause_s * random.uniform(1.0, 2.0)

    async def _post(self, body: Mapping[str, Any]) -> RawAnswer | CallFailure:
        try:
            content = orjson.dumps(body, default=dict)
        except orjson.JSONEncodeError:
            return CallFailure(Outcome.NOT_CALLED, "the prompt holds text that JSON cannot carry")
        try:
            response = await self._sdk.post(
                "/chat/completions",
                cast_to=httpx2.Response,
                content=content,
                options={"headers": _QUIET, "security": {"bearer_auth": True}},
            )
        except Exception as error:  # whatever the SDK raises becomes an outcome
            return failure_of(error)
        return read_completion(response)

    async def _get(self, path: str) -> dict[str, Any] | CallFailure:
        try:
            response = await self._sdk.get(
                path, cast_to=httpx2.Response, options={"headers": _QUIET, "security": {"bearer_auth": True}}
            )
        except Exception as error:  # whatever the SDK raises becomes an outcome
            return failure_of(error)
        try:
            value = orjson.loads(response.content or b"{}")
        except ValueError:
            return CallFailure(Outcome.UPSTREAM_ERROR, "the reply is not JSON", status=response.status_code)
        return value if isinstance(value, dict) else {}
