"""Whatever the SDK or its transport can raise is an outcome: every class that they define is tried."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import openai
import orjson
import pytest

from app.judge.verdict import RawAnswer
from app.llm import CallFailure
from app.llm.replies import ReplyRefused, failure_of, read_completion, retry_after_s
from app.schemas import Outcome

REQUEST = httpx2.Request("POST", "http://engine.test/v1/chat/completions")
UP, SLOW, LIMIT = Outcome.UPSTREAM_ERROR, Outcome.TIMEOUT, Outcome.RATE_LIMITED

# Those that are more than a plain upstream error: name -> (outcome, retryable).
SDK: dict[str, tuple[Outcome, bool]] = {"APITimeoutError": (SLOW, True), "RateLimitError": (LIMIT, True)}
TRANSPORT: dict[str, tuple[Outcome, bool]] = {
    "CloseError": (UP, True),
    "ConnectError": (UP, True),
    "ConnectTimeout": (SLOW, True),
    "NetworkError": (UP, True),
    "PoolTimeout": (SLOW, True),
    "ReadError": (UP, True),
    "ReadTimeout": (SLOW, True),
    "RemoteProtocolError": (UP, True),
    "TimeoutException": (SLOW, True),
    "WriteError": (UP, True),
    "WriteTimeout": (SLOW, True),
}
STATUS: dict[int, tuple[Outcome, bool]] = {
    300: (UP, False),
    304: (UP, False),
    307: (UP, False),
    400: (UP, False),
    401: (UP, False),
    403: (UP, False),
    404: (UP, False),
    405: (UP, False),
    408: (SLOW, False),
    409: (UP, False),
    413: (UP, False),
    418: (UP, False),
    422: (UP, False),
    429: (LIMIT, True),
    500: (UP, False),
    501: (UP, False),
    502: (UP, True),
    503: (UP, True),
    504: (SLOW, False),
    599: (UP, False),
}


def subclasses(base: type[Exception]) -> set[type[Exception]]:
    found = {base}
    for child in base.__subclasses__():
        found |= subclasses(child)
    return found


def public_errors() -> list[type[Exception]]:
    """The error classes that the SDK names in public."""
    classes = [getattr(openai, name) for name in openai.__all__]
    return [c for c in classes if isinstance(c, type) and issubclass(c, openai.OpenAIError)]


def sdk_error(cls: type[Exception]) -> Exception:
    """An instance with whatever its constructor asks for."""
    status = {"RateLimitError": 429, "InternalServerError": 500}.get(cls.__name__, 400)
    given = {
        "message": "m",
        "request": REQUEST,
        "response": httpx2.Response(status, request=REQUEST),
        "body": None,
        "completion": openai.types.chat.ChatCompletion.model_construct(usage=None),
        "code": 1000,
        "reason": "",
        "unsent_messages": [],
    }
    try:
        asked = inspect.signature(cls).parameters.values()
    except ValueError:  # a constructor inherited from Exception
        return cls("m")
    by_name = {p.name: given[p.name] for p in asked if p.kind is p.KEYWORD_ONLY and p.name in given}
    by_place = [given[p.name] for p in asked if p.kind is p.POSITIONAL_OR_KEYWORD and p.name in given]
    return cls(*by_place, **by_name)


@pytest.mark.parametrize("cls", public_errors())
def test_an_error_of_the_sdk(cls: type[Exception]) -> None:
    failure = failure_of(sdk_error(cls))
    assert (failure.outcome, failure.retryable) == SDK.get(cls.__name__, (UP, False))
    assert failure.detail


def test_the_classes_are_found() -> None:
    names = {cls.__name__ for cls in (*public_errors(), *subclasses(httpx2.HTTPError))}
    assert {*SDK, *TRANSPORT, "ReplyRefused", "APIConnectionError", "InternalServerError"} <= names


@pytest.mark.parametrize("cls", sorted(subclasses(httpx2.HTTPError), key=lambda c: c.__name__))
@pytest.mark.parametrize("wrapped", [True, False])
def test_an_error_of_the_transport(cls: type[Exception], wrapped: bool) -> None:
    if cls is httpx2.HTTPStatusError:
        cause: Exception = httpx2.HTTPStatusError("m", request=REQUEST, response=httpx2.Response(500, request=REQUEST))
    else:
        cause = cls("something about the draft")
    error: Exception = cause
    if wrapped:
        kind = openai.APITimeoutError if isinstance(cause, httpx2.TimeoutException) else openai.APIConnectionError
        error = kind(request=REQUEST)
        error.__cause__ = cause
    failure = failure_of(error)
    assert (failure.outcome, failure.retryable) == TRANSPORT.get(cls.__name__, (UP, False))
    if cls is not ReplyRefused:
        assert "draft" not in failure.detail


@pytest.mark.parametrize(
    "error",
    [
        httpx2.InvalidURL("x"),
        httpx2.CookieConflict("x"),
        httpx2.StreamConsumed(),
        httpx2.StreamClosed(),
        httpx2.ResponseNotRead(),
        httpx2.RequestNotRead(),
        TypeError("x"),
        ValueError("x"),
        RuntimeError("x"),
        OSError("x"),
        KeyError("x"),
        AssertionError(),
        ExceptionGroup("x", [ValueError()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_anything_else_is_an_upstream_error_that_names_its_class(error: Exception) -> None:
    failure = failure_of(error)
    assert (failure.outcome, failure.retryable) == (UP, False)
    assert type(error).__name__ in failure.detail


@pytest.mark.parametrize("status", STATUS)
def test_a_status(status: int) -> None:
    client = openai.AsyncOpenAI(api_key="x", base_url="http://engine.test/v1")
    response = httpx2.Response(status, json={"error": {"message": "about the draft"}}, request=REQUEST)
    failure = failure_of(client._make_status_error_from_response(response))
    assert (failure.outcome, failure.retryable) == STATUS[status]
    assert failure.status == status
    assert str(status) in failure.detail
    assert "draft" not in failure.detail


@pytest.mark.parametrize("message", ["The engine is currently busy", "prefill token backlog limit", "queue is full"])
def test_a_full_queue_is_rate_limiting(message: str) -> None:
    response = httpx2.Response(503, request=REQUEST, headers={"retry-after": "2"})
    failure = failure_of(openai.InternalServerError(message, response=response, body=None))
    assert (failure.outcome, failure.retryable, failure.retry_after_s) == (LIMIT, True, 2.0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("0.5", 0.5),
        ("-4", 0.0),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 -0000", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert retry_after_s(later) == pytest.approx(20, abs=2)


ENVELOPE = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop", "logprobs": None}]}


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b"{}",
        b'{"choices": 5}',
        b'{"choices": {}, "usage": []}',
        b'{"choices": [5]}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"content": ["x"]}}]}',
        b'{"choices": [{"message": {"content": "x"}, "finish_reason": 5}]}',
        b'{"choices": [{"message": {"refusal": {}}}]}',
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
        b"\xff\xfe",
    ],
)
def test_a_broken_envelope_is_an_upstream_error(value: bytes) -> None:
    result = read_completion(httpx2.Response(200, content=value, headers={"content-type": "application/json"}))
    if isinstance(result, RawAnswer):
        assert result.text is None  # an empty list of choices in any clothing holds no text
    else:
        assert result.outcome is UP


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        5,
        [],
        {},
        {"content": None},
        {"content": 5},
        {"content": [5]},
        {"content": [{"token": "x"}]},
        {"content": [{"token": 5, "logprob": 0, "top_logprobs": []}]},
        {"content": [{"token": "x", "logprob": None, "top_logprobs": []}]},
        {"content": [{"token": "x", "logprob": "much", "top_logprobs": []}]},
        {"content": [{"token": "x", "logprob": 0, "top_logprobs": None}]},
        {"content": [{"token": "x", "logprob": 0, "top_logprobs": [{"token": "x", "logprob": None}]}]},
        {"content": [{"token": "x", "logprob": 0, "top_logprobs": [{"token": 5, "logprob": 0}]}]},
    ],
)
def test_log_probs_of_another_form_are_missing(logprobs: object) -> None:
    choice = {"message": {"content": "x"}, "finish_reason": "stop", "logprobs": logprobs}
    content = orjson.dumps({"choices": [choice]})
    result = read_completion(httpx2.Response(200, content=content, headers={"content-type": "application/json"}))
    assert isinstance(result, RawAnswer)
    assert (result.text, result.tokens) == ("x", None)


@pytest.mark.parametrize(
    "usage",
    [None, 5, {}, {"prompt_tokens": "5", "completion_tokens": 1}, {"prompt_tokens": True, "completion_tokens": 1}],
)
def test_usage_of_another_form_is_missing(usage: object) -> None:
    content = orjson.dumps(ENVELOPE | {"usage": usage})
    result = read_completion(httpx2.Response(200, content=content, headers={"content-type": "application/json"}))
    assert isinstance(result, RawAnswer)
    assert result.usage is None


def test_a_failure_is_no_answer() -> None:
    assert not isinstance(failure_of(ValueError()), RawAnswer)
    assert isinstance(failure_of(ValueError()), CallFailure)
