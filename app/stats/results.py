"""What every result carries: an interval, its method, its convention, and where it came from.

Why: a figure that cannot say how it was made cannot be checked. What it refuses: an interval with
NaN or Infinity in it, and one whose method is not named.
"""

from __future__ import annotations

import hashlib
import math
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from app.stats.errors import BadConfidence, BadInput

#: Changes whenever a change in this package can change a printed digit.
ENGINE_VERSION = "presend-stats/2"

#: The quantile convention of every bootstrap here.
INVERTED_CDF = "inverted_cdf: smallest lattice point k with F(k) >= q"
CLOSED_FORM = "closed form, two-sided, equal tails"


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval.

    Attributes
    ----------
    estimate, lo, hi : float
        In the unit of the metric: a share of one for rates, points of the scale for scores.
    confidence : float
        Nominal coverage, inside (0, 1).
    method, convention : str
        The method's usual name, and the rule that decides between neighbouring values.
    n : int
        Items (or clusters, where the method says so) that the interval rests on.
    exact : bool
        True when nothing was resampled, binned or expanded: the stated rule is evaluated to rounding.
    degenerate : bool
        True when the data do not vary, so that a resampled interval has no width.
    seed, resamples : int or None
        Set only when the interval was simulated.
    """

    estimate: float
    lo: float
    hi: float
    confidence: float
    method: str
    convention: str
    n: int
    exact: bool
    degenerate: bool
    seed: int | None = None
    resamples: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.estimate) and math.isfinite(self.lo) and math.isfinite(self.hi)):
            raise BadInput(f"The {self.method} interval has a bound that is not a finite number.")

    @property
    def width(self) -> float:
        """Upper minus lower bound, in the unit of the metric."""
        return self.hi - self.lo

    def side_of(self, value: float) -> int:
        """Return +1 when the whole interval lies above ``value``, -1 below it, 0 when it holds it."""
        return int(self.lo > value) - int(self.hi < value)


@dataclass(frozen=True, slots=True)
class Caution:
    """Something a reader must know before quoting the figure: a stable code and one sentence."""

    code: str
    message: str


def check_confidence(confidence: float, name: str = "confidence") -> float:
    """Return ``confidence`` when it lies inside (0, 1).

    Raises
    ------
    BadConfidence
        Otherwise, NaN included.
    """
    if not 0.0 < confidence < 1.0:
        raise BadConfidence(f"The {name} must lie between 0 and 1, for example 0.95, and is {confidence!r}.")
    return float(confidence)


def check_count(value: int, name: str) -> int:
    """Return ``value`` as an int when it is a whole number >= 0; raise `BadInput` otherwise."""
    try:
        whole = operator.index(value)
    except TypeError:
        whole = -1
    if whole < 0:
        raise BadInput(f"The count '{name}' must be a whole number of at least 0, and is {value!r}.")
    return whole


def digest_of(*parts: object) -> str:
    """SHA-256 over the counts that a result was made from.

    Parameters
    ----------
    *parts
        Numbers, strings, arrays or iterables of them, in a fixed order.

    Returns
    -------
    str
        ``sha256:`` and 64 hexadecimal digits. Equal counts give equal digests on every machine.
    """
    return "sha256:" + hashlib.sha256(b"".join(_canonical(parts))).hexdigest()


def _canonical(part: object) -> Iterator[bytes]:
    if isinstance(part, np.ndarray):
        kind = "<f8" if part.dtype.kind == "f" else "<i8"
        yield f"{kind}{part.shape}".encode()
        yield np.ascontiguousarray(part, dtype=kind).tobytes()
    elif isinstance(part, str | int | float) or part is None:
        yield f"{type(part).__name__}:{part!r};".encode()
    elif isinstance(part, Iterable):
        for inner in part:
            yield from _canonical(inner)
    else:
        raise BadInput(f"A digest is made of numbers and text, not of {type(part).__name__}.")
