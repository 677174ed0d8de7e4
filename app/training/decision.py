"""When does one training beat another? The article's rule, as pure functions of held-out results.

Switch only if the challenger gets at least one more held-out pair right, its held-out margin is not lower, and no
failure slice gets worse. One more pair alone is a hint. A lower rank needs no win: equal is enough. What it refuses:
arms measured on different pairs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.errors import InvalidInput
from app.stats import ClusterEstimate, Comparison, PairCounts, cluster_delta, paired_delta

Choice = Literal["switch", "hint", "keep"]


@dataclass(frozen=True)
class Outcome:
    """One held-out pair: ``right`` 0 or 1 (or the mean over seeds), ``margin`` in nats."""

    id: str
    cluster: str
    slice: str
    right: float
    margin: float


@dataclass(frozen=True)
class Arm:
    """One setting, measured: outcomes averaged over its seeds, and per seed what varies.

    ``train_margin`` is the mean margin of the probed training pairs in nats, None where none was probed.
    """

    name: str
    objective: str
    rank: int
    outcomes: tuple[Outcome, ...]
    correct_by_seed: tuple[int, ...]
    margin_by_seed: tuple[float, ...]
    train_margin: float | None
    flags: tuple[str, ...] = ()

    @property
    def correct(self) -> float:
        """Held-out pairs right, mean over seeds."""
        return sum(self.correct_by_seed) / len(self.correct_by_seed)

    @property
    def margin(self) -> float:
        """Mean held-out margin in nats, mean over seeds."""
        return sum(self.margin_by_seed) / len(self.margin_by_seed)

    @property
    def gap(self) -> float | None:
        """Train margin minus held-out margin, in nats."""
        return None if self.train_margin is None else self.train_margin - self.margin

    @property
    def by_slice(self) -> dict[str, float]:
        """Pairs right per failure slice."""
        found: dict[str, float] = defaultdict(float)
        for outcome in self.outcomes:
            found[outcome.slice] += outcome.right
        return dict(sorted(found.items()))


@dataclass(frozen=True)
class Decision:
    """What the rule says about a challenger, and each of its three parts."""

    incumbent: str
    challenger: str
    choice: Choice
    more_pairs: float
    margin_change: float
    worse_slices: tuple[str, ...]
    why: str


def outcomes_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Outcome, ...]:
    """From the ``held_out`` rows of a training's result."""
    return tuple(
        Outcome(
            str(row["id"]),
            str(row["cluster"]),
            str(row["slice"]),
            float(row["chosen"] > row["rejected"]),
            float(row["chosen"]) - float(row["rejected"]),
        )
        for row in rows
    )


def base_outcomes(rows: Sequence[Mapping[str, Any]]) -> tuple[Outcome, ...]:
    """The base model's outcomes, from the same rows."""
    return outcomes_of([{**row, "chosen": row["base_chosen"], "rejected": row["base_rejected"]} for row in rows])


def make_arm(
    name: str,
    objective: str,
    rank: int,
    by_seed: Sequence[Sequence[Outcome]],
    train_margins: Sequence[float | None] = (),
    flags: Sequence[str] = (),
) -> Arm:
    """One arm from its outcomes per seed.

    Raises
    ------
    InvalidInput
        Without a seed, or when the seeds were measured on different pairs.
    """
    if not by_seed or not by_seed[0]:
        raise InvalidInput(f"The arm {name} has no held-out result.")
    for other in by_seed[1:]:
        _check_same(name, by_seed[0], name, other)
    n = len(by_seed)
    mean = tuple(
        Outcome(
            together[0].id,
            together[0].cluster,
            together[0].slice,
            sum(o.right for o in together) / n,
            sum(o.margin for o in together) / n,
        )
        for together in zip(*by_seed, strict=True)
    )
    known = [margin for margin in train_margins if margin is not None]
    return Arm(
        name,
        objective,
        rank,
        mean,
        tuple(round(sum(o.right for o in seed)) for seed in by_seed),
        tuple(sum(o.margin for o in seed) / len(seed) for seed in by_seed),
        sum(known) / len(known) if known else None,
        tuple(dict.fromkeys(flags)),
    )


def decide(incumbent: Arm, challenger: Arm) -> Decision:
    """Apply the rule to two arms measured on the same pairs.

    Raises
    ------
    InvalidInput
        When they were not.
    """
    more, change, worse = _differences(incumbent, challenger)
    if more >= 1 and change >= 0 and not worse:
        choice: Choice = "switch"
        why = f"{more:+g} held-out pairs, margin {change:+.3f} nats, no slice worse"
    elif more >= 1:
        choice = "hint"
        held = [f"margin {change:+.3f} nats"] if change < 0 else []
        held += [f"worse on {', '.join(worse)}"] if worse else []
        why = f"{more:+g} held-out pairs, but {' and '.join(held)}"
    else:
        choice, why = "keep", f"{more:+g} held-out pairs; at least one more is needed"
    return Decision(incumbent.name, challenger.name, choice, more, change, worse, why)


def decide_rank(higher: Arm, lower: Arm) -> Decision:
    """Prefer the lower rank when its held-out behaviour is equal or better in pairs, margin and every slice.

    Raises
    ------
    InvalidInput
        When the ranks are not in that order, or the arms were measured on different pairs.
    """
    if lower.rank >= higher.rank:
        raise InvalidInput(f"{lower.name} has no lower rank than {higher.name}.")
    more, change, worse = _differences(higher, lower)
    equal = more >= 0 and change >= 0 and not worse
    held = [f"{more:+g} held-out pairs, margin {change:+.3f} nats"]
    held += [f"worse on {', '.join(worse)}"] if worse else ["no slice worse"]
    return Decision(higher.name, lower.name, "switch" if equal else "keep", more, change, worse, ", ".join(held))


def conclude(arms: Sequence[Arm]) -> tuple[str, list[Decision], list[Decision]]:
    """The arm to keep: first the objective at the first arm's rank, then the rank within that objective.

    The first arm is the incumbent. Returns the arm's name, all decisions on objectives (one per rank and challenger),
    and all on rank.
    """
    first = arms[0]
    by_rank: dict[int, list[Arm]] = defaultdict(list)
    by_objective: dict[str, list[Arm]] = defaultdict(list)
    for arm in arms:
        by_rank[arm.rank].append(arm)
        by_objective[arm.objective].append(arm)
    objective_decisions = [decide(same[0], challenger) for same in by_rank.values() for challenger in same[1:] if same]
    rank_decisions = []
    for same in by_objective.values():
        ordered = sorted(same, key=lambda arm: -arm.rank)
        rank_decisions += [decide_rank(ordered[0], lower) for lower in ordered[1:]]
    kept = first
    for challenger in by_rank[first.rank]:
        if challenger is not kept and decide(kept, challenger).choice == "switch":
            kept = challenger
    for lower in sorted(by_objective[kept.objective], key=lambda arm: -arm.rank):
        if lower.rank < kept.rank and decide_rank(kept, lower).choice == "switch":
            kept = lower
    return kept.name, objective_decisions, rank_decisions


@dataclass(frozen=True)
class Compared:
    """Paired statistics of two arms, challenger minus incumbent.

    ``pairs`` takes every held-out pair for itself; ``accuracy`` (share of one) and ``margin`` (nats) are over clusters,
    since pairs of one scenario share their facts; their ``p_sign_flip`` is exact and two-sided.
    """

    incumbent: str
    challenger: str
    pairs: Comparison
    accuracy: ClusterEstimate
    margin: ClusterEstimate


def compare(incumbent: Arm, challenger: Arm) -> Compared:
    """Compare two arms on the same held-out pairs.

    Raises
    ------
    InvalidInput
        When they were measured on different pairs.
    """
    _check_same(incumbent.name, incumbent.outcomes, challenger.name, challenger.outcomes)
    both = list(zip(incumbent.outcomes, challenger.outcomes, strict=True))
    names = (incumbent.name, challenger.name)
    counts = PairCounts.of((a.right, b.right, 1) for a, b in both)
    right: dict[str, list[tuple[float, float]]] = defaultdict(list)
    margin: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for a, b in both:
        right[a.cluster].append((a.right, b.right))
        margin[a.cluster].append((a.margin, b.margin))
    return Compared(
        *names,
        paired_delta(counts, scale=(0.0, 1.0), names=names),
        cluster_delta(_sums(right), scale=(0.0, 1.0)),
        cluster_delta(_sums(margin)),
    )


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation (ddof 1) over seeds; None for one seed, which says nothing about a second."""
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


def _sums(groups: Mapping[str, Sequence[tuple[float, float]]]) -> list[tuple[float, float, int, int]]:
    return [(sum(a for a, _ in held), sum(b for _, b in held), len(held), 1) for held in groups.values()]


def _differences(incumbent: Arm, challenger: Arm) -> tuple[float, float, tuple[str, ...]]:
    _check_same(incumbent.name, incumbent.outcomes, challenger.name, challenger.outcomes)
    before, after = incumbent.by_slice, challenger.by_slice
    worse = tuple(name for name in before if after[name] < before[name] - 1e-9)
    return challenger.correct - incumbent.correct, challenger.margin - incumbent.margin, worse


def _check_same(name_a: str, a: Sequence[Outcome], name_b: str, b: Sequence[Outcome]) -> None:
    if [o.id for o in a] != [o.id for o in b]:
        raise InvalidInput(f"{name_a} and {name_b} were measured on different held-out pairs; compare like with like.")
