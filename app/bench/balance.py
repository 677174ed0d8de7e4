"""Baselines that must fail: what length alone, or the mere words, say about the labels.

If a baseline separates the pairs, the data teach a shortcut. AUC is the probability that a violating draft gets the
higher value than a clean one, ties counting half (Mann-Whitney U / (n m)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from app.schemas import Draft


class Labelled(Protocol):
    """What a baseline reads of an example or a task."""

    @property
    def id(self) -> str: ...
    @property
    def draft(self) -> Draft: ...
    @property
    def scores(self) -> Mapping[str, int | None]: ...
    @property
    def pair(self) -> str | None: ...
    @property
    def violated(self) -> tuple[str, ...]: ...


L = TypeVar("L", bound=Labelled)


def auc(negatives: Sequence[float], positives: Sequence[float]) -> float:
    """Area under the ROC curve by ranks.

    Raises
    ------
    ValueError
        When one side is empty.
    """
    if not negatives or not positives:
        raise ValueError("an AUC needs at least one value on each side")
    pooled = sorted([(value, 0) for value in negatives] + [(value, 1) for value in positives])
    rank_sum, i = 0.0, 0
    while i < len(pooled):
        j = i
        while j < len(pooled) and pooled[j][0] == pooled[i][0]:
            j += 1
        middle = (i + 1 + j) / 2
        rank_sum += middle * sum(label for _, label in pooled[i:j])
        i = j
    n = len(positives)
    return (rank_sum - n * (n + 1) / 2) / (n * len(negatives))


def violates(example: Labelled) -> bool | None:
    """Whether a draft violates anything: its label for the whole where it has one, else its scores; None if unknown."""
    passed: bool | None = getattr(example, "passed", None)  # a generated example has scores alone
    if passed is not None:
        return not passed
    if example.violated:
        return True
    return False if example.scores and all(score is not None for score in example.scores.values()) else None


def sides(examples: Sequence[L], criterion: str | None = None) -> tuple[list[L], list[L]]:
    """Clean and violating examples, of one criterion or of all; what is undecided is on neither side."""
    clean: list[L] = []
    broken: list[L] = []
    for example in examples:
        if criterion is None:
            if (fails := violates(example)) is not None:
                (broken if fails else clean).append(example)
        elif example.scores.get(criterion) is not None:
            (broken if criterion in example.violated else clean).append(example)
    return clean, broken


def length_auc(examples: Sequence[Labelled], criterion: str | None = None) -> float:
    """AUC of the body's length in words for the label of one criterion, or of any violation."""
    clean, broken = ([float(_length(e)) for e in side] for side in sides(examples, criterion))
    return auc(clean, broken)


def minimal_pairs(examples: Sequence[L], criterion: str | None = None) -> Iterator[tuple[L, L]]:
    """Violating and honest draft of each pair, whichever was made from the other; with ``criterion``, judged by it.

    A partner outside of the examples is passed over: a part of a set has fewer pairs.
    """
    by_id = {example.id: example for example in examples}
    for example in examples:
        if (partner := by_id.get(example.pair or "")) is None:
            continue
        fails, theirs = (_fails(one, criterion) for one in (example, partner))
        if fails is True and theirs is False:
            yield example, partner
        elif fails is False and theirs is True:
            yield partner, example


def _fails(example: Labelled, criterion: str | None) -> bool | None:
    whole = violates(example)
    if criterion is None or whole is False:
        return whole
    score = example.scores.get(criterion)
    return None if score is None else criterion in example.violated


def longer_wins(examples: Sequence[Labelled], criterion: str | None = None) -> float:
    """Share of minimal pairs in which the violating draft is the longer one, ties counting half."""
    wins = [won(_length(a), _length(b)) for a, b in minimal_pairs(examples, criterion)]
    if not wins:
        raise ValueError("there are no minimal pairs")
    return sum(wins) / len(wins)


def won(violating: float, honest: float) -> float:
    """1 where the violating draft has the higher value, a half where both have the same, else 0."""
    return 1.0 if violating > honest else 0.5 if violating == honest else 0.0


def _length(example: Labelled) -> int:
    return len(example.draft.body.split())
