"""Times of several conditions measured in the same rounds, and ratios that can be quoted.

Pure: seconds in, figures out. Each round times every condition once, in an order drawn anew, so that a machine that
gets slower or busier touches all of them; ratios are taken within rounds, and their intervals resample rounds. The
quoted figure is the median of the rounds' ratios, which one disturbed round does not move; the ratio of mean times is
kept beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from app.errors import InvalidInput
from app.stats import Histogram, Interval, median_ci, monte_carlo_ci, ratio_statistic

Floats = NDArray[np.float64]
MIN_ROUNDS = 10
NEAR = 0.03
"""A merged adapter should cost nothing: the ratio is expected within 1 +- this."""


@dataclass(frozen=True)
class Timed:
    """One condition: seconds per round, in order."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median in seconds."""
        return float(np.median(self.seconds))

    @property
    def p90(self) -> float:
        """90th percentile in seconds, interpolated."""
        return float(np.percentile(self.seconds, 90))


def measure(
    conditions: Mapping[str, Callable[[], float]],
    rounds: int,
    warm_up: int,
    seed: int,
    tell: Callable[[int, str], None] | None = None,
    pause_s: float = 0.0,
) -> list[Timed]:
    """Run ``warm_up`` rounds that do not count and ``rounds`` that do. A condition does its work, returns seconds.

    ``pause_s`` seconds pass before each, so that what the one before left running has come to rest.

    Raises
    ------
    InvalidInput
        With fewer than two conditions, fewer than 10 rounds, or no warm-up.
    """
    if len(conditions) < 2:
        raise InvalidInput("A comparison of latencies needs at least two conditions.")
    if rounds < MIN_ROUNDS or warm_up < 1:
        raise InvalidInput(f"At least {MIN_ROUNDS} measured rounds and one round of warm-up are needed.")
    rng = Random(f"latency:{seed}")
    found: dict[str, list[float]] = {name: [] for name in conditions}
    names = list(conditions)
    for number in range(warm_up + rounds):
        rng.shuffle(names)
        for name in names:
            time.sleep(pause_s)
            took = conditions[name]()
            if number >= warm_up:
                found[name].append(took)
        if tell is not None:
            tell(1, "warm-up" if number < warm_up else "")
    return [Timed(name, tuple(seconds)) for name, seconds in found.items()]


def ratio(numerator: Timed, denominator: Timed, seed: int = 0) -> Interval:
    """Median of the rounds' ratios with its bootstrap interval over rounds, 95 %.

    Raises
    ------
    InvalidInput
        When the two were not measured in the same rounds.
    """
    up, down = _rounds(numerator, denominator)
    return median_ci(Histogram.of_arrays(up / down, np.ones(len(up), dtype=np.int64)), seed=seed)


def ratio_of_means(numerator: Timed, denominator: Timed, seed: int = 0) -> Interval:
    """Ratio of mean times with its paired bootstrap interval over rounds, 95 %; raises as `ratio`."""
    up, down = _rounds(numerator, denominator)
    return monte_carlo_ci(np.ones(len(up), dtype=np.int64), ratio_statistic(up, down), seed=seed)


def _rounds(numerator: Timed, denominator: Timed) -> tuple[Floats, Floats]:
    if len(numerator.seconds) != len(denominator.seconds):
        raise InvalidInput(f"{numerator.name} and {denominator.name} were not measured in the same rounds.")
    return np.array(numerator.seconds), np.array(denominator.seconds)


def summary(way: str, timed: Sequence[Timed], against: str = "base") -> list[dict[str, object]]:
    """One row per condition, with the ratio to ``against`` for all others."""
    reference = next((t for t in timed if t.name == against), None)
    rows: list[dict[str, object]] = []
    for one in timed:
        interval = None if reference is None or one is reference else ratio(one, reference)
        means = None if reference is None or one is reference else ratio_of_means(one, reference)
        rows.append(
            {
                "way": way,
                "condition": one.name,
                "rounds": len(one.seconds),
                "median_ms": round(one.median * 1e3, 2),
                "p90_ms": round(one.p90 * 1e3, 2),
                "ratio": None if interval is None else round(interval.estimate, 4),
                "ratio_lo": None if interval is None else round(interval.lo, 4),
                "ratio_hi": None if interval is None else round(interval.hi, 4),
                "ratio_of_means": None if means is None else _rounded(means),
                "seconds": [round(s, 6) for s in one.seconds],
            }
        )
    return rows


def _rounded(value: Interval) -> list[float]:
    return [round(v, 4) for v in (value.estimate, value.lo, value.hi)]


def sentence(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """One sentence per way on merged against base: inside, outside or undecided about 1 +- 3 %."""
    told = []
    for row in rows:
        lo, hi = row["ratio_lo"], row["ratio_hi"]
        if row["condition"] != "merged" or not isinstance(lo, float) or not isinstance(hi, float):
            continue
        if lo >= 1 - NEAR and hi <= 1 + NEAR:
            verdict = f"the whole interval lies within 1 ± {NEAR:g}: merging costs nothing that matters"
        elif hi < 1 - NEAR or lo > 1 + NEAR:
            verdict = f"the whole interval lies outside 1 ± {NEAR:g}"
        else:
            verdict = f"the interval reaches beyond 1 ± {NEAR:g}: more rounds or a quieter machine are needed"
        told.append(f"Merged against base through {row['way']}: {verdict}.")
    return told


def markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """The table and what it says."""
    lines = [
        "| through | model | rounds | median, ms | 90 %, ms | ratio to base, median of rounds (95 %) |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        told = "1" if row["ratio"] is None else f"{row['ratio']:.3f} [{row['ratio_lo']:.3f}, {row['ratio_hi']:.3f}]"
        lines.append(
            f"| {row['way']} | {row['condition']} | {row['rounds']} | {row['median_ms']:.1f} | {row['p90_ms']:.1f} | "
            f"{told} |"
        )
    return "\n".join([*lines, "", *sentence(rows)])
