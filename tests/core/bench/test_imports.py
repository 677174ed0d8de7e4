"""Published drafts: every row of every file becomes a context, and a malformed row is named by file and line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app.bench.balance import longer_wins, minimal_pairs
from app.bench.imports import convert_context, merged, read_imports, task_of_import
from app.bench.report import check_tasks
from app.bench.tasks import read_tasks, write_tasks
from app.errors import InvalidInput
from app.schemas import Context
from tests.core.bench.drafts import DRAFT, task, written

FILES = (*(f"third_party_{letter}" for letter in "abcdef"), "salesconversion_bench")


@pytest.fixture(scope="module")
def published() -> Path:
    root = Path(os.environ.get("PRESEND_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    folder = root / "data"
    assert folder.is_dir(), f"the published drafts are expected in {folder}; set PRESEND_SHARED to their parent"
    return folder


@pytest.mark.parametrize("name", FILES)
def test_every_row_becomes_a_context(published, name):
    path = published / f"{name}.jsonl"
    rows = list(read_imports(path))
    assert len(rows) == len(path.read_text(encoding="utf-8").splitlines())
    known = sum(row.context.company_name != "the prospect" for row in rows)
    assert known >= 0.9 * len(rows)
    assert {row.failed for row in rows} == {True, False}


def test_known_facts_are_taken_where_they_stand():
    raw = {
        "prospect_data": {"company_name": "Alder Pay"},
        "signal_brief": {"confidence": 0.5, "open_roles": 2},
        "conversation_history": [{"role": "prospect", "message": "Do you have two Go people?"}],
        "bench_state": {"go_engineers": 1, "total_available": 9},
        "icp_segment": "mid_market_cost_restructure",
    }
    context = Context.model_validate(convert_context(raw))
    assert context.company_name == "Alder Pay"
    assert context.icp_segment == 2
    assert context.thread_stage == "reply_active"
    assert context.signal_brief.signal_confidence_tier == "medium"
    assert "open roles: 2" in context.signal_brief.signal_line
    assert context.bench_summary is not None
    assert {k: v.available_engineers for k, v in context.bench_summary.stacks.items()} == {"go": 1}
    assert context.prior_thread[0].role == "prospect"


@pytest.mark.parametrize(
    "row",
    [
        "not json",
        json.dumps({"id": "x"}),
        json.dumps(
            {
                "id": "x",
                "label": "maybe",
                "context": {},
                "draft": {"subject": "", "body": ""},
                "license": "",
                "source_repo": "",
            }
        ),
    ],
)
def test_a_malformed_row_is_named_by_file_and_line(tmp_path, row):
    path = tmp_path / "drafts.jsonl"
    path.write_text(row + "\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"drafts\.jsonl:1"):
        list(read_imports(path))


def test_a_draft_without_body_is_named_by_field(tmp_path):
    good = {"id": "x", "label": "pass", "license": "", "source_repo": "a", "draft": {"subject": "s", "body": 3}}
    path = tmp_path / "drafts.jsonl"
    path.write_text(json.dumps(good | {"context": {"company": "Alder"}}) + "\n", encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        list(read_imports(path))
    assert caught.value.faults[0].path == "drafts.jsonl:1: draft.body"


PUBLISHED = {
    "id": "x",
    "source_repo": "a",
    "license": "MIT",
    "label": "pass",
    "context": {"company": "Alder"},
    "draft": {"subject": "s", "body": "private words"},
}
NATIVE = {"company_name": "Alder", "icp_segment": 0, "thread_stage": "cold_first_touch"}
ARTICLE = {"task_id": "x", "input": NATIVE, "candidate_output": DRAFT, "ground_truth_output": DRAFT}
REQUEST = {"input": NATIVE, "candidate_output": DRAFT, "task_type": "other"}


@pytest.mark.parametrize(
    ("row", "path", "said"),
    [
        ([1], "", "is no JSON object"),
        ({**PUBLISHED, "difficulty": "expert"}, "difficulty", "'easy', 'medium' or 'hard'"),
        ({**PUBLISHED, "signal_date": "March"}, "signal_date", "valid date"),
        ({**PUBLISHED, "id": 3}, "id", "valid string"),
        ({**PUBLISHED, "id": "a\tb"}, "task_id", "match pattern"),
        ({**PUBLISHED, "label": "maybe"}, "label", "'pass' or 'fail'"),
        ({**PUBLISHED, "context": ["Alder"]}, "context", "is no JSON object"),
        (
            {**PUBLISHED, "context": {"conversation_history": ["hello"]}},
            "context.conversation_history",
            "must be a list",
        ),
        ({**PUBLISHED, "draft": "private words"}, "draft", "is no JSON object"),
        ({**PUBLISHED, "category_norm": ["tone_drift"]}, "category_norm", "valid string"),
        ({**ARTICLE, "metadata": [1]}, "metadata", "is no JSON object"),
        ({**ARTICLE, "metadata": {"signal_date": 3}}, "metadata.signal_date", "valid string"),
        ({**ARTICLE, "candidate_output": {"subject": "s"}}, "candidate_output.body", "is missing"),
        ({**ARTICLE, "input": {**NATIVE, "icp_segment": 9}}, "input.icp_segment", "less than or equal to 4"),
        (
            {**PUBLISHED, "request": {**REQUEST, "input": {**NATIVE, "icp_segment": 9}}},
            "request.input.icp_segment",
            "less than or equal to 4",
        ),
    ],
)
def test_every_fault_is_named_by_file_line_and_field(tmp_path, row, path, said):
    file = tmp_path / "drafts.jsonl"
    file.write_text(json.dumps(PUBLISHED) + "\n" + json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        [task_of_import(one) for one in read_imports(file)]
    (fault,) = caught.value.faults
    assert fault.path == (f"drafts.jsonl:2: {path}" if path else "drafts.jsonl:2")
    assert said in fault.message
    assert "private words" not in str(caught.value)


def test_bytes_that_are_no_utf_8_are_named_by_line(tmp_path):
    file = tmp_path / "drafts.jsonl"
    file.write_bytes(json.dumps(PUBLISHED).encode() + b'\n{"id": "\xff"}\n')
    with pytest.raises(InvalidInput, match=r"drafts\.jsonl:2: is not UTF-8 text"):
        list(read_imports(file))


def test_a_row_nested_without_end_is_refused(tmp_path):
    file = tmp_path / "drafts.jsonl"
    file.write_text('{"id": ' + "[" * 100_000, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"drafts\.jsonl:1: is no JSON object"):
        list(read_imports(file))


def test_line_separators_inside_a_draft_and_a_byte_order_mark_are_read(tmp_path):
    row = {**PUBLISHED, "draft": {"subject": "s", "body": "one\u2028two\u0085three"}}
    file = tmp_path / "drafts.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n\n", encoding="utf-8-sig")
    (found,) = read_imports(file)
    assert found.draft.body == row["draft"]["body"]


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("dev_adjudicated.jsonl", (22, 57)),
        ("salesconversion_bench_raw/tenacious_bench_v0.2/held_out/tasks.jsonl", None),
        ("salesconversion_bench_raw/tenacious_bench_v0.1/train/tasks.jsonl", None),
        ("third_party_e.jsonl", None),
    ],
)
def test_every_known_shape_becomes_tasks_that_are_read_back(published, tmp_path, name, labels):
    rows = list(read_imports(published / name))
    found = merged(map(task_of_import, rows))
    assert len(found.tasks) + found.repeated == len(rows)
    write_tasks(tmp_path / "tasks.jsonl", found.tasks)
    again = read_tasks(tmp_path / "tasks.jsonl")
    assert [one.line() for one in again] == [one.line() for one in found.tasks]
    if labels:
        assert (sum(t.passed is True for t in again), sum(t.passed is False for t in again)) == labels
    assert all(one.source["licence"] for one in again)


def test_the_articles_tasks_keep_reference_date_and_difficulty(published):
    file = published / "salesconversion_bench_raw" / "tenacious_bench_v0.2" / "held_out" / "tasks.jsonl"
    first = task_of_import(next(read_imports(file)))
    assert first.reference is not None
    assert (str(first.signal_date), first.difficulty) == ("2026-03-16", "easy")
    assert first.passed is (first.reference.body == first.draft.body)
    assert first.group == "tbv01-009"


def test_equal_drafts_are_one_task_and_fail_outweighs_pass():
    failed = task("b", passed=False, scores={"tone": 1})
    found = merged([task("a"), failed, task("c"), task("a", draft=written("Another one."))])
    assert (found.repeated, found.contradicted, found.renamed) == (2, 2, 1)
    kept, other = found.tasks
    assert (kept.task_id, kept.passed, kept.scores) == ("a", False, {"tone": 1})
    assert other.task_id.startswith("a~")


def test_published_pairs_stay_pairs_and_their_lengths_tell_the_label(published):
    """The length baseline finds in the article's pairs what a recount found: 99.5 % separate by length alone."""
    rows = read_imports(published / "salesconversion_bench.jsonl")
    tasks = merged(task_of_import(row) for row in rows if row.split == "train_pref").tasks
    assert len(list(minimal_pairs(tasks))) == 91
    assert abs(longer_wins(tasks) - 0.5) > 0.4
    report = check_tasks(tasks)
    assert "length, pairs" in {row.check for row in report.broken}


def test_what_lacks_a_label_says_so(published):
    pairs = published / "salesconversion_bench_raw" / "training_data" / "preference_pairs.jsonl"
    with pytest.raises(InvalidInput, match=r"preference_pairs\.jsonl:1: label: is missing"):
        next(read_imports(pairs))
    with pytest.raises(InvalidInput, match=r"paired_48_tasks\.json: has results .* `presend runs create"):
        next(read_imports(published / "paired_48_tasks.json"))
