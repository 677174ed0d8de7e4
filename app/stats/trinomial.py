"""Exact percentile bootstrap of many means of -1, 0 and 1 at once.

Why: a hundred runs make 4,950 pairs, and each pair's difference takes three values only; their
characteristic function is a formula, a few dozen frequencies of it hold the whole distribution, and
only the points around each quantile are ever evaluated. What it refuses: to leave out a frequency
without a bound that says it may.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.stats.convolution import SAME_PROBABILITY
from app.stats.special import FloatArray, IntArray, normal_quantile

_LOG_OUTSIDE = 38.0
_LOG_NEGLIGIBLE = 41.5
_BLOCK = 1 << 17  # numbers a block of work may hold: 1 MB an array

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Series:
    """Fourier series of the distribution functions of P sums, J frequencies each.

    F(first + l) = (l + 1)/M + constant - sum_j weight_j cos(phase_j - omega_j (l + 1)).
    """

    first: IntArray
    points: IntArray
    omega: FloatArray
    weight: FloatArray
    phase: FloatArray
    constant: FloatArray

    def at_most(self, rows: IntArray, sums: IntArray) -> FloatArray:
        """P(S <= sums) for the given rows; 0 and 1 outside the window."""
        place = sums - self.first[rows] + 1
        points = self.points[rows]
        inside = np.clip(place, 0, points).astype(np.float64)
        turned = np.cos(self.phase[rows] - self.omega[rows] * inside[:, None])
        value = inside / points + self.constant[rows] - np.einsum("pj,pj->p", self.weight[rows], turned)
        return np.clip(np.where(place <= 0, 0.0, np.where(place >= points, 1.0, value)), 0.0, 1.0)


def percentile_bounds(minus: IntArray, plus: IntArray, n: IntArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Percentile bootstrap bounds of many means over items worth -1, 0 or 1.

    Parameters
    ----------
    minus, plus, n : int64 array, shape (P,)
        Items worth -1, items worth 1, and all items; n >= 1. With ``minus`` zero they are pass rates.
    confidence : float
        Inside (0, 1), already checked.

    Returns
    -------
    lo, hi : float array, shape (P,)
        The same values as `percentile_interval` of each; [x, x] where all items are equal.

    Notes
    -----
    With s and d the shares of non-zero items and of plus minus minus, |phi(t)|^2 =
    (1 - s + s cos t)^2 + d^2 sin^2 t, a convex parabola in cos t. So beyond a frequency it is at
    most the larger of its values there and at pi, which decides how many frequencies are needed.
    """
    delta = (plus - minus) / n
    lo, hi = delta.copy(), delta.copy()
    varied = np.flatnonzero((plus < n) & (minus < n) & (plus + minus > 0))
    needed, first, points = _plan(minus[varied], plus[varied], n[varied])
    order = np.argsort(needed, kind="stable")
    start = 0
    tail = (1.0 - confidence) / 2.0
    while start < order.size:
        rows = 64
        while start + rows < order.size and rows * int(needed[order[min(order.size, start + 2 * rows) - 1]]) < _BLOCK:
            rows *= 2
        some = order[start : start + rows]
        at = varied[some]
        series = _series(minus[at], plus[at], n[at], int(needed[some].max()), first[some], points[some])
        lo[at] = _quantiles(series, minus[at], plus[at], n[at], tail) / n[at]
        hi[at] = _quantiles(series, minus[at], plus[at], n[at], 1.0 - tail) / n[at]
        start += rows
    return lo, hi


def _plan(minus: IntArray, plus: IntArray, n: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """How many frequencies each sum needs, where its window starts and how long it is."""
    share, drift = (plus + minus) / n, (plus - minus) / n
    variance = n * (share - drift * drift)
    third = _LOG_OUTSIDE * (1.0 + np.abs(drift)) / 3.0
    half = np.ceil(third + np.sqrt(third * third + 2.0 * _LOG_OUTSIDE * variance)).astype(np.int64)
    low = np.where(minus > 0, -n, 0)
    high = np.where(plus > 0, n, 0)
    whole = 2 * half + 3 >= high - low + 1
    first = np.where(whole, low, np.floor(plus - minus - half).astype(np.int64))
    points = np.where(whole, high - low + 1, 2 * half + 3)
    # |phi|^2 = A x^2 + B x + C at x = cos t; find where it falls to the negligible level.
    rest = 1.0 - share
    a, b = share * share - drift * drift, 2.0 * rest * share
    level = np.exp(-2.0 * _LOG_NEGLIGIBLE / n)
    c = rest * rest + drift * drift - level
    root = b * b - 4.0 * a * c
    below = b + np.sqrt(np.maximum(root, 0.0))
    cosine = np.where(below > 0.0, -2.0 * c / np.where(below > 0.0, below, 1.0), -1.0)
    bounded = (root > 0.0) & (cosine > -1.0) & ((1.0 - 2.0 * share) ** 2 < level)
    edge = np.where(bounded, np.arccos(np.clip(cosine, -1.0, 1.0)), math.pi)
    needed = np.ceil(edge * points / (2.0 * math.pi)).astype(np.int64) + 1
    return np.minimum(needed, points // 2), first, points


def _series(
    minus: IntArray, plus: IntArray, n: IntArray, frequencies: int, first: IntArray, points: IntArray
) -> _Series:
    index = np.arange(1, frequencies + 1)
    omega = (2.0 * math.pi) * index / points[:, None]
    share, drift = ((plus + minus) / n)[:, None], ((plus - minus) / n)[:, None]
    real = -2.0 * share * np.sin(0.5 * omega) ** 2
    imaginary = drift * np.sin(omega)
    with np.errstate(divide="ignore"):
        modulus = 0.5 * np.log1p(np.maximum(2.0 * real + real * real + imaginary * imaginary, -1.0))
    size = np.exp(n[:, None] * modulus)
    turns = (index * first[:, None]) % points[:, None]
    phase = n[:, None] * np.arctan2(imaginary, 1.0 + real) - (2.0 * math.pi) * turns / points[:, None]
    # Sums of e^(-i omega l) are geometric: divide by 1 - e^(-i omega) = 2 sin(omega/2) e^(i(pi - omega)/2).
    phase -= 0.5 * (math.pi - omega)
    twice = np.where(2 * index == points[:, None], 1.0, 2.0) * (2 * index <= points[:, None])
    weight = twice * size / (2.0 * points[:, None] * np.sin(0.5 * omega))
    return _Series(first, points, omega, weight, phase, np.einsum("pj,pj->p", weight, np.cos(phase)))


def _quantiles(series: _Series, minus: IntArray, plus: IntArray, n: IntArray, q: float) -> IntArray:
    """Smallest sums k with F(k) >= q: a step each way from the Cornish-Fisher guess, then halving."""
    wanted = q - min(SAME_PROBABILITY, 0.01 * q, 0.01 * (1.0 - q))
    share, drift = (plus + minus) / n, (plus - minus) / n
    variance = share - drift * drift
    third = drift - 3.0 * drift * share + 2.0 * drift**3
    z = normal_quantile(q)
    skewed = z * np.sqrt(n * variance) + (z * z - 1.0) / 6.0 * third / variance
    guess = np.floor(n * drift + skewed).astype(np.int64)
    low, high = series.first - 1, series.first + series.points - 1
    candidate = np.clip(guess, low + 1, high)
    stride = np.ones_like(guess)
    rows = np.flatnonzero(high - low > 1)
    while rows.size:
        at = candidate[rows]
        reached = series.at_most(rows, at) >= wanted
        high[rows] = np.where(reached, at, high[rows])
        low[rows] = np.where(reached, low[rows], at)
        rows = rows[high[rows] - low[rows] > 1]
        below, above, step = low[rows], high[rows], stride[rows]
        last = candidate[rows]
        walked = np.where(last == above, last - step, last + step)
        halved = below + (above - below) // 2
        candidate[rows] = np.where((walked > below) & (walked < above), walked, halved)
        stride[rows] = 2 * step
    return high
