"""Thousands of comparisons of pass rates at once: what ten thousand answers must say, computed by column.

A full comparison takes a millisecond; here all of a request take what a few do. Left out are BCa, the unpaired intervals
and the sentence; what is here is the same to the digit. Comparisons that are no pass rates, have clusters, groups, a
margin or another method are refused by ``fits`` and told in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.db.fields import Metric
from app.services.estimates import Json, Wanted
from app.stats import Caution, Interval, tango
from app.stats.binomial import log_half_tail
from app.stats.cautions import few_discordant, missing_verdicts
from app.stats.paired_intervals import tango_bounds_many
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
    tables = np.array([_table(one) for one in questions], dtype=np.int64).reshape(-1, 8)
    for confidence in {one.wanted.confidence for one in questions}:
        of = [place for place, one in enumerate(questions) if one.wanted.confidence == confidence]
        held = [place for place in of if tables[place, :4].sum()]
        if held:
            for place, answer in zip(held, _computed(tables[held], confidence), strict=True):
                found[place] = _told(questions[place], answer, confidence)
    return found


def _table(one: Question) -> list[int]:
    """Judged tasks (both, only a, only b, neither), then a alone passes or fails, b alone passes or fails."""
    made = [0] * 9
    for a, b, n in one.cells:
        values = (one.metric.value(a), one.metric.value(b))
        made[_PLACES[values]] += n
    return made[:8]


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


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[int, ...]
    percentile: tuple[float, float]
    quoted: tuple[float, float]
    p: float
