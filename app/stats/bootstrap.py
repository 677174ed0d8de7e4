"""Percentile and BCa bootstrap intervals of means, computed rather than resampled.

Why: with scores on a grid the bootstrap distribution is known exactly, so there is no seed, no
simulation error and no waiting. What it refuses: to interpolate between grid points (every bound
is a value that the resampled mean can take), and to give a BCa interval where it is undefined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np

from app.stats.convolution import MAX_WINDOW, Draws, convolve
from app.stats.errors import NoVerdicts
from app.stats.histogram import Histogram
from app.stats.lattice import BINS_PER_SD, Lattice, bin_scores
from app.stats.resampled import AllSums, OnGrid, Resampled, TwoGrids
from app.stats.results import INVERTED_CDF, Interval
from app.stats.special import FloatArray, IntArray, normal_cdf, normal_quantile

#: Up to this many scores off any grid, all resamples are listed: C(15, 8) = 6,435 of them.
ENUMERATE_TO = 8

#: A grid whose window is larger is finer than a thousandth of a standard error, and is binned.
EXACT_WINDOW = 1 << 18

BINNED = "; scores binned at sd/64, mean and variance kept"


def acceleration(second: float, third: float, n: float) -> float:
    """BCa acceleration of a mean in closed form, sum d^3 / (6 (sum d^2)^1.5)."""
    return third / (6.0 * second * math.sqrt(second * n))


def bootstrap_mean(scores: Histogram) -> Resampled:
    """Return the distribution of the mean of n draws with replacement from ``scores``.

    Parameters
    ----------
    scores : Histogram
        At least two different scores.

    Returns
    -------
    Resampled
        Exact when the scores lie on a grid whose window fits, or are so few that all resamples can be
        listed; else on a grid of step sd/64.

    Raises
    ------
    NoVerdicts
        The histogram is empty.

    Notes
    -----
    The distribution of the sum is the n-fold convolution of the histogram. Source: Efron (1979),
    "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, where direct
    calculation is the first of the three ways to get the bootstrap distribution.
    """
    if not scores.n:
        raise NoVerdicts("There is no judged item to resample.")
    n = scores.n
    accel = acceleration(scores.second_moment, scores.third_moment, n)
    made = _on_one_step([scores])
    if n <= ENUMERATE_TO and not made.exact:
        return _enumerated(scores, accel)
    side = made.sides[0]
    offset = made.offsets[0] if made.exact else scores.mean - made.step * side.total / n
    reach = (float(scores.values[0]), float(scores.values[-1]))
    return OnGrid(convolve([side.draws]), offset, made.step, n, side.total, scores.mean, reach, made.exact, n, accel)


def _enumerated(scores: Histogram, accel: float) -> AllSums:
    """Each way to draw n of n scores, with its multinomial probability."""
    n, m = scores.n, scores.values.size
    drawn = np.array(list(combinations_with_replacement(range(m), n)))
    times = (drawn[:, :, None] == np.arange(m)).sum(axis=1)
    factorials = np.array([math.factorial(k) for k in range(n + 1)], dtype=np.float64)
    chances = factorials[n] / factorials[times].prod(axis=1) * ((scores.counts / n) ** times).prod(axis=1)
    means = times @ (scores.values - scores.mean) / n + scores.mean
    order = np.argsort(means, kind="stable")
    return AllSums(means[order], np.cumsum(chances[order]), scores.mean, True, n, accel)


def bootstrap_difference(a: Histogram, b: Histogram) -> Resampled:
    """Return the distribution of mean(b*) - mean(a*), the two resampled independently.

    Parameters
    ----------
    a, b : Histogram
        At least one of them with two different scores.

    Returns
    -------
    Resampled
        ``n`` is the number of items of both together.

    Raises
    ------
    NoVerdicts
        One of the two is empty.
    """
    if not a.n or not b.n:
        raise NoVerdicts("There is no judged item to resample on one of the two sides.")
    delta, n = b.mean - a.mean, a.n + b.n
    second = b.second_moment / b.n + a.second_moment / a.n
    third = b.third_moment / b.n**2 - a.third_moment / a.n**2
    accel = third / (6.0 * second**1.5)
    made = _on_one_step([a, b])
    side_a, side_b = made.sides
    reach = (float(b.values[0] - a.values[-1]), float(b.values[-1] - a.values[0]))
    if a.n == b.n:
        mirrored = Draws.of(-side_a.positions[::-1], side_a.weights[::-1], a.n)
        observed = side_b.total - side_a.total
        shift = made.offsets[1] - made.offsets[0] if made.exact else delta - made.step * observed / a.n
        joint = convolve([side_b.draws, mirrored])
        return OnGrid(joint, shift, made.step, a.n, observed, delta, reach, made.exact, n, accel)
    numerator = a.n * side_b.total - b.n * side_a.total
    shift = made.offsets[1] - made.offsets[0] if made.exact else delta - made.step * numerator / (a.n * b.n)
    return TwoGrids(
        convolve([side_a.draws]), convolve([side_b.draws]),
        a.n, b.n, made.step, shift, math.floor(numerator), delta, reach, made.exact, n, accel,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Side:
    """One histogram as weights on whole positions."""

    positions: IntArray
    weights: FloatArray
    n: int

    @cached_property
    def draws(self) -> Draws:
        return Draws.of(self.positions, self.weights, self.n)

    @cached_property
    def total(self) -> float:
        return float(self.weights @ self.positions)


@dataclass(frozen=True, eq=False)
class _OneStep:
    """Histograms on one step; offsets only where the grid is exact."""

    step: float
    offsets: list[float]
    sides: list[_Side]
    exact: bool


def _on_one_step(sides: list[Histogram]) -> _OneStep:
    weights = [side.counts.astype(np.float64) for side in sides]
    grids = _one_grid(sides)
    if grids is not None:
        placed = [
            _Side(grid.positions, weight, side.n) for grid, weight, side in zip(grids, weights, sides, strict=True)
        ]
        if all(side.draws.window[1] <= EXACT_WINDOW for side in placed):
            return _OneStep(grids[0].step, [grid.offset for grid in grids], placed, True)
    # A window is at most 18 standard errors wide, unless one score far off all others widens it.
    width = min(side.sd for side in sides if side.sd > 0.0) / BINS_PER_SD
    # Beside a side that is spread a billion billion times as wide, the finer one is a point.
    width = max(width, max(float(side.values[-1] - side.values[0]) for side in sides) / 2.0**40)
    while True:
        placed = [
            _Side(*bin_scores(side.values, weight, width), side.n) for side, weight in zip(sides, weights, strict=True)
        ]
        if all(side.draws.window[1] <= MAX_WINDOW // 2 for side in placed):
            break
        width *= 2.0
    # Binning adds variance; a shorter step takes it out of the resampled estimate again.
    added = sum(float(side.draws.variances[0]) / side.n for side in placed)
    step = math.sqrt(sum(side.second_moment / side.n for side in sides) / added)
    return _OneStep(step, [0.0 for _ in sides], placed, False)


def _one_grid(sides: list[Histogram]) -> list[Lattice] | None:
    """The sides' grids when they have one step, or one grid found for all of them."""
    grids = [side.lattice for side in sides if side.lattice is not None]
    if len(grids) == len(sides) and all(grid.step == grids[0].step for grid in grids):
        return grids
    values = np.concatenate([side.values for side in sides])
    counts = np.concatenate([side.counts for side in sides])
    grid = Histogram.of_arrays(values, counts).lattice
    if grid is None:
        return None
    places = [np.rint((side.values - grid.offset) / grid.step).astype(np.int64) for side in sides]
    return [Lattice(grid.offset, grid.step, place) for place in places]


def percentile_interval(made: Resampled, confidence: float) -> Interval:
    """Percentile bootstrap interval [Q(alpha/2), Q(1 - alpha/2)] by inverted distribution function.

    Parameters
    ----------
    made : Resampled
        From `bootstrap_mean` or `bootstrap_difference`.
    confidence : float
        Inside (0, 1), already checked.

    Returns
    -------
    Interval
        In the unit of the scores.

    Notes
    -----
    Source: Efron & Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
    """
    tail = (1.0 - confidence) / 2.0
    lo, hi = made.quantile(tail), made.quantile(1.0 - tail)
    return _interval(made, lo, hi, confidence, "percentile bootstrap")


def bca_interval(made: Resampled, confidence: float) -> Interval | None:
    """Bias-corrected and accelerated bootstrap interval; None where it is undefined.

    With z0 = Phi^-1(P(T* < t) + P(T* = t) / 2) and acceleration a, the bounds are the quantiles at
    Phi(z0 + (z0 + z) / (1 - a (z0 + z))) for z = Phi^-1(alpha/2) and Phi^-1(1 - alpha/2).

    Parameters
    ----------
    made : Resampled
        From `bootstrap_mean` or `bootstrap_difference`.
    confidence : float
        Inside (0, 1), already checked.

    Returns
    -------
    Interval or None
        None when 1 - a (z0 + z) is not positive, or a level falls on 0 or 1.

    Notes
    -----
    Source: Efron (1987), "Better bootstrap confidence intervals", JASA 82; ties count one half as
    in scipy.stats.bootstrap.
    """
    share = made.middle()
    if not 0.0 < share < 1.0:
        return None
    bias = normal_quantile(share)
    tail = (1.0 - confidence) / 2.0
    bounds: list[float] = []
    for z in (normal_quantile(tail), -normal_quantile(tail)):
        scale = 1.0 - made.acceleration * (bias + z)
        level = normal_cdf(bias + (bias + z) / scale) if scale > 0.0 else 0.0
        if not 0.0 < level < 1.0:
            return None
        bounds.append(made.quantile(level))
    return _interval(made, bounds[0], bounds[1], confidence, "BCa bootstrap")


def _interval(made: Resampled, lo: float, hi: float, confidence: float, method: str) -> Interval:
    convention = INVERTED_CDF + ("" if made.exact else BINNED)
    return Interval(made.estimate, lo, hi, confidence, method, convention, made.n, made.exact, False)


def constant_interval(estimate: float, n: int, confidence: float, method: str) -> Interval:
    """Return the bootstrap interval of data that do not vary: [x, x], marked degenerate."""
    return Interval(estimate, estimate, estimate, confidence, method, INVERTED_CDF, n, True, True)
