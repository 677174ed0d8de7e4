"""Power and smallest detectable effect, before the run is paid for.

Why: a benchmark of 48 tasks cannot show a difference of five points, and that is known before any
draft is judged. What it refuses: the normal approximation for paired rates - the exact test is
planned for by the exact power.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from app.stats.errors import BadInput
from app.stats.results import check_confidence, check_count
from app.stats.special import (
    FloatArray,
    binomial_cdf,
    binomial_pmf,
    noncentral_t_cdf,
    normal_cdf,
    normal_quantile,
    t_quantile,
)

_STEPS = 60


def _positive(n: int, name: str, least: int = 1) -> int:
    if check_count(n, name) < least:
        raise BadInput(f"'{name}' must be at least {least}.")
    return int(n)


def _chance(value: float, name: str) -> float:
    if not 0.0 <= value <= 1.0:
        raise BadInput(f"'{name}' is a share between 0 and 1, and is {value!r}.")
    return float(value)


def critical_counts(discordant: FloatArray, level: float) -> FloatArray:
    """Largest c with 2 P(X <= c) <= level for X ~ Binomial(d, 1/2), elementwise; -1 where none."""
    middle, spread = discordant / 2.0, np.sqrt(discordant) / 2.0
    c = np.clip(np.floor(middle + normal_quantile(level / 2.0) * spread) + 1.0, -1.0, discordant)
    while True:
        high = (c >= 0.0) & (2.0 * binomial_cdf(c, discordant, 0.5) > level)
        if not high.any():
            break
        c = np.where(high, c - 1.0, c)
    while True:
        low = 2.0 * binomial_cdf(c + 1.0, discordant, 0.5) <= level
        if not low.any():
            return c
        c = np.where(low, c + 1.0, c)


def power_paired_rates(n: int, only_a: float, only_b: float, level: float = 0.05) -> float:
    """Chance that the two-sided exact McNemar test rejects equality.

    The number of discordant tasks is Binomial(n, only_a + only_b); given d of them, those that only b
    passes are Binomial(d, only_b / (only_a + only_b)), and the test rejects in the tails that the fair
    coin gives at most ``level``.

    Parameters
    ----------
    n : int
        Tasks, at least 1.
    only_a, only_b : float
        Chances that only a, only b passes a task; they sum to at most 1.
    level : float, default 0.05
        Two-sided level of the test, inside (0, 1).

    Returns
    -------
    float
        Exact, to about 1e-10.

    Raises
    ------
    BadInput, BadConfidence

    Notes
    -----
    Source: Duffy (1984), Biometrics 40, 1005-1015 (unconditional power of the exact test).
    """
    check_confidence(level, "level")
    size = float(_positive(n, "n"))
    share = _chance(only_a, "only_a") + _chance(only_b, "only_b")
    if share > 1.0 + 1e-12:
        raise BadInput("only_a and only_b sum to at most 1.")
    if share == 0.0:
        return 0.0
    if share >= 1.0:
        discordant, weight = np.array([size]), np.array([1.0])
    else:
        reach = 9.0 * math.sqrt(size * share * (1.0 - share)) + 40.0
        discordant = np.arange(max(0.0, math.floor(size * share - reach)), min(size, size * share + reach) + 1.0)
        weight = binomial_pmf(discordant, size, share)
    cut = critical_counts(discordant, level)
    b = only_b / share
    lower = binomial_cdf(cut, discordant, b)
    upper = binomial_cdf(cut, discordant, 1.0 - b)
    return min(1.0, float(weight @ np.where(cut < 0.0, 0.0, lower + upper)))


def mde_paired_rates(n: int, discordant: float, power: float = 0.8, level: float = 0.05) -> float | None:
    """Smallest difference of pass rates that the exact McNemar test finds with the wanted power.

    Parameters
    ----------
    n : int
        Tasks, at least 1.
    discordant : float
        Share of tasks on which the two systems differ.
    power, level : float
        Inside (0, 1).

    Returns
    -------
    float or None
        A share of one; None when even a difference as large as ``discordant`` is not found so often.

    Raises
    ------
    BadInput, BadConfidence
    """
    check_confidence(power, "power")
    share = _chance(discordant, "discordant")

    def reached(delta: float) -> float:
        return power_paired_rates(n, max(0.0, share - delta) / 2.0, min(share, (share + delta) / 2.0), level)

    return _smallest(reached, share, power)


def power_mean(n: int, effect: float, sd: float, level: float = 0.05) -> float:
    """Chance that the two-sided t test on n differences (or scores) rejects a mean of zero.

    1 - F(t; n - 1, e) + F(-t; n - 1, e) with noncentrality e = sqrt(n) effect / sd.

    Parameters
    ----------
    n : int
        Tasks, at least 2.
    effect : float
        True mean difference, in the unit of the metric.
    sd : float
        Standard deviation of the differences, more than 0, in the same unit.
    level : float, default 0.05
        Inside (0, 1).

    Returns
    -------
    float

    Raises
    ------
    BadInput, BadConfidence

    Notes
    -----
    Source: Cohen (1988), "Statistical Power Analysis", chapter 2. Far out (noncentrality over 30) the
    normal approximation is used, which is then 1 to more digits than a float has.
    """
    check_confidence(level, "level")
    size = float(_positive(n, "n", 2))
    if not (math.isfinite(effect) and sd > 0.0 and math.isfinite(sd)):
        raise BadInput("The effect is finite and the standard deviation more than 0.")
    shift = math.sqrt(size) * abs(effect) / sd
    cut = -t_quantile(level / 2.0, size - 1.0)
    if shift > 30.0:
        return normal_cdf(shift - cut)
    return 1.0 - noncentral_t_cdf(cut, size - 1.0, shift) + noncentral_t_cdf(-cut, size - 1.0, shift)


def mde_mean(n: int, sd: float, power: float = 0.8, level: float = 0.05) -> float:
    """Smallest mean difference that the two-sided t test finds with the wanted power.

    Parameters
    ----------
    n : int
        Tasks, at least 2.
    sd : float
        Standard deviation of the differences, more than 0.
    power, level : float
        Inside (0, 1); power must exceed level.

    Returns
    -------
    float
        In the unit of ``sd``.

    Raises
    ------
    BadInput, BadConfidence
    """
    check_confidence(power, "power")
    if power <= level:
        raise BadInput("The wanted power must exceed the level of the test.")
    high = sd
    while power_mean(n, high, sd, level) < power:
        high *= 2.0
    found = _smallest(lambda effect: power_mean(n, effect, sd, level), high, power)
    return high if found is None else found


def power_unpaired_rates(n_a: int, n_b: int, rate_a: float, rate_b: float, level: float = 0.05) -> float:
    """Chance that the two-sided z test of two independent rates rejects equality.

    Pooled variance under the hypothesis, separate variances under the alternative.

    Parameters
    ----------
    n_a, n_b : int
        Items of each side, at least 1.
    rate_a, rate_b : float
        True pass rates.
    level : float, default 0.05
        Inside (0, 1).

    Returns
    -------
    float
        Normal approximation.

    Raises
    ------
    BadInput, BadConfidence

    Notes
    -----
    Source: Fleiss, Levin & Paik (2003), "Statistical Methods for Rates and Proportions", chapter 4,
    without the continuity correction.
    """
    check_confidence(level, "level")
    size_a, size_b = float(_positive(n_a, "n_a")), float(_positive(n_b, "n_b"))
    a, b = _chance(rate_a, "rate_a"), _chance(rate_b, "rate_b")
    pooled = (size_a * a + size_b * b) / (size_a + size_b)
    null = math.sqrt(pooled * (1.0 - pooled) * (1.0 / size_a + 1.0 / size_b))
    actual = math.sqrt(a * (1.0 - a) / size_a + b * (1.0 - b) / size_b)
    cut, gap = -normal_quantile(level / 2.0) * null, b - a
    if null == 0.0:
        return 0.0
    if actual == 0.0:
        return float(abs(gap) > cut)
    return normal_cdf((gap - cut) / actual) + normal_cdf((-gap - cut) / actual)


def mde_unpaired_rates(n_a: int, n_b: int, rate_a: float, power: float = 0.8, level: float = 0.05) -> float | None:
    """Smallest rise above ``rate_a`` that the z test of two independent rates finds with that power.

    Parameters, and errors, as for `power_unpaired_rates`; ``power`` inside (0, 1).

    Returns
    -------
    float or None
        A share of one; None when even a rate of 1 is not found so often.
    """
    check_confidence(power, "power")
    room = 1.0 - _chance(rate_a, "rate_a")
    return _smallest(lambda gap: power_unpaired_rates(n_a, n_b, rate_a, min(1.0, rate_a + gap), level), room, power)


def tasks_needed_paired_rates(
    only_a: float, only_b: float, power: float = 0.8, level: float = 0.05, most: int = 10_000_000
) -> int | None:
    """Return how many shared tasks give the exact McNemar test the wanted power.

    Parameters
    ----------
    only_a, only_b, level
        As for `power_paired_rates`.
    power : float, default 0.8
        Inside (0, 1).
    most : int
        Where to stop looking.

    Returns
    -------
    int or None
        A number of tasks that reaches the power while one fewer does not; None above ``most``. The
        power of an exact test rises in steps, so a smaller number may reach it too by luck of the steps.
    """
    check_confidence(power, "power")
    high = 1
    while power_paired_rates(high, only_a, only_b, level) < power:
        high *= 2
        if high > most:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if power_paired_rates(middle, only_a, only_b, level) >= power:
            high = middle
        else:
            low = middle
    return high


def _smallest(reached: Callable[[float], float], largest: float, power: float) -> float | None:
    """Bisect for the smallest effect in (0, largest] with ``reached(effect) >= power``."""
    if largest <= 0.0 or reached(largest) < power:
        return None
    low, high = 0.0, largest
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if reached(middle) >= power:
            high = middle
        else:
            low = middle
    return high
