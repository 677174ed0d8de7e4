"""Files that people have, read as the items and scores of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.api.examples import CONTEXT, HONEST
from app.cli.records import read_records
from app.errors import InvalidInput, SetupError
from app.schemas import RunItemIn, ScoreIn
from tests.benchmarks.third_party import data_file


def written(folder: Path, name: str, *rows: Any) -> Path:
    path = folder / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("third_party_a.jsonl", 394),
        ("third_party_b.jsonl", 692),
        ("third_party_c.jsonl", 535),
        ("third_party_d.jsonl", 202),
        ("third_party_f.jsonl", 224),
        ("dev_adjudicated.jsonl", 79),
        ("salesconversion_bench.jsonl", 680),
        ("salesconversion_bench_raw/tenacious_bench_v0.2/held_out/tasks.jsonl", 47),
    ],
)
def test_published_sets_become_items(name: str, count: int) -> None:
    records = read_records(data_file(name), system="any")
    assert (records.kind, len(records.rows)) == ("items", count)
    items = [RunItemIn.model_validate(row.value) for row in records.rows]
    assert len({one.task_id for one in items}) == count
    assert sum(one.category is not None for one in items) > count / 2


def test_results_of_several_systems_become_the_scores_of_one() -> None:
    path = data_file("paired_48_tasks.json")
    passed = {
        system: sum(ScoreIn.model_validate(row.value).passed or False for row in read_records(path, system=system).rows)
        for system in ("baseline", "trained_lora")
    }
    assert passed == {"baseline": 16, "trained_lora": 41}
    with pytest.raises(InvalidInput, match="choose one with --system"):
        read_records(path, system="none such")


def test_line_breaks_inside_a_quoted_field_stay(tmp_path: Path) -> None:
    body = "Hi Priya,\n\nThree engineers are free.\u2028Best"
    row = f'"{body}",Acme,1,cold_first_touch\n'
    path = tmp_path / "drafts.csv"
    path.write_text(f"body,company_name,icp_segment,thread_stage\n{row}{row}", "utf-8")
    records = read_records(path, system="any")
    assert [one.value["draft"]["body"] for one in records.rows] == [body, body]
    assert [one.line for one in records.rows] == [2, 5]


def test_a_quote_that_does_not_end_is_named(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text('task_id,passed\na,true\nb,"fal', "utf-8")
    with pytest.raises(InvalidInput, match="not CSV") as refused:
        read_records(path, system="any")
    assert refused.value.faults[0].path == "results.csv:3"


def test_a_column_of_results_is_named() -> None:
    path = data_file("salesconversion_bench_raw/ablations/held_out_traces.jsonl")
    records = read_records(path, system="trained", field="trained_preference_success")
    assert (records.kind, len(records.rows)) == ("scores", 47)
    assert {row.value["passed"] for row in records.rows} <= {True, False}


def test_csv_of_drafts_and_of_results(tmp_path: Path) -> None:
    drafts = written(tmp_path, "d.csv", "task_id,subject,body,company_name,icp_segment", 't1,Hi,"Two, lines",Tern,2')
    (row,) = read_records(drafts, system="s").rows
    item = RunItemIn.model_validate(row.value)
    assert (item.draft.body, item.context.icp_segment, row.line) == ("Two, lines", 2, 2)
    results = written(tmp_path, "r.csv", "task_id,score,category", "t1,0.5,price", "t2,,price")
    records = read_records(results, system="s")
    assert [(row.line, row.value) for row in records.rows] == [
        (2, {"task_id": "t1", "score": 0.5, "category": "price"}),
        (3, {"task_id": "t2", "category": "price"}),
    ]


def test_native_items_pass_as_they_are(tmp_path: Path) -> None:
    item = {"task_id": "t", "draft": HONEST, "context": CONTEXT, "category": "c", "cluster": "k"}
    (row,) = read_records(written(tmp_path, "i.jsonl", item), system="s").rows
    assert row.value == item
    (row,) = read_records(written(tmp_path, "i.json", json.dumps([item])), system="s").rows
    assert row.value == item


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (['{"task_id": "t"}'], "i.jsonl:1"),
        ([{"task_id": "t", "draft": {"subject": "s"}}], "has no 'body'"),
        ([{"task_id": "t", "passed": "perhaps"}], "neither true nor false"),
        ([{"task_id": "t", "passed": True}, {"task_id": "u", "draft": HONEST, "context": CONTEXT}], "one or the other"),
        (["[1]x"], "is not JSON"),
        (["7"], "no JSON object"),
        ([""], "holds no records"),
    ],
)
def test_what_does_not_fit_is_named_by_file_and_line(tmp_path: Path, rows: list[Any], says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_records(written(tmp_path, "i.jsonl", *rows), system="s")
    assert says in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        read_records(tmp_path / "none.jsonl", system="s")
