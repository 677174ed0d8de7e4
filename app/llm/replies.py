"""What comes back from the engine: a chat completion, or the typed outcome of whatever went wrong.

Details are in our words, because an engine's own message may quote the prompt. A reply is refused when it is
larger than a verdict can be, or compressed so that its size cannot be known.
"""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai
import orjson

from app.judge.verdict import MISSING_LOGPROB, RawAnswer, TokenLogprob
from app.schemas import Outcome, Usage

MAX_REPLY_BYTES = 4 * 1024 * 1024
NO_PRIORITY = "the engine was not started with priority scheduling"
_BUSY = re.compile(r"busy|backlog|queue|overload", re.IGNORECASE)


@dataclass(frozen=True)
class CallFailure:
    """A call that brought no answer. ``retryable`` means that the same call may succeed later."""

    outcome: Outcome
    detail: str
    retryable: bool = False
    retry_after_s: float | None = None
    status: int | None = None


def failure_of(error: Exception) -> CallFailure:
    """The outcome of anything that a call can raise."""
    if isinstance(error, openai.APIStatusError):
        return _refusal_of(error)
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    if isinstance(error, openai.APITimeoutError) or isinstance(cause, httpx2.TimeoutException):
        return CallFailure(Outcome.TIMEOUT, "the engine could not be reached in time", retryable=True)
    if isinstance(cause, httpx2.NetworkError | httpx2.RemoteProtocolError):
        return CallFailure(Outcome.UPSTREAM_ERROR, "the connection to the engine failed", retryable=True)
    if isinstance(cause, ReplyRefused):
        return CallFailure(Outcome.UPSTREAM_ERROR, str(cause))
    name = type(cause or error).__name__
    return CallFailure(Outcome.UPSTREAM_ERROR, f"the call to the engine failed with {name}")


def _refusal_of(error: openai.APIStatusError) -> CallFailure:
    status = error.status_code
    wait = retry_after_s(error.response.headers.get("retry-after"))
    detail = f"the engine answered {status}"
    if status == 429:
        return CallFailure(Outcome.RATE_LIMITED, detail, True, wait, status)
    if status == 503:
        outcome = Outcome.RATE_LIMITED if _BUSY.search(error.message) else Outcome.UPSTREAM_ERROR
        return CallFailure(outcome, detail, True, wait, status)
    if status in {408, 504}:
        return CallFailure(Outcome.TIMEOUT, detail, False, wait, status)
    if status == 400 and "priority" in error.message.lower():
        detail = NO_PRIORITY
    elif status in {401, 403}:
        detail = f"the engine refused our key with {status}"
    return CallFailure(Outcome.UPSTREAM_ERROR, detail, status == 502, wait, status)


def retry_after_s(value: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date; None when it holds neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def read_completion(response: httpx2.Response) -> RawAnswer | CallFailure:
    """Read the envelope of a chat completion. What the model said inside it is not judged here."""
    status = response.status_code
    if not response.headers.get("content-type", "").startswith("application/json"):
        return CallFailure(Outcome.UPSTREAM_ERROR, "the engine's reply is not application/json", status=status)
    try:
        value = orjson.loads(response.content)
        choices = value["choices"]
        if not choices:
            return RawAnswer(text=None, finish_reason=None, usage=_usage(value.get("usage")))
        message = choices[0]["message"]
        return RawAnswer(
            text=_text(message.get("content")),
            finish_reason=_text(choices[0].get("finish_reason")),
            refusal=_text(message.get("refusal")),
            tokens=_tokens(choices[0].get("logprobs")),
            usage=_usage(value.get("usage")),
            model=_text(value.get("model")),
            fingerprint=_text(value.get("system_fingerprint")),
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return CallFailure(Outcome.UPSTREAM_ERROR, "the engine's reply is not a chat completion", status=status)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("text expected")


def _tokens(logprobs: object) -> tuple[TokenLogprob, ...] | None:
    """Log-probs by token; None when the engine sent none, or not in the documented form.

    Alternatives that the engine marks as unreported are left out: under a grammar they are most of the reply.
    """
    if not isinstance(logprobs, dict) or not isinstance(logprobs.get("content"), list):
        return None
    tokens: list[TokenLogprob] = []
    try:
        for item in logprobs["content"]:
            text, own, listed = item["token"], float(item["logprob"]), item["top_logprobs"]
            top = [(t["token"], float(t["logprob"])) for t in listed if t["logprob"] > MISSING_LOGPROB]
            if type(text) is not str or any(type(alternative) is not str for alternative, _ in top):
                return None
            tokens.append(TokenLogprob(text, own, tuple(top)))
    except (TypeError, KeyError, ValueError):
        return None
    return tuple(tokens)


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt, completion = value.get("prompt_tokens"), value.get("completion_tokens")
    if type(prompt) is not int or type(completion) is not int:
        return None
    details = value.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached if type(cached) is int else None,
    )


class ReplyRefused(httpx2.TransportError):
    """The engine's reply was too large, or in an encoding that could hide its size."""


class BoundedTransport(httpx2.AsyncBaseTransport):
    """A transport that reads at most ``MAX_REPLY_BYTES`` of a reply."""

    def __init__(self, inner: httpx2.AsyncHTTPTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise ReplyRefused("the engine's reply came compressed, which was not asked for")
        stream = response.stream
        if isinstance(stream, httpx2.AsyncByteStream):
            response.stream = _Counted(stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Counted(httpx2.AsyncByteStream):
    """A reply's bytes, counted."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._inner:
            total += len(chunk)
            if total > MAX_REPLY_BYTES:
                raise ReplyRefused(f"the engine's reply exceeds {MAX_REPLY_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
