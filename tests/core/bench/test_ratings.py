"""Ratings of two raters: the published ones recounted, and faults named by file and field."""

from __future__ import annotations

import json

import pytest

from app.bench.ratings import disagreements, read_ratings, tabulate
from app.errors import InvalidInput, SetupError
from app.stats import agreement
from tests.benchmarks.third_party import data_file


def test_the_published_ratings_are_recounted():
    first, second = (
        read_ratings(data_file(f"salesconversion_bench_raw/human_labels/pass{number}_labels.json")) for number in (1, 2)
    )
    tables = tabulate(first, second)
    assert (int(tables.all.trace()), int(tables.all.sum())) == (62, 71)
    assert (tables.only_first, tables.only_second) == (0, 0)
    kappa = agreement(tables.all, ("FAIL", "PASS")).kappa
    assert kappa is not None
    assert kappa.estimate == pytest.approx(0.75, abs=0.005)
    form = agreement(tables.by_check["format_check"], ("FAIL", "PASS"))
    assert form.percent.estimate == pytest.approx(23 / 30)
    assert form.kappa is not None
    assert form.kappa.estimate == pytest.approx(0.42, abs=0.005)
    assert len(list(disagreements(first, second))) == 9


def test_only_what_both_rated_counts():
    first = {("t1", "tone"): "PASS", ("t2", "tone"): "FAIL", ("t3", "form"): "PASS"}
    second = {("t1", "tone"): "FAIL", ("t2", "tone"): "FAIL", ("t9", "tone"): "PASS"}
    tables = tabulate(first, second)
    assert tables.by_check.keys() == {"tone"}
    # Rows are the first rater's FAIL and PASS, columns the second's.
    assert tables.all.tolist() == [[1, 0], [1, 0]]
    assert (tables.only_first, tables.only_second) == (1, 1)
    assert list(disagreements(first, second)) == [("t1", "tone", "PASS", "FAIL")]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", "mine.json is not JSON"),
        ({"labels": {"t": {"tone": {"verdict": "MAYBE"}}}}, "mine.json: labels.t.tone.verdict"),
        ({"labels": {}}, "mine.json: labels"),
        ([1], "is no file of ratings"),
    ],
)
def test_faults_are_named(tmp_path, value, said):
    path = tmp_path / "mine.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    with pytest.raises(InvalidInput) as caught:
        read_ratings(path)
    assert said in str(caught.value)
    with pytest.raises(SetupError, match="no such file"):
        read_ratings(tmp_path / "absent.json")
