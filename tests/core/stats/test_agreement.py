"""Agreement, against statsmodels, the krippendorff package, figures of irrCAC and the published formulas."""

import krippendorff
import numpy as np
import pytest
from statsmodels.stats.contingency_tables import SquareTable
from statsmodels.stats.inter_rater import cohens_kappa

from app.stats import (
    BadInput,
    NoVerdicts,
    agreement,
    cohen_kappa,
    gwet_ac1,
    krippendorff_alpha,
    mcnemar,
    stuart_maxwell,
)

TABLES = [
    np.array([[30, 9], [0, 32]]),
    np.array([[1, 4], [2, 93]]),
    np.array([[11, 2, 0], [3, 7, 4], [1, 0, 9]]),
    np.array([[5, 1, 0, 0], [2, 8, 3, 0], [0, 1, 6, 2], [0, 0, 1, 4]]),
]


# AC1, its standard error, and Krippendorff's alpha of each table, as irrCAC 0.4.4 gives them. They stand here because
# the package pins scipy 1.12: `CAC(DataFrame(rows_of(table).T), digits=12)`, then `.gwet()` and `.krippendorff()`.
IRRCAC = [
    (0.746679881070, 0.079502775323, 0.748064324002),
    (0.935008665511, 0.027397490466, 0.222656250000),
    (0.595517901066, 0.111137378425, 0.598238855256),
    (0.599676506268, 0.107136553295, 0.590680100756),
]


def rows_of(table):
    first, second = np.nonzero(table)
    return np.repeat(np.stack([first, second]), table[first, second], axis=1)


def named(table):
    return [f"label {i}" for i in range(table.shape[0])]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_and_its_error_are_those_of_statsmodels(table, weights):
    made = agreement(table, named(table), weights=weights)
    plain = cohens_kappa(table)
    assert made.kappa.estimate == pytest.approx(plain.kappa, abs=1e-13)
    assert made.kappa.se == pytest.approx(plain.std_kappa, abs=1e-13)
    if weights == "none":
        assert made.weighted_kappa is None
    else:
        sized = cohens_kappa(table, wt=weights)
        assert made.weighted_kappa.estimate == pytest.approx(sized.kappa, abs=1e-13)
        assert made.weighted_kappa.se == pytest.approx(sized.std_kappa, abs=1e-13)


@pytest.mark.parametrize(("table", "reference"), list(zip(TABLES, IRRCAC, strict=True)))
def test_ac1_and_alpha_are_those_of_irrcac(table, reference):
    """Its standard error divides by n - 1 where Gwet (2008) divides by n."""
    ac1, se, alpha = reference
    made = agreement(table, named(table))
    assert made.ac1.estimate == pytest.approx(ac1, abs=1e-11)
    assert made.ac1.se * np.sqrt(table.sum() / (table.sum() - 1)) == pytest.approx(se, abs=1e-11)
    assert made.alpha.estimate == pytest.approx(alpha, abs=1e-11)


@pytest.mark.parametrize("table", TABLES)
def test_ac1_by_the_published_formulas(table):
    """Gwet (2008), estimate and variance written out over the cells."""
    n, k = table.sum(), table.shape[0]
    p = table / n
    pi = (p.sum(axis=0) + p.sum(axis=1)) / 2
    agree, chance = np.trace(p), (pi * (1 - pi)).sum() / (k - 1)
    ac1 = (agree - chance) / (1 - chance)
    same = (np.diag(p) * (1 - pi)).sum() / (k - 1) - agree * chance
    pairs = sum(p[i, j] * (1 - (pi[i] + pi[j]) / 2) ** 2 for i in range(k) for j in range(k)) / (k - 1) ** 2 - chance**2
    variance = (agree * (1 - agree) - 4 * (1 - ac1) * same + 4 * (1 - ac1) ** 2 * pairs) / (n * (1 - chance) ** 2)
    made = gwet_ac1(table, 0.95)
    assert made.estimate == pytest.approx(ac1, abs=1e-13)
    assert made.se == pytest.approx(np.sqrt(variance), abs=1e-13)


@pytest.mark.parametrize("table", TABLES)
def test_alpha_is_that_of_the_krippendorff_package(table):
    rows = rows_of(table)
    values = [1.0, 2.0, 4.0, 8.0][: table.shape[0]]
    made = agreement(table, named(table))
    assert made.alpha.estimate == pytest.approx(
        krippendorff.alpha(reliability_data=rows, level_of_measurement="nominal"), abs=1e-12
    )
    on_a_scale = agreement(table, named(table), values=values)
    assert on_a_scale.alpha.estimate == pytest.approx(
        krippendorff.alpha(reliability_data=np.array(values)[rows], level_of_measurement="interval"), abs=1e-12
    )


def test_alpha_with_many_raters_and_missing_ratings():
    """The worked example of Krippendorff (2011), three observers, nominal alpha .691."""
    nan = np.nan
    data = np.array([
        [nan, nan, nan, nan, nan, 3, 4, 1, 2, 1, 1, 3, 3, nan, 3],
        [1, nan, 2, 1, 3, 3, 4, 3, nan, nan, nan, nan, nan, nan, nan],
        [nan, nan, 2, 1, 3, 4, 4, nan, 2, 1, 1, 3, 3, nan, 4],
    ])  # fmt: skip
    ratings = np.stack([(data == label).sum(axis=0) for label in (1, 2, 3, 4)], axis=1)
    made = krippendorff_alpha(ratings, np.ones(15, dtype=np.int64), 1.0 - np.eye(4))
    assert round(made.estimate, 3) == 0.691
    reference = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")
    assert made.estimate == pytest.approx(reference, abs=1e-12)
    assert made.interval.n == 12


def test_alpha_error_is_that_of_the_jackknife():
    """The infinitesimal jackknife against leaving each unit out."""
    table = TABLES[2] * 8
    made = agreement(table, named(table)).alpha
    rows = rows_of(table)
    kept = [krippendorff.alpha(reliability_data=np.delete(rows, i, axis=1), level_of_measurement="nominal")
            for i in range(rows.shape[1])]  # fmt: skip
    n = len(kept)
    assert made.se == pytest.approx(np.sqrt((n - 1) / n * ((np.array(kept) - np.mean(kept)) ** 2).sum()), rel=0.02)


def test_kappa_interval_covers_in_simulation():
    rng = np.random.default_rng(17)
    shares = np.array([[0.45, 0.1], [0.08, 0.37]])
    true = cohen_kappa((shares * 1e6).astype(np.int64), 0.95).estimate
    hits = 0
    for cells in rng.multinomial(200, shares.ravel(), size=1000):
        made = cohen_kappa(cells.reshape(2, 2), 0.95).interval
        hits += made.lo <= true <= made.hi
    assert 0.925 < hits / 1000 < 0.97


@pytest.mark.parametrize("table", TABLES[2:])
def test_homogeneity_is_that_of_statsmodels(table):
    reference = SquareTable(table, shift_zeros=False).homogeneity("stuart_maxwell").pvalue
    assert stuart_maxwell(table) == pytest.approx(reference, rel=1e-9)


def test_marginal_shift_of_two_labels_is_one_mcnemar_test():
    made = agreement(TABLES[0], ["pass", "fail"])
    assert [shift.test for shift in made.marginal_shift] == [mcnemar(9, 0), mcnemar(0, 9)]
    assert [shift.p_adjusted for shift in made.marginal_shift] == [mcnemar(9, 0).exact] * 2
    assert made.marginal_shift[0].shift == pytest.approx(-9 / 71)
    three = agreement(TABLES[2], named(TABLES[2]))
    assert all(shift.p_adjusted >= shift.test.exact for shift in three.marginal_shift)


def test_complete_agreement_and_undefined_coefficients():
    made = agreement(np.array([[6, 0], [0, 0]]), ["pass", "fail"])
    assert made.kappa is None
    assert made.alpha is None
    assert made.ac1.estimate == 1.0
    assert made.ac1.interval.degenerate
    assert made.p_homogeneity is None
    assert "no-disagreement" in [caution.code for caution in made.warnings]
    assert made.percent.lo < 0.6
    both = agreement(np.array([[6, 0], [0, 5]]), ["pass", "fail"])
    assert (both.kappa.estimate, both.alpha.estimate, both.kappa.se) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (np.zeros((2, 2), dtype=int), {}, "No item is rated"),
        (np.array([[1, 2]]), {}, "row and a column"),
        (np.array([[1, -2], [0, 3]]), {}, "whole numbers"),
        (np.array([[1.5, 2], [0, 3]]), {}, "whole numbers"),
        (np.array([[1, 2], [0, 3]]), {"values": [1.0, float("nan")]}, "finite value"),
        (np.array([[1, 2], [0, 3]]), {"weights": "cubic"}, "weights are none"),
    ],
)
def test_bad_tables_are_refused(table, options, message):
    with pytest.raises((BadInput, NoVerdicts), match=message):
        agreement(table, ["pass", "fail"], **options)
