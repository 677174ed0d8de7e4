"""Rates of a judge over labelled drafts, with intervals that resample whole clusters.

Balanced accuracy is the mean of fail recall and pass recall; MCC is Matthews' correlation; AUC is Mann-Whitney's
U / (n m). A cluster (a scenario, a published pair) is drawn whole, because its drafts share a context. Percentile
bootstrap over clusters by ``app.stats.monte_carlo_ci``: 4,000 resamples, seed 0. Refused: one side without drafts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.stats import Interval, StatisticsError, cluster_delta, monte_carlo_ci

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
RESAMPLES = 4_000


@dataclass(frozen=True)
class Judged:
    """One judge's say over one set: labels, decisions, a score to rank by, and clusters; all of shape (drafts,)."""

    failed: Bools
    stopped: Bools
    score: Floats
    cluster: NDArray[np.int64]


def clusters_of(names: Sequence[str]) -> NDArray[np.int64]:
    """Cluster names as numbers from 0."""
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64)


def rates(judged: Judged) -> dict[str, Any]:
    """Balanced accuracy, recalls, MCC and AUC, each with its interval as ``{name}_ci``; and the counts."""
    table = _table(judged)
    out: dict[str, Any] = {"n_failed": int(judged.failed.sum()), "n_passed": int((~judged.failed).sum())}
    out["n_clusters"] = int(table.shape[0])
    for name, statistic in (
        ("balanced_accuracy", _balanced),
        ("pass_recall", _pass_recall),
        ("fail_recall", _fail_recall),
        ("mcc", _mcc),
    ):
        out |= _with_interval(name, lambda counts, f=statistic: f(counts @ table), len(table))
    return out | _with_interval("auc", _area(judged), len(table))


def auc_gain(new: Judged, old: Judged) -> dict[str, Any]:
    """By how much the AUC of ``new`` is higher than that of ``old`` on the same drafts, as ``auc`` and ``auc_ci``."""
    after, before = _area(new), _area(old)
    return _with_interval("auc", lambda counts: after(counts) - before(counts), int(new.cluster.max()) + 1)


def delta(new: Judged, old: Judged) -> dict[str, Any]:
    """How much more often ``new`` is right than ``old`` on the same drafts: over clusters, with the exact p."""
    right = [np.bincount(j.cluster, weights=(j.stopped == j.failed).astype(float)) for j in (old, new)]
    sizes = np.bincount(new.cluster)
    found = cluster_delta(
        [(float(a), float(b), int(n), 1) for a, b, n in zip(*right, sizes, strict=True)], scale=(0.0, 1.0)
    )
    table = np.stack([_table(new), _table(old)], 1)

    def gain(counts: NDArray[np.int64]) -> Floats:
        held = np.einsum("bc,csk->bsk", counts, table)
        return _balanced(held[:, 0]) - _balanced(held[:, 1])

    out: dict[str, Any] = {"accuracy": found.estimate, "p_sign_flip": found.p_sign_flip, "n_clusters": len(table)}
    if found.recommended is not None:
        out["accuracy_ci"] = _bounds(found.recommended)
    return out | _with_interval("balanced_accuracy", gain, len(table))


def _with_interval(name: str, statistic: Any, clusters: int) -> dict[str, Any]:
    """Estimate and bounds; a rate that some resample leaves undefined has no bounds, and says so with None."""
    ones = np.ones(clusters, dtype=np.int64)
    try:
        found = monte_carlo_ci(ones, statistic, resamples=RESAMPLES)
    except StatisticsError:
        value = float(statistic(ones[None, :])[0])
        return {name: value if np.isfinite(value) else None, f"{name}_ci": None}
    return {name: found.estimate, f"{name}_ci": _bounds(found)}


def _bounds(interval: Interval) -> list[float]:
    return [interval.lo, interval.hi]


def _table(judged: Judged) -> NDArray[np.int64]:
    """Per cluster: failed and stopped, failed and sent, passed and stopped, passed and sent."""
    kind = np.where(judged.failed, 0, 2) + np.where(judged.stopped, 0, 1)
    flat = np.bincount(judged.cluster * 4 + kind, minlength=4 * (int(judged.cluster.max()) + 1))
    return flat.reshape(-1, 4)


def _area(judged: Judged) -> Callable[[NDArray[np.int64]], Floats]:
    """The AUC as a function of how often each cluster is drawn: counts of shape (resamples, clusters)."""
    wins = _wins(judged)
    sizes = [np.bincount(judged.cluster[side], minlength=len(wins)) for side in (~judged.failed, judged.failed)]

    def area(counts: NDArray[np.int64]) -> Floats:
        pairs = (counts @ sizes[0]) * (counts @ sizes[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.einsum("bi,ij,bj->b", counts, wins, counts, optimize=True) / pairs)

    return area


def _wins(judged: Judged) -> Floats:
    """Won comparisons between clusters, ties half: entry (i, j) has the passed drafts of i and the failed of j."""
    good, bad = ~judged.failed, judged.failed
    above = judged.score[bad][None, :] - judged.score[good][:, None]
    won = (above > 0) + 0.5 * (above == 0)
    size = int(judged.cluster.max()) + 1
    cell = judged.cluster[good][:, None] * size + judged.cluster[bad][None, :]
    return np.asarray(np.bincount(cell.ravel(), weights=won.ravel(), minlength=size * size).reshape(size, size), float)


def _fail_recall(t: Any) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(t[:, 0] / (t[:, 0] + t[:, 1]))


def _pass_recall(t: Any) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(t[:, 3] / (t[:, 2] + t[:, 3]))


def _balanced(t: Any) -> Floats:
    return (_fail_recall(t) + _pass_recall(t)) / 2


def _mcc(t: Any) -> Floats:
    tp, fn, fp, tn = (t[:, i].astype(float) for i in range(4))
    below = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    # Without a draft on one side of a margin the correlation is 0 by convention (Chicco & Jurman 2020).
    return np.asarray(np.where(below > 0, (tp * tn - fp * fn) / np.where(below > 0, below, 1.0), 0.0))
