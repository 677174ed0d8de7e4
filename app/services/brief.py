"""Thousands of comparisons of pass rates at once: what ten thousand answers must say, computed by column.

A full comparison takes a millisecond; here all of a request take what a few do. Left out: BCa, unpaired intervals and
the sentence; what is here is the same to twelve digits. Comparisons that are no pass rates, have clusters, groups, a
margin or another method are refused by ``fits`` and told in full.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.db.fields import Metric
from app.services.estimates import Json, Wanted
from app.stats import ENGINE_VERSION, Caution, Interval
from app.stats.binomial import log_half_tail
from app.stats.cautions import few_discordant, missing_verdicts
from app.stats.paired_intervals import SCORE_TEST, tango_bounds_many
from app.stats.results import INVERTED_CDF, digest_of
from app.stats.special import two_sided_z
from app.stats.trinomial import percentile_bounds

Cells = Sequence[tuple[str | None, str | None, int]]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_CONCLUSIONS = {1: "b_higher", -1: "a_higher", 0: "undecided"}


@dataclass(frozen=True, slots=True)
class Question:
    """One comparison: its joint labels, how they are read, and what else each run holds."""

    cells: Cells
    metric: Metric
    wanted: Wanted
    totals: tuple[int, int]
    cautions: tuple[Caution, ...]


def fits(metric: Metric, wanted: Wanted) -> bool:
    """Whether a comparison can be told in brief."""
    rate = metric.scale == (0.0, 1.0) and not metric.name.endswith("p_fail")
    plain = wanted.margin is None and wanted.scale == (0.0, 1.0)
    return rate and plain and wanted.method in ("percentile", "recommended") and 0.0 < wanted.confidence < 1.0


def answered(questions: Sequence[Question]) -> list[Json | None]:
    """The answers in order; None for a pair with no task judged for both, which the full way refuses in words."""
    found: list[Json | None] = [None] * len(questions)
    tables = np.array([_table(one) for one in questions], dtype=np.int64).reshape(-1, 9)
    for confidence in {one.wanted.confidence for one in questions}:
        held = [
            place
            for place, one in enumerate(questions)
            if one.wanted.confidence == confidence and tables[place, :4].any()
        ]
        if held:
            made = _columns(tables[held], confidence)
            for row, place in enumerate(held):
                found[place] = _told(questions[place], tables[place].tolist(), made, row, confidence)
    return found


_PLACES: dict[tuple[float | None, float | None], int] = {
    (1.0, 1.0): 0,
    (1.0, 0.0): 1,
    (0.0, 1.0): 2,
    (0.0, 0.0): 3,
    (1.0, None): 4,
    (0.0, None): 5,
    (None, 1.0): 6,
    (None, 0.0): 7,
    (None, None): 8,
}


def _table(one: Question) -> list[int]:
    """Shared tasks by both outcomes, in the order of ``_PLACES``."""
    made = [0] * 9
    for a, b, n in one.cells:
        made[_PLACES[one.metric.value(a), one.metric.value(b)]] += n
    return made


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is computed for all comparisons at once. ``tango`` has a row for each reading of missing verdicts."""

    percentile: tuple[Floats, Floats]
    p: Floats
    deltas: Floats
    tango: tuple[Floats, Floats]


_READINGS = ("excluded", "as_fail", "as_pass", "at_min", "at_max")


def _columns(tables: Ints, confidence: float) -> _Columns:
    both, only_a, only_b, neither, pass_x, fail_x, x_pass, x_fail, unknown = tables.T
    judged = both + only_a + only_b + neither
    shared = tables.sum(axis=1)
    # What only a and only b pass when the missing verdicts are left out, all fail, all pass, speak for a, speak for b.
    for_a = np.stack([only_a, only_a + pass_x, only_a + x_fail, only_a + pass_x + x_fail + unknown, only_a])
    for_b = np.stack([only_b, only_b + x_pass, only_b + fail_x, only_b, only_b + fail_x + x_pass + unknown])
    n = np.stack([judged, shared, shared, shared, shared])
    flat = [one.ravel().astype(np.float64) for one in (for_a, for_b, n)]
    lo, hi = tango_bounds_many(flat[0], flat[1], flat[2], two_sided_z(confidence))
    few = np.minimum(only_a, only_b)
    p = np.where(only_a == only_b, 1.0, np.minimum(1.0, 2.0 * np.exp(log_half_tail(few, only_a + only_b))))
    return _Columns(
        percentile_bounds(only_a, only_b, judged, confidence),
        p,
        (for_b - for_a) / n,
        (lo.reshape(n.shape), hi.reshape(n.shape)),
    )


def _told(one: Question, cells: list[int], made: _Columns, row: int, confidence: float) -> Json:
    both, only_a, only_b, neither, pass_x, fail_x, x_pass, x_fail, unknown = cells
    judged, shared = both + only_a + only_b + neither, sum(cells)
    missing_a, missing_b = x_pass + x_fail + unknown, pass_x + fail_x + unknown
    constant = max(both + neither, only_a, only_b) == judged
    readings = {
        name: Interval(
            float(made.deltas[at, row]),
            float(made.tango[0][at, row]),
            float(made.tango[1][at, row]),
            confidence,
            "Tango score",
            SCORE_TEST,
            judged if at == 0 else shared,
            True,
            constant if at == 0 else False,
        )
        for at, name in enumerate(_READINGS)
    }
    quoted = readings["excluded"]
    if judged == shared:
        readings = dict.fromkeys(_READINGS, quoted)
    delta = quoted.estimate
    bounds = [float(side[row]) for side in made.percentile]
    percentile = Interval(
        delta, bounds[0], bounds[1], confidence, "percentile bootstrap", INVERTED_CDF, judged, True, constant
    )
    least, most = readings["at_min"], readings["at_max"]
    signs = {(value > 0.0) - (value < 0.0) for value in (least.estimate, most.estimate)}
    robust = len(signs) == 1 and least.side_of(0.0) == most.side_of(0.0)
    p = float(made.p[row])
    found = (missing_verdicts(shared - judged, shared), few_discordant(only_a + only_b))
    return {
        "detail": "brief",
        "metric": one.metric.name,
        "unit": "rate",
        "confidence": confidence,
        "n_shared": shared,
        "only_a": one.totals[0] - shared,
        "only_b": one.totals[1] - shared,
        "n_judged": judged,
        "table": {"both": both, "only_a": only_a, "only_b": only_b, "neither": neither},
        "mean_a": (both + only_a) / judged,
        "mean_b": (both + only_b) / judged,
        "delta": delta,
        "interval": quoted if one.wanted.method == "recommended" else percentile,
        "paired": {
            "percentile": percentile,
            "bca": None,
            "recommended": quoted,
            "se": math.sqrt(max(0.0, (only_a + only_b) / judged - delta * delta) / judged),
        },
        "p_sign_flip": p,
        "p_mcnemar_exact": p,
        "failure_bounds": {
            "missing_a": missing_a,
            "missing_b": missing_b,
            "delta_min": least.estimate,
            "delta_max": most.estimate,
            **readings,
            "sign_robust": len(signs) == 1,
            "conclusion_robust": robust,
        },
        "conclusion": _CONCLUSIONS[quoted.side_of(0.0)],
        "conclusion_robust": robust,
        "warnings": [*(caution for caution in found if caution is not None), *one.cautions],
        "engine_version": ENGINE_VERSION,
        "digest": digest_of("brief", cells, one.totals),
        "groups": None,
    }
