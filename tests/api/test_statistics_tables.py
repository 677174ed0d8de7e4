"""Tables that are not stored, and what labels say about the judge."""

from __future__ import annotations

import json
import math

import pytest

from app.api.statistics_examples import ADHOC
from tests.api.test_statistics import passes, stored
from tests.service import Caller, Service

PREFERENCES = [["success", "success", 7], ["tie", "success", 34], ["tie", "tie", 2], ["tie", "fail", 4]]
CORRECTED = {
    "kind": "corrected_rate",
    "passed": 600,
    "n": 1000,
    "correct_fails": 80,
    "human_fails": 100,
    "correct_passes": 90,
    "human_passes": 100,
}
LABELLED = ("both_pass", "only_judge", "only_human", "both_fail")


def test_tables_that_are_not_stored(agent: Caller) -> None:
    for example in ADHOC.values():
        agent.ok(agent.post("/v1/statistics/adhoc", example))
    body = {
        "items": [
            {"kind": "comparison", "table": {"both": 15, "only_a": 1, "only_b": 26, "neither": 6}},
            {"kind": "comparison", "pairs": [[1, 1], [0, 1], [None, 0], [0.5, 1.0]], "tie_policy": "half"},
            {"kind": "comparison", "preferences": PREFERENCES},
            {"kind": "mean", "scores": [1, 2, 3, None, 4.5], "metric": "score"},
            {"kind": "mean", "counts": [[True, 41], [False, 4], [None, 3]]},
            {"kind": "mean", "counts": [[1, 10], [2, 12]], "statistic": "median", "seed": 3},
            {"kind": "unpaired", "a": [[0, 32], [1, 16]], "b": [[0, 7], [1, 41]]},
            {"kind": "agreement", "table": [[32, 0], [9, 30]], "labels": ["FAIL", "PASS"], "same_rater": True},
            CORRECTED,
            {"kind": "ppi_rate", "passed": 500, "n": 900} | dict(zip(LABELLED, (40, 10, 5, 45), strict=True)),
            {"kind": "power", "n": 48, "discordant": 0.5},
        ]
    }  # fmt: skip
    found = agent.ok(agent.post("/v1/statistics/adhoc", body))["items"]
    assert [one.get("error") for one in found] == [None] * 11
    assert found[0]["p_sign_flip"] == pytest.approx(28 / 2**26)
    assert found[2]["delta"] == pytest.approx(15 / 47)
    assert (found[2]["interval"]["lo"], found[2]["interval"]["hi"]) == pytest.approx((0.2234043, 0.4042553), abs=1e-6)
    assert found[4]["missing"] == 3
    assert found[5]["interval"]["seed"] == 3
    assert found[6]["intervals"]["se"] == pytest.approx(0.0849985532)
    assert found[7]["percent"]["estimate"] == pytest.approx(62 / 71)
    assert (found[8]["estimate"], found[8]["interval"]["lo"], found[8]["interval"]["hi"]) == pytest.approx(
        (0.5714286, 0.4898187, 0.6554542), abs=1e-6
    )
    assert 0.0 < found[10]["mde"] < 0.5


def test_a_bad_table_spoils_itself_alone(agent: Caller) -> None:
    good = {"kind": "mean", "passed": 3, "failed": 1}
    raw = json.dumps(
        {
            "items": [
                good,
                {"kind": "mean", "scores": [1.0, math.nan]},
                {"kind": "mean", "scores": [1.0], "confidence": math.inf},
                {"kind": "mean", "passed": -1, "failed": 1},
                {"kind": "mean"},
                {"kind": "mean", "scores": [1.0], "counts": [[1, 1]]},
                {"kind": "riddle"},
                "nothing",
                {"kind": "agreement", "table": [[1, 2]], "labels": ["a", "b"]},
                {"kind": "comparison", "pairs": [[1, None]]},
                {"kind": "power"},
                CORRECTED | {"correct_fails": 10, "correct_passes": 90},
                good,
            ]
        }
    ).encode()  # fmt: skip
    found = agent.ok(agent.raw("/v1/statistics/adhoc", raw))["items"]
    codes = [one.get("error", {}).get("code") for one in found]
    assert codes == [
        None, "invalid-item", "invalid-item", "bad-input", *["invalid-item"] * 4,
        "bad-input", "no-shared-tasks", "invalid-item", None, None,
    ]  # fmt: skip
    assert (found[11]["estimate"], found[11]["interval"]) == (None, None)
    assert "sum to at most 1" in found[11]["reason"]


def test_broken_json_is_still_broken(agent: Caller) -> None:
    for raw in (b'{"items": [NaN', b'{"items": [], "items": []}', b""):
        assert agent.raw("/v1/statistics/adhoc", raw).status_code == 400


def test_agreement_without_labels_says_so(agent: Caller) -> None:
    found = agent.ok(agent.get("/v1/agreement", run_id=stored(agent, passes([True, False, True]))))
    assert found["judge_human"]["error"]["code"] == "no-verdicts"
    assert found["human_human"] == found["retest"] == []
    assert found["corrected"][0]["corrected_rate"]["estimate"] is None
    assert "Calibration" in found["corrected"][0]["corrected_rate"]["reason"]


def label(agent: Caller, run: str, task: str, labeller: str, passed: bool) -> None:
    """A human's verdict on an item."""
    sent = agent.post("/v1/labels", {"run_id": run, "task_id": task, "labeller": labeller, "passed": passed})
    assert sent.is_success, sent.text


def test_agreement_and_corrected_rates(agent: Caller) -> None:
    run = stored(agent, passes([True] * 60 + [False] * 40))
    for number in range(20):
        label(agent, run, f"t{number:03d}", "ann", number != 0)
        label(agent, run, f"t{60 + number:03d}", "ann", number == 0)
    for number in range(10):
        label(agent, run, f"t{number:03d}", "bob", number > 1)
    label(agent, run, "t001", "ann", True)
    found = agent.ok(agent.get("/v1/agreement", run_id=run))
    judge = found["judge_human"]
    # t000: both say fail; t001: ann says pass and bob fail, which is no vote.
    assert judge["table"] == [[19, 1], [1, 18]]
    assert judge["tied_votes"] == 1
    assert judge["kappa"]["estimate"] == pytest.approx(1 - (2 / 39) / (2 * 19 * 20 / 39**2), abs=0.01)
    (humans,) = found["human_human"]
    assert (humans["first"], humans["second"], humans["table"]) == ("ann", "bob", [[1, 0], [1, 8]])
    (again,) = found["retest"]
    assert (again["first"], again["n"]) == ("ann", 1)
    corrected = found["corrected"][0]
    assert (corrected["n_labelled"], corrected["n_unlabelled"]) == (39, 61)
    assert 0.0 < corrected["corrected_rate"]["interval"]["lo"] < corrected["corrected_rate"]["estimate"] < 1.0
    assert corrected["ppi_rate"]["n_labelled"] == 39
    assert agent.get("/v1/agreement", confidence=2).status_code == 422


def test_agreement_is_of_the_tenant_alone(agent: Caller, service: Service) -> None:
    stranger = service.caller()
    run = stored(stranger, passes([True, False]))
    label(stranger, run, "t000", "eve", True)
    found = agent.ok(agent.get("/v1/agreement", run_id=run))
    assert found["corrected"] == [
        {"run_id": run, "error": {"code": "unknown-run", "message": "There is no run with that id."}}
    ]
    assert agent.ok(agent.get("/v1/agreement"))["judge_human"]["error"]["code"] == "no-verdicts"
