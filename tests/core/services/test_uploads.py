"""Lines of an upload: read strictly the fast way as the slow way, digested as the gate digests, kept as they came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.api.bodies import parse_json
from app.api.examples import CONTEXT, OVERCOMMITTED
from app.api.streams import read_line
from app.db.copying import copy_bytes, copy_line, escaped
from app.errors import InvalidInput, MalformedBody, Overloaded
from app.judge.rubric import canonical_json
from app.schemas import RunItemIn, RunKind, ScoreIn
from app.services.receipts import input_digest
from app.services.uploads import MAX_FAULTS, Upload, _canonical
from tests.benchmarks.third_party import load_adjudicated

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20) | st.sampled_from(
    ['":', '\\":', " :", "\\u0022:", "1e999", "0" * 20, "\\", "\t:", "a\\u0000"]
)
_VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


def outcome(read: Any, raw: bytes) -> Any:
    try:
        return "read", json.dumps(read(raw), sort_keys=False)
    except MalformedBody as error:
        return "refused", error.detail


@settings(max_examples=400, deadline=None)
@given(value=_VALUE, ascii_only=st.booleans(), indent=st.sampled_from([None, (",", ":"), (" , ", " : ")]))
def test_the_fast_way_reads_what_the_slow_way_reads(value: Any, ascii_only: bool, indent: Any) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, separators=indent).encode()
    assert outcome(read_line, raw) == outcome(parse_json, raw)


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from(list('{}[]",:\\ue0129 \t\rtruefalsn.+-Eé')), max_size=40))
@example('{"a":1,"a":2}')
@example('{"a":1,"a" :2}')
@example('{"a":1,"a"\t:2}')
@example('{"a":1,"a":"\\u0022:"}')
@example('{"a":1,"\\u0061":2}')
@example('{"a":"\\":","a":1}')
@example('{"a":123456789012345678901234567890}')
@example('{"a":1e400}')
@example('{"a":1E+400}')
@example('{"a":0.1e-400}')
@example('{"a":NaN}')
@example('{"a":"\\ud800"}')
@example('{"a":"\\u0000"}')
@example('{"k":{"a":1,"a":{"b":2,"b":3}}}')
def test_whatever_bytes_come_both_ways_agree(text: str) -> None:
    assert outcome(read_line, text.encode()) == outcome(parse_json, text.encode())


@settings(max_examples=300, deadline=None)
@given(_VALUE)
def test_canonical_bytes_are_those_of_the_judge_identity(value: Any) -> None:
    assert _canonical(value) == canonical_json(value).encode()


def test_the_digest_is_the_one_that_the_gate_stores() -> None:
    values = [
        {"draft": one.draft.model_dump(mode="json"), "context": one.context.model_dump(mode="json", exclude_unset=True)}
        for one in load_adjudicated()
    ]
    values.append({"draft": OVERCOMMITTED, "context": {**CONTEXT, "x": [1.5, 1e22, 1e-9, {"é": None}]}})
    with Upload(RunKind.JUDGED) as upload:
        for line, value in enumerate(values, start=1):
            whole = {"task_id": f"t{line}", **value}
            upload.add_item(line, RunItemIn.model_validate(whole), whole)
        digests = [row.split(b"\t")[4].decode() for row in b"".join(upload.blocks()).splitlines()]
    for value, digest in zip(values, digests, strict=True):
        item = RunItemIn.model_validate({"task_id": "t", **value})
        assert digest == input_digest(item.draft, item.context)


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=4))
def test_lines_of_copy_text_are_the_same_from_text_and_from_bytes(fields: list[str | None]) -> None:
    assert copy_line(fields) == copy_bytes([None if one is None else escaped(one) for one in fields])
    assert copy_line(fields).count(b"\n") == 1
    assert copy_line(fields).count(b"\t") == len(fields) - 1


def test_a_task_counts_once_and_faults_are_bounded() -> None:
    with Upload(RunKind.SCORED) as upload:
        for line in range(1, 400):
            upload.add_score(line, ScoreIn(task_id="same", passed=True))
        assert (upload.accepted, upload.rejected, len(upload.faults)) == (1, 398, MAX_FAULTS)
        only = upload.task_digests()
        upload.add_score(400, ScoreIn(task_id="other", passed=True))
        assert upload.task_digests() != only
        upload.take_out([(400, "other")])
        assert (upload.task_digests(), upload.accepted) == (only, 1)


def test_too_many_items_are_refused_and_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.uploads.MAX_ITEMS", 3)
    with Upload(RunKind.SCORED) as upload:
        for line in range(1, 4):
            upload.add_score(line, ScoreIn(task_id=f"t{line}", passed=True))
        with pytest.raises(InvalidInput, match="at most"):
            upload.add_score(4, ScoreIn(task_id="t4", passed=True))

        def full(_: Any) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(upload._file, "write", full)
        with pytest.raises(Overloaded):
            list(upload.blocks())
