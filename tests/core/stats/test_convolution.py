"""The distribution of a sum, against whole-number arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest

from app.stats.bootstrap import bootstrap_difference, bootstrap_mean
from app.stats.convolution import MAX_WINDOW, Draws, convolve, window
from app.stats.errors import BadInput
from app.stats.histogram import Histogram
from tests.core.stats.reference import big_integer_pmf, cumulative, smallest_reaching

HISTOGRAMS = [
    ([-1, 0, 1], [1, 21, 26]),
    ([-1, 0, 1], [3, 100, 50]),
    ([0, 1], [1, 299]),
    ([0, 1], [150, 150]),
    ([-1, 0, 1], [150, 1, 149]),  # nearly only odd or only even sums
    ([-1, 1], [30, 70]),  # one parity only
    ([1, 2, 3, 4, 5], [10, 3, 7, 50, 20]),
    ([-4, -1, 0, 2, 3], [1, 5, 100, 5, 4]),
    ([0, 100], [5, 40]),
    ([0, 1, 37, 200], [20, 10, 6, 2]),
    ([0, 50, 51, 100], [20, 15, 10, 5]),
    ([3], [20]),
]


@pytest.mark.parametrize(("positions", "counts"), HISTOGRAMS)
def test_distribution_function_is_exact_to_1e_12(positions, counts):
    n = sum(counts)
    made = convolve([Draws.of(np.array(positions), np.array(counts, dtype=float), n)])
    pmf = big_integer_pmf(positions, counts, n)
    exact = cumulative(pmf)
    worst = max(abs(made.at_most(k) - float(reached)) for k, reached in exact.items())
    assert worst <= 1e-12
    for level in (0.005, 0.025, 0.05, 0.5, 0.95, 0.975, 0.995):
        reached = smallest_reaching(exact, Fraction(level) - Fraction(1, 10**13))
        assert made.quantile(level) == reached
    centre = sum(at * count for at, count in zip(positions, counts, strict=True))
    middle = exact[centre] - pmf[centre] / 2
    assert made.middle(centre) == pytest.approx(float(middle), abs=1e-12)


@pytest.mark.parametrize("n", [10_000, 40_000])
def test_large_sums_against_exact_terms(n):
    """The pmf ratio of the binomial, carried with 260 extra bits from one exact term."""
    passed = 3 * n // 10
    made = convolve([Draws.of(np.array([0, 1]), np.array([n - passed, passed], dtype=float), n)])
    scale, k = 1 << 260, made.first
    term = math.comb(n, k) * 3**k * 7 ** (n - k) * scale // 10**n
    total, worst = 0, 0.0
    for value in made.cdf.tolist():
        total += term
        worst = max(worst, abs(value - total / scale))
        term = term * (n - k) * 3 // ((k + 1) * 7)
        k += 1
    assert worst <= 1e-12


def test_window_holds_the_mass_and_grows_with_the_root_of_n():
    sizes = {}
    for n in (100, 10_000, 1_000_000):
        draws = Draws.of(np.array([0, 1]), np.array([n // 2, n // 2], dtype=float), n)
        sizes[n] = window([draws])[1]
        assert convolve([draws]).cdf[-1] == pytest.approx(1.0, abs=1e-12)
    assert sizes[1_000_000] < 12 * sizes[10_000]


def test_a_window_that_is_too_large_is_refused():
    wide = Draws.of(np.array([0, MAX_WINDOW]), np.array([500.0, 500.0]), 1000)
    with pytest.raises(BadInput, match="bin the scores first"):
        convolve([wide])


@pytest.mark.parametrize(("n_a", "n_b"), [(5, 5), (5, 7), (6, 9), (40, 48), (31, 17)])
def test_unpaired_difference_of_unequal_numbers_is_exact(n_a, n_b):
    a, b = Histogram.of_rate(n_a // 3, n_a - n_a // 3), Histogram.of_rate(n_b // 2, n_b - n_b // 2)
    made = bootstrap_difference(a, b)
    first = big_integer_pmf([0, 1], [n_a - n_a // 3, n_a // 3], n_a)
    second = big_integer_pmf([0, 1], [n_b - n_b // 2, n_b // 2], n_b)
    exact: dict[Fraction, Fraction] = {}
    for i, p in first.items():
        for j, q in second.items():
            value = Fraction(j, n_b) - Fraction(i, n_a)
            exact[value] = exact.get(value, Fraction(0)) + p * q
    reached, total = {}, Fraction(0)
    for value in sorted(exact):
        total += exact[value]
        reached[value] = total
    for level in (0.01, 0.025, 0.05, 0.3, 0.7, 0.95, 0.975, 0.99):
        assert made.quantile(level) == pytest.approx(float(smallest_reaching(reached, level)), abs=1e-12)
    observed = Fraction(n_b // 2, n_b) - Fraction(n_a // 3, n_a)
    below = sum((p for value, p in exact.items() if value < observed), Fraction(0))
    assert made.middle() == pytest.approx(float(below + exact.get(observed, Fraction(0)) / 2), abs=1e-12)


def test_huge_counts_stay_exact_and_small():
    n = 10**9
    made = bootstrap_mean(Histogram.of_rate(n // 4, n - n // 4))
    assert made.exact
    spread = math.sqrt(0.25 * 0.75 / n)
    assert made.quantile(0.975) - 0.25 == pytest.approx(1.959963984540054 * spread, rel=1e-4)


def test_counts_beyond_the_window_are_binned_and_say_so():
    n = 10**13
    made = bootstrap_mean(Histogram.of_rate(n // 4, n - n // 4))
    assert not made.exact
    spread = math.sqrt(0.25 * 0.75 / n)
    assert made.quantile(0.975) - 0.25 == pytest.approx(1.959963984540054 * spread, rel=1e-3)
    assert 0.25 - made.quantile(0.025) == pytest.approx(1.959963984540054 * spread, rel=1e-3)
