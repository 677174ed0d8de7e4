"""Uploads of many records, read as they come: NDJSON by line, a JSON array by element, in constant memory.

One record that does not fit is that record's fault and named by its number; what cannot be told apart any more (a
broken array, too many bytes) is the whole upload's. Every record is read as strictly as a body of its own.
"""

from __future__ import annotations

import asyncio
import codecs
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request
from pydantic import BaseModel

from app.api.bodies import MAX_DEPTH, parse_json
from app.errors import Fault, InvalidInput, MalformedBody, PayloadTooLarge, UnsupportedMedia

NDJSON = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "text/plain"}
)
_TURN_BYTES = 1 << 16
"""Bytes after which others get their turn."""
_ODD = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|[0-9][eE]\+?[0-9]{3}|[0-9]{300}")
"""What a second, slower look decides on: escapes of NUL and surrogates, numbers beyond a float."""
_SPACE = " \t\r\n"
_FLAT = bytes.maketrans(b"0123456789E", b"0000000000e")
_LONG_NUMBER, _LARGE_EXPONENT = b"0" * 19, b"0e000"
_ESCAPES = re.compile(rb"\\u(?:00(?:00|22)|[dD][89a-fA-F])")
"""NUL, quotes and surrogates, written as escapes."""
_KEY_END = b'":'


@dataclass(frozen=True)
class Record:
    """One record of an upload: its number from 1, and its value or what is wrong with it."""

    number: int
    value: Any = None
    fault: Fault | None = None


class Records:
    """The records of one request; ``digest`` is that of the whole body once all are read."""

    def __init__(self, request: Request, *, max_bytes: int, max_record_bytes: int) -> None:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in NDJSON and kind != "application/json":
            raise UnsupportedMedia(
                "Send NDJSON with `Content-Type: application/x-ndjson`, or a JSON array with `application/json`."
            )
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise UnsupportedMedia("Send the upload without compression.")
        self._request = request
        self._is_array = kind == "application/json"
        self._max_bytes = max_bytes
        self._max_record = max_record_bytes
        self._sha = hashlib.sha256()

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes read so far."""
        return self._sha.digest()

    async def batches(self) -> AsyncIterator[list[Record]]:
        """The records, as many at a time as came whole together.

        Raises
        ------
        PayloadTooLarge
            When the upload passes its limit.
        MalformedBody
            When an array is broken.
        """
        declared = self._request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise PayloadTooLarge(f"An upload may hold {self._max_bytes} bytes at most.")
        reader = _Elements(self._max_record) if self._is_array else _Lines(self._max_record)
        size = 0
        async for chunk in self._request.stream():
            size += len(chunk)
            if size > self._max_bytes:
                raise PayloadTooLarge(f"An upload may hold {self._max_bytes} bytes at most.")
            self._sha.update(chunk)
            for at in range(0, len(chunk), _TURN_BYTES):
                yield list(reader.feed(chunk[at : at + _TURN_BYTES]))
                await asyncio.sleep(0)
        yield list(reader.end())


class _Strict:
    """A quick reading that notices what only the slow, strict one may decide."""

    def __init__(self) -> None:
        self._doubt = False
        self.decoder = json.JSONDecoder(object_pairs_hook=self._pairs, parse_constant=self._constant)

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        self._doubt |= len(value) != len(pairs)
        return value

    def _constant(self, _: str) -> None:
        self._doubt = True

    def sure(self, text: str) -> bool:
        """Whether what has just been read from ``text`` may be taken as it is."""
        doubt, self._doubt = self._doubt, False
        return not (doubt or _ODD.search(text) or text.count("{") + text.count("[") > MAX_DEPTH)


def read_line(raw: bytes) -> Any:
    """One strict reading of a line; four of five lines take a way that costs a tenth.

    That way is a fast parser, which keeps the last of two equal keys. Written out again, the value then has fewer keys
    than the line: fewer quotes before a colon. Where a line could hide that, or a number that the parser would round,
    the slow way decides.

    Raises
    ------
    MalformedBody
        As for a body.
    """
    if _is_plain(raw):
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return parse_json(raw)
        if raw.count(_KEY_END) == orjson.dumps(value).count(_KEY_END):
            return value
    return parse_json(raw)


def _is_plain(raw: bytes) -> bool:
    """Whether the fast parser reads the line as the strict one would, but for keys that stand twice."""
    flat = raw.translate(_FLAT, b"+")
    return not (
        (b"\\u" in raw and _ESCAPES.search(raw))
        or b" :" in raw
        or b"\t:" in raw
        or b"\r:" in raw
        or _LONG_NUMBER in flat
        or _LARGE_EXPONENT in flat
        or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH
    )


class _Lines:
    """NDJSON: one record a line; empty lines count as lines and hold nothing."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = b""
        self._number = 0
        self._too_long = False

    def feed(self, chunk: bytes) -> Iterator[Record]:
        """The records that this chunk completes."""
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            yield from self._line(line)
        if len(self._rest) > self._most:
            # The rest of the line is dropped as it comes.
            self._rest, self._too_long = b"", True

    def end(self) -> Iterator[Record]:
        """The last record, where the last line has no end."""
        if self._rest or self._too_long:
            yield from self._line(self._rest)

    def _line(self, raw: bytes) -> Iterator[Record]:
        self._number += 1
        if self._too_long or len(raw) > self._most:
            self._too_long = False
            yield Record(self._number, fault=Fault("line", f"holds more than {self._most} bytes"))
        elif raw and not raw.isspace():
            try:
                yield Record(self._number, read_line(raw))
            except MalformedBody as error:
                yield Record(self._number, fault=_fault("line", error))


class _Elements:
    """A JSON array: one record an element."""

    def __init__(self, most: int) -> None:
        self._strict = _Strict()
        self._most = most
        self._utf8 = codecs.getincrementaldecoder("utf-8")("strict")
        self._text = ""
        self._number = 0
        self._begun = self._over = False

    def feed(self, chunk: bytes, *, last: bool = False) -> Iterator[Record]:
        """The records that this chunk completes."""
        try:
            self._text += self._utf8.decode(chunk, last)
        except UnicodeDecodeError:
            raise MalformedBody("The body is not UTF-8.") from None
        text, at = self._text, 0
        while True:
            at = _skip(text, at)
            if at == len(text):
                break
            if self._over:
                raise MalformedBody("Something stands behind the end of the array.")
            if not self._begun:
                if text[at] != "[":
                    raise MalformedBody("Send a JSON array, or NDJSON with `Content-Type: application/x-ndjson`.")
                self._begun, at = True, at + 1
                continue
            if text[at] == "]" and self._number == 0:
                self._over, at = True, at + 1
                continue
            found = self._element(text, at, last)
            if found is None:
                break
            value, end = found
            self._number += 1
            yield self._record(text[at:end], value)
            after = _skip(text, end)
            self._over = text[after] == "]"
            at = after + 1
        self._text = text[at:]
        if len(self._text) > self._most:
            raise PayloadTooLarge(f"Item {self._number + 1} of the array holds more than {self._most} bytes.")

    def end(self) -> Iterator[Record]:
        """What is left when the body has ended."""
        yield from self.feed(b"", last=True)
        if not self._over:
            raise MalformedBody(f"The array breaks off at item {self._number + 1}.")

    def _element(self, text: str, at: int, last: bool) -> tuple[Any, int] | None:
        """The element that begins at ``at`` and its end; None when it is not whole yet."""
        try:
            value, end = self._strict.decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            if last or len(text) - at > self._most:
                raise MalformedBody(f"Item {self._number + 1} of the array is not JSON.") from None
            return None
        after = _skip(text, end)
        if after == len(text):
            return None
        if text[after] not in ",]":
            raise MalformedBody(f"Behind item {self._number + 1} of the array stands neither a comma nor its end.")
        return value, end

    def _record(self, text: str, value: Any) -> Record:
        if len(text) > self._most:
            return Record(self._number, fault=Fault("item", f"holds more than {self._most} bytes"))
        if self._strict.sure(text):
            return Record(self._number, value)
        try:
            return Record(self._number, parse_json(text.encode("utf-8", "surrogatepass")))
        except MalformedBody as error:
            return Record(self._number, fault=_fault("item", error))


def describe_records(
    model: type[BaseModel], examples: list[dict[str, Any]], *, json_is_one: bool = False
) -> dict[str, Any]:
    """``openapi_extra`` for a route whose records are read by :class:`Records`; ``json_is_one`` where JSON is one."""
    one = {"$ref": f"#/components/schemas/{model.__name__}"}
    many = {"schema": {"type": "array", "items": one, "minItems": 1}, "example": examples}
    lines = "\n".join(json.dumps(example) for example in examples) + "\n"
    content = {
        "application/x-ndjson": {
            "schema": {"type": "string", "minLength": 2, "description": "One object a line."},
            "example": lines,
        },
        "application/json": {"schema": one, "example": examples[0]} if json_is_one else many,
    }
    return {"requestBody": {"required": True, "content": content}}


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _fault(what: str, error: InvalidInput) -> Fault:
    return Fault(what, error.detail.replace("The body", f"The {what}").replace(" the body", f" the {what}"))
