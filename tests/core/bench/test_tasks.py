"""Task files: what is written is read back to the byte, and every fault is named by file, line and field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.bench.generate import generate
from app.bench.tasks import (
    Mode,
    counted,
    digest_of_tasks,
    read_tasks,
    task_of,
    without_repetitions,
    write_tasks,
)
from app.errors import InvalidInput, SetupError
from tests.core.bench.drafts import CONTEXT, DRAFT, task, written


def lines(folder: Path, *values: object, name: str = "mine.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(v if isinstance(v, str) else json.dumps(v) for v in values), "utf-8")
    return path


def test_a_file_is_read_as_it_was_written(tmp_path):
    tasks = without_repetitions(task_of(example) for example in generate(3, "train", 4))
    assert {one.mode for one in tasks} == {Mode.PROGRAMMATIC}
    path = tmp_path / "train.jsonl"
    assert write_tasks(path, tasks) == len(tasks)
    again = read_tasks(path)
    assert [one.line() for one in again] == [one.line() for one in tasks]
    assert digest_of_tasks(again[::-1]) == digest_of_tasks(tasks)
    assert [file.name for file in tmp_path.iterdir()] == ["train.jsonl"]


def test_the_context_keeps_the_keys_that_came_and_gets_no_others():
    context = {**CONTEXT, "regions": ["EU"], "prior_thread": []}
    assert json.loads(task(context=context).line())["context"] == context


def test_a_digest_depends_on_every_label():
    one = task(scores={"tone": 5})
    assert digest_of_tasks([one]) != digest_of_tasks([task(scores={"tone": 4})])
    assert digest_of_tasks([one]) == digest_of_tasks([task(scores={"tone": 5})])


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        ({"mode": "guessed"}, "mode", "trace_derived"),
        ({"difficulty": "brutal"}, "difficulty", "'easy', 'medium' or 'hard'"),
        ({"scores": {"tone": 6}, "passed": None}, "scores.tone", "less than or equal to 5"),
        ({"scores": {"tone": True}, "passed": None}, "scores.tone", "valid integer"),
        ({"draft": {"subject": "private words"}}, "draft.body", "is missing"),
        ({"context": {**CONTEXT, "icp_segment": 9}}, "context.icp_segment", "less than or equal to 4"),
        ({"surprise": 1}, "surprise", "not permitted"),
        ({"signal_date": "March"}, "signal_date", "valid date"),
        ({"passed": None}, "", "a task needs a label: `passed`, or a score on at least one criterion"),
        ({"scores": {"tone": 1}}, "", "`passed` is true, yet `scores` has tone below 3"),
    ],
)
def test_every_fault_is_named_by_file_line_and_field(tmp_path, change, path, said):
    good = {"task_id": "a", "mode": "hand_authored", "context": CONTEXT, "draft": DRAFT, "passed": True}
    file = lines(tmp_path, good, "", {**good, "task_id": "b", **change})
    with pytest.raises(InvalidInput) as caught:
        read_tasks(file)
    (fault,) = caught.value.faults
    assert fault.path == (f"mine.jsonl:3: {path}" if path else "mine.jsonl:3")
    assert said in fault.message
    assert "private words" not in str(caught.value)


def test_all_faults_are_told_at_once_and_broken_lines_too(tmp_path):
    file = lines(tmp_path, "{", *[{"task_id": str(n)} for n in range(30)])
    with pytest.raises(InvalidInput, match=r"91 faults, of which 20 are shown") as caught:
        read_tasks(file)
    assert (caught.value.faults[0].path, caught.value.faults[0].message) == ("mine.jsonl:1", "is no JSON object")
    assert caught.value.faults[1].path == "mine.jsonl:2: mode"


def test_repetitions_are_refused_across_files(tmp_path):
    first = lines(tmp_path, task("a").line(), name="one.jsonl")
    second = lines(tmp_path, task("a", draft=written("Other.")).line(), task("c").line(), name="two.jsonl")
    with pytest.raises(InvalidInput) as caught:
        read_tasks(first, second)
    assert [str(f.path) + " " + f.message for f in caught.value.faults] == [
        "two.jsonl:1: task_id is taken by one.jsonl:1 already",
        "two.jsonl:2: draft is, with its context, the same as in one.jsonl:1",
    ]


def test_line_separators_inside_a_draft_and_a_byte_order_mark_are_read(tmp_path):
    one = task(draft=written("one\u2028two\u0085three"))
    (tmp_path / "mine.jsonl").write_text(one.line() + "\n", encoding="utf-8-sig")
    assert read_tasks(tmp_path / "mine.jsonl") == [one]


def test_bytes_that_are_no_utf_8_are_named_by_line(tmp_path):
    (tmp_path / "mine.jsonl").write_bytes(task().line().encode() + b'\n\n{"task_id": "\xe9"}')
    with pytest.raises(InvalidInput, match=r"mine\.jsonl:3: is not UTF-8 text"):
        read_tasks(tmp_path / "mine.jsonl")


def test_a_line_that_is_no_object_is_told_as_such(tmp_path):
    with pytest.raises(InvalidInput, match=r"mine\.jsonl:1: is no JSON object"):
        read_tasks(lines(tmp_path, [1]))


def test_nothing_to_read(tmp_path):
    with pytest.raises(InvalidInput, match="there are no tasks"):
        read_tasks(lines(tmp_path, ""))
    with pytest.raises(SetupError, match="cannot be read"):
        read_tasks(tmp_path / "absent.jsonl")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "tasks.jsonl"
    write_tasks(path, [task("a")])

    def broken():
        yield task("b")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_tasks(path, broken())
    assert [one.task_id for one in read_tasks(path)] == ["a"]
    assert list(tmp_path.iterdir()) == [path]


def test_counts_add_up():
    parts = counted([task("a"), task("b", passed=False, scores={"tone": 1, "form": 2}, difficulty="hard")])
    assert parts["label"] == {"fail": 1, "pass": 1}
    assert parts["violated"] == {"form": 1, "tone": 1}
    assert parts["difficulty"] == {"hard": 1, "not given": 1}
