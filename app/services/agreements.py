"""How far the judge can be believed: its agreement with human labels, and its pass rates corrected by them.

The judge is calibrated on every labelled item that it judged; a run's own unlabelled items are what is corrected, so
that no item counts twice. Where labels do not suffice the answer is null, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

import numpy as np
import orjson

from app.db import agreement as labels
from app.db.agreement import Counted
from app.db.engine import Database
from app.db.fields import metric_of
from app.db.statistics import RunFacts
from app.errors import Fault, InvalidInput
from app.services.counting import Counting
from app.services.estimates import Json, open_fields
from app.services.report_parts import Refusal
from app.services.reports import UNKNOWN
from app.stats import ENGINE_VERSION, StatisticsError, agreement, corrected_rate, ppi_rate

MOST_PAIRS = 200
LABELS = ("fail", "pass")
Joint = dict[tuple[bool, bool], int]


@dataclass(frozen=True)
class Agreements:
    """Agreement of one tenant's labels and verdicts."""

    db: Database

    async def report(self, tenant_id: UUID, runs: Sequence[str], criterion: str | None, confidence: float) -> bytes:
        """Judge against humans, humans against each other, retests, and corrected rates of the runs named; as JSON."""
        if not 0.0 < confidence < 1.0:
            raise InvalidInput("The confidence does not fit.", (Fault("query.confidence", "lies between 0 and 1"),))
        metric = metric_of("passed" if criterion is None else f"criterion.{criterion}")
        if metric is None:
            raise InvalidInput("The criterion does not fit.", (Fault("query.criterion", "is a criterion's id"),))
        counting = Counting(self.db, tenant_id)
        facts = await counting.facts(runs) if runs else {}
        known = [facts[run].id for run in runs if run in facts]
        rows: list[tuple[UUID | None, bool | None, bool | None, int]] = []
        people: list[Counted] = []
        again: list[Counted] = []
        if known or not runs:
            async with self.db.reading() as conn:
                rows = await labels.judge_human(conn, tenant_id, known, criterion)
                people = await labels.humans(conn, tenant_id, known, criterion)
                again = await labels.retest(conn, tenant_id, known, criterion)
        counts = await counting.runs(list(facts.values()), metric, by_category=False) if facts else {}
        pooled = _joint(rows)
        corrected: list[Json] = []
        for run in runs:
            if run not in facts:
                corrected.append({"run_id": run, "error": {"code": "unknown-run", "message": UNKNOWN}})
                continue
            of = facts[run]
            own = _joint([row for row in rows if row[0] == of.id])
            judged = {metric.value(label): n for label, n in counts[of.id].whole}
            corrected.append(_corrected(run, of, pooled, own, judged, confidence))
        return orjson.dumps(
            {
                "criterion": criterion,
                "judge_human": _judge_human(rows, pooled, confidence),
                "human_human": _between(people, confidence, same=False),
                "retest": _between(again, confidence, same=True),
                "corrected": corrected,
                "engine_version": ENGINE_VERSION,
            }
        )


def _joint(rows: Sequence[tuple[UUID | None, bool | None, bool | None, int]]) -> Joint:
    made: Joint = {}
    for _, judge, human, n in rows:
        if judge is not None and human is not None:
            made[judge, human] = made.get((judge, human), 0) + n
    return made


def _judge_human(
    rows: Sequence[tuple[UUID | None, bool | None, bool | None, int]], pooled: Joint, confidence: float
) -> Json:
    return {
        "first": "judge",
        "second": "humans",
        "unjudged": sum(n for _, judge, _, n in rows if judge is None),
        "tied_votes": sum(n for _, _, human, n in rows if human is None),
        **_agreement(pooled, confidence, same=False),
    }


def _between(counted: Sequence[Counted], confidence: float, *, same: bool) -> list[Json]:
    made: list[Json] = []
    for (first, second), rows in groupby(counted, key=lambda one: (one.first, one.second)):
        joint = {(one.a, one.b): one.n for one in rows}
        made.append({"first": first, "second": second, **_agreement(joint, confidence, same=same)})
        if len(made) == MOST_PAIRS:
            break
    return made


def _agreement(joint: Joint, confidence: float, *, same: bool) -> Json:
    cells = [[joint.get((first, second), 0) for second in (False, True)] for first in (False, True)]
    try:
        made = agreement(np.array(cells, dtype=np.int64), LABELS, confidence, same_rater=same)
    except StatisticsError as error:
        return {"table": cells, "error": Refusal.of(error).told}
    return {"table": cells, **open_fields(made)}


def _corrected(
    run: str, of: RunFacts, pooled: Joint, own: Joint, judged: dict[float | None, int], confidence: float
) -> Json:
    labelled_passes = own.get((True, True), 0) + own.get((True, False), 0)
    labelled = sum(own.values())
    passed = judged.get(1.0, 0) - labelled_passes
    n = judged.get(1.0, 0) + judged.get(0.0, 0) - labelled

    def rate() -> Json:
        fails = (pooled.get((False, False), 0), pooled.get((False, False), 0) + pooled.get((True, False), 0))
        passes = (pooled.get((True, True), 0), pooled.get((True, True), 0) + pooled.get((False, True), 0))
        return open_fields(corrected_rate(passed, n, *fails, *passes, confidence))

    def powered() -> Json:
        both, only_judge = own.get((True, True), 0), own.get((True, False), 0)
        only_human, neither = own.get((False, True), 0), own.get((False, False), 0)
        return open_fields(ppi_rate(both, only_judge, only_human, neither, passed, n, confidence))

    return {
        "run_id": run,
        "name": of.name,
        "n_labelled": labelled,
        "n_unlabelled": n,
        "corrected_rate": _or_reason(rate),
        "ppi_rate": _or_reason(powered),
    }


def _or_reason(make: Callable[[], Json]) -> Json:
    try:
        return make()
    except StatisticsError as error:
        return {"estimate": None, "interval": None, "reason": str(error)}
