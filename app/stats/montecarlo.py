"""Seeded resampling for statistics that are not means.

Why: a median, a ratio or a mean over clusters of unequal size has no convolution; it is resampled,
in bounded memory and with a seed that reproduces every digit. What it refuses: a statistic that is
undefined on some resamples, rather than leaving those out in silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

from app.stats.errors import BadInput, NoVerdicts
from app.stats.histogram import Histogram
from app.stats.results import Interval, check_confidence
from app.stats.special import FloatArray, IntArray, normal_cdf, normal_quantile

#: Resampled counts at one time, in bytes.
CHUNK_BYTES = 8 << 20

Statistic = Callable[[IntArray], FloatArray]


def monte_carlo_ci(
    counts: IntArray,
    statistic: Statistic,
    confidence: float = 0.95,
    *,
    seed: int = 0,
    resamples: int = 10_000,
    method: Literal["percentile", "bca"] = "percentile",
) -> Interval:
    """Bootstrap interval of any statistic of counts.

    Parameters
    ----------
    counts : int64 array, shape (m,)
        How many units there are of each kind; n = sum is resampled with replacement.
    statistic : callable
        Takes resampled counts, int64 shape (B, m), and returns float shape (B,).
    confidence : float, default 0.95
        Inside (0, 1).
    seed : int, default 0
        At least 0; the stream is PCG64 of SeedSequence([seed]).
    resamples : int, default 10,000
        At least 100.
    method : {"percentile", "bca"}
        BCa takes its acceleration from the jackknife over units.

    Returns
    -------
    Interval
        ``exact`` is false; ``seed`` and ``resamples`` are set. The bounds' own simulation error is
        about one position in sqrt(resamples * alpha / 2).

    Raises
    ------
    NoVerdicts
        There is no unit.
    BadInput
        The statistic is undefined on the data or on a resample, or a parameter is out of range.

    Notes
    -----
    Quantiles are order statistics ceil(q B), the inverted distribution function. Sources: Efron &
    Tibshirani (1993), chapters 13 and 14; O'Neill (2014), "PCG", for the generator.
    """
    check_confidence(confidence)
    if seed < 0 or resamples < 100:
        raise BadInput("A seed is at least 0 and there are at least 100 resamples.")
    if counts.ndim != 1 or (counts.size and int(counts.min()) < 0):
        raise BadInput("Counts form a flat array of whole numbers of at least 0.")
    if int(counts.sum()) == 0:
        raise NoVerdicts("There is no unit to resample.")
    estimate = float(statistic(counts[None, :])[0])
    if not math.isfinite(estimate):
        raise BadInput("The statistic is undefined on the data themselves.")
    drawn = np.concatenate([statistic(chunk) for chunk in _resampled(counts, seed, resamples)])
    undefined = int((~np.isfinite(drawn)).sum())
    if undefined:
        raise BadInput(f"The statistic is undefined on {undefined} of {resamples} resamples.")
    drawn.sort()
    tail = (1.0 - confidence) / 2.0
    levels = (tail, 1.0 - tail)
    if method == "bca":
        levels = _bca_levels(counts, statistic, estimate, drawn, tail)
    lo, hi = (_order_statistic(drawn, level) for level in levels)
    label = "BCa bootstrap" if method == "bca" else "percentile bootstrap"
    return Interval(
        estimate, lo, hi, confidence, f"{label}, simulated", "inverted_cdf: order statistic ceil(q B)",
        int(counts.sum()), False, bool(drawn[0] == drawn[-1]), seed, resamples,
    )  # fmt: skip


def _resampled(counts: IntArray, seed: int, resamples: int) -> Iterator[IntArray]:
    """Chunks of resampled counts, shape (B, m): by cell when cells are few, else by unit."""
    stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed])))
    n, m = int(counts.sum()), counts.size
    by_cell = 3 * m < n
    rows = max(1, CHUNK_BYTES // (8 * (m if by_cell else n)))
    cells = np.repeat(np.arange(m), counts) if not by_cell else np.empty(0, dtype=np.int64)
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        if by_cell:
            yield stream.multinomial(n, counts / n, size=size)
        else:
            picked = cells[stream.integers(0, n, size=(size, n))] + m * np.arange(size)[:, None]
            yield np.bincount(picked.ravel(), minlength=size * m).reshape(size, m)


def _bca_levels(
    counts: IntArray, statistic: Statistic, estimate: float, drawn: FloatArray, tail: float
) -> tuple[float, float]:
    share = (float((drawn < estimate).sum()) + 0.5 * float((drawn == estimate).sum())) / drawn.size
    if not 0.0 < share < 1.0:
        raise BadInput("BCa is undefined: the estimate lies outside all resamples; use the percentile method.")
    held = np.flatnonzero(counts)
    left_out = np.empty(held.size)
    rows = max(1, CHUNK_BYTES // (8 * counts.size))
    for start in range(0, held.size, rows):
        some = held[start : start + rows]
        reduced = np.repeat(counts[None, :], some.size, axis=0)
        reduced[np.arange(some.size), some] -= 1
        left_out[start : start + rows] = statistic(reduced)
    if not np.isfinite(left_out).all():
        raise BadInput("BCa is undefined: leaving one unit out makes the statistic undefined.")
    weight = counts[held]
    gap = float(weight @ left_out) / float(weight.sum()) - left_out
    spread = float(weight @ gap**2)
    slope = float(weight @ gap**3) / (6.0 * spread**1.5) if spread > 0.0 else 0.0
    bias = normal_quantile(share)
    levels = []
    for z in (normal_quantile(tail), -normal_quantile(tail)):
        scale = 1.0 - slope * (bias + z)
        if scale <= 0.0:
            raise BadInput("BCa is undefined: the acceleration is too large; use the percentile method.")
        levels.append(normal_cdf(bias + (bias + z) / scale))
    return levels[0], levels[1]


def _order_statistic(ascending: FloatArray, q: float) -> float:
    place = math.ceil(q * ascending.size - 1e-9)
    return float(ascending[min(max(place, 1), ascending.size) - 1])


def quantile_statistic(values: FloatArray, q: float = 0.5) -> Statistic:
    """Return the statistic "smallest value v with F(v) >= q" (the lower median at q = 0.5).

    Parameters
    ----------
    values : float array, shape (m,)
        The score of each kind of unit, ascending.
    q : float, default 0.5
        Inside (0, 1).
    """
    check_confidence(q, "quantile level")

    def statistic(counts: IntArray) -> FloatArray:
        reached = np.cumsum(counts, axis=1)
        wanted = np.ceil(q * reached[:, -1:] - 1e-9)
        return np.asarray(values[(reached < wanted).sum(axis=1)], dtype=np.float64)

    return statistic


def ratio_statistic(numerators: FloatArray, denominators: FloatArray) -> Statistic:
    """Return the statistic sum(numerators) / sum(denominators).

    Parameters
    ----------
    numerators, denominators : float array, shape (m,)
        What each kind of unit adds. A resample whose denominators sum to 0 is undefined.
    """

    def statistic(counts: IntArray) -> FloatArray:
        below = counts @ denominators
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(counts @ numerators / below, dtype=np.float64)

    return statistic


def median_ci(scores: Histogram, confidence: float = 0.95, *, seed: int = 0, resamples: int = 10_000) -> Interval:
    """Bootstrap percentile interval of the (lower) median of scores.

    Parameters
    ----------
    scores : Histogram
        At least one judged item.
    confidence, seed, resamples
        As for `monte_carlo_ci`.

    Returns
    -------
    Interval
        In the unit of the scores.
    """
    return monte_carlo_ci(scores.counts, quantile_statistic(scores.values), confidence, seed=seed, resamples=resamples)
