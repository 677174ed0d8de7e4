"""Tails of the fair-coin binomial to full relative precision.

Why: an exact paired p-value is such a tail, and one of 1e-12 printed from a cumulative sum is
noise. What it refuses: to cancel - every term added here is positive.
"""

from __future__ import annotations

import math

import numpy as np

from app.stats.special import FloatArray, IntArray

_TABLE_TO = 16
_BLOCK = 1 << 18


def _stirling_table() -> FloatArray:
    """Return log n! minus Stirling's formula for n < 16 (0 at n = 0, where it is not used)."""
    whole = range(1, _TABLE_TO)
    rest = [math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2.0 * math.pi) for n in whole]
    return np.array([0.0, *rest])


_STIRLING_TABLE = _stirling_table()


def _stirling_rest(n: FloatArray) -> FloatArray:
    """Return log n! - log(sqrt(2 pi n) (n / e)^n) for whole n >= 1."""
    square = 1.0 / (n * n)
    series = 1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))
    small = _STIRLING_TABLE[np.minimum(n, _TABLE_TO - 1).astype(np.int64)]
    return np.where(n < _TABLE_TO, small, series / n)


def log_half_pmf(k: IntArray, n: IntArray) -> FloatArray:
    """log P(X = k) for X ~ Binomial(n, 1/2), elementwise.

    Parameters
    ----------
    k, n : int64 array, same shape
        0 <= k <= n.

    Returns
    -------
    float array
        Natural logarithms with an absolute error of about 1e-16 of their size.

    Notes
    -----
    Source: Loader (2000), "Fast and accurate computation of binomial probabilities"; the deviance
    is written with log1p of the relative distance from n/2.
    """
    x, total = k.astype(np.float64), n.astype(np.float64)
    y = total - x
    inside = (k > 0) & (k < n)
    safe_x, safe_y = np.where(inside, x, 1.0), np.where(inside, y, 1.0)
    safe_n = safe_x + safe_y
    tilt = (safe_x - safe_y) / safe_n
    # x log(2x/n) + y log(2y/n), each logarithm taken of one plus or minus the tilt.
    deviance = 0.5 * safe_n * _entropy_gap(tilt)
    rest_n, rest_x, rest_y = _stirling_rest(np.stack([safe_n, safe_x, safe_y]))
    log_pmf = rest_n - rest_x - rest_y - deviance + 0.5 * (np.log(safe_n / safe_x) - np.log(2.0 * np.pi * safe_y))
    return np.where(inside, log_pmf, -total * math.log(2.0))


def _entropy_gap(tilt: FloatArray) -> FloatArray:
    """(1 + t) log(1 + t) + (1 - t) log(1 - t); by its series where the two terms cancel."""
    near = np.abs(tilt) < 0.15
    gap = np.empty_like(tilt)
    if not near.all():
        far = tilt[~near]
        gap[~near] = (1.0 + far) * np.log1p(far) + (1.0 - far) * np.log1p(-far)
    if near.any():
        square = tilt[near] ** 2
        series = np.zeros_like(square)
        for j in range(12, 0, -1):
            series = square * (1.0 / (j * (2 * j - 1)) + series)
        gap[near] = series
    return gap


def log_half_tail(k: IntArray, n: IntArray) -> FloatArray:
    """log P(X <= k) for X ~ Binomial(n, 1/2) and 0 <= k <= n/2, elementwise.

    See `log_half_tail_and_last`.
    """
    return log_half_tail_and_last(k, n)[0]


def log_half_tail_and_last(k: IntArray, n: IntArray) -> tuple[FloatArray, FloatArray]:
    """log P(X <= k) and log P(X = k) for X ~ Binomial(n, 1/2) and 0 <= k <= n/2, elementwise.

    The tail is its last term times 1 + r1 + r1 r2 + ..., with r_i = (k - i + 1) / (n - k + i).

    Parameters
    ----------
    k, n : int64 array, shape (P,)
        Whole numbers, 2 k <= n.

    Returns
    -------
    tail, last : float array, shape (P,)
        Natural logarithms; exp of them has a relative error below 1e-12 down to 1e-300.
    """
    sums = np.ones(k.size)
    last = log_half_pmf(k, n)
    widest = float(n.max()) if n.size else 0.0
    terms = int(min(float(k.max()) if k.size else 0.0, 7.0 * math.sqrt(widest) + 40.0))
    if terms:
        step = np.arange(terms, dtype=np.float64)
        rows = max(1, _BLOCK // terms)
        for start in range(0, k.size, rows):
            low = k[start : start + rows, None].astype(np.float64)
            high = n[start : start + rows, None] - low
            ratios = np.maximum(low - step, 0.0) / (high + 1.0 + step)
            sums[start : start + rows] += np.cumprod(ratios, axis=1).sum(axis=1)
    return last + np.log(sums), last
