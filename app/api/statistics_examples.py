"""Example bodies of the statistics routes, shown in /docs and used by the tests."""

from __future__ import annotations

from typing import Any

_A = "01a20688-e5ce-7ce9-8d8e-423b2197b845"
_B = "01a20688-e9d1-7b1f-a3f8-6bd5a7e4c102"

BATCH: dict[str, dict[str, Any]] = {
    "two runs and their comparison": {
        "runs": [_A, {"run_id": _B, "confidence": 0.9, "group_by": ["category"]}],
        "comparisons": [{"a": _A, "b": _B, "method": "bca"}],
        "correction": "holm",
    },
    "every run against every other": {"runs": [_A, _B], "comparisons": "all"},
}
ADHOC: dict[str, dict[str, Any]] = {
    "a 2x2 table": {
        "items": [
            {
                "kind": "comparison",
                "a": "baseline",
                "b": "trained",
                "table": {"both": 15, "only_a": 1, "only_b": 26, "neither": 6},
            }
        ]
    },
    "a rate with missing verdicts, and a corrected one": {
        "items": [
            {"kind": "mean", "name": "trained", "passed": 41, "failed": 4, "missing": 3},
            {
                "kind": "corrected_rate",
                "passed": 600,
                "n": 1000,
                "correct_fails": 80,
                "human_fails": 100,
                "correct_passes": 90,
                "human_passes": 100,
            },
        ]
    },
}
