"""Power, against enumeration, simulation-free references and its own definition."""

import math

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.power import NormalIndPower, TTestPower

from app.stats import (
    BadConfidence,
    BadInput,
    mcnemar,
    mde_mean,
    mde_paired_rates,
    mde_unpaired_rates,
    power_mean,
    power_paired_rates,
    power_unpaired_rates,
    tasks_needed_paired_rates,
)


@pytest.mark.parametrize("n", [1, 5, 6, 20, 48])
@pytest.mark.parametrize(("only_a", "only_b"), [(0.02, 0.54), (0.1, 0.3), (0.25, 0.25), (0.0, 0.2), (0.5, 0.5)])
def test_paired_power_by_listing_every_table(n, only_a, only_b):
    rejected = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            if mcnemar(a, b).exact <= 0.05:
                rest = 1.0 - only_a - only_b
                ways = math.comb(n, a) * math.comb(n - a, b)
                rejected += ways * only_a**a * only_b**b * rest ** (n - a - b)
    assert power_paired_rates(n, only_a, only_b) == pytest.approx(rejected, abs=1e-10)


def test_paired_power_of_large_runs_is_close_to_the_normal_one():
    n, a, b = 20_000, 0.05, 0.06
    mean, spread = n * (b - a), math.sqrt(n * (a + b - (b - a) ** 2))
    normal = 1 - 0.5 * math.erfc((mean / spread - 1.96 * math.sqrt((a + b) / (a + b - (b - a) ** 2))) / math.sqrt(2))
    assert power_paired_rates(n, a, b) == pytest.approx(normal, abs=0.01)
    assert power_paired_rates(10, 0.0, 0.0) == 0.0


def test_smallest_paired_effect_reaches_its_power_and_a_smaller_one_does_not():
    found = mde_paired_rates(48, 0.5)
    assert power_paired_rates(48, (0.5 - found) / 2, (0.5 + found) / 2) == pytest.approx(0.8, abs=1e-6)
    assert 0.2 < found < 0.35
    assert mde_paired_rates(5, 0.5) is None
    assert mde_paired_rates(48, 0.0) is None


def test_tasks_needed():
    n = tasks_needed_paired_rates(0.05, 0.15)
    assert power_paired_rates(n, 0.05, 0.15) >= 0.8 > power_paired_rates(n - 1, 0.05, 0.15)
    assert tasks_needed_paired_rates(0.1, 0.1, most=2000) is None


@pytest.mark.parametrize(("n", "effect", "sd"), [(2, 1.0, 1.0), (12, 0.5, 1.2), (48, 0.1, 0.4), (400, 0.02, 0.3)])
def test_mean_power_is_that_of_statsmodels(n, effect, sd):
    reference = TTestPower().power(effect / sd, nobs=n, alpha=0.05)
    assert power_mean(n, effect, sd) == pytest.approx(reference, abs=1e-9)
    assert power_mean(n, -effect, sd) == power_mean(n, effect, sd)


def test_smallest_mean_effect():
    found = mde_mean(48, 0.4, power=0.9)
    assert power_mean(48, found, 0.4) == pytest.approx(0.9, abs=1e-9)
    assert power_mean(10_000, 1.0, 0.1) == 1.0
    assert mde_mean(2, 1.0) > 1.0


def test_unpaired_power_is_close_to_the_arcsine_one():
    reference = NormalIndPower().power(2 * (math.asin(math.sqrt(0.7)) - math.asin(math.sqrt(0.6))), 300, 0.05)
    assert power_unpaired_rates(300, 300, 0.6, 0.7) == pytest.approx(reference, abs=0.01)
    gap = mde_unpaired_rates(300, 300, 0.6)
    assert power_unpaired_rates(300, 300, 0.6, 0.6 + gap) == pytest.approx(0.8, abs=1e-9)
    assert mde_unpaired_rates(3, 3, 0.9) is None
    assert power_unpaired_rates(5, 5, 0.0, 0.0) == 0.0
    assert power_unpaired_rates(5, 5, 0.0, 1.0) == 1.0


def test_unpaired_power_by_simulation():
    """The z test itself, over all outcomes of two binomials."""
    n, a, b = 150, 0.5, 0.65
    x, y = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    pooled = (x + y) / (2 * n)
    spread = np.sqrt(np.maximum(pooled * (1 - pooled) * 2 / n, 1e-300))
    rejects = np.abs(y - x) / n > 1.959963984540054 * spread
    chances = np.outer(binom.pmf(np.arange(n + 1), n, a), binom.pmf(np.arange(n + 1), n, b))
    assert power_unpaired_rates(n, n, a, b) == pytest.approx((chances * rejects).sum(), abs=0.02)


@pytest.mark.parametrize(
    "call",
    [
        lambda: power_paired_rates(0, 0.1, 0.1),
        lambda: power_paired_rates(5, 0.7, 0.7),
        lambda: power_paired_rates(5, -0.1, 0.2),
        lambda: power_mean(1, 0.1, 1.0),
        lambda: power_mean(5, 0.1, 0.0),
        lambda: power_mean(5, float("nan"), 1.0),
        lambda: mde_mean(5, 1.0, power=0.05, level=0.05),
        lambda: power_unpaired_rates(5, 0, 0.1, 0.2),
    ],
)
def test_impossible_plans_are_refused(call):
    with pytest.raises(BadInput):
        call()


def test_a_power_outside_its_range():
    with pytest.raises(BadConfidence, match="power must lie between 0 and 1"):
        mde_paired_rates(48, 0.5, power=1.0)
