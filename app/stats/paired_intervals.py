"""Intervals for the difference of two pass rates on the same tasks.

Why: two systems judged on the same tasks give a 2x2 table whose two discordant cells hold all the
information; these intervals use it and keep their coverage where the bootstrap loses it (percentile
at 48 tasks: .780 at worst, Tango: .934). What it refuses: bounds outside [-1, 1].
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from app.stats.errors import BadInput, NoSharedTasks
from app.stats.intervals import wilson_bounds
from app.stats.results import CLOSED_FORM, Interval, check_confidence, check_count
from app.stats.special import FloatArray, two_sided_z

_FAR = 1e3  # a score no interval reaches

SCORE_TEST = "inverted score test, two-sided, equal tails"


def _checked(both: int, only_a: int, only_b: int, neither: int, confidence: float) -> int:
    check_confidence(confidence)
    cells = {"both": both, "only_a": only_a, "only_b": only_b, "neither": neither}
    n = sum(check_count(value, name) for name, value in cells.items())
    if n == 0:
        raise NoSharedTasks("A paired difference needs at least one task judged for both systems.")
    return n


def tango_score(only_a: float, only_b: float, n: float, delta: float) -> float:
    """Tango's score statistic of the hypothesis that the difference b - a is ``delta``.

    (only_b - only_a - n delta) / sqrt(n (2 q + delta (1 - delta))), where q is the maximum
    likelihood estimate of P(only a) under the hypothesis. Approximately standard normal.
    """
    linear = (2.0 * n - only_b + only_a) * delta - only_b - only_a
    constant = -only_a * delta * (1.0 - delta)
    chance = (math.sqrt(max(0.0, linear * linear - 8.0 * n * constant)) - linear) / (4.0 * n)
    variance = n * (2.0 * chance + delta * (1.0 - delta))
    gap = only_b - only_a - n * delta
    if variance <= 0.0:
        return 0.0 if gap == 0.0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def tango_bounds(only_a: int, only_b: int, n: int, z: float) -> tuple[float, float]:
    """Return Tango's bounds at the normal quantile ``z``."""
    delta = (only_b - only_a) / n

    def lower(at: float) -> float:
        return min(max(tango_score(only_a, only_b, n, at), -_FAR), _FAR) - z

    def upper(at: float) -> float:
        return min(max(tango_score(only_a, only_b, n, at), -_FAR), _FAR) + z

    lo = -1.0 if only_a == n else float(brentq(lower, -1.0, delta, xtol=1e-15, rtol=1e-14))
    hi = 1.0 if only_b == n else float(brentq(upper, delta, 1.0, xtol=1e-15, rtol=1e-14))
    return lo, hi


def tango(both: int, only_a: int, only_b: int, neither: int, confidence: float = 0.95) -> Interval:
    """Tango's score interval for a paired difference of rates, b - a.

    All differences that `tango_score` does not reject.

    Parameters
    ----------
    both, only_a, only_b, neither : int
        Tasks that both pass, only a, only b, neither; at least one in all.
    confidence : float, default 0.95
        Inside (0, 1).

    Returns
    -------
    Interval
        A share of one, inside [-1, 1]; has width even when no task is discordant.

    Raises
    ------
    NoSharedTasks, BadInput, BadConfidence

    Notes
    -----
    Source: Tango (1998), Statistics in Medicine 17, 891-908.
    """
    n = _checked(both, only_a, only_b, neither, confidence)
    lo, hi = tango_bounds(only_a, only_b, n, two_sided_z(confidence))
    constant = max(both + neither, only_a, only_b) == n
    delta = (only_b - only_a) / n
    return Interval(delta, lo, hi, confidence, "Tango score", SCORE_TEST, n, True, constant)


def tango_bounds_many(only_a: FloatArray, only_b: FloatArray, n: FloatArray, z: float) -> tuple[FloatArray, FloatArray]:
    """Tango's bounds for many tables at once.

    Parameters
    ----------
    only_a, only_b, n : float array, shape (P,)
        Whole numbers, n >= 1.
    z : float
        Normal quantile.

    Returns
    -------
    lo, hi : float array, shape (P,)
        Within 1e-13 of those of `tango_bounds`.
    """
    lo = -_upper_many(only_b, only_a, n, z)
    return lo, _upper_many(only_a, only_b, n, z)


def _upper_many(only_a: FloatArray, only_b: FloatArray, n: FloatArray, z: float) -> FloatArray:
    """Upper bounds by the Illinois rule: false position that halves the weight of an end that stays."""
    low, high = (only_b - only_a) / n, np.ones_like(n)
    at_low, at_high = np.full_like(n, z), np.full_like(n, -_FAR)
    moved_low = np.zeros(n.shape, dtype=np.bool_)
    for turn in range(120):
        share = 0.5 if turn % 8 < 2 else at_low / (at_low - at_high)
        middle = low + (high - low) * share
        value = _score_many(only_a, only_b, n, middle) + z
        above = value > 0.0
        at_high = np.where(above, np.where(moved_low, 0.5 * at_high, at_high), value)
        at_low = np.where(above, value, np.where(moved_low, at_low, 0.5 * at_low))
        low, high = np.where(above, middle, low), np.where(above, high, middle)
        moved_low = above
        if bool(((high - low < 1e-15) | (np.abs(value) < 1e-14)).all()):
            break
    return np.where(only_b == n, 1.0, np.clip(np.where(above, low, high), -1.0, 1.0))


def _score_many(only_a: FloatArray, only_b: FloatArray, n: FloatArray, delta: FloatArray) -> FloatArray:
    linear = (2.0 * n - only_b + only_a) * delta - only_b - only_a
    room = delta * (1.0 - delta)
    chance = (np.sqrt(np.maximum(linear * linear + 8.0 * n * only_a * room, 0.0)) - linear) / (4.0 * n)
    variance = np.maximum(n * (2.0 * chance + room), 1e-300)
    score = (only_b - only_a - n * delta) / np.sqrt(variance)
    return np.asarray(np.clip(score, -_FAR, _FAR), dtype=np.float64)


def bonett_price(both: int, only_a: int, only_b: int, neither: int, confidence: float = 0.95) -> Interval:
    """Bonett and Price's adjusted Wald interval for a paired difference of rates, b - a.

    With p = (only_b + 1)/(n + 2) and q = (only_a + 1)/(n + 2): p - q +- z sqrt((p + q - (p - q)^2)/(n + 2)).

    Parameters, returns and errors as for `tango`.

    Notes
    -----
    Source: Bonett & Price (2012), Journal of Educational and Behavioral Statistics 37, 479-488.
    """
    n = _checked(both, only_a, only_b, neither, confidence)
    p, q = (only_b + 1) / (n + 2), (only_a + 1) / (n + 2)
    half = two_sided_z(confidence) * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    lo, hi = max(-1.0, p - q - half), min(1.0, p - q + half)
    delta = (only_b - only_a) / n
    constant = max(both + neither, only_a, only_b) == n
    return Interval(delta, lo, hi, confidence, "Bonett-Price", CLOSED_FORM, n, True, constant)


def newcombe_paired(both: int, only_a: int, only_b: int, neither: int, confidence: float = 0.95) -> Interval:
    """Newcombe's method 10 for a paired difference of rates, b - a.

    Wilson bounds of both rates, squared and added, with a term for their correlation: phi from the
    table, its numerator reduced by n/2 (but not below 0) when it is positive.

    Parameters, returns and errors as for `tango`.

    Notes
    -----
    Source: Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10.
    """
    n = _checked(both, only_a, only_b, neither, confidence)
    z = two_sided_z(confidence)
    pass_a, pass_b = both + only_a, both + only_b
    a, b = pass_a / n, pass_b / n
    (low_a, high_a), (low_b, high_b) = wilson_bounds(pass_a, n, z), wilson_bounds(pass_b, n, z)
    cross = float(both * neither - only_a * only_b)
    if cross > 0.0:
        cross = max(cross - n / 2.0, 0.0)
    margins = float(pass_a) * (n - pass_a) * pass_b * (n - pass_b)
    phi = cross / math.sqrt(margins) if margins > 0.0 else 0.0
    down_b, up_a, up_b, down_a = b - low_b, high_a - a, high_b - b, a - low_a
    lo = b - a - math.sqrt(max(0.0, down_b**2 - 2.0 * phi * down_b * up_a + up_a**2))
    hi = b - a + math.sqrt(max(0.0, up_b**2 - 2.0 * phi * up_b * down_a + down_a**2))
    constant = max(both + neither, only_a, only_b) == n
    return Interval(b - a, lo, hi, confidence, "Newcombe 10", CLOSED_FORM, n, True, constant)


def check_bounds(bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return the ends of a score's scale when they are two finite numbers in order.

    Raises
    ------
    BadInput
        Otherwise.
    """
    if bounds is None:
        return None
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise BadInput("The ends of a scale are two finite numbers, the lower one first.")
    return float(low), float(high)
