"""All pairs at once, against one pair at a time."""

import numpy as np
import pytest

from app.stats import (
    BadInput,
    Histogram,
    PairCounts,
    adjust,
    compare_matrix,
    compare_tables,
    mean_ci,
    paired_delta,
    run_intervals,
)


def outcomes(runs, tasks, missing=0.0, seed=0):
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=tasks)
    skill = np.linspace(-1.0, 1.5, runs)
    made = (rng.normal(size=(runs, tasks)) + skill[:, None] > hard).astype(np.int8)
    made[rng.random((runs, tasks)) < missing] = -1
    return made


def scored(outcome):
    return None if outcome < 0 else float(outcome)


@pytest.mark.parametrize(("tasks", "missing"), [(1, 0.0), (3, 0.3), (48, 0.0), (48, 0.2), (700, 0.05), (20_000, 0.01)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_every_entry_equals_its_own_comparison(tasks, missing, confidence):
    table = outcomes(8, tasks, missing)
    made = compare_matrix(table, confidence, names=[f"run {i}" for i in range(8)])
    seen = set(made.not_shared)
    for entry, (a, b) in enumerate(made.pairs.tolist()):
        kinds, counts = np.unique(table[[a, b]], axis=1, return_counts=True)
        rows = [(scored(x), scored(y), int(count)) for (x, y), count in zip(kinds.T, counts, strict=True)]
        single = paired_delta(PairCounts.of(rows), confidence)
        assert made.results.n_judged[entry] == single.n_judged
        assert made.results.delta[entry] == pytest.approx(single.delta, abs=1e-15)
        assert made.results.percentile_lo[entry] == pytest.approx(single.paired.percentile.lo, abs=1e-14)
        assert made.results.percentile_hi[entry] == pytest.approx(single.paired.percentile.hi, abs=1e-14)
        assert made.results.recommended_lo[entry] == pytest.approx(single.paired.recommended.lo, abs=1e-12)
        assert made.results.recommended_hi[entry] == pytest.approx(single.paired.recommended.hi, abs=1e-12)
        assert made.results.p[entry] == pytest.approx(single.p_sign_flip, rel=1e-12)
        assert made.delta_min[entry] == pytest.approx(single.failure_bounds.delta_min, abs=1e-15)
        assert made.delta_max[entry] == pytest.approx(single.failure_bounds.delta_max, abs=1e-15)
        seen.add((a, b))
    assert len(seen) == 28
    assert list(made.results.p_adjusted) == pytest.approx(list(adjust(made.results.p.tolist()).p))
    assert made.results.family_size == len(made.pairs)
    full = made.comparison(0)
    assert (full.a, full.b) == (f"run {made.pairs[0, 0]}", f"run {made.pairs[0, 1]}")
    assert full.delta == pytest.approx(made.results.delta[0])


def test_runs_equal_their_own_estimates():
    table = outcomes(6, 300, 0.1)
    table[0] = 1
    table[1] = -1
    table[1, :9] = 0
    table[2] = -1
    runs = compare_matrix(table).runs
    for row in (0, 1, 3, 4, 5):
        passed, failed, missing = ((table[row] == kind).sum() for kind in (1, 0, -1))
        single = mean_ci(Histogram.of_rate(int(passed), int(failed), int(missing)))
        assert runs.estimate[row] == pytest.approx(single.estimate)
        assert runs.percentile_lo[row] == pytest.approx(single.percentile.lo, abs=1e-14)
        assert runs.percentile_hi[row] == pytest.approx(single.percentile.hi, abs=1e-14)
        assert runs.recommended_lo[row] == pytest.approx(single.recommended.lo, abs=1e-14)
        assert runs.recommended_hi[row] == pytest.approx(single.recommended.hi, abs=1e-14)
        assert runs.missing[row] == missing
    assert (runs.n[2], runs.recommended_lo[2], runs.recommended_hi[2]) == (0, 0.0, 1.0)
    assert (runs.percentile_lo[2], runs.percentile_hi[2]) == (0.0, 1.0)


def test_nearly_always_discordant_pairs_keep_their_odd_and_even_sums():
    """Here the characteristic function is large at pi too, and must not be cut."""
    table = np.zeros((2, 4001), dtype=np.int8)
    table[0, :2000] = 1
    table[1, 2000:4000] = 1
    made = compare_matrix(table)
    single = paired_delta(PairCounts.of_table(0, 2000, 2000, 1))
    assert made.results.percentile_lo[0] == single.paired.percentile.lo
    assert made.results.percentile_hi[0] == single.paired.percentile.hi


def test_no_number_in_a_matrix_is_nan():
    for table in (outcomes(3, 0), outcomes(0, 5), np.full((3, 4), -1, dtype=np.int8), outcomes(4, 2, 0.5)):
        made = compare_matrix(table)
        for name in ("delta", "percentile_lo", "recommended_hi", "p", "p_adjusted"):
            assert np.isfinite(getattr(made.results, name)).all()
        assert np.isfinite(made.delta_min).all()
        assert np.isfinite(made.delta_max).all()
    assert made.results.digest.startswith("sha256:")
    assert compare_matrix(np.full((3, 4), -1, dtype=np.int8)).not_shared == ((0, 1), (0, 2), (1, 2))


def test_bad_matrices_are_refused():
    with pytest.raises(BadInput, match="1 for a pass"):
        compare_matrix(np.array([[2, 0]], dtype=np.int8))
    with pytest.raises(BadInput, match="form a matrix"):
        compare_matrix(np.array([1, 0], dtype=np.int8))
    with pytest.raises(BadInput, match="2 runs and 1 names"):
        compare_matrix(outcomes(2, 3), names=["only"])
    with pytest.raises(BadInput, match="four whole numbers"):
        compare_tables(np.array([[1, 2, 3]]))
    with pytest.raises(BadInput, match="four whole numbers"):
        compare_tables(np.array([[1.5, 2, 3, 4]]))
    with pytest.raises(BadInput, match="at least one task"):
        compare_tables(np.array([[1, 2, 3, 4], [0, 0, 0, 0]]))
    with pytest.raises(BadInput, match="0 <= passed <= n"):
        run_intervals(np.array([5]), np.array([4]), np.array([0]))
    with pytest.raises(BadInput, match="flat arrays"):
        run_intervals(np.array([5, 1]), np.array([4]), np.array([0]))
