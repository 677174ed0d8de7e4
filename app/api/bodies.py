"""Request bodies, read strictly: bounded bytes, one reading of the JSON, every fault named by path, nothing echoed.

Refused here: bodies over the limit, other types than JSON, invalid UTF-8, duplicate keys, NaN and Infinity, NUL and
lone surrogates (Postgres text cannot hold them), absurd depth. A parser that quietly picks one of two equal keys would
judge another draft than the one the caller meant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from app.errors import Fault, InvalidInput, MalformedBody, PayloadTooLarge, UnsupportedMedia
from app.judge.rubric import canonical_json

MAX_DEPTH = 32
MAX_FAULTS = 20
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Body(Generic[M]):
    """A body that fits its model, and the JSON that it was."""

    value: M
    parsed: Any

    @property
    def canonical(self) -> bytes:
        """Canonical bytes for the idempotency digest."""
        return canonical_json(self.parsed).encode()


async def read_bytes(request: Request, limit: int) -> bytes:
    """The whole body, at most ``limit`` bytes.

    Raises
    ------
    PayloadTooLarge
        As soon as the limit is passed; the rest is not read.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise PayloadTooLarge(f"The body may hold {limit} bytes at most.")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise PayloadTooLarge(f"The body may hold {limit} bytes at most.")
        chunks.append(chunk)
    return b"".join(chunks)


def require_json(request: Request) -> None:
    """Take a body that says it is JSON, or says nothing.

    Raises
    ------
    UnsupportedMedia
        For a body of another type, or a compressed one.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMedia("Send JSON with `Content-Type: application/json`.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMedia("Send the body without compression.")


def parse_json(raw: bytes) -> Any:
    """One strict reading of JSON bytes.

    Raises
    ------
    MalformedBody
        Saying what is wrong and, where the parser knows, at which byte.
    """
    if not raw.strip():
        raise MalformedBody("The body is empty; send a JSON object.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8 at byte {error.start}.") from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise MalformedBody(f"The body is not JSON: {error.msg} at line {error.lineno} column {error.colno}.") from None
    except RecursionError:
        raise MalformedBody(f"The body is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError as error:
        raise MalformedBody("A number in the body has too many digits.") from error
    _check(value, 0)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise MalformedBody(f"The key {_shown(twice)} stands twice in one object; each key may stand once.")
    return value


def _no_constant(name: str) -> None:
    raise MalformedBody(f"{name} is not JSON; use null or a number.")


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise MalformedBody(f"The body is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
    elif isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise MalformedBody("A number in the body is too large for a 64-bit float.")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedBody("A text in the body holds U+0000, which cannot be stored; remove it.")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise MalformedBody("A text in the body holds a lone surrogate, which is not Unicode.") from None


def _shown(key: str) -> str:
    return repr(key) if len(key) <= 40 and key.isidentifier() else "of that object"


def fit(model: type[M], value: Any) -> M:
    """Validate a parsed body.

    Raises
    ------
    InvalidInput
        With one fault per wrong field, by path, never with the value.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        faults = tuple(Fault(_path(item["loc"]), item["msg"]) for item in found[:MAX_FAULTS])
        more = f" ({len(found) - MAX_FAULTS} more are not shown.)" if len(found) > MAX_FAULTS else ""
        noun = "field does" if len(found) == 1 else "fields do"
        raise InvalidInput(f"{len(found)} {noun} not fit; `errors` names each.{more}", faults) from None


def _path(loc: tuple[int | str, ...]) -> str:
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            shown = part if len(part) <= 60 and part.isprintable() else "(a key)"
            path += f".{shown}" if path else shown
    return path or "body"


def json_body(model: type[M]) -> Callable[[Request], Coroutine[Any, Any, Body[M]]]:
    """A dependency that reads, parses and validates the body as ``model``."""

    async def read(request: Request) -> Body[M]:
        require_json(request)
        value = parse_json(await read_bytes(request, request.app.state.services.limits.max_body_bytes))
        return Body(fit(model, value), value)

    return read


def describe_body(model: type[BaseModel], examples: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """``openapi_extra`` for a route whose body is read by :func:`json_body`."""
    content = {
        "schema": {"$ref": f"#/components/schemas/{model.__name__}"},
        "examples": {name: {"summary": name, "value": value} for name, value in examples.items()},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}
