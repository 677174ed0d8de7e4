"""Percentile and BCa bootstrap intervals of means, computed rather than resampled.

Why: with scores on a grid the bootstrap distribution is known exactly, so there is no seed, no
simulation error and no waiting. What it refuses: to interpolate between grid points (every bound
is a value that the resampled mean can take), and to give a BCa interval where it is undefined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Protocol

import numpy as np

from app.stats.convolution import MAX_WINDOW, SAME_PROBABILITY, Draws, SumDistribution, convolve, window
from app.stats.errors import NoVerdicts
from app.stats.histogram import Histogram
from app.stats.lattice import BINS_PER_SD, Lattice, bin_scores, same_score_distance
from app.stats.results import INVERTED_CDF, Interval
from app.stats.special import FloatArray, IntArray, normal_cdf, normal_quantile

#: Up to this many scores off any grid, all resamples are listed: C(15, 8) = 6,435 of them.
ENUMERATE_TO = 8

#: A grid whose window is larger is finer than a thousandth of a standard error, and is binned.
EXACT_WINDOW = 1 << 18

BINNED = "; scores binned at sd/64, mean and variance kept"


class Resampled(Protocol):
    """The distribution of a resampled estimate."""

    @property
    def estimate(self) -> float: ...

    @property
    def exact(self) -> bool: ...

    @property
    def n(self) -> int: ...

    @property
    def acceleration(self) -> float: ...

    def quantile(self, q: float) -> float:
        """Smallest value k of the estimate with F(k) >= q."""

    def middle(self) -> float:
        """P(T* < t) + P(T* = t) / 2 at the observed estimate t."""


@dataclass(frozen=True, eq=False)
class OnGrid:
    """A resampled estimate ``offset + step * sum / draws`` with a known distribution of the sum."""

    distribution: SumDistribution
    offset: float
    step: float
    draws: int
    observed: float
    estimate: float
    exact: bool
    n: int
    acceleration: float

    def quantile(self, q: float) -> float:
        """See `Resampled.quantile`."""
        reached = self.distribution.quantile(q) if self.exact else self.distribution.smooth_quantile(q)
        return self.offset + self.step * reached / self.draws

    def middle(self) -> float:
        """See `Resampled.middle`."""
        return self.distribution.middle(self.observed)


@dataclass(frozen=True, eq=False)
class TwoGrids:
    """A difference of two resampled means over different numbers of items.

    The mean of b moves in steps 1 / n_b and that of a in steps 1 / n_a; the difference times
    n_a n_b is a whole number, and P(difference <= x) sums the distribution of b over that of a.
    """

    a: SumDistribution
    b: SumDistribution
    n_a: int
    n_b: int
    step: float
    shift: float
    observed: int
    estimate: float
    exact: bool
    n: int
    acceleration: float

    def at_most(self, numerator: int) -> float:
        """P(n_a S_b - n_b S_a <= numerator)."""
        whole, rest = divmod(numerator + self.n_b * self.a.first, self.n_a)
        steps = np.arange(self.a.pmf.size, dtype=np.int64)
        index = (rest + self.n_b * steps) // self.n_a + (whole - self.b.first)
        reached = np.where(index < 0, 0.0, self.b.cdf[np.clip(index, 0, self.b.cdf.size - 1)])
        return float(self.a.pmf @ reached)

    def quantile(self, q: float) -> float:
        """See `Resampled.quantile`; a bisection over whole numerators."""
        low = self.n_a * self.b.first - self.n_b * (self.a.first + self.a.pmf.size) - 1
        high = self.n_a * (self.b.first + self.b.pmf.size) - self.n_b * self.a.first
        wanted = q - min(SAME_PROBABILITY, 0.01 * q, 0.01 * (1.0 - q))
        while high - low > 1:
            half = (low + high) // 2
            if self.at_most(half) >= wanted:
                high = half
            else:
                low = half
        return self.shift + self.step * (high / (self.n_a * self.n_b))

    def middle(self) -> float:
        """See `Resampled.middle`."""
        return 0.5 * (self.at_most(self.observed) + self.at_most(self.observed - 1))


@dataclass(frozen=True, eq=False)
class AllSums:
    """A resampled mean with every value that it can take, ascending, and P(T* <= value)."""

    values: FloatArray
    cdf: FloatArray
    estimate: float
    exact: bool
    n: int
    acceleration: float

    def quantile(self, q: float) -> float:
        """See `Resampled.quantile`."""
        wanted = q - min(SAME_PROBABILITY, 0.01 * q, 0.01 * (1.0 - q))
        return float(self.values[min(int(np.searchsorted(self.cdf, wanted)), self.values.size - 1)])

    def middle(self) -> float:
        """See `Resampled.middle`."""
        slack = same_score_distance(float(np.abs(self.values).max()))
        below = int(np.searchsorted(self.values, self.estimate - slack))
        reached = int(np.searchsorted(self.values, self.estimate + slack))
        return 0.5 * sum(float(self.cdf[at - 1]) if at else 0.0 for at in (below, reached))


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
    if n <= ENUMERATE_TO and scores.lattice is None:
        return _enumerated(scores, accel)
    made = _on_one_step([scores])
    positions, weights = made.sides[0]
    observed = float(weights @ positions)
    offset = made.offsets[0] if made.exact else scores.mean - made.step * observed / n
    joint = convolve([Draws.of(positions, weights, n)])
    return OnGrid(joint, offset, made.step, n, observed, scores.mean, made.exact, n, accel)


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
    (at_a, weight_a), (at_b, weight_b) = made.sides
    draws_b = Draws.of(at_b, weight_b, b.n)
    if a.n == b.n:
        mirrored = Draws.of(-at_a[::-1], weight_a[::-1], a.n)
        observed = float(weight_b @ at_b - weight_a @ at_a)
        joint = convolve([draws_b, mirrored])
        shift = made.offsets[1] - made.offsets[0] if made.exact else delta - made.step * observed / a.n
        return OnGrid(joint, shift, made.step, a.n, observed, delta, made.exact, n, accel)
    numerator = a.n * float(weight_b @ at_b) - b.n * float(weight_a @ at_a)
    shift = made.offsets[1] - made.offsets[0] if made.exact else delta - made.step * numerator / (a.n * b.n)
    return TwoGrids(
        convolve([Draws.of(at_a, weight_a, a.n)]), convolve([draws_b]),
        a.n, b.n, made.step, shift, math.floor(numerator), delta, made.exact, n, accel,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _OneStep:
    """Histograms as weights on whole positions, one step for all; offsets only where it is exact."""

    step: float
    offsets: list[float]
    sides: list[tuple[IntArray, FloatArray]]
    exact: bool


def _on_one_step(sides: list[Histogram]) -> _OneStep:
    weights = [side.counts.astype(np.float64) for side in sides]
    grids = _one_grid(sides)
    if grids is not None:
        placed = list(zip((grid.positions for grid in grids), weights, strict=True))
        if _largest_window(placed) <= EXACT_WINDOW:
            return _OneStep(grids[0].step, [grid.offset for grid in grids], placed, True)
    # A window is at most 18 standard errors wide, unless one score far off all others widens it.
    width = min(side.sd for side in sides if side.sd > 0.0) / BINS_PER_SD
    while True:
        placed = [bin_scores(side.values, weight, width) for side, weight in zip(sides, weights, strict=True)]
        if _largest_window(placed) <= MAX_WINDOW // 2:
            break
        width *= 2.0
    # Binning adds variance; a shorter step takes it out of the resampled estimate again.
    added = sum(_variance(at, weight) / side.n for (at, weight), side in zip(placed, sides, strict=True))
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


def _variance(positions: IntArray, weights: FloatArray) -> float:
    total = float(weights.sum())
    centre = float(weights @ positions) / total
    return float(weights @ (positions - centre) ** 2) / total


def _largest_window(placed: list[tuple[IntArray, FloatArray]]) -> int:
    return max(window([Draws.of(at, weight, float(weight.sum()))])[1] for at, weight in placed)


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
