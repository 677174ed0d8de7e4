"""Lines of an upload on their way into a run: kept in a file as they come, stored at once when the last one is there.

A slow sender holds no connection to the database, and an upload that breaks off has changed nothing. Memory holds the
task ids and their digests, never the drafts. What does not fit is counted and named by line; a task stands in a run
once.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Self

import orjson

from app.db.copying import copy_bytes, escaped, escaped_json
from app.errors import Fault, InvalidInput, Overloaded
from app.judge.rubric import canonical_json
from app.schemas import LineFault, RunItemIn, RunKind, ScoreIn

MAX_ITEMS = 100_000
"""Drafts in one run."""
MAX_FAULTS = 100
_BLOCK = 1 << 18
_DIGEST = 32
_FLAT = bytes.maketrans(b"0123456789", b"0000000000")
_EXPONENT, _FINE = b"0e", b"0.0000"


class Upload:
    """Items or scores of one request; use it as a context, which ends its file."""

    def __init__(self, kind: RunKind) -> None:
        self.kind = kind
        self.faults: list[LineFault] = []
        self.accepted = 0
        self.rejected = 0
        self._file = tempfile.TemporaryFile(prefix="presend-upload-")  # noqa: SIM115 - closed by the context
        self._pending = bytearray()
        self._tasks: set[str] = set()
        self._lines = array("I")
        self._digests = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def received(self) -> int:
        """Lines that held something."""
        return self.accepted + self.rejected

    def add_item(self, line: int, item: RunItemIn, value: dict[str, Any]) -> None:
        """Keep an item; ``value`` is the parsed line, whose draft and context are stored as they came."""
        if not self._is_new(line, item.task_id):
            return
        context = _canonical(value["context"])
        digest = hashlib.sha256(b'{"context":' + context + b',"draft":' + _canonical(value["draft"]) + b"}").hexdigest()
        draft, facts = escaped_json(_as_it_came(value["draft"])), escaped_json(_as_it_came(value["context"]))
        fields = (digest.encode(), draft, facts, None, None, None)
        self._keep(line, item, fields, hashlib.sha256(item.task_id.encode() + b"\0" + context).digest())

    def add_score(self, line: int, score: ScoreIn) -> None:
        """Keep an outcome that was made elsewhere."""
        if not self._is_new(line, score.task_id):
            return
        passed = None if score.passed is None else b"t" if score.passed else b"f"
        number = None if score.score is None else repr(score.score).encode()
        fields = (None, None, None, score.ended.value.encode(), passed, number)
        self._keep(line, score, fields, hashlib.sha256(score.task_id.encode()).digest())

    def reject(self, line: int, faults: Sequence[Fault], task_id: str | None = None) -> None:
        """Count a line that does not fit, and name the first ones."""
        self.rejected += 1
        room = MAX_FAULTS - len(self.faults)
        self.faults += [LineFault(line=line, path=f.path, message=f.message, task_id=task_id) for f in faults[:room]]

    def take_out(self, twice: Sequence[tuple[int, str]]) -> None:
        """Lines that the database did not take, because the run has their task already."""
        for line, task_id in twice:
            self.accepted -= 1
            at = bisect.bisect_left(self._lines, line) * _DIGEST
            self._digests[at : at + _DIGEST] = bytes(_DIGEST)
            self.reject(line, (Fault("task_id", "is in this run already; a task stands in a run once"),), task_id)

    def blocks(self) -> Iterator[bytes]:
        """The kept lines as COPY text."""
        self._write()
        self._file.seek(0)
        while block := self._file.read(_BLOCK):
            yield block

    def task_digests(self) -> int:
        """The sum of the digests of all tasks kept: the same for the same tasks in whatever order."""
        whole = bytes(self._digests)
        return sum(int.from_bytes(whole[i : i + _DIGEST], "big") for i in range(0, len(whole), _DIGEST))

    def _is_new(self, line: int, task_id: str) -> bool:
        if self.accepted >= MAX_ITEMS:
            raise InvalidInput(f"A run holds {MAX_ITEMS} items at most; this upload has more. Nothing was stored.")
        if task_id in self._tasks:
            self.reject(line, (Fault("task_id", "stands in this upload twice; a task stands in a run once"),), task_id)
            return False
        return True

    def _keep(self, line: int, given: RunItemIn | ScoreIn, fields: tuple[bytes | None, ...], digest: bytes) -> None:
        category = None if given.category is None else escaped(given.category)
        cluster = None if given.cluster is None else escaped(given.cluster)
        self._pending += copy_bytes((b"%d" % line, escaped(given.task_id), category, cluster, *fields))
        self._tasks.add(given.task_id)
        self._lines.append(line)
        self._digests += digest
        self.accepted += 1
        if len(self._pending) >= _BLOCK:
            self._write()

    def _write(self) -> None:
        try:
            self._file.write(self._pending)
        except OSError:
            raise Overloaded("There is no room to keep the upload; try again later.", retry_after_s=60.0) from None
        self._pending.clear()


def _canonical(value: Any) -> bytes:
    """Canonical JSON, as ``judge.rubric.canonical_json`` writes it, by a quicker writer where the two agree."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return canonical_json(value).encode()
    # They write very large and very small numbers in two ways, and nothing else.
    flat = text.translate(_FLAT)
    return canonical_json(value).encode() if _EXPONENT in flat or _FINE in flat else text


def _as_it_came(value: Any) -> bytes:
    """JSON text in the order of its keys; integers of any size."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False).encode()
