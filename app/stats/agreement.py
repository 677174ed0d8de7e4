"""How far two raters agree, and whether one is stricter.

Why: a judge is only as good as its agreement with people, and raw agreement flatters whenever one
label is common; so percent, kappa, AC1 and alpha are given together. What it refuses: to call one
person's second pass an agreement between raters - that is test-retest, and the result says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.stats.chance import Coefficient, cohen_kappa, gwet_ac1, krippendorff_alpha, pair_units
from app.stats.errors import BadInput, NoVerdicts
from app.stats.intervals import recommended_rate
from app.stats.mcnemar import McNemarTest, mcnemar
from app.stats.multiplicity import adjust
from app.stats.results import ENGINE_VERSION, Caution, Interval, check_confidence, digest_of
from app.stats.special import IntArray, chi2_upper_tail

Weights = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True, slots=True)
class MarginalShift:
    """Whether the second rater uses one label more often than the first.

    Attributes
    ----------
    label : str
    first_only, second_only : int
        Items that get the label from the first rater only, from the second only.
    shift : float
        Share of items with the label, second minus first.
    test : McNemarTest
        Of equal use of the label.
    p_adjusted : float
        Holm over the labels (two labels are one hypothesis).
    """

    label: str
    first_only: int
    second_only: int
    shift: float
    test: McNemarTest
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Result of `agreement`.

    Attributes
    ----------
    kind : str
        ``inter-rater``, or ``test-retest`` for one rater twice.
    n : int
        Items that both rated.
    labels : tuple of str
    percent : Interval
        Share of items with the same label; see `recommended_rate`.
    kappa, weighted_kappa, ac1, alpha : Coefficient or None
        Cohen's kappa, the same with weights if asked for, Gwet's AC1 and Krippendorff's alpha; None
        where chance agreement is complete, so that none is defined.
    marginal_shift : tuple of MarginalShift
    p_homogeneity : float or None
        Stuart-Maxwell test that both raters use all labels alike; None when no label is used unlike.
    warnings : tuple of Caution
    engine_version, digest : str
    """

    kind: str
    n: int
    labels: tuple[str, ...]
    percent: Interval
    kappa: Coefficient | None
    weighted_kappa: Coefficient | None
    ac1: Coefficient | None
    alpha: Coefficient | None
    marginal_shift: tuple[MarginalShift, ...]
    p_homogeneity: float | None
    warnings: tuple[Caution, ...]
    engine_version: str
    digest: str


def agreement(
    table: IntArray,
    labels: Sequence[str],
    confidence: float = 0.95,
    *,
    weights: Weights = "none",
    values: Sequence[float] | None = None,
    same_rater: bool = False,
) -> Agreement:
    """Measure the agreement of two raters on the same items.

    Parameters
    ----------
    table : int64 array, shape (k, k)
        ``table[i, j]`` items get label i from the first rater and label j from the second.
    labels : sequence of str, length k >= 2
        In order, when the labels are ordered.
    confidence : float, default 0.95
        Inside (0, 1).
    weights : {"none", "linear", "quadratic"}
        Also give kappa with |i - j| or (i - j)^2 as the size of a disagreement.
    values : sequence of float, length k, optional
        Numbers that the labels stand for; alpha then is the interval alpha with (v_i - v_j)^2.
    same_rater : bool, default False
        Whether both columns are one person at two times.

    Returns
    -------
    Agreement

    Raises
    ------
    NoVerdicts
        No item is rated by both.
    BadInput, BadConfidence

    Notes
    -----
    Each coefficient is 1 - observed / expected disagreement; they differ in what they expect.
    Sources: Cohen (1960); Fleiss, Cohen & Everitt (1969) for the variance of kappa; Gwet (2008),
    British Journal of Mathematical and Statistical Psychology 61, 29-48; Krippendorff (2004),
    "Content Analysis", chapter 11; Stuart (1955) and Maxwell (1970).
    """
    check_confidence(confidence)
    k = len(labels)
    if table.shape != (k, k) or k < 2:
        raise BadInput("The table has a row and a column for each of at least two labels.")
    if table.dtype.kind not in "iu" or int(table.min()) < 0:
        raise BadInput("The table holds whole numbers of at least 0.")
    if values is not None and (len(values) != k or not all(math.isfinite(v) for v in values)):
        raise BadInput("There is one finite value for each label.")
    if weights not in ("none", "linear", "quadratic"):
        raise BadInput(f"The weights are none, linear or quadratic, not {weights!r}.")
    n = int(table.sum())
    if n == 0:
        raise NoVerdicts("No item is rated by both raters.")
    same = int(np.trace(table))
    percent = recommended_rate(same, n, confidence)
    scale = np.arange(k, dtype=np.float64) if values is None else np.array(values, dtype=np.float64)
    unlike = np.subtract.outer(scale, scale)
    gaps = np.asarray(unlike**2 if values is not None else unlike != 0.0, dtype=np.float64)
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    sized = {"none": None, "linear": steps, "quadratic": steps**2}[weights]
    kind = "test-retest" if same_rater else "inter-rater"
    found = []
    if same_rater:
        found.append(
            Caution("test-retest", "Both columns are the same rater: this is test-retest stability, not "
                    "agreement between raters.")
        )  # fmt: skip
    if same == n:
        found.append(
            Caution("no-disagreement", f"The raters agree on all {n} items; the chance-corrected intervals "
                    "have no width, so quote the interval of the percentage.")
        )  # fmt: skip
    return Agreement(
        kind=kind,
        n=n,
        labels=tuple(labels),
        percent=percent,
        kappa=cohen_kappa(table, confidence),
        weighted_kappa=None if sized is None else cohen_kappa(table, confidence, sized),
        ac1=gwet_ac1(table, confidence),
        alpha=krippendorff_alpha(*pair_units(table), gaps, confidence),
        marginal_shift=_marginal_shifts(table, labels),
        p_homogeneity=stuart_maxwell(table),
        warnings=tuple(found),
        engine_version=ENGINE_VERSION,
        digest=digest_of("agreement", table, list(labels), kind),
    )


def _marginal_shifts(table: IntArray, labels: Sequence[str]) -> tuple[MarginalShift, ...]:
    n = int(table.sum())
    rows, columns, same = table.sum(axis=1), table.sum(axis=0), table.diagonal()
    first, second = (rows - same).tolist(), (columns - same).tolist()
    tests = [mcnemar(a, b) for a, b in zip(first, second, strict=True)]
    p_values = [test.exact for test in tests]
    adjusted = adjust(p_values[:1]).p * 2 if len(labels) == 2 else adjust(p_values).p
    return tuple(
        MarginalShift(label, a, b, (b - a) / n, test, p if p is not None else 1.0)
        for label, a, b, test, p in zip(labels, first, second, tests, adjusted, strict=True)
    )


def stuart_maxwell(table: IntArray) -> float | None:
    """Test that both raters use all labels equally often.

    With d = row sums - column sums and S its estimated covariance under the hypothesis
    (S_ii = row_i + column_i - 2 n_ii, S_ij = -(n_ij + n_ji)), d' S^- d is chi-squared with rank(S)
    degrees of freedom.

    Parameters
    ----------
    table : int64 array, shape (k, k)

    Returns
    -------
    float or None
        p; None when there is no disagreement at all.
    """
    gap = (table.sum(axis=1) - table.sum(axis=0)).astype(np.float64)
    cover = -(table + table.T).astype(np.float64)
    np.fill_diagonal(cover, table.sum(axis=1) + table.sum(axis=0) - 2 * table.diagonal())
    rank = int(np.linalg.matrix_rank(cover))
    if rank == 0:
        return None
    return chi2_upper_tail(max(0.0, float(gap @ np.linalg.pinv(cover, hermitian=True) @ gap)), rank)
