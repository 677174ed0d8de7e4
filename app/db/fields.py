"""The fields of an outcome that can be counted, each as one SQL expression over an item of a run.

A field labels an item with text, or with null where there is no verdict; a metric turns labels into numbers. What is
not in the table here cannot be asked for: no caller's text becomes part of a statement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.schemas import Outcome

_CRITERION = re.compile(r"^criterion\.([A-Za-z0-9_\-]{1,60})(?:\.(score|p_fail))?$")
_OUTCOME = re.compile(r"^outcome\.([a-z_]{1,40})$")

_PASSED = "CASE WHEN i.passed THEN '1' WHEN NOT i.passed THEN '0' END"
_LABELS = {
    "passed": _PASSED,
    "score": "i.score::text",
    "p_fail": "i.p_fail::text",
    "outcome": "i.outcome",
    "category": "i.category",
}
_CRITERION_LABELS = {
    "passed": "CASE c.entry ->> 'passed' WHEN 'true' THEN '1' WHEN 'false' THEN '0' END",
    "score": "c.entry ->> 'score'",
    "p_fail": "c.entry ->> 'p_fail'",
}
_CRITERION_JOIN = """
    LEFT JOIN verdicts AS v ON v.tenant_id = i.tenant_id AND v.id = i.verdict_id
    LEFT JOIN LATERAL (
      SELECT entry FROM jsonb_array_elements(v.document -> 'criteria') AS entry
      WHERE entry ->> 'id' = :criterion LIMIT 1
    ) AS c ON true"""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: ``key`` names it in ``run_marks``; ``label`` and ``join`` are SQL over ``run_items AS i``."""

    key: str
    label: str
    join: str = ""
    criterion: str | None = None

    def labelled(self, runs: str = ":runs") -> str:
        """A query of the items of ``runs`` (a bound array) with their labels."""
        return (
            f"SELECT i.run_id, i.seq, i.task_id, i.category, i.cluster, {self.label} AS label "  # noqa: S608
            f"FROM run_items AS i {self.join} WHERE i.tenant_id = :tenant_id AND i.run_id = ANY({runs})"
        )

    @property
    def bound(self) -> dict[str, object]:
        """What the expression needs bound."""
        return {} if self.criterion is None else {"criterion": self.criterion}


CATEGORY = Field("category", _LABELS["category"])


@dataclass(frozen=True, slots=True)
class Metric:
    """A number for each item: a field, and how its labels are read. ``scale`` holds its ends, None when unknown."""

    name: str
    field: Field
    event: str | None = None
    scale: tuple[float, float] | None = None

    def value(self, label: str | None) -> float | None:
        """The number of a label; None stays None."""
        if label is None:
            return None
        return float(label == self.event) if self.event is not None else float(label)

    @property
    def number(self) -> str:
        """SQL for the number of a ``label``."""
        return "CAST(label = :event AS int)::float8" if self.event is not None else "label::float8"

    @property
    def bound(self) -> dict[str, object]:
        """What ``number`` and the field need bound."""
        return self.field.bound | ({} if self.event is None else {"event": self.event})


def metric_of(name: str) -> Metric | None:
    """The metric of this name, None where there is none.

    ``passed``, ``score``, ``p_fail``, ``outcome.<outcome>`` (how often items end so), ``criterion.<id>``,
    ``criterion.<id>.score`` and ``criterion.<id>.p_fail``.
    """
    if name == "score":
        return Metric(name, Field("score", _LABELS["score"]))
    if name in {"passed", "p_fail"}:
        return Metric(name, Field(name, _LABELS[name]), scale=(0.0, 1.0))
    if (found := _OUTCOME.match(name)) is not None and found[1] in set(Outcome):
        return Metric(name, Field("outcome", _LABELS["outcome"]), event=found[1], scale=(0.0, 1.0))
    if (found := _CRITERION.match(name)) is not None:
        part = found[2] or "passed"
        scale = (1.0, 5.0) if part == "score" else (0.0, 1.0)
        return Metric(name, Field(name, _CRITERION_LABELS[part], _CRITERION_JOIN, found[1]), scale=scale)
    return None
