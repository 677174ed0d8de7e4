"""The exact sign-flip test of paired differences.

Why: under the hypothesis that swapping two systems on any task changes nothing, each difference
keeps its size and has either sign with probability one half; the p-value follows without a single
random flip. What it refuses: to read a small tail off a large sum - the law is tilted until the
observed sum is in the middle, where a probability of 1e-200 is as accurate as one of 0.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from app.stats.convolution import MAX_WINDOW, Draws, SumDistribution, convolve
from app.stats.histogram import Histogram
from app.stats.lattice import BINS_PER_SD, find_lattice, same_score_distance
from app.stats.mcnemar import McNemarTest, mcnemar
from app.stats.special import FloatArray, IntArray

_ENUMERATE_TO = 16

# What an exact p-value may cost, about 20 ms; beyond it sizes are rounded to a finer part of their scale.
_ADD_TO = 512
_ADDITIONS = 1 << 24
_EVALUATIONS = 1 << 22
_KINDS_TRIED = 32


@dataclass(frozen=True, slots=True)
class SignFlipTest:
    """Result of `sign_flip`.

    Attributes
    ----------
    p_two_sided : float
        P(|S| >= |s|).
    p_one_sided : float
        P(S >= |s|): the tail in the direction that was observed.
    log10_p_two_sided : float
        Its decimal logarithm, which is still a number where p itself has fallen below 1e-308.
    n_nonzero : int
        Differences that are not zero; the others carry no sign to flip.
    exact : bool
        False only when the sizes lie on no grid and are too many to enumerate.
    """

    p_two_sided: float
    p_one_sided: float
    log10_p_two_sided: float
    n_nonzero: int
    exact: bool


def sign_flip(differences: Histogram) -> SignFlipTest:
    """Test that the differences are symmetric about zero.

    With sizes v_i and random signs e_i, S = sum e_i v_i and the observed sum is s. The p-value is
    P(|S| >= |s|) over all 2^n sign patterns, the observed one included.

    Parameters
    ----------
    differences : Histogram
        Of b - a over the tasks, in the unit of the metric. Zeros are allowed and do not count.

    Returns
    -------
    SignFlipTest
        Relative error of each p below 1e-12 when ``exact``.

    Notes
    -----
    If all sizes are equal this is the exact McNemar (sign) test, a binomial tail. Otherwise the
    number of units flipped to the minority side is tilted, and its law found by `convolve`.
    Source: Fisher (1935), "The Design of Experiments", section 21; the tilt is that of Esscher
    (1932), used here exactly rather than as an approximation.
    """
    held = differences.values != 0.0
    values, counts = differences.values[held], differences.counts[held]
    n = int(counts.sum())
    if n == 0:
        return SignFlipTest(1.0, 1.0, 0.0, 0, True)
    sizes, for_side, against = _by_size(values, counts)
    if sizes.size == 1:
        return of_mcnemar(mcnemar(int(against[0]), int(for_side[0])))
    grid = find_lattice(np.append(0.0, sizes))
    if grid is not None:
        return _on_grid(grid.positions[1:], for_side, against)
    if n <= _ENUMERATE_TO:
        return _enumerated(sizes, for_side, against)
    return _on_fine_grid(sizes, for_side, against)


def of_mcnemar(test: McNemarTest) -> SignFlipTest:
    """Return McNemar's exact test as the sign-flip test that it is."""
    return SignFlipTest(test.exact, test.exact_one_sided, test.log10_exact, test.discordant, True)


def _by_size(values: FloatArray, counts: IntArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Distinct sizes, and how many differences of each are positive and negative."""
    order = np.argsort(np.abs(values), kind="stable")
    size = np.abs(values)[order]
    fresh = np.append(True, np.diff(size) > same_score_distance(float(size[-1])))
    group = np.cumsum(fresh) - 1
    positive = values[order] > 0.0
    up = np.zeros(int(group[-1]) + 1, dtype=np.int64)
    down = np.zeros_like(up)
    np.add.at(up, group[positive], counts[order][positive])
    np.add.at(down, group[~positive], counts[order][~positive])
    return size[fresh], up, down


def _test(log_tail: float, n: int, decided: bool, exact: bool) -> SignFlipTest:
    """Put the result together from the log of the tail in the observed direction."""
    log_two = min(0.0, log_tail + math.log(2.0)) if decided else 0.0
    one = min(1.0, math.exp(log_tail))
    return SignFlipTest(math.exp(log_two), one, log_two / math.log(10.0), n, exact)


def _on_grid(positions: IntArray, up: IntArray, down: IntArray) -> SignFlipTest:
    n = int(up.sum() + down.sum())
    if int(up @ positions) < int(down @ positions):
        up, down = down, up
    flipped = int(down @ positions)
    decided = int(up @ positions) != flipped
    count = (up + down).astype(np.float64)
    if flipped == 0:
        return _test(-n * math.log(2.0), n, decided, True)
    if n <= _ADD_TO and n * flipped <= _ADDITIONS:
        return _test(_added_up(positions, up + down, flipped), n, decided, True)
    theta = _tilt(positions.astype(np.float64), count, float(flipped))
    draws = _tilted(positions, count, theta)
    if draws.window[1] * min(positions.size, _KINDS_TRIED) > _EVALUATIONS:
        enumerable = n <= _ENUMERATE_TO
        return (_enumerated if enumerable else _on_fine_grid)(positions.astype(np.float64), up, down)
    made = convolve([draws])
    log_tail = _log_tail(made, positions, count, theta, flipped)
    return _test(log_tail, n, decided, True)


def _added_up(positions: IntArray, counts: IntArray, flipped: int) -> float:
    """log P(D <= flipped) by adding one difference after the other; every term is positive."""
    law = np.zeros(flipped + 1)
    law[0] = 1.0
    for position, count in zip(positions.tolist(), counts.tolist(), strict=True):
        for _ in range(count):
            law *= 0.5
            if position <= flipped:
                law[position:] += law[: flipped + 1 - position].copy()
    return math.log(float(law.sum()))


def _tilt(sizes: FloatArray, counts: FloatArray, flipped: float) -> float:
    """Tilt theta >= 0 under which the flipped units have the observed sum as their mean."""

    def excess(theta: float) -> float:
        return float(counts @ (sizes / (1.0 + np.exp(np.minimum(theta * sizes, 700.0))))) - flipped

    if excess(0.0) <= 0.0:
        return 0.0
    high = 1.0 / float(sizes[-1])
    while excess(high) > 0.0:
        high *= 2.0
    return float(brentq(excess, 0.0, high, xtol=1e-9 * high, rtol=1e-9))


def _tilted(positions: IntArray, counts: FloatArray, theta: float) -> Draws:
    chance = 1.0 / (1.0 + np.exp(np.minimum(theta * positions, 700.0)))
    places = np.stack([np.zeros_like(positions), positions], axis=1)
    return Draws(places, np.stack([1.0 - chance, chance], axis=1), counts)


def _log_tail(made: SumDistribution, positions: IntArray, counts: FloatArray, theta: float, flipped: int) -> float:
    """log P(D <= flipped) for D = flipped units under fair signs, from its tilted law.

    P0(D = d) = P_theta(D = d) exp(theta d) prod_i ((1 + exp(-theta v_i)) / 2)^c_i.
    """
    last = min(flipped - made.first, made.pmf.size - 1)
    back = flipped - (made.first + np.arange(last + 1))
    inner = float(made.pmf[: last + 1] @ np.exp(-theta * back))
    scale = float(counts @ (np.log1p(np.exp(-theta * positions)) - math.log(2.0)))
    return math.log(inner) + scale + theta * flipped


def _enumerated(sizes: FloatArray, up: IntArray, down: IntArray) -> SignFlipTest:
    """All 2^n sign patterns; sums within rounding of the observed one count as reaching it."""
    each = np.repeat(sizes, up + down)
    sums = np.zeros(1)
    for size in each:
        sums = np.concatenate([sums + size, sums - size])
    observed = abs(float(sizes @ (up - down)))
    slack = each.size * same_score_distance(float(each.sum()))
    log_tail = math.log(int((sums >= observed - slack).sum())) - each.size * math.log(2.0)
    return _test(log_tail, int(each.size), observed > slack, True)


def _on_fine_grid(sizes: FloatArray, up: IntArray, down: IntArray) -> SignFlipTest:
    """Sizes rounded to a grid of rms/64, rescaled to keep the variance of S; tail interpolated."""
    counts = (up + down).astype(np.float64)
    n = int(counts.sum())
    rms = math.sqrt(float(counts @ sizes**2) / n)
    observed = abs(float(sizes @ (up - down)))
    width = rms / BINS_PER_SD
    while True:
        places, where = np.unique(np.rint(sizes / width).astype(np.int64), return_inverse=True)
        all_weights = np.asarray(np.bincount(where, counts), dtype=np.float64)
        weight, places = all_weights[places > 0], places[places > 0]
        step = rms * math.sqrt(n / float(weight @ places.astype(np.float64) ** 2))
        # S = step (total - 2 D), so S reaches the observed sum when D falls to this.
        flipped = 0.5 * (float(weight @ places) - observed / step)
        theta = _tilt(places.astype(np.float64), weight, max(flipped, 0.5))
        draws = _tilted(places, weight, theta)
        if draws.window[1] <= MAX_WINDOW:
            break
        width *= 2.0
    made = convolve([draws])
    # A grid point stands for half a step on either side of it.
    low = max(0, math.floor(flipped - 0.5))
    share = min(max(flipped - 0.5 - low, 0.0), 1.0)
    logs = [_log_tail(made, places, weight, theta, at) for at in (low, low + 1)]
    return _test((1.0 - share) * logs[0] + share * logs[1], n, observed > 0.0, False)
