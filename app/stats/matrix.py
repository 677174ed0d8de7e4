"""Every run against every other.

Why: a table of a hundred runs holds 4,950 comparisons, and all their 2x2 tables come out of one
matrix product. What it refuses: scores - a matrix holds passes and failures; and to compare two
runs that were judged on no task in common, which it lists instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.stats.binomial import log_half_tail
from app.stats.errors import BadInput
from app.stats.histogram import PairCounts
from app.stats.intervals import FEWEST_EVENTS, SMALL_SAMPLE, recommended_rate
from app.stats.multiplicity import Correction, adjust_array
from app.stats.paired import Comparison, paired_delta
from app.stats.paired_intervals import tango_bounds_many
from app.stats.results import ENGINE_VERSION, INVERTED_CDF, check_confidence, digest_of
from app.stats.special import FloatArray, IntArray, two_sided_z
from app.stats.trinomial import percentile_bounds

MISSING = -1
_COLUMNS = 1 << 14


@dataclass(frozen=True, eq=False)
class RunIntervals:
    """Pass rates of many runs.

    Attributes
    ----------
    passed, n, missing : int64 array, shape (R,)
    estimate : float array, shape (R,)
        0 where n is 0 (see ``n``).
    percentile_lo, percentile_hi, recommended_lo, recommended_hi : float array, shape (R,)
        Exact percentile bootstrap; `recommended_rate`. [0, 1] where n is 0.
    """

    passed: IntArray
    n: IntArray
    missing: IntArray
    estimate: FloatArray
    percentile_lo: FloatArray
    percentile_hi: FloatArray
    recommended_lo: FloatArray
    recommended_hi: FloatArray


@dataclass(frozen=True, eq=False)
class TableComparisons:
    """Result of `compare_tables`: one entry for each 2x2 table.

    Attributes
    ----------
    table : int64 array, shape (P, 4)
        Tasks that both pass, only a, only b, neither, over the tasks judged for both.
    n_judged : int64 array, shape (P,)
    delta : float array, shape (P,)
        Pass rate of b minus that of a over those tasks.
    percentile_lo, percentile_hi : float array, shape (P,)
        Exact percentile bootstrap.
    recommended_lo, recommended_hi : float array, shape (P,)
        Tango's.
    p, p_adjusted : float array, shape (P,)
        Exact two-sided sign-flip (McNemar) p, and adjusted over the P tables.
    correction : str
    family_size : int
    confidence : float
    convention, engine_version, digest : str
    """

    table: IntArray
    n_judged: IntArray
    delta: FloatArray
    percentile_lo: FloatArray
    percentile_hi: FloatArray
    recommended_lo: FloatArray
    recommended_hi: FloatArray
    p: FloatArray
    p_adjusted: FloatArray
    correction: Correction
    family_size: int
    confidence: float
    convention: str
    engine_version: str
    digest: str


@dataclass(frozen=True, eq=False)
class ComparisonMatrix:
    """Result of `compare_matrix`: one entry for each pair of runs, b = second against a = first.

    Attributes
    ----------
    names : tuple of str, length R
    runs : RunIntervals
    pairs : int64 array, shape (P, 2)
        Indices (a, b) with a < b; P = R (R - 1) / 2 less the pairs in ``not_shared``.
    results : TableComparisons
        Of the P pairs, in their order.
    delta_min, delta_max : float array, shape (P,)
        Over all tasks, whatever the missing verdicts were.
    not_shared : tuple of (int, int)
        Pairs with no task judged for both.
    """

    names: tuple[str, ...]
    runs: RunIntervals
    pairs: IntArray
    results: TableComparisons
    delta_min: FloatArray
    delta_max: FloatArray
    not_shared: tuple[tuple[int, int], ...]

    def comparison(self, entry: int) -> Comparison:
        """Return the full comparison of one pair, by its index into ``pairs``."""
        a, b = self.pairs[entry].tolist()
        pairs = PairCounts.of_table(*self.results.table[entry].tolist())
        return paired_delta(pairs, self.results.confidence, names=(self.names[a], self.names[b]))


def compare_tables(table: IntArray, confidence: float = 0.95, *, correction: Correction = "holm") -> TableComparisons:
    """Compare many pairs of systems from their 2x2 tables at once.

    Parameters
    ----------
    table : int64 array, shape (P, 4)
        Tasks that both pass, only a, only b, neither; each row with at least one task.
    confidence : float, default 0.95
        Inside (0, 1).
    correction : {"holm", "benjamini-hochberg", "none"}
        Over the P tables as one family.

    Returns
    -------
    TableComparisons
        The same values as `paired_delta` gives for each table, at about a hundredth of the cost.

    Raises
    ------
    BadInput
        Not four counts of at least 0 a row, or a row without a task.
    BadConfidence
    """
    check_confidence(confidence)
    if table.ndim != 2 or table.shape[1] != 4 or table.dtype.kind not in "iu":
        raise BadInput("A table is a row of four whole numbers: both, only a, only b, neither.")
    counts = table.astype(np.int64)
    n_judged = counts.sum(axis=1)
    if counts.size and (int(counts.min()) < 0 or int(n_judged.min()) == 0):
        raise BadInput("Every table needs counts of at least 0 and at least one task.")
    only_a, only_b = counts[:, 1].copy(), counts[:, 2].copy()
    lo, hi = percentile_bounds(only_a, only_b, n_judged, confidence)
    tango_lo, tango_hi = tango_bounds_many(
        only_a.astype(np.float64),
        only_b.astype(np.float64),
        n_judged.astype(np.float64),
        two_sided_z(confidence),
    )
    p = _exact_p(only_a, only_b)
    return TableComparisons(
        table=counts,
        n_judged=n_judged,
        delta=(only_b - only_a) / n_judged,
        percentile_lo=lo,
        percentile_hi=hi,
        recommended_lo=tango_lo,
        recommended_hi=tango_hi,
        p=p,
        p_adjusted=adjust_array(p, correction),
        correction=correction,
        family_size=int(p.size),
        confidence=confidence,
        convention=INVERTED_CDF,
        engine_version=ENGINE_VERSION,
        digest=digest_of("tables", counts),
    )


def compare_matrix(
    outcomes: npt.NDArray[np.int8],
    confidence: float = 0.95,
    *,
    names: Sequence[str] | None = None,
    correction: Correction = "holm",
) -> ComparisonMatrix:
    """Compare all pairs of runs over one set of tasks.

    Parameters
    ----------
    outcomes : int8 array, shape (R, N)
        1 for a pass, 0 for a failure, -1 for no verdict; a row a run, a column a task.
    confidence : float, default 0.95
        Inside (0, 1).
    names : sequence of str, length R, optional
        Names of the runs; their row numbers when left out.
    correction : {"holm", "benjamini-hochberg", "none"}

    Returns
    -------
    ComparisonMatrix

    Raises
    ------
    BadInput
        Another value in ``outcomes``, or a wrong number of names.
    BadConfidence

    Notes
    -----
    With X the passes and V the judged as 0/1 matrices, X X' counts the tasks that both pass, X V'
    those that a passes among the tasks judged for both, V V' these tasks.
    """
    check_confidence(confidence)
    if outcomes.ndim != 2:
        raise BadInput("Outcomes form a matrix: a row for each run and a column for each task.")
    if outcomes.size and (int(outcomes.min()) < MISSING or int(outcomes.max()) > 1):
        raise BadInput("An outcome is 1 for a pass, 0 for a failure and -1 for no verdict.")
    count, tasks = outcomes.shape
    labels = tuple(names) if names is not None else tuple(str(row) for row in range(count))
    if len(labels) != count:
        raise BadInput(f"There are {count} runs and {len(labels)} names.")
    both, first_passes, judged = _joint_counts(outcomes)
    passed, n = both.diagonal().copy(), judged.diagonal().copy()
    a, b = np.triu_indices(count, 1)
    shared = judged[a, b] > 0
    missed = tuple(zip(a[~shared].tolist(), b[~shared].tolist(), strict=True))
    a, b = a[shared], b[shared]
    n_judged, joint = judged[a, b], both[a, b]
    only_a, only_b = first_passes[a, b] - joint, first_passes[b, a] - joint
    table = np.stack([joint, only_a, only_b, n_judged - joint - only_a - only_b], axis=1)
    unjudged = tasks - n
    return ComparisonMatrix(
        names=labels,
        runs=_run_intervals(passed, n, unjudged, confidence),
        pairs=np.stack([a, b], axis=1).astype(np.int64),
        results=compare_tables(table, confidence, correction=correction),
        delta_min=(passed[b] - passed[a] - unjudged[a]) / max(1, tasks),
        delta_max=(passed[b] + unjudged[b] - passed[a]) / max(1, tasks),
        not_shared=missed,
    )


def _joint_counts(outcomes: npt.NDArray[np.int8]) -> tuple[IntArray, IntArray, IntArray]:
    """X X', X V' and V V' in blocks of columns, whose float32 products are exact."""
    rows = outcomes.shape[0]
    both = np.zeros((rows, rows), dtype=np.int64)
    passes = np.zeros((rows, rows), dtype=np.int64)
    judged = np.zeros((rows, rows), dtype=np.int64)
    for start in range(0, outcomes.shape[1], _COLUMNS):
        block = outcomes[:, start : start + _COLUMNS]
        x = (block == 1).astype(np.float32)
        both += (x @ x.T).astype(np.int64)
        seen = block != MISSING
        if seen.all():
            passes += x.sum(axis=1).astype(np.int64)[:, None]
            judged += block.shape[1]
        else:
            v = seen.astype(np.float32)
            passes += (x @ v.T).astype(np.int64)
            judged += (v @ v.T).astype(np.int64)
    return both, passes, judged


def _exact_p(only_a: IntArray, only_b: IntArray) -> FloatArray:
    few = np.minimum(only_a, only_b)
    two_sided = np.minimum(1.0, 2.0 * np.exp(log_half_tail(few, only_a + only_b)))
    return np.where(only_a == only_b, 1.0, two_sided)


def run_intervals(passed: IntArray, n: IntArray, missing: IntArray, confidence: float = 0.95) -> RunIntervals:
    """Pass rates of many runs with exact percentile bootstrap and recommended intervals.

    Parameters
    ----------
    passed, n, missing : int64 array, shape (R,)
        Passes, judged items and items without a verdict of each run; 0 <= passed <= n.
    confidence : float, default 0.95
        Inside (0, 1).

    Returns
    -------
    RunIntervals

    Raises
    ------
    BadInput
        Counts that are negative, do not fit each other or differ in number.
    BadConfidence
    """
    check_confidence(confidence)
    if not passed.shape == n.shape == missing.shape or passed.ndim != 1:
        raise BadInput("Passes, judged items and missing items must be three flat arrays of the same length.")
    if passed.size and bool(((passed < 0) | (passed > n) | (missing < 0)).any()):
        raise BadInput("Every run needs 0 <= passed <= n and at least 0 missing items.")
    return _run_intervals(passed, n, missing, confidence)


def _run_intervals(passed: IntArray, n: IntArray, missing: IntArray, confidence: float) -> RunIntervals:
    some = np.maximum(n, 1)
    held = n > 0
    lo, hi = percentile_bounds(np.zeros_like(passed), passed, some, confidence)
    z = two_sided_z(confidence)
    rate, square = passed / some, z * z / some
    centre = (rate + 0.5 * square) / (1.0 + square)
    half = np.sqrt(square * (rate * (1.0 - rate) + 0.25 * square)) / (1.0 + square)
    quoted_lo = np.where(passed == 0, 0.0, np.maximum(centre - half, 0.0))
    quoted_hi = np.where(passed >= n, 1.0, np.minimum(centre + half, 1.0))
    events = np.minimum(passed, n - passed)
    special = (n < SMALL_SAMPLE) | ((events > 0) & (events < FEWEST_EVENTS))
    for row in np.flatnonzero(held & special).tolist():
        made = recommended_rate(int(passed[row]), int(n[row]), confidence)
        quoted_lo[row], quoted_hi[row] = made.lo, made.hi
    return RunIntervals(
        passed, n, missing, rate,
        np.where(held, lo, 0.0), np.where(held, hi, 1.0), quoted_lo, quoted_hi,
    )  # fmt: skip
