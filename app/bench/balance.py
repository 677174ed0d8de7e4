"""Baselines that must fail: what length alone, or the mere words, say about the labels.

If a baseline separates the pairs, the data teach a shortcut. AUC is the probability that a violating draft gets the
higher value than a clean one, ties counting half (Mann-Whitney U / (n m)).
"""

from __future__ import annotations

from collections.abc import Sequence

from app.bench.generate import Example


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


def length_auc(examples: Sequence[Example], criterion: str | None = None) -> float:
    """AUC of the body's length in words for the label of one criterion, or of any violation."""
    clean, broken = [], []
    for example in examples:
        size = float(len(example.draft.body.split()))
        if criterion is None:
            if example.violated:
                broken.append(size)
            elif all(score == 5 for score in example.scores.values()):
                clean.append(size)
        elif (score := example.scores[criterion]) is not None:
            (broken if score == 1 else clean).append(size)
    return auc(clean, broken)


def longer_wins(examples: Sequence[Example]) -> float:
    """Share of minimal pairs in which the violating draft is the longer one, ties counting half."""
    by_id = {example.id: example for example in examples}
    wins = []
    for example in examples:
        if example.pair is None or not example.violated:
            continue
        a, b = (len(e.draft.body.split()) for e in (example, by_id[example.pair]))
        wins.append(1.0 if a > b else 0.5 if a == b else 0.0)
    if not wins:
        raise ValueError("there are no minimal pairs")
    return sum(wins) / len(wins)
