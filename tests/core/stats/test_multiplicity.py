"""Adjusted p-values, against statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from app.stats import BadInput, PairCounts, adjust, adjust_comparisons, paired_delta

FAMILIES = [[0.04], [0.01, 0.02, 0.03, 0.04], [0.5, 0.001, 0.001, 1.0, 0.03, 0.0], list(np.linspace(0, 1, 50) ** 3)]


@pytest.mark.parametrize("p_values", FAMILIES)
@pytest.mark.parametrize(("mine", "reference"), [("holm", "holm"), ("benjamini-hochberg", "fdr_bh")])
def test_adjusted_p_values_are_those_of_statsmodels(p_values, mine, reference):
    made = adjust(p_values, mine)
    assert list(made.p) == pytest.approx(multipletests(p_values, method=reference)[1], abs=1e-15)
    assert made.family_size == len(p_values)


def test_what_could_not_be_compared_is_not_in_the_family():
    made = adjust([0.01, None, 0.03])
    assert made.p == (0.02, None, 0.03)
    assert made.family_size == 2
    assert adjust([], "holm").p == ()
    assert adjust([0.2, 0.1], "none").p == (0.2, 0.1)


def test_comparisons_carry_their_family():
    made = [paired_delta(PairCounts.of_table(15, 1, only_b, 6)) for only_b in (26, 9, 3)]
    adjusted = adjust_comparisons([made[0], None, made[1], made[2]])
    assert adjusted[1] is None
    assert [c.family_size for c in adjusted if c] == [3, 3, 3]
    assert adjusted[0].p_adjusted == pytest.approx(3 * made[0].p_sign_flip)
    assert adjusted[0].correction == "holm"
    assert made[0].p_adjusted is None


def test_bad_families_are_refused():
    with pytest.raises(BadInput, match="between 0 and 1"):
        adjust([1.5])
    with pytest.raises(BadInput, match="between 0 and 1"):
        adjust([float("nan")])
    with pytest.raises(BadInput, match="correction is"):
        adjust([0.5], "bonferroni")
