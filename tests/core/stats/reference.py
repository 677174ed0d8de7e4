"""Independent ways to get the same numbers: whole-number arithmetic and plain enumeration.

Why: an engine that is compared with itself is not tested. Nothing here imports the engine.
"""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any


def shared_data(name: str) -> Any:
    """Read a JSON file of the shared data folder, or say plainly that it is not there."""
    root = Path(os.environ.get("PRESEND_SHARED", Path(__file__).parents[3] / ".." / "shared"))
    path = root / "data" / name
    assert path.exists(), f"The reference file {name} is not in {root / 'data'}; set PRESEND_SHARED to its folder."
    return json.loads(path.read_text())


def big_integer_pmf(positions: Sequence[int], counts: Sequence[int], draws: int) -> dict[int, Fraction]:
    """P(sum of draws = k), by one power of one very large whole number."""
    low = min(positions)
    width = (sum(counts) ** draws).bit_length() // 8 + 1
    packed = sum(count << (8 * width * (at - low)) for at, count in zip(positions, counts, strict=True))
    total = sum(counts) ** draws
    span = (max(positions) - low) * draws + 1
    digits = (packed**draws).to_bytes(width * span, "little")
    terms = (int.from_bytes(digits[width * k : width * (k + 1)], "little") for k in range(span))
    return {draws * low + k: Fraction(term, total) for k, term in enumerate(terms)}


def cumulative(pmf: dict[int, Fraction]) -> dict[int, Fraction]:
    """P(sum <= k)."""
    keys = sorted(pmf)
    return dict(zip(keys, itertools.accumulate(pmf[key] for key in keys), strict=True))


def smallest_reaching(cdf: dict[Any, Fraction], level: Fraction | float) -> Any:
    """Smallest k with F(k) >= level."""
    return min(k for k, reached in cdf.items() if reached >= level)


def enumerate_means(scores: Sequence[float]) -> list[float]:
    """The mean of every one of the n^n resamples."""
    return [math.fsum(drawn) / len(scores) for drawn in itertools.product(scores, repeat=len(scores))]


def enumerated_quantile(values: Iterable[float], level: float) -> float:
    """Inverted distribution function of equally likely values."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(level * len(ordered) - 1e-9)) - 1]


def sign_flip_fractions(differences: Sequence[int]) -> tuple[Fraction, Fraction]:
    """One-sided (in the observed direction) and two-sided sign-flip p as exact fractions."""
    ways = {0: 1}
    for size in (abs(d) for d in differences if d):
        grown: dict[int, int] = {}
        for total, count in ways.items():
            for signed in (total + size, total - size):
                grown[signed] = grown.get(signed, 0) + count
        ways = grown
    observed, everything = abs(sum(differences)), sum(ways.values())
    one = sum(count for total, count in ways.items() if total >= observed)
    two = sum(count for total, count in ways.items() if abs(total) >= observed)
    return Fraction(one, everything), Fraction(two, everything)


def half_tail(k: int, n: int) -> Fraction:
    """P(X <= k) for X ~ Binomial(n, 1/2)."""
    term = total = 1
    for i in range(k):
        term = term * (n - i) // (i + 1)
        total += term
    return Fraction(total, 2**n)


def relative_error(value: float, exact: Fraction) -> float:
    """|value / exact - 1|, without rounding on the way."""
    return abs(float(Fraction(value) / exact - 1))
