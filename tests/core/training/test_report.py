"""Tables of an evaluation: medians by hand, and a figure that could not be bounded stands without bounds."""

from __future__ import annotations

from app.training.report import authors_table, markdown

RATES = ("balanced_accuracy", "pass_recall", "fail_recall", "mcc", "auc")
ROW = {**dict.fromkeys(RATES, 0.75), **{f"{r}_ci": [0.7, 0.8] for r in RATES}, "n_failed": 40, "n_passed": 40}


def test_the_median_over_authors_is_of_each_judge():
    found = {
        name: {"LoRA": ROW | {"auc": auc}, "rules": ROW | {"auc": 0.5}}
        for name, auc in (("third_party_a", 0.9), ("third_party_b", 0.7), ("third_party_c", 0.85))
    }
    found["third_party_b"]["rules"] = ROW | {"auc": None, "auc_ci": None}
    said, empty, *lines = authors_table({"asked": ["tone", "form"], "authors": found}).splitlines()
    assert said.endswith("asked for tone, form.")
    assert not empty
    assert lines[0] == "| author left out | n | AUC LoRA | AUC rules |"
    assert lines[2] == "| third_party_a | 80 | 0.900 [0.70, 0.80] | 0.500 [0.70, 0.80] |"
    assert lines[3] == "| third_party_b | 80 | 0.700 [0.70, 0.80] | – |"
    assert lines[-1] == "| median | | 0.850 | 0.500 |"


def test_rates_without_bounds_and_judges_that_were_not_asked():
    figures = {
        "rules": {"test": ROW | {"auc_ci": None}}, "base": {}, "LoRA": {"test": ROW | {"mcc": None}},
        "rules+LoRA": {"test": ROW}, "delta_a": {}, "delta_b": {}, "criteria": {}, "length": {"test": 0.5},
    }  # fmt: skip
    text = markdown(figures)
    bounded = "0.750 [0.70, 0.80] | "
    assert f"| rules | {4 * bounded}0.750 |" in text
    assert f"|  | LoRA | {3 * bounded}– | 0.750 [0.70, 0.80] |" in text
    assert "| base |" not in text


def test_each_criterion_says_who_decides_and_how_each_judge_does():
    row = ROW | {"pass_recall_exact": [0.6, 0.9], "fail_recall_exact": [0.5, 0.95]}
    model = row | {"calibration_error": 0.04, "calibration_error_by_chance": 0.03, "abstained": 0.1}
    figures = {
        **{key: {} for key in ("rules", "base", "LoRA", "rules+LoRA", "delta_a", "delta_b", "length")},
        "criteria": {"rules": {"tone": row, "form": row}, "LoRA": {"tone": model}, "rules+LoRA": {"tone": row}},
        "judged_by": {"tone": "both", "form": "rule"},
    }
    bounded, exact = "0.750 [0.70, 0.80] | ", "0.750 [0.60, 0.90] | 0.750 [0.50, 0.95] | "
    figure = bounded + exact + 2 * bounded
    for line in (
        f"| tone: both decide (40 fail, 40 clean) | rules | {figure}– | – |",
        f"|  | LoRA | {figure}0.040 (0.030) | 0.100 |",
        f"| form: rules decide (40 fail, 40 clean) | rules | {figure}– | – |",
    ):
        assert line in markdown(figures), line
