"""The exact distribution of a sum of independent draws from histograms.

Why: a bootstrap mean is such a sum, so its distribution can be computed instead of simulated; a
sign-flip test and a difference of two means are such sums too. What it refuses: windows larger
than `MAX_WINDOW` points - its callers lay a coarser grid first and say so in the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.stats.errors import BadInput
from app.stats.special import FloatArray, IntArray, fast_length

#: Most grid points that a distribution may need: 8 MB an array.
MAX_WINDOW = 1 << 20

#: Two probabilities closer than this are equal, so that a tie F(k) == q is seen as one.
SAME_PROBABILITY = 1e-13

_LOG_OUTSIDE = 38.0  # probability outside the window: 2 exp(-38) = 6e-17
_LOG_NEGLIGIBLE = 41.5  # frequencies below exp(-41.5) = 1e-18 are left out
_FEW_KINDS = 4  # so few kinds of draw are evaluated at once instead of being tried one by one


@dataclass(frozen=True, eq=False)
class Draws:
    """Independent draws of whole numbers, of P kinds with m possible numbers each.

    Attributes
    ----------
    positions : int64 array, shape (P, m)
        The numbers, ascending in each row.
    probabilities : float array, shape (P, m)
        Rows sum to one.
    times : float array, shape (P,)
        How many draws of each kind; not whole only where binning made it so.
    """

    positions: IntArray
    probabilities: FloatArray
    times: FloatArray

    @classmethod
    def of(cls, positions: IntArray, weights: FloatArray, times: float) -> Draws:
        """``times`` draws of one kind, with probabilities in proportion to ``weights``."""
        return cls(positions[None, :], (weights / times)[None, :], np.array([float(times)]))

    @cached_property
    def means(self) -> FloatArray:
        """Mean of one draw of each kind, shape (P,)."""
        low = self.positions[:, :1]
        risen = (self.probabilities * (self.positions - low)).sum(axis=1)
        return np.asarray(low[:, 0] + risen, dtype=np.float64)

    @cached_property
    def variances(self) -> FloatArray:
        """Variance of one draw of each kind, shape (P,)."""
        deviation = self.positions - self.means[:, None]
        return np.asarray((self.probabilities * deviation**2).sum(axis=1), dtype=np.float64)

    @cached_property
    def window(self) -> tuple[int, int]:
        """See `window`, for the sum of these draws alone."""
        return window([self])

    @cached_property
    def centres(self) -> IntArray:
        """Whole number nearest to each mean, shape (P,)."""
        return np.rint(self.means).astype(np.int64)


@dataclass(frozen=True, eq=False)
class SumDistribution:
    """The probabilities of a sum over a window that holds all but 1e-16 of them.

    Attributes
    ----------
    first : int
        The sum at index 0.
    pmf, cdf : float array, shape (M,)
        ``pmf[i] = P(S = first + i)`` and ``cdf[i] = P(S <= first + i)``.
    """

    first: int
    pmf: FloatArray
    cdf: FloatArray

    def quantile(self, q: float) -> int:
        """Smallest sum k with P(S <= k) >= q (ties within `SAME_PROBABILITY`)."""
        slack = min(SAME_PROBABILITY, 0.01 * q, 0.01 * (1.0 - q))
        index = int(np.searchsorted(self.cdf, q - slack, side="left"))
        return self.first + min(index, self.cdf.size - 1)

    def smooth_quantile(self, q: float) -> float:
        """Where the distribution function reaches q when each grid point is spread over one step."""
        k = self.quantile(q)
        mass = self._mass(k)
        return k - 0.5 + ((q - self.at_most(k) + mass) / mass if mass > 0.0 else 0.5)

    def at_most(self, k: int) -> float:
        """P(S <= k)."""
        index = k - self.first
        if index < 0:
            return 0.0
        return min(1.0, float(self.cdf[min(index, self.cdf.size - 1)]))

    def middle(self, k: float) -> float:
        """P(S < k) + P(S = k) / 2; between grid points, the straight line between theirs."""
        left = math.floor(k)
        share = k - left
        below = self.at_most(left) - 0.5 * self._mass(left)
        if share == 0.0:
            return below
        above = self.at_most(left + 1) - 0.5 * self._mass(left + 1)
        return (1.0 - share) * below + share * above

    def _mass(self, k: int) -> float:
        index = k - self.first
        return float(self.pmf[index]) if 0 <= index < self.pmf.size else 0.0


def window(stacks: Sequence[Draws]) -> tuple[int, int]:
    """Return ``(first, points)``: where the window of a sum starts and how long it must be.

    Bernstein's inequality bounds the tail: with variance V and largest deviation R of one draw,
    P(|S - ES| > t) <= 2 exp(-t^2 / (2 V + 2 R t / 3)).
    """
    mean = variance = reach = low = high = 0.0
    for draws in stacks:
        mean += float(draws.times @ draws.means)
        variance += float(draws.times @ draws.variances)
        ends = draws.positions[:, [0, -1]] - draws.means[:, None]
        reach = max(reach, float(np.abs(ends).max()))
        low += float(draws.times @ draws.positions[:, 0])
        high += float(draws.times @ draws.positions[:, -1])
    third = _LOG_OUTSIDE * reach / 3.0
    half = third + math.sqrt(third * third + 2.0 * _LOG_OUTSIDE * variance)
    if 2.0 * half + 3.0 >= high - low:
        return math.floor(low), math.ceil(high) - math.floor(low) + 1
    return math.floor(mean - half), 2 * math.ceil(half) + 3


def convolve(stacks: Sequence[Draws]) -> SumDistribution:
    """Compute the distribution of the sum of all draws of all stacks.

    The characteristic function of the sum is the product of powers of those of the draws; sampled
    at 2 pi j / M its inverse transform is the distribution folded onto M points, and folding adds
    at most what lies outside the window. The logarithm is taken of one plus a centred difference
    and angles are reduced by whole arithmetic, so that a power of 10^5 loses no digits.

    Parameters
    ----------
    stacks : sequence of Draws
        At least one.

    Returns
    -------
    SumDistribution
        Absolute error of ``cdf`` below 1e-13 for up to 10^6 draws.

    Raises
    ------
    BadInput
        The window is larger than `MAX_WINDOW`.

    Notes
    -----
    Source: the discrete Fourier method for sums of lattice variables, for example Warr (2014),
    "Numerical approximation of probability mass functions via the inverse discrete Fourier
    transform", Methodology and Computing in Applied Probability 16.
    """
    first, points = stacks[0].window if len(stacks) == 1 else window(stacks)
    if points > MAX_WINDOW:
        raise BadInput(f"The exact distribution would need {points} grid points; bin the scores first.")
    size = fast_length(points)
    index = _significant(stacks, size)
    log_size = np.zeros(index.size)
    angle = np.zeros(index.size)
    start = -float(first)
    for draws in stacks:
        modulus, argument = _log_characteristic(draws, slice(None), index, size)
        log_size += modulus
        angle += argument
        start += float(draws.times @ draws.centres)
    # irfft expects the conjugate of the characteristic function about the window's start.
    whole = math.floor(start)
    angle += _angle(index * (whole % size), size) + index * ((start - whole) * 2.0 * math.pi / size)
    spectrum = np.zeros(size // 2 + 1, dtype=np.complex128)
    spectrum[index] = np.exp(log_size - 1j * angle)
    pmf = np.fft.irfft(spectrum, size)
    return SumDistribution(first, np.maximum(pmf, 0.0), np.maximum.accumulate(np.cumsum(pmf)))


def _significant(stacks: Sequence[Draws], size: int) -> IntArray:
    """Frequencies at which the product is not negligible.

    The kind that varies most is tried on all of them, by one transform; what it leaves is tried
    with the other kinds, a few at a time.
    """
    spreads = [draws.times * draws.variances for draws in stacks]
    widest = int(np.argmax([float(spread.max()) for spread in spreads]))
    order = np.argsort(-spreads[widest], kind="stable")
    lead = stacks[widest]
    folded = np.bincount(lead.positions[order[0]] % size, lead.probabilities[order[0]], size)
    held = float(lead.times[order[0]]) * np.log(np.maximum(np.abs(np.fft.rfft(folded)), 1e-300))
    index = np.flatnonzero(held > -_LOG_NEGLIGIBLE).astype(np.int64)
    held = held[index]
    if sum(draws.times.size for draws in stacks) <= _FEW_KINDS:
        return index
    for which, draws in enumerate(stacks):
        rows = order[1:] if which == widest else np.arange(draws.times.size)
        for start in range(0, rows.size, 8):
            held = held + _log_characteristic(draws, rows[start : start + 8], index, size)[0]
            keep = held > -_LOG_NEGLIGIBLE
            index, held = index[keep], held[keep]
    return index


def _angle(turns: IntArray, size: int) -> FloatArray:
    """2 pi turns / size, taken into [-pi, pi) by whole arithmetic so that no digit is lost."""
    half = size // 2
    return np.asarray(((turns + half) % size - half) * (2.0 * math.pi / size), dtype=np.float64)


def _log_characteristic(
    draws: Draws, rows: IntArray | slice, index: IntArray, size: int
) -> tuple[FloatArray, FloatArray]:
    """Sum over the kinds of times * log|phi| and times * arg(phi), about their centres."""
    deviation = draws.positions[rows] - draws.centres[rows, None]
    chances, times = draws.probabilities[rows][:, :, None], draws.times[rows]
    modulus = np.empty(index.size)
    argument = np.empty(index.size)
    block = max(1, (1 << 16) // deviation.size)
    for start in range(0, index.size, block):
        some = slice(start, start + block)
        theta = _angle(deviation[:, :, None] * index[some], size)
        real = -2.0 * (chances * np.sin(0.5 * theta) ** 2).sum(axis=1)
        imaginary = (chances * np.sin(theta)).sum(axis=1)
        with np.errstate(divide="ignore"):
            logs = np.log1p(np.maximum(2.0 * real + real * real + imaginary * imaginary, -1.0))
            modulus[some] = 0.5 * (times @ logs)
        argument[some] = times @ np.arctan2(imaginary, 1.0 + real)
    return modulus, argument
