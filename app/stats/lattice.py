"""Find the grid that scores lie on, or lay a fine one under them.

Why: sums of scores on a grid have a distribution that a Fourier transform gives exactly; pass or
fail, 1-5, halves, hundredths and thirds are all grids. What it refuses: to call scores a grid
when they only nearly are one - those are binned, and every result says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.stats.special import FloatArray, IntArray

#: A grid with more points than this between its ends is treated as no grid.
MAX_SPAN = 1 << 20

#: Bin width of off-grid scores, in standard deviations.
BINS_PER_SD = 64

#: Two scores closer than this many rounding steps of the largest one are the same score.
SAME_SCORE_ULPS = 8.0

#: Scores are at most this large, and as close as its inverse they are the same: cubes stay finite.
LARGEST_SCORE = 1e90


@dataclass(frozen=True, eq=False)
class Lattice:
    """``values[i] == offset + step * positions[i]`` up to rounding.

    Attributes
    ----------
    offset, step : float
        In the unit of the scores; ``step > 0``. The offset is exactly 0 where zero is a grid point.
    positions : int64 array, shape (m,)
        One per distinct score; their differences have greatest common divisor 1.
    """

    offset: float
    step: float
    positions: IntArray


def same_score_distance(scale: float) -> float:
    """Return the distance below which two scores of size ``scale`` count as equal."""
    return max(SAME_SCORE_ULPS * float(np.finfo(np.float64).eps) * scale, 1.0 / LARGEST_SCORE)


def find_lattice(values: FloatArray) -> Lattice | None:
    """Find the coarsest grid through distinct ascending scores.

    A Euclidean algorithm on all gaps at once: the step is the smallest gap, and as long as some
    score is off that grid, the step becomes the smallest remainder.

    Parameters
    ----------
    values : float array, shape (m,)
        Distinct, ascending, finite.

    Returns
    -------
    Lattice or None
        None when the grid would need more than `MAX_SPAN` points.
    """
    if values.size == 1:
        return Lattice(float(values[0]), 1.0, np.zeros(1, dtype=np.int64))
    low, high = float(values[0]), float(values[-1])
    span = high - low
    slack = 8.0 * same_score_distance(max(abs(low), abs(high)))
    gaps = values - low
    step = float(np.diff(values).min())
    for _ in range(64):
        # The smallest gap carries a rounding error, which a multiple of it multiplies.
        blur = slack * (1.0 + span / step / 8.0)
        if span / step > MAX_SPAN or blur > step / 4.0:
            break
        whole = np.rint(gaps / step)
        rest = np.abs(gaps - whole * step)
        off = rest > slack * (1.0 + whole / 8.0)
        if not off.any():
            fitted = span / whole[-1]
            if bool((np.abs(gaps - whole * fitted) > slack).any()):
                break
            return _anchored(low, span, whole.astype(np.int64), slack)
        step = float(rest[off].min())
    if values.size == 2:
        return _anchored(low, span, np.array([0, 1], dtype=np.int64), slack)
    return None


def _anchored(low: float, span: float, positions: IntArray, slack: float) -> Lattice:
    divisor = int(np.gcd.reduce(positions))
    positions = positions // divisor
    step = span / int(positions[-1])
    if abs(low) < MAX_SPAN * step:
        nearest = round(low / step)
        if abs(low - nearest * step) <= slack:
            return Lattice(0.0, _tidy(step), positions + nearest)
    return Lattice(low, step, positions)


def _tidy(step: float) -> float:
    """Return the float nearest to a simple fraction when the step is one up to rounding."""
    parts = round(1.0 / step) if step < 1.0 else 1
    wanted = round(step * parts) / parts
    return wanted if abs(wanted - step) < 1e-14 * step else step


def bin_scores(values: FloatArray, weights: FloatArray, width: float) -> tuple[IntArray, FloatArray]:
    """Lay a grid of step ``width`` under scores, keeping their mean.

    Each score's weight is split between its two neighbours on the grid in the proportion that
    keeps its mean. The split adds at most ``width**2 / 4`` to the variance, 6e-5 of it at the
    width of sd/64; the caller takes it out again by a shorter step.

    Parameters
    ----------
    values : float array, shape (m,)
        Ascending. The lowest score is at position 0.
    weights : float array, shape (m,)
        Positive.
    width : float
        Bin width, in the unit of the scores.

    Returns
    -------
    positions : int64 array, shape (k,)
        Whole numbers, ascending; the score is ``values[0] + width * position``.
    weights : float array, shape (k,)
        Sum as before.
    """
    place = (values - values[0]) / width
    left = np.floor(place).astype(np.int64)
    share = place - left
    places, where = np.unique(np.concatenate([left, left + 1]), return_inverse=True)
    binned = np.bincount(where, np.concatenate([weights * (1.0 - share), weights * share]), places.size)
    held = binned > 0.0
    return places[held].astype(np.int64), binned[held].astype(np.float64)
