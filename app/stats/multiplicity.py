"""Adjusted p-values for several comparisons made together.

Why: of twenty true null hypotheses one is rejected at .05 by chance; a request with many comparisons
must say how many there were. What it refuses: to adjust without stating the size of the family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from app.stats.errors import BadInput
from app.stats.paired import Comparison
from app.stats.special import FloatArray

Correction = Literal["holm", "benjamini-hochberg", "none"]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Result of `adjust`.

    Attributes
    ----------
    p : tuple of float or None
        Adjusted p-values in the order given; None where none was given.
    correction : str
    family_size : int
        How many p-values were adjusted together.
    """

    p: tuple[float | None, ...]
    correction: Correction
    family_size: int


def adjust(p_values: Sequence[float | None], correction: Correction = "holm") -> Adjusted:
    """Adjust p-values for their number.

    Holm: max over j <= i of (m - j + 1) p_(j), which bounds the chance of one false claim.
    Benjamini-Hochberg: min over j >= i of (m / j) p_(j), which bounds the expected share of false
    claims. Both are cut at 1.

    Parameters
    ----------
    p_values : sequence of float or None
        Each in [0, 1]; None (a comparison that could not be made) does not count in the family.
    correction : {"holm", "benjamini-hochberg", "none"}

    Returns
    -------
    Adjusted

    Raises
    ------
    BadInput
        A p-value outside [0, 1], or an unknown correction.

    Notes
    -----
    Sources: Holm (1979), Scandinavian Journal of Statistics 6, 65-70; Benjamini & Hochberg (1995),
    JRSS B 57, 289-300 (valid under independence or positive dependence).
    """
    given = [i for i, p in enumerate(p_values) if p is not None]
    raw = np.array([p for p in p_values if p is not None], dtype=np.float64)
    if not bool(((raw >= 0.0) & (raw <= 1.0)).all()):
        raise BadInput("A p-value lies between 0 and 1.")
    made: list[float | None] = [None] * len(p_values)
    for place, p in zip(given, adjust_array(raw, correction).tolist(), strict=True):
        made[place] = p
    return Adjusted(tuple(made), correction, len(given))


def adjust_array(p_values: FloatArray, correction: Correction) -> FloatArray:
    """Adjust a float array of p-values, shape (m,), each in [0, 1]; see `adjust`."""
    if correction == "none" or not p_values.size:
        return p_values.copy()
    order = np.argsort(p_values, kind="stable")
    m = p_values.size
    if correction == "holm":
        stepped = np.maximum.accumulate(p_values[order] * np.arange(m, 0, -1))
    elif correction == "benjamini-hochberg":
        stepped = np.minimum.accumulate((p_values[order] * (m / np.arange(1, m + 1)))[::-1])[::-1]
    else:
        raise BadInput(f"The correction is holm, benjamini-hochberg or none, not {correction!r}.")
    made = np.empty(m)
    made[order] = np.minimum(stepped, 1.0)
    return made


def adjust_comparisons(
    comparisons: Sequence[Comparison | None], correction: Correction = "holm"
) -> list[Comparison | None]:
    """Return the comparisons with the sign-flip p-values adjusted as one family.

    None entries (comparisons that could not be made) stay and do not count.
    """
    made = adjust([None if c is None else c.p_sign_flip for c in comparisons], correction)
    return [
        None if c is None else replace(c, p_adjusted=p, correction=correction, family_size=made.family_size)
        for c, p in zip(comparisons, made.p, strict=True)
    ]
