"""Statistics through the real service: the articles' figures, batches whose items answer for themselves, bad input."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import pytest

from app.db.keys import Scope
from tests.service import Caller, Service
from tests.stored_runs import Store

CELLS = [(True, True)] * 15 + [(True, False)] + [(False, True)] * 26 + [(False, False)] * 6


def stored(caller: Caller, rows: Iterable[dict[str, Any]], name: str = "run", *, close: bool = True) -> str:
    """A run with these scores."""
    run = caller.post("/v1/runs", {"name": name, "system": name}, once=uuid4().hex).json()["id"]
    body = "\n".join(json.dumps(row) for row in rows)
    if body:
        path = f"/v1/runs/{run}/scores" + ("" if close else "?close=false")
        sent = caller.raw(path, body.encode(), **{"Content-Type": "application/x-ndjson"})
        assert sent.status_code == 200, sent.text
    return str(run)


def passes(outcomes: Iterable[bool | None], **more: Any) -> list[dict[str, Any]]:
    """Rows of outcomes on tasks t000, t001, ..."""
    return [{"task_id": f"t{number:03d}", "passed": passed, **more} for number, passed in enumerate(outcomes)]


@pytest.fixture
def article(agent: Caller) -> tuple[str, str]:
    return tuple(
        stored(agent, passes(cell[side] for cell in CELLS), name) for side, name in ((0, "baseline"), (1, "trained"))
    )  # type: ignore[return-value]


def finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(finite(one) for one in value.values())
    if isinstance(value, list):
        return all(finite(one) for one in value)
    return not isinstance(value, float) or math.isfinite(value)


def test_the_48_task_comparison(agent: Caller, article: tuple[str, str]) -> None:
    found = agent.ok(agent.get(f"/v1/runs/{article[0]}/compare/{article[1]}"))
    assert (found["a"], found["b"], found["name_a"], found["name_b"]) == (*article, "baseline", "trained")
    assert found["table"] == {"both": 15, "only_a": 1, "only_b": 26, "neither": 6}
    assert (found["n_shared"], found["only_a"], found["only_b"]) == (48, 0, 0)
    paired, unpaired = found["paired"], found["unpaired"]
    assert (paired["percentile"]["lo"], paired["percentile"]["hi"]) == pytest.approx((0.375, 2 / 3))
    assert (paired["bca"]["lo"], paired["bca"]["hi"]) == pytest.approx((17 / 48, 2 / 3))
    assert (paired["recommended"]["lo"], paired["recommended"]["hi"]) == pytest.approx((0.3540365, 0.6609931), abs=1e-6)
    assert (unpaired["percentile"]["lo"], unpaired["percentile"]["hi"]) == pytest.approx((17 / 48, 0.6875))
    assert (paired["se"], unpaired["se"]) == pytest.approx((0.0778931746, 0.0849985532))
    assert found["p_sign_flip"] == found["p_mcnemar_exact"] == pytest.approx(28 / 2**26, rel=1e-12)
    assert found["phi"] == pytest.approx(0.1669567742)
    assert found["variance_reduction"] == pytest.approx(1 - (0.07789317456310609 / 0.0849985532284281) ** 2)
    assert found["pairing"]["width_reduction"] == pytest.approx(0.125)
    assert found["pairing"]["conclusion_changes"] is False
    assert (found["conclusion"], found["conclusion_robust"]) == ("b_higher", True)
    assert found["sentence"] == (
        "trained passes 52.1 points more often than baseline on 48 shared tasks, 95 % CI 37.5 to 66.7 "
        "(Tango 35.4 to 66.1), exact p = 4.2e-7."
    )
    assert [warning["code"] for warning in found["warnings"]] == ["judge-unknown"]
    assert paired["percentile"]["exact"] is True
    assert found["digest"].startswith("sha256:")
    assert (found["p_adjusted"], found["family_size"]) == (found["p_sign_flip"], 1)


def test_an_open_run_compares_just_as_well(agent: Caller) -> None:
    a = stored(agent, passes(cell[0] for cell in CELLS), close=False)
    b = stored(agent, passes(cell[1] for cell in CELLS), close=False)
    found = agent.ok(agent.get(f"/v1/runs/{a}/compare/{b}", confidence=0.9, method="bca"))
    assert (found["interval"]["lo"], found["interval"]["hi"]) == pytest.approx((19 / 48, 31 / 48))


def test_one_run_overall_and_by_category(agent: Caller) -> None:
    outcomes = [True] * 41 + [False] * 4 + [None] * 3
    rows = passes(outcomes)
    for number, row in enumerate(rows):
        row["category"] = "even" if number % 2 == 0 else "odd"
    found = agent.ok(agent.get(f"/v1/runs/{stored(agent, rows)}/statistics"))
    bounds = found["failure_bounds"]
    readings = [bounds[way]["estimate"] for way in ("excluded", "as_fail", "as_pass")]
    assert readings == pytest.approx([41 / 45, 41 / 48, 44 / 48])
    assert (found["n"], found["missing"], found["metric"], found["unit"]) == (45, 3, "passed", "rate")
    assert found["conclusion_robust"] is True
    assert {one["group"]: (one["n"], one["missing"]) for one in found["groups"]["category"]} == {
        "even": (23, 1),
        "odd": (22, 2),
    }
    assert found["outcomes"] == {"judged": 45, "not_called": 3}
    assert "missing-verdicts" in [warning["code"] for warning in found["warnings"]]


def test_scores_from_elsewhere(agent: Caller) -> None:
    rows = [{"task_id": str(n), "score": float(1 + n % 5)} for n in range(50)]
    a = stored(agent, rows)
    found = agent.ok(agent.get(f"/v1/runs/{a}/statistics", lowest=1, highest=5))
    assert (found["metric"], found["unit"], found["estimate"]) == ("score", "score", 3.0)
    b = stored(agent, [{**row, "score": min(5.0, row["score"] + 0.5)} for row in rows])
    compared = agent.ok(agent.get(f"/v1/runs/{a}/compare/{b}", lowest=1, highest=5))
    assert compared["delta"] == pytest.approx(0.4)
    assert compared["table"] is None
    assert compared["paired"]["percentile"]["exact"] is True


def test_outcomes_are_a_metric(agent: Caller) -> None:
    rows = [*passes([True] * 18), {"task_id": "x", "outcome": "timeout"}, {"task_id": "y", "outcome": "refused"}]
    found = agent.ok(agent.get(f"/v1/runs/{stored(agent, rows)}/statistics", metric="outcome.timeout"))
    assert (found["estimate"], found["n"], found["missing"]) == (0.05, 20, 0)


def test_a_batch_answers_each_item_by_itself(agent: Caller, service: Service, article: tuple[str, str]) -> None:
    stranger = service.caller()
    foreign = stored(stranger, passes([True, False]))
    empty = stored(agent, [])
    scored = stored(agent, [{"task_id": f"t{n:03d}", "score": 2.5 + n % 2} for n in range(8)])
    elsewhere = stored(agent, [{"task_id": f"other-{n}", "passed": True} for n in range(5)])
    a, b = article
    body = {
        "runs": [
            a,
            {"run_id": b, "confidence": 0.9, "method": "wilson"},
            foreign,
            "no such thing",
            empty,
            {"run_id": a, "confidence": 1.5},
            {"run_id": a, "metric": "wit"},
            {"run_id": a, "confidnce": 0.9},
            {"run_id": scored, "method": "wilson"},
            17,
        ],
        "comparisons": [
            {"a": a, "b": b},
            {"a": a, "b": foreign},
            {"a": a, "b": elsewhere},
            {"a": a, "b": scored},
            {"a": a, "b": empty},
            {"a": b, "b": a, "confidence": 0},
            {"a": b, "b": a, "tie_policy": "sometimes"},
        ],
    }
    found = agent.ok(agent.post("/v1/statistics", body))
    codes = [one.get("error", {}).get("code") for one in found["runs"]]
    assert codes == [
        None, None, "unknown-run", "unknown-run", "no-verdicts", "bad-confidence", "unknown-metric", "invalid-item",
        "bad-input", "invalid-item",
    ]  # fmt: skip
    assert [one["index"] for one in found["runs"]] == list(range(10))
    codes = [one.get("error", {}).get("code") for one in found["comparisons"]]
    assert codes == [
        None, "unknown-run", "no-shared-tasks", "mixed-metrics", "no-shared-tasks", "bad-confidence", "invalid-item",
    ]  # fmt: skip
    assert found["runs"][1]["interval"]["method"] == "Wilson score"
    assert found["runs"][1]["interval"]["confidence"] == 0.9
    assert found["comparisons"][0]["delta"] == pytest.approx(25 / 48)
    assert found["families"] == [{"family": "all", "correction": "holm", "size": 1}]
    assert foreign not in json.dumps(found["comparisons"][1]["error"])
    assert finite(found)


def test_every_run_against_every_other_is_one_family(agent: Caller) -> None:
    runs = [stored(agent, passes(n % 10 < k for n in range(40)), f"r{k}") for k in (2, 5, 8)]
    found = agent.ok(agent.post("/v1/statistics", {"runs": runs, "comparisons": "all"}))
    pairs = found["comparisons"]
    assert [(one["a"], one["b"]) for one in pairs] == [(runs[0], runs[1]), (runs[0], runs[2]), (runs[1], runs[2])]
    raw = sorted(one["p_sign_flip"] for one in pairs)
    holm = [raw[0] * 3, max(raw[0] * 3, raw[1] * 2), max(raw[0] * 3, raw[1] * 2, raw[2])]
    assert sorted(one["p_adjusted"] for one in pairs) == pytest.approx(holm)
    assert {one["family_size"] for one in pairs} == {3}


def test_families_and_corrections_are_kept_apart(agent: Caller, article: tuple[str, str]) -> None:
    a, b = article
    pairs = [
        {"a": a, "b": b, "family": "one"},
        {"a": b, "b": a, "family": "one", "correction": "none"},
        {"a": a, "b": b, "family": "two", "group_by": ["category"]},
    ]
    found = agent.ok(agent.post("/v1/statistics", {"comparisons": pairs, "correction": "benjamini-hochberg"}))
    assert {(one["family"], one["correction"], one["size"]) for one in found["families"]} == {
        ("one", "benjamini-hochberg", 1),
        ("one", "none", 1),
        ("two", "benjamini-hochberg", 2),
    }


def test_options_of_the_request_hold_for_items_without_their_own(agent: Caller, article: tuple[str, str]) -> None:
    body = {
        "runs": [article[0], {"run_id": article[1], "confidence": 0.8}],
        "confidence": 0.99,
        "method": "recommended",
    }
    found = agent.ok(agent.post("/v1/statistics", body))["runs"]
    assert [one["interval"]["confidence"] for one in found] == [0.99, 0.8]
    assert [one["interval"] == one["recommended"] for one in found] == [True, True]


def test_task_sets_that_differ_are_compared_on_what_they_share(agent: Caller) -> None:
    a = stored(agent, passes([True, False] * 10))
    b = stored(agent, passes([True] * 24)[4:])
    found = agent.ok(agent.get(f"/v1/runs/{a}/compare/{b}"))
    assert (found["n_shared"], found["only_a"], found["only_b"]) == (16, 4, 4)
    assert found["delta"] == pytest.approx(0.5)


def test_nothing_shared_is_a_problem(agent: Caller, article: tuple[str, str]) -> None:
    other = stored(agent, [{"task_id": "elsewhere", "passed": True}])
    refused = agent.get(f"/v1/runs/{article[0]}/compare/{other}")
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (422, "no-shared-tasks")


@pytest.mark.parametrize("path", ["/v1/runs/{}/statistics", "/v1/runs/{}/compare/{}"])
def test_an_unknown_or_foreign_run_is_not_found(agent: Caller, service: Service, path: str) -> None:
    foreign = stored(service.caller(), passes([True]))
    for run in (foreign, "01a20688-e5ce-7ce9-8d8e-423b2197b845"):
        refused = agent.get(path.format(run, run))
        assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (404, "not-found")


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ({"confidence": 1}, "bad-confidence"),
        ({"confidence": "nan"}, "bad-confidence"),
        ({"metric": "wit"}, "unknown-metric"),
        ({"method": "tango"}, "invalid-input"),
        ({"group_by": "mood"}, "invalid-input"),
        ({"tie_policy": "half", "metric": "score", "lowest": 5, "highest": 1}, "no-verdicts"),
    ],
)
def test_bad_options_are_problems(agent: Caller, article: tuple[str, str], query: dict[str, Any], slug: str) -> None:
    refused = agent.get(f"/v1/runs/{article[0]}/statistics", **query)
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (422, slug)


def test_a_run_without_verdicts_is_refused_and_says_so(agent: Caller) -> None:
    run = stored(agent, passes([None, None, None]))
    refused = agent.get(f"/v1/runs/{run}/statistics")
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (422, "no-verdicts")
    assert "None of the 3 items has a verdict" in refused.json()["detail"]


def test_degenerate_runs_have_an_answer(agent: Caller) -> None:
    run = stored(agent, passes([True] * 6))
    found = agent.ok(agent.get(f"/v1/runs/{run}/statistics", method="bca"))
    assert (found["percentile"]["lo"], found["percentile"]["hi"], found["percentile"]["degenerate"]) == (1.0, 1.0, True)
    assert (found["interval"], found["bca"]) == (None, None)
    assert "BCa" in found["bca_reason"]
    same = agent.ok(agent.get(f"/v1/runs/{run}/compare/{run}"))
    assert (same["delta"], same["p_sign_flip"], same["phi"], same["variance_reduction"]) == (0.0, 1.0, None, None)
    assert {"constant-margin", "few-discordant", "same-run"} <= {warning["code"] for warning in same["warnings"]}


def test_rows_that_alternate_are_suspect(agent: Caller) -> None:
    honest = stored(agent, passes(n % 7 in (0, 1, 2) for n in range(60)))
    filled_in = stored(agent, passes(n % 2 == 0 for n in range(60)))
    codes = [
        {warning["code"] for warning in agent.ok(agent.get(f"/v1/runs/{run}/statistics"))["warnings"]}
        for run in (honest, filled_in)
    ]
    assert ["alternating-outcomes" in one for one in codes] == [False, True]


def test_clusters_take_over_where_there_are_some(agent: Caller) -> None:
    rows = [
        row | {"cluster": f"c{number // 4}"} for number, row in enumerate(passes((n // 4) % 3 > 0 for n in range(120)))
    ]
    run = stored(agent, rows)
    found = agent.ok(agent.get(f"/v1/runs/{run}/statistics"))
    assert (found["clusters"]["n_items"], found["clusters"]["n_clusters"]) == (120, 30)
    assert found["recommended"]["method"] == "Student t over clusters"
    wide, narrow = found["recommended"], found["as_independent"]["recommended"]
    assert wide["hi"] - wide["lo"] > 1.8 * (narrow["hi"] - narrow["lo"])
    other = stored(agent, [{**row, "passed": True} for row in rows])
    compared = agent.ok(agent.get(f"/v1/runs/{run}/compare/{other}"))
    assert compared["clusters"]["n_clusters"] == 30
    assert compared["p_sign_flip"] == pytest.approx(2.0**-9)
    assert compared["as_independent"]["p_sign_flip"] == pytest.approx(2.0**-39)


def test_groups_of_clustered_runs_have_intervals_of_their_own(agent: Caller) -> None:
    """Clusters are counted over all items; what they give must not be told of a group."""
    rows = [
        {"task_id": str(n), "passed": n % 3 > 0, "cluster": f"c{n // 2}", "category": "large" if n < 90 else "small"}
        for n in range(120)
    ]
    run = stored(agent, rows)
    found = agent.ok(agent.get(f"/v1/runs/{run}/statistics"))
    large, small = found["groups"]["category"]
    assert "(Student t over clusters" in found["sentence"]
    for group in (large, small):
        assert group["recommended"]["method"] == "Wilson score"
        assert group["recommended"]["n"] == group["n"]
        assert "clusters-ignored" in [one["code"] for one in group["warnings"]]
    other = stored(agent, [{**row, "passed": True} for row in rows])
    compared = agent.ok(agent.get(f"/v1/runs/{run}/compare/{other}", group_by="category"))
    assert compared["paired"]["recommended"]["method"] == "Student t over clusters"
    assert {one["paired"]["recommended"]["n"] for one in compared["groups"]["category"]} == {90, 30}
    assert "Tango" not in compared["sentence"]


def test_ties_of_preferences(agent: Caller) -> None:
    a = stored(agent, [{"task_id": str(n), "score": 1.0 if n < 7 else 0.5} for n in range(47)])
    b = stored(agent, [{"task_id": str(n), "score": 1.0 if n < 41 else 0.5 if n < 43 else 0.0} for n in range(47)])
    found = {
        policy: agent.ok(agent.get(f"/v1/runs/{a}/compare/{b}", tie_policy=policy))["delta"]
        for policy in ("fail", "half", "success")
    }
    assert found == pytest.approx({"fail": 34 / 47, "half": 15 / 47, "success": -4 / 47})


def test_a_judged_run_has_criteria_and_a_known_judge(agent: Caller, service: Service) -> None:
    store = Store(service.database_url, agent.tenant)
    ids = []
    for place, judges in enumerate((["d1"], ["d2"], ["d1", "d2"])):
        run = store.run([], judges=judges, rubric="q" if place < 2 else "other")
        rows = []
        for number in range(12):
            told = [{"id": "tone", "passed": number % 3 > place, "score": 4.0}, {"id": "facts", "passed": None}]
            score, passed = 1.0 + number % 5, number % 2 == 0
            verdict = store.verdict(run, told)
            rows.append({"task": str(number), "passed": passed, "score": score, "verdict": verdict, "category": "c"})
        store.more(run, rows, 0)
        ids.append(str(run))
    found = agent.ok(agent.get(f"/v1/runs/{ids[0]}/statistics"))
    assert [one["group"] for one in found["groups"]["criterion"]] == ["tone", "facts"]
    assert found["groups"]["criterion"][0]["estimate"] == pytest.approx(8 / 12)
    assert found["groups"]["criterion"][1]["error"]["code"] == "no-verdicts"
    assert found["judge_digest"] == "d1"
    scores = agent.ok(agent.get(f"/v1/runs/{ids[0]}/statistics", metric="score", group_by="criterion"))
    assert scores["failure_bounds"]["as_pass"] == scores["recommended"]
    assert scores["threshold"] == 3.0
    assert scores["groups"]["criterion"][0]["estimate"] == 4.0

    def codes(a: str, b: str) -> set[str]:
        compared = agent.ok(agent.get(f"/v1/runs/{a}/compare/{b}", group_by="criterion"))
        assert [one["group"] for one in compared["groups"]["criterion"]] == ["tone", "facts"]
        return {warning["code"] for warning in compared["warnings"]}

    assert "different-judges" in codes(ids[0], ids[1])
    assert {"different-judges", "judge-changed", "different-rubrics"} <= codes(ids[0], ids[2])
    assert not codes(ids[0], ids[0]) & {"different-judges", "judge-unknown"}


def test_a_run_that_is_not_finished_says_so(agent: Caller, service: Service) -> None:
    rows = [{"task": "a", "passed": True}, {"task": "b", "passed": False}, {"task": "c", "outcome": None}]
    run = Store(service.database_url, agent.tenant).run(rows, status="running", judges=["d"])
    found = agent.ok(agent.get(f"/v1/runs/{run}/statistics"))
    assert (found["n"], found["missing"]) == (2, 1)
    assert "run-unfinished" in [warning["code"] for warning in found["warnings"]]


@pytest.mark.parametrize(
    "body", [{"runs": ["x"] * 501}, {"comparisons": [{"a": "x", "b": "y"}] * 10_001}, {"runs": {}}, []]
)
def test_a_request_beyond_its_limits_is_refused_whole(agent: Caller, body: Any) -> None:
    assert agent.post("/v1/statistics", body).status_code == 422


def test_too_many_comparisons_of_all(agent: Caller) -> None:
    refused = agent.post("/v1/statistics", {"runs": ["x"] * 143, "comparisons": "all"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == "comparisons"


def test_ten_thousand_comparisons_of_nothing_are_answered(agent: Caller) -> None:
    found = agent.ok(agent.post("/v1/statistics", {"comparisons": [{"a": "x", "b": "y"}] * 10_000}))
    assert {one["error"]["code"] for one in found["comparisons"]} == {"unknown-run"}


def test_reading_needs_the_scope(service: Service) -> None:
    scorer = service.caller({Scope.SCORE})
    for path in ("/v1/statistics", "/v1/statistics/adhoc"):
        assert scorer.post(path, {"runs": []}).status_code == 403
    assert scorer.get("/v1/agreement").status_code == 403


def test_brief_leaves_out_what_costs(agent: Caller, article: tuple[str, str]) -> None:
    pairs = [{"a": article[0], "b": article[1]}, {"a": article[0], "b": article[1], "method": "bca"}]
    body = {"comparisons": [*pairs, {"a": article[0], "b": "nobody"}], "detail": "brief"}
    brief, full, unknown = agent.ok(agent.post("/v1/statistics", body))["comparisons"]
    assert (brief["detail"], "unpaired" in brief, brief["p_adjusted"]) == ("brief", False, 2 * brief["p_sign_flip"])
    assert brief["paired"]["recommended"]["lo"] == pytest.approx(full["paired"]["recommended"]["lo"], rel=1e-12)
    assert full["interval"]["method"] == "BCa bootstrap"
    assert unknown["error"]["code"] == "unknown-run"
