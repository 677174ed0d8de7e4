"""What the statistics cost and how exact they are, with the reference beside each figure.

    python -m tests.benchmarks.bench_stats [--long]

Why: "a fraction of a millisecond" and "exact" are claims, and each is measured here against the
usual tool in the same process. Times are wall times on one core, the best of several repeats;
``--long`` also resamples 100,000 tasks with scipy, which takes a quarter of a minute. The exit code
is 1 when a figure is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from scipy import stats

from app.stats import Histogram, PairCounts, compare_matrix, mcnemar, paired_delta, run_intervals, sign_flip
from app.stats.bootstrap import bca_interval, bootstrap_mean, percentile_interval
from app.stats.convolution import Draws, convolve
from tests.core.stats.reference import (
    big_integer_pmf,
    cumulative,
    half_tail,
    relative_error,
    sign_flip_fractions,
)

SIZES = (48, 1_000, 10_000, 100_000)


def milliseconds(work: Callable[[], object], repeats: int = 40, inner: int = 5) -> float:
    """Wall time of one call, the best of several repeats as `timeit` takes it."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(inner):
            work()
        taken.append((time.perf_counter() - start) / inner)
    return 1e3 * min(taken)


def table_of(n: int) -> tuple[int, int, int, int]:
    """A 2x2 table in the proportions of the 48-task one."""
    both, only_a, only_b = n * 15 // 48, max(1, n // 48), n * 26 // 48
    return both, only_a, only_b, n - both - only_a - only_b


def one_comparison(table: tuple[int, int, int, int]) -> None:
    """Percentile, BCa and exact p from the counts."""
    differences = PairCounts.of_table(*table).differences
    made = bootstrap_mean(differences)
    percentile_interval(made, 0.95)
    bca_interval(made, 0.95)
    sign_flip(differences)


def scipy_percentile(n: int) -> float:
    """Milliseconds of scipy.stats.bootstrap, percentile only, 10,000 resamples."""
    _, only_a, only_b, _ = table_of(n)
    rows = np.repeat([-1.0, 0.0, 1.0], [only_a, n - only_a - only_b, only_b])
    start = time.perf_counter()
    stats.bootstrap((rows,), np.mean, n_resamples=10_000, batch=500, method="percentile", random_state=1)
    return 1e3 * (time.perf_counter() - start)


class Report:
    """Lines of figure, measured, target and reference; remembers what was missed."""

    def __init__(self) -> None:
        self.missed = 0
        print(f"{'figure':58} {'measured':>12} {'target':>12}   reference")

    def line(
        self, figure: str, measured: float, limit: float | None, unit: str, reference: str, most: bool = True
    ) -> None:
        """Print one figure; ``most`` says whether the limit is an upper one."""
        met = limit is None or (measured <= limit if most else measured >= limit)
        self.missed += not met
        bound = "" if limit is None else f"{'<=' if most else '>='} {limit:g} {unit}"
        print(f"{figure:58} {f'{measured:.3g} {unit}':>12} {bound:>12}   {reference}{'' if met else '   MISSED'}")


def speed(report: Report, long: bool) -> None:
    """One comparison at growing n, and the same by resampling."""
    for n in SIZES:
        table = table_of(n)
        mine = milliseconds(lambda table=table: one_comparison(table))  # type: ignore[misc]
        whole = milliseconds(lambda table=table: paired_delta(PairCounts.of_table(*table)))  # type: ignore[misc]
        limit = 2.0 if n > 10_000 else 1.0
        if n > 10_000 and not long:
            reference = "scipy.stats.bootstrap: about 16,000 ms (--long measures it)"
        else:
            theirs = scipy_percentile(n)
            reference = f"scipy.stats.bootstrap, percentile only, B = 10,000: {theirs:,.0f} ms"
            if n == 10_000:
                report.line("times faster than scipy at n = B = 10,000", theirs / mine, 1000.0, "x", "", most=False)
        report.line(f"percentile + BCa + exact p, {n:,} tasks", mine, limit, "ms", reference)
        report.line(f"the whole Comparison, {n:,} tasks", whole, None, "ms", "unpaired, Tango, bounds, digest besides")


def matrix(report: Report) -> None:
    """A hundred runs over ten thousand tasks."""
    rng = np.random.default_rng(0)
    hard = rng.normal(size=10_000)
    skill = np.linspace(-0.5, 1.5, 100)[:, None]
    outcomes = (rng.normal(size=(100, 10_000)) + skill > hard).astype(np.int8)
    passed, n = outcomes.sum(axis=1, dtype=np.int64), np.full(100, 10_000)
    none = np.zeros(100, dtype=np.int64)
    runs = milliseconds(lambda: run_intervals(passed, n, none), inner=3)
    report.line("100 run intervals, 10,000 tasks each", runs, 15.0, "ms", "percentile and Wilson, from counts")
    pairs = milliseconds(lambda: compare_matrix(outcomes), repeats=15, inner=1)
    report.line(
        "4,950 paired intervals over 10,000 tasks", pairs, 300.0, "ms", "tables, percentile, Tango, exact p, Holm"
    )
    tracemalloc.start()
    compare_matrix(outcomes)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    report.line("extra memory of all that", peak, 128.0, "MB", "peak traced allocation")


def exactness(report: Report) -> None:
    """Worst errors against whole-number arithmetic."""
    worst = 0.0
    cases = [
        ([-1, 0, 1], [1, 21, 26]),
        ([0, 1], [1, 299]),
        ([-1, 0, 1], [150, 1, 149]),
        ([1, 2, 3, 4, 5], [40, 13, 27, 150, 70]),
    ]
    for positions, counts in cases:
        draws = sum(counts)
        made = convolve([Draws.of(np.array(positions), np.array(counts, dtype=float), draws)])
        exact = cumulative(big_integer_pmf(positions, counts, draws))
        worst = max(worst, *(abs(made.at_most(k) - float(reached)) for k, reached in exact.items()))
    report.line("largest error of F, n <= 300", worst, 1e-12, "", "big-integer convolution")
    worst = 0.0
    for few, many in ((1, 26), (0, 36), (300, 700), (20, 900), (4_700, 5_300)):
        exact_p = min(Fraction(1), 2 * half_tail(few, few + many))
        worst = max(worst, relative_error(mcnemar(few, many).exact, exact_p))
    report.line("largest relative error of exact McNemar p", worst, 1e-12, "", "exact fractions")
    worst = 0.0
    rng = np.random.default_rng(3)
    for n, shift in ((30, 0), (120, 1), (300, 0), (300, 2), (300, 4)):
        differences = [int(d) for d in rng.integers(-4 + shift, 5, n)]
        one = sign_flip(Histogram.of((float(d), 1) for d in differences))
        worst = max(worst, relative_error(one.p_two_sided, sign_flip_fractions(differences)[1]))
    report.line("largest relative error of sign-flip p, scores 1-5", worst, 1e-12, "", "exact fractions")


def main() -> int:
    """Print every figure and return how the run ended."""
    parser = argparse.ArgumentParser(description="Cost and exactness of the statistics.")
    parser.add_argument("--long", action="store_true", help="also resample 100,000 tasks with scipy")
    options = parser.parse_args()
    report = Report()
    speed(report, options.long)
    matrix(report)
    exactness(report)
    print("all figures met" if not report.missed else f"{report.missed} figures missed")
    return int(report.missed > 0)


if __name__ == "__main__":
    sys.exit(main())
