"""What a resampled estimate can be asked: its quantiles, and how much of it lies below the estimate.

Why: percentile and BCa intervals need nothing else, whether the distribution comes from one sum,
from two of different length or from a list of all resamples. What it refuses: values that no
resample can take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.stats.convolution import SAME_PROBABILITY, SumDistribution
from app.stats.lattice import same_score_distance
from app.stats.special import FloatArray


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
    """A resampled estimate ``offset + step * sum / draws`` with a known distribution of the sum.

    ``reach`` holds the smallest and largest value possible, past which a binned quantile never goes.
    """

    distribution: SumDistribution
    offset: float
    step: float
    draws: int
    observed: float
    estimate: float
    reach: tuple[float, float]
    exact: bool
    n: int
    acceleration: float

    def quantile(self, q: float) -> float:
        """See `Resampled.quantile`."""
        if self.exact:
            return self.offset + self.step * self.distribution.quantile(q) / self.draws
        smooth = self.offset + self.step * self.distribution.smooth_quantile(q) / self.draws
        return min(max(smooth, self.reach[0]), self.reach[1])

    def middle(self) -> float:
        """See `Resampled.middle`."""
        return self.distribution.middle(self.observed)


@dataclass(frozen=True, eq=False)
class TwoGrids:
    """A difference of two resampled means over different numbers of items.

    The mean of b moves in steps 1 / n_b and that of a in steps 1 / n_a; the difference times
    n_a n_b is a whole number, and P(difference <= x) sums the distribution of b over that of a.
    ``reach`` holds the smallest and largest value possible.
    """

    a: SumDistribution
    b: SumDistribution
    n_a: int
    n_b: int
    step: float
    shift: float
    observed: int
    estimate: float
    reach: tuple[float, float]
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
        value = self.shift + self.step * (high / (self.n_a * self.n_b))
        return value if self.exact else min(max(value, self.reach[0]), self.reach[1])

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
