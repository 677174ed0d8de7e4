"""Exact p-values, against fractions of whole numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar

from app.stats import BadInput, Histogram, mcnemar, sign_flip
from app.stats.binomial import log_half_pmf, log_half_tail
from tests.core.stats.reference import half_tail, relative_error, sign_flip_fractions


def histogram(differences, unit=1.0):
    return Histogram.of((float(difference) * unit, 1) for difference in differences)


@pytest.mark.parametrize("n", [1, 2, 5, 16, 27, 36, 100, 999, 3000, 10_000])
def test_fair_coin_tails_to_1e_12(n):
    ks = sorted({0, 1, n // 4, n // 3, max(0, n // 2 - math.isqrt(n)), n // 2 - 1, n // 2} & set(range(n // 2 + 1)))
    tails = np.exp(log_half_tail(np.array(ks), np.full(len(ks), n)))
    for k, tail in zip(ks, tails.tolist(), strict=True):
        exact = half_tail(k, n)
        if exact > Fraction(1, 10**300):
            assert relative_error(tail, exact) < 1e-12
    assert log_half_pmf(np.array([0]), np.array([n]))[0] == pytest.approx(-n * math.log(2), rel=1e-15)


@pytest.mark.parametrize(("only_a", "only_b"), [(1, 26), (0, 36), (0, 20), (2, 22), (5, 5), (3, 4), (0, 1), (40, 70)])
def test_mcnemar_exact_and_mid_p(only_a, only_b):
    made = mcnemar(only_a, only_b)
    few, d = min(only_a, only_b), only_a + only_b
    exact = min(Fraction(1), 2 * half_tail(few, d))
    assert relative_error(made.exact, exact) < 1e-12
    assert made.exact == pytest.approx(reference_mcnemar([[3, only_a], [only_b, 9]], exact=True).pvalue, rel=1e-9)
    mid = Fraction(1) if only_a == only_b else 2 * half_tail(few, d) - Fraction(math.comb(d, few), 2**d)
    assert relative_error(made.mid_p, mid) < 1e-12
    assert relative_error(made.exact_one_sided, half_tail(few, d)) < 1e-12
    assert made.log10_exact == pytest.approx(math.log10(float(exact)), abs=1e-12)


def test_no_discordant_task_gives_one():
    made = mcnemar(0, 0)
    assert (made.exact, made.exact_one_sided, made.mid_p, made.discordant) == (1.0, 1.0, 1.0, 0)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 10, 30, 60, 120, 300])
@pytest.mark.parametrize("shift", [0, 1, 3])
@pytest.mark.parametrize("reach", [2, 4, 9])
def test_sign_flip_on_a_grid_to_1e_12(n, shift, reach):
    rng = np.random.default_rng([n, shift, reach])
    differences = [int(d) for d in rng.integers(-reach + shift, reach + 1, n)]
    one, two = sign_flip_fractions(differences)
    made = sign_flip(histogram(differences, 0.25))
    assert made.exact
    assert relative_error(made.p_one_sided, one) < 1e-12
    assert relative_error(made.p_two_sided, two) < 1e-12
    assert made.n_nonzero == sum(d != 0 for d in differences)


def test_a_tail_of_1e_88_keeps_its_digits():
    differences = [3] * 200 + [1] * 95 + [-2] * 5
    one, two = sign_flip_fractions(differences)
    made = sign_flip(histogram(differences))
    assert float(two) < 1e-70
    assert relative_error(made.p_two_sided, two) < 1e-12
    assert relative_error(made.p_one_sided, one) < 1e-12


def test_a_p_too_small_to_write_has_a_logarithm():
    made = mcnemar(0, 5000)
    assert made.exact == 0.0
    assert made.log10_exact == pytest.approx(-4999 * math.log10(2), rel=1e-14)
    scores = sign_flip(Histogram.of([(2.0, 3000), (1.0, 2000), (-1.0, 10)]))
    assert scores.p_two_sided == 0.0
    assert -1600 < scores.log10_p_two_sided < -1400


@pytest.mark.parametrize("n", [1, 5, 12, 16])
def test_off_grid_differences_are_enumerated(n):
    differences = np.random.default_rng(n).normal(0.4, 1.0, n)
    signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    sums = signs @ np.abs(differences)
    observed = abs(differences.sum())
    made = sign_flip(histogram(differences))
    assert made.exact
    assert made.p_two_sided == pytest.approx(np.mean(np.abs(sums) >= observed - 1e-12), rel=1e-12)
    assert made.p_one_sided == pytest.approx(np.mean(sums >= observed - 1e-12), rel=1e-12)


@pytest.mark.parametrize("effect", [0.0, 0.2, 0.6])
def test_many_off_grid_differences_are_close_to_their_grid(effect):
    """Differences on a fine grid, once seen as one and once shaken off it by 1e-7."""
    rng = np.random.default_rng(9)
    raw = np.round(rng.normal(effect, 1.0, 150), 3)
    exact = sign_flip(histogram(raw))
    shaken = sign_flip(histogram(raw + 1e-7 * rng.standard_normal(150) * (raw != 0)))
    assert exact.exact
    assert not shaken.exact
    assert shaken.p_two_sided == pytest.approx(exact.p_two_sided, rel=3e-4)


def test_zero_differences_change_nothing():
    with_zeros = Histogram.of([(1.0, 9), (-1.0, 2), (0.0, 1000)])
    assert sign_flip(with_zeros).p_two_sided == mcnemar(2, 9).exact


def test_negative_counts_are_refused():
    with pytest.raises(BadInput, match="only_a"):
        mcnemar(-1, 3)
