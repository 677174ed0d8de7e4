"""Chance-corrected agreement coefficients with delta-method intervals.

Why: kappa, AC1 and alpha are one formula, 1 - observed / expected disagreement, with three ideas of
what to expect; one derivative gives all their standard errors. What it refuses: a coefficient where
the expected disagreement is zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.stats.errors import BadInput
from app.stats.results import Interval
from app.stats.special import FloatArray, IntArray, two_sided_z


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An agreement coefficient.

    Attributes
    ----------
    estimate : float
        1 for complete agreement, 0 for what chance would give.
    se : float
        Delta-method standard error, ddof 0.
    interval : Interval
        estimate +- z se, cut at [-1, 1].
    """

    estimate: float
    se: float
    interval: Interval


def _coefficient(value: float, se: float, confidence: float, method: str, n: int) -> Coefficient:
    half = two_sided_z(confidence) * se
    lo, hi = max(-1.0, value - half), min(1.0, value + half)
    convention = "delta method, normal; cut at [-1, 1]"
    interval = Interval(value, min(lo, value), max(hi, value), confidence, method, convention, n, True, se == 0.0)
    return Coefficient(value, se, interval)


def _from_disagreement(
    share: FloatArray, size: FloatArray, expected: float, slope: FloatArray, n: int, confidence: float, method: str
) -> Coefficient | None:
    """1 - Do/De from cell shares, sizes of disagreement, De and the derivative of De by each share."""
    if expected <= 0.0:
        return None
    observed = float((share * size).sum())
    influence = (observed / expected * (slope - float((share * slope).sum())) - (size - observed)) / expected
    se = math.sqrt(max(0.0, float((share * influence**2).sum())) / n)
    if float(share.max()) == 1.0 or observed == 0.0:
        se = 0.0
    return _coefficient(1.0 - observed / expected, se, confidence, method, n)


def cohen_kappa(table: IntArray, confidence: float, sizes: FloatArray | None = None) -> Coefficient | None:
    """Cohen's kappa; chance pairs the raters' own label frequencies at random.

    De = sum_ij r_i c_j w_ij with row shares r, column shares c and sizes w (1 off the diagonal).

    Parameters
    ----------
    table : int64 array, shape (k, k)
    confidence : float
        Inside (0, 1), already checked.
    sizes : float array, shape (k, k), optional
        Size of each disagreement, 0 on the diagonal.

    Returns
    -------
    Coefficient or None
        None when both raters use one and the same label only.

    Notes
    -----
    The standard error is that of Fleiss, Cohen & Everitt (1969), Psychological Bulletin 72, 323-327.
    """
    n = int(table.sum())
    share = table / n
    weight = 1.0 - np.eye(table.shape[0]) if sizes is None else sizes
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    slope = (weight @ columns)[:, None] + (rows @ weight)[None, :]
    expected = float(rows @ weight @ columns)
    method = "Cohen kappa" if sizes is None else "Cohen weighted kappa"
    return _from_disagreement(share, weight, expected, slope, n, confidence, method)


def gwet_ac1(table: IntArray, confidence: float) -> Coefficient | None:
    """Gwet's AC1; chance is a guess on the items that are hard to label.

    De = 1 - sum_q pi_q (1 - pi_q) / (k - 1) with pi the labels' mean shares over both raters.

    Parameters
    ----------
    table : int64 array, shape (k, k)
        k >= 2 labels that could be used, whether or not they were.
    confidence : float
        Inside (0, 1), already checked.

    Returns
    -------
    Coefficient or None
        Never None for k >= 2.

    Notes
    -----
    Source: Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48; with
    ddof 0 and without a finite population correction.
    """
    n, k = int(table.sum()), table.shape[0]
    share = table / n
    weight = 1.0 - np.eye(k)
    pi = (share.sum(axis=1) + share.sum(axis=0)) / 2.0
    expected = 1.0 - float((pi * (1.0 - pi)).sum()) / (k - 1)
    half = -(1.0 - 2.0 * pi) / (2.0 * (k - 1))
    return _from_disagreement(share, weight, expected, half[:, None] + half, n, confidence, "Gwet AC1")


def pair_units(table: IntArray) -> tuple[IntArray, IntArray]:
    """Return a two-rater table as units for `krippendorff_alpha`.

    Returns
    -------
    ratings : int64 array, shape (u, k)
        How often each label was given to the unit.
    counts : int64 array, shape (u,)
        Units with these ratings.
    """
    first, second = np.nonzero(table)
    ratings = np.zeros((first.size, table.shape[0]), dtype=np.int64)
    np.add.at(ratings, (np.arange(first.size), first), 1)
    np.add.at(ratings, (np.arange(first.size), second), 1)
    return ratings, table[first, second].astype(np.int64)


def krippendorff_alpha(
    ratings: IntArray, counts: IntArray, gaps: FloatArray, confidence: float = 0.95
) -> Coefficient | None:
    """Krippendorff's alpha for any number of raters, with ratings missing.

    alpha = 1 - (N - 1) T / Q: with m_u ratings of unit u, n_uq of them label q, N = sum m_u and n_q =
    sum_u n_uq over units with m_u >= 2, T = sum_u sum_qr n_uq n_ur gap_qr / (m_u - 1) and
    Q = sum_qr n_q n_r gap_qr.

    Parameters
    ----------
    ratings : int64 array, shape (u, k)
        How often each label was given to the unit.
    counts : int64 array, shape (u,)
        Units with these ratings.
    gaps : float array, shape (k, k)
        Squared distance of two labels: 0 and 1 for names, (v_q - v_r)^2 for numbers.
    confidence : float, default 0.95
        Inside (0, 1).

    Returns
    -------
    Coefficient or None
        None when fewer than two ratings can be paired or all of them are one label.

    Raises
    ------
    BadInput
        Shapes that do not fit each other.

    Notes
    -----
    Source: Krippendorff (2004), "Content Analysis", chapter 11; the standard error is the
    infinitesimal jackknife over units.
    """
    if ratings.ndim != 2 or counts.shape != ratings.shape[:1] or gaps.shape != (ratings.shape[1],) * 2:
        raise BadInput("Ratings are units by labels, counts one per unit, gaps labels by labels.")
    each = ratings.sum(axis=1)
    paired = (each >= 2) & (counts > 0)
    held, weight, each = ratings[paired].astype(np.float64), counts[paired], each[paired].astype(np.float64)
    total = float(weight @ each)
    used = weight @ held
    pull = gaps @ used
    expected = float(used @ pull)
    if expected <= 0.0:
        return None
    within = np.einsum("uq,qr,ur->u", held, gaps, held) / (each - 1.0)
    observed = float(weight @ within)
    value = 1.0 - (total - 1.0) * observed / expected
    slope = (2.0 * (total - 1.0) * observed * (held @ pull) / expected - each * observed
             - (total - 1.0) * within) / expected  # fmt: skip
    n = int(weight.sum())
    slope = slope - float(weight @ slope) / n
    se = math.sqrt(float(weight @ slope**2)) if observed > 0.0 else 0.0
    return _coefficient(value, se, confidence, "Krippendorff alpha", n)
