"""Any OpenAI-compatible endpoint, asked for one JSON object: to write and mark benchmark tasks, never to judge drafts.

The schema is offered and not relied on: an endpoint that refuses it is asked without, and what comes back is checked by
the caller. Faults are typed outcomes, as everywhere; those that may pass are tried again.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import orjson
from openai import AsyncOpenAI

from app.errors import ConfigurationError
from app.judge.verdict import RawAnswer
from app.llm.replies import BoundedTransport, CallFailure, failure_of, read_completion
from app.schemas import Outcome

TRIES = 4
_SCHEMA_REFUSED = re.compile(r"response_format|json_schema|schema|guided|grammar", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoint:
    """Where a model is asked. ``base_url`` ends in ``/v1`` with most servers; ``timeout_s`` bounds one call."""

    base_url: str
    model: str
    api_key: str | None = None
    timeout_s: float = 120.0
    pause_s: float = 0.5


class ChatClient:
    """One connection pool to one endpoint; use it as an async context manager."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Open nothing yet.

        Raises
        ------
        ConfigurationError
            When ``base_url`` is no http(s) address.
        """
        url = endpoint.base_url.rstrip("/")
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
            raise ConfigurationError("The base URL of an endpoint must look like http://host:port/v1.")
        self._endpoint = endpoint
        self._takes_schema = True
        http = httpx2.AsyncClient(
            transport=BoundedTransport(httpx2.AsyncHTTPTransport(trust_env=False)),
            timeout=httpx2.Timeout(endpoint.timeout_s, connect=5.0),
            headers={"Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
        )
        self._sdk = AsyncOpenAI(api_key=endpoint.api_key or "no-key", base_url=url, max_retries=0, http_client=http)

    async def __aenter__(self) -> ChatClient:
        return self

    async def __aexit__(self, *ended: object) -> None:
        await self._sdk.close()

    async def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any],
        *,
        name: str,
        temperature: float,
        seed: int,
        max_tokens: int,
    ) -> RawAnswer | CallFailure:
        """Ask; an answer that was cut off, refused or empty is a failure of that outcome."""
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": list(messages),
            "temperature": temperature,
            "seed": seed,
            "max_tokens": max_tokens,
        }
        told: RawAnswer | CallFailure = CallFailure(Outcome.NOT_CALLED, "the endpoint was not asked")
        for attempt in range(TRIES):
            if self._takes_schema:
                shape = {"name": name, "schema": schema, "strict": True}
                body["response_format"] = {"type": "json_schema", "json_schema": shape}
            told = await self._post(body)
            if isinstance(told, RawAnswer):
                return _whole(told)
            if not self._takes_schema and body.pop("response_format", None) is not None:
                continue
            if not told.retryable or attempt + 1 == TRIES:
                return told
            pause = told.retry_after_s
            if pause is None:
                pause = self._endpoint.pause_s * 2**attempt * random.uniform(1.0, 1.5)
            await asyncio.sleep(min(pause, 30.0))
        return told

    async def _post(self, body: Mapping[str, Any]) -> RawAnswer | CallFailure:
        try:
            response = await self._sdk.post(
                "/chat/completions",
                cast_to=httpx2.Response,
                content=orjson.dumps(body, default=dict),
                options={"headers": {}, "security": {"bearer_auth": True}},
            )
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if _SCHEMA_REFUSED.search(error.message):
                self._takes_schema = False
            return failure_of(error)
        except Exception as error:  # whatever the SDK raises becomes an outcome
            return failure_of(error)
        return read_completion(response)


def _whole(answer: RawAnswer) -> RawAnswer | CallFailure:
    if answer.refusal or answer.finish_reason == "content_filter":
        return CallFailure(Outcome.REFUSED, "the model refused")
    if answer.finish_reason == "length":
        return CallFailure(Outcome.TRUNCATED, "the answer was cut off")
    if not (answer.text or "").strip():
        return CallFailure(Outcome.EMPTY, "the answer is empty")
    return answer
