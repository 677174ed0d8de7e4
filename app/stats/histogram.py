"""Counts of scores, and joint counts of two systems' scores on the same tasks.

Why: a histogram is all that the statistics here need, so a database can hand over a few `GROUP BY`
rows instead of a million verdicts. What it refuses: scores that are not finite numbers, and
verdicts that are missing and yet counted - a missing verdict has its own place and is never zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from app.stats.errors import BadInput
from app.stats.lattice import LARGEST_SCORE, Lattice, find_lattice, same_score_distance
from app.stats.results import check_count
from app.stats.special import FloatArray, IntArray

TiePolicy = Literal["fail", "half", "success"]
_NOT_A_SCORE = f"Every score must be a finite number of at most {LARGEST_SCORE:g}; a missing verdict is None, not NaN."
TIE_SCORES: Mapping[str, float] = {"fail": 0.0, "half": 0.5, "success": 1.0}


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often each score occurs.

    Build it with `Histogram.of` or `Histogram.of_rate`, which check and merge.

    Attributes
    ----------
    values : float array, shape (m,)
        Distinct scores, ascending, in the unit of the metric.
    counts : int64 array, shape (m,)
        Items with that score, each >= 1.
    missing : int
        Items without a verdict; in no estimate unless a bound asks for them.
    """

    values: FloatArray
    counts: IntArray
    missing: int = 0
    grid: Lattice | None = None

    @classmethod
    def of(cls, counts: Mapping[float, int] | Iterable[tuple[float | None, int]], missing: int = 0) -> Histogram:
        """Count scores.

        Parameters
        ----------
        counts : mapping score -> count, or pairs (score or None, count)
            None as a score is a missing verdict. Scores may repeat; zero counts are dropped.
        missing : int
            Further items without a verdict.

        Raises
        ------
        BadInput
            A score is NaN or infinite, or a count is negative or not whole.
        """
        pairs = counts.items() if isinstance(counts, Mapping) else counts
        scores: list[float] = []
        numbers: list[int] = []
        missing = check_count(missing, "missing")
        for score, count in pairs:
            number = check_count(count, f"items with score {score}")
            if score is None:
                missing += number
            else:
                scores.append(float(score))
                numbers.append(number)
        return cls.of_arrays(np.array(scores, dtype=np.float64), np.array(numbers, dtype=np.int64), missing)

    @classmethod
    def of_rate(cls, passed: int, failed: int, missing: int = 0) -> Histogram:
        """Count passes (score 1) and failures (score 0)."""
        check_count(missing, "missing")
        counts = np.array([check_count(failed, "failed"), check_count(passed, "passed")], dtype=np.int64)
        return cls.on_grid(0.0, 1.0, np.arange(2, dtype=np.int64), counts, missing)

    @classmethod
    def on_grid(cls, offset: float, step: float, positions: IntArray, counts: IntArray, missing: int = 0) -> Histogram:
        """Count scores ``offset + step * position`` on a known grid; positions ascending and distinct."""
        held = counts > 0
        if not held.all():
            positions, counts = positions[held], counts[held]
        values = np.asarray(offset + step * positions, dtype=np.float64)
        return cls(values, counts, missing, Lattice(offset, step, positions))

    @classmethod
    def of_arrays(cls, values: FloatArray, counts: IntArray, missing: int = 0) -> Histogram:
        """Count scores given as two arrays of equal length; merges scores equal up to rounding."""
        if values.shape != counts.shape or values.ndim != 1:
            raise BadInput("Scores and counts must be two flat arrays of the same length.")
        if not bool((np.abs(values) <= LARGEST_SCORE).all()):
            raise BadInput(_NOT_A_SCORE)
        if counts.size and int(counts.min()) < 0:
            raise BadInput("Every count must be at least 0.")
        held = counts > 0
        values, counts = values[held], counts[held]
        order = np.argsort(values, kind="stable")
        values, counts = values[order], counts[order]
        if values.size > 1:
            scale = max(abs(float(values[0])), abs(float(values[-1])))
            starts = np.flatnonzero(np.append(True, np.diff(values) > same_score_distance(scale)))
            if starts.size < values.size:
                values, counts = values[starts], np.add.reduceat(counts, starts)
        return cls(values + 0.0, counts, missing)

    @cached_property
    def n(self) -> int:
        """Judged items."""
        return int(self.counts.sum())

    @cached_property
    def lattice(self) -> Lattice | None:
        """The grid the scores lie on, None when they lie on none."""
        if self.grid is not None or not self.values.size:
            return self.grid
        return find_lattice(self.values)

    @cached_property
    def mean(self) -> float:
        """Mean score of the judged items; exact up to one rounding on a grid."""
        grid = self.lattice
        if grid is not None:
            return grid.offset + grid.step * (int(self.counts @ grid.positions) / self.n)
        low = float(self.values[0])
        return low + float(self.counts @ (self.values - low)) / self.n

    @cached_property
    def second_moment(self) -> float:
        """Central second moment (variance with ddof 0), in squared units of the metric."""
        return float(self.counts @ (self.values - self.mean) ** 2) / self.n if self.values.size > 1 else 0.0

    @cached_property
    def third_moment(self) -> float:
        """Central third moment, in cubed units of the metric."""
        return float(self.counts @ (self.values - self.mean) ** 3) / self.n if self.values.size > 1 else 0.0

    @property
    def sd(self) -> float:
        """Standard deviation with ddof 0."""
        return math.sqrt(self.second_moment)

    @property
    def degenerate(self) -> bool:
        """Whether all judged items have one score."""
        return self.values.size <= 1

    @cached_property
    def is_rate(self) -> bool:
        """Whether every score is 0 or 1."""
        return bool(np.isin(self.values, (0.0, 1.0)).all())

    def count_of(self, score: float) -> int:
        """Items with exactly that score."""
        return int(self.counts[self.values == score].sum())

    def filled(self, score: float) -> Histogram:
        """Return the histogram with every missing verdict counted as ``score``."""
        found = np.flatnonzero(self.values == score)
        if found.size:
            counts = self.counts.copy()
            counts[found] += self.missing
            return Histogram(self.values, counts, 0, self.grid)
        return Histogram.of_arrays(np.append(self.values, score), np.append(self.counts, self.missing))


@dataclass(frozen=True, eq=False)
class PairCounts:
    """How often each pair of scores occurs, over the tasks that two systems share.

    Attributes
    ----------
    a, b : float array, shape (m,)
        Scores of the two systems; NaN where that system has no verdict.
    counts : int64 array, shape (m,)
        Shared tasks with that pair, each >= 1.
    """

    a: FloatArray
    b: FloatArray
    counts: IntArray

    @classmethod
    def of(cls, rows: Iterable[tuple[float | None, float | None, int]]) -> PairCounts:
        """Count pairs ``(score of a, score of b, tasks)``; None is a missing verdict.

        Raises
        ------
        BadInput
            A score is NaN or infinite, or a count is negative or not whole.
        """
        kept: dict[tuple[float | None, float | None], int] = {}
        for a, b, count in rows:
            for score in (a, b):
                if score is not None and not abs(score) <= LARGEST_SCORE:
                    raise BadInput(_NOT_A_SCORE)
            number = check_count(count, "tasks in a pair of scores")
            if number:
                key = (None if a is None else a + 0.0, None if b is None else b + 0.0)
                kept[key] = kept.get(key, 0) + number
        keys = sorted(kept, key=lambda pair: tuple(math.inf if s is None else float(s) for s in pair))
        nan = math.nan
        return cls(
            np.array([nan if a is None else a for a, _ in keys], dtype=np.float64),
            np.array([nan if b is None else b for _, b in keys], dtype=np.float64),
            np.array([kept[key] for key in keys], dtype=np.int64),
        )

    @classmethod
    def of_table(cls, both: int, only_a: int, only_b: int, neither: int) -> PairCounts:
        """Count a 2x2 table: tasks that both pass, only a, only b, neither."""
        cells = {"neither": neither, "only_b": only_b, "only_a": only_a, "both": both}
        counts = np.array([check_count(value, name) for name, value in cells.items()], dtype=np.int64)
        held = counts > 0
        a, b = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0, 1.0])
        return cls(a[held], b[held], counts[held])

    @classmethod
    def of_preferences(
        cls, rows: Iterable[tuple[str | None, str | None, int]], tie_policy: TiePolicy = "half"
    ) -> PairCounts:
        """Count pairs of preference outcomes, ``success``, ``tie`` or ``fail``, None when missing.

        One policy scores the ties of both systems alike; a policy per side would move the
        difference by as much as half the ties.

        Raises
        ------
        BadInput
            An outcome or a policy has another name.
        """
        if tie_policy not in TIE_SCORES:
            raise BadInput(f"The tie policy is fail, half or success, not {tie_policy!r}.")
        scores = {"success": 1.0, "fail": 0.0, "tie": TIE_SCORES[tie_policy], None: None}
        named = list(rows)
        for a, b, _ in named:
            if a not in scores or b not in scores:
                raise BadInput("A preference outcome is success, tie, fail or None.")
        return cls.of((scores[a], scores[b], count) for a, b, count in named)

    @cached_property
    def n(self) -> int:
        """Shared tasks, judged or not."""
        return int(self.counts.sum())

    @cached_property
    def judged(self) -> PairCounts:
        """Only the tasks on which both systems have a verdict."""
        both = ~(np.isnan(self.a) | np.isnan(self.b))
        return self if bool(both.all()) else PairCounts(self.a[both], self.b[both], self.counts[both])

    def missing(self, which: Literal["a", "b"]) -> int:
        """Shared tasks on which that system has no verdict."""
        return int(self.counts[np.isnan(self.a if which == "a" else self.b)].sum())

    @cached_property
    def is_rate(self) -> bool:
        """Whether every score is 0 or 1, those without a partner included: a bound may count them."""
        return all(bool(((side == 0.0) | (side == 1.0) | np.isnan(side)).all()) for side in (self.a, self.b))

    @cached_property
    def table(self) -> tuple[int, int, int, int]:
        """Judged tasks that both pass, only a, only b, neither; for pass or fail outcomes."""
        pairs = self.judged
        cell = (2.0 * pairs.a + pairs.b).astype(np.int64)
        neither, only_b, only_a, both = np.bincount(cell, pairs.counts, 4).astype(np.int64).tolist()
        return both, only_a, only_b, neither

    @cached_property
    def sides(self) -> tuple[Histogram, Histogram, Histogram]:
        """Histograms of a, of b and of b - a over the judged tasks, on one grid when there is one."""
        pairs = self.judged
        if self.is_rate:
            both, only_a, only_b, neither = self.table
            gaps = np.array([only_a, both + neither, only_b], dtype=np.int64)
            return (
                Histogram.of_rate(both + only_a, only_b + neither),
                Histogram.of_rate(both + only_b, only_a + neither),
                Histogram.on_grid(0.0, 1.0, np.arange(-1, 2, dtype=np.int64), gaps),
            )
        pooled = Histogram.of_arrays(np.concatenate([pairs.a, pairs.b]), np.concatenate([pairs.counts, pairs.counts]))
        grid = pooled.lattice
        if grid is None:
            gaps_raw = pairs.b - pairs.a
            scale = float(np.abs(pooled.values).max())
            gaps_raw[np.abs(gaps_raw) <= same_score_distance(scale)] = 0.0
            a, b, gap = (Histogram.of_arrays(side, pairs.counts) for side in (pairs.a, pairs.b, gaps_raw))
            return a, b, gap
        at_a = np.rint((pairs.a - grid.offset) / grid.step).astype(np.int64)
        at_b = np.rint((pairs.b - grid.offset) / grid.step).astype(np.int64)
        return (
            _tallied(grid.offset, grid.step, at_a, pairs.counts),
            _tallied(grid.offset, grid.step, at_b, pairs.counts),
            _tallied(0.0, grid.step, at_b - at_a, pairs.counts),
        )

    @property
    def differences(self) -> Histogram:
        """Histogram of b - a over the judged tasks."""
        return self.sides[2]

    def filled(self, a: float, b: float) -> PairCounts:
        """Return the pairs with missing verdicts of a and of b replaced by the given scores."""
        return PairCounts(np.where(np.isnan(self.a), a, self.a), np.where(np.isnan(self.b), b, self.b), self.counts)


def _tallied(offset: float, step: float, places: IntArray, counts: IntArray) -> Histogram:
    distinct, where = np.unique(places, return_inverse=True)
    tally = np.zeros(distinct.size, dtype=np.int64)
    np.add.at(tally, where, counts)
    return Histogram.on_grid(offset, step, distinct, tally)
