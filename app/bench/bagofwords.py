"""The bag-of-words baseline: a logistic regression that sees which words a draft has, and nothing else.

It reads neither the facts nor the order of words, so on minimal pairs it should hardly beat a coin. Where it does, the
wording gives the label away, and a judge trained on such data learns the wording.

The regression is that of ``app.bench.words``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.bench.balance import Labelled, auc, minimal_pairs, sides, won
from app.bench.words import Words, words_of

FOLDS = 5


class Clustered(Labelled, Protocol):
    """A labelled draft that says what it is split with."""

    @property
    def cluster(self) -> str: ...


@dataclass(frozen=True)
class Baseline:
    """How far a baseline gets: AUC over all drafts, and the share of minimal pairs that it orders rightly.

    ``paired`` is None without pairs, ``auc`` None where all drafts have one label. Ties count half in both.
    """

    auc: float | None
    paired: float | None
    n: int
    pairs: int


def cross_validated(tasks: Sequence[Clustered], criterion: str | None = None, folds: int = FOLDS) -> Baseline:
    """Fit and score by cross-validation over clusters: no draft is scored by a fit that has seen its cluster.

    Raises
    ------
    ValueError
        When there are fewer clusters than folds, or only one label.
    """
    clean, broken = sides(tasks, criterion)
    used = [*clean, *broken]
    label = np.array([0.0] * len(clean) + [1.0] * len(broken))
    fold = _folds([task.cluster for task in used], folds)
    bags = [_bag(task) for task in used]
    scores = np.zeros(len(used))
    for number in range(folds):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if len(outside):
            scores[outside] = _fit_and_score([bags[i] for i in inside], label[inside], [bags[i] for i in outside])
    return _measured(used, label, scores, criterion)


def transferred(train: Sequence[Clustered], held_out: Sequence[Clustered], criterion: str | None = None) -> Baseline:
    """Fit on one set and score another: what the words of training say about the held-out drafts.

    Raises
    ------
    ValueError
        When the training set has only one label.
    """
    clean, broken = sides(train, criterion)
    theirs_clean, theirs_broken = sides(held_out, criterion)
    used = [*theirs_clean, *theirs_broken]
    label = np.array([0.0] * len(clean) + [1.0] * len(broken))
    scores = _fit_and_score([_bag(task) for task in (*clean, *broken)], label, [_bag(task) for task in used])
    return _measured(used, np.array([0.0] * len(theirs_clean) + [1.0] * len(theirs_broken)), scores, criterion)


def _measured(
    used: Sequence[Clustered], label: NDArray[np.float64], scores: NDArray[np.float64], criterion: str | None
) -> Baseline:
    by_id = {task.id: float(score) for task, score in zip(used, scores, strict=True)}
    wins = [won(by_id[a.id], by_id[b.id]) for a, b in minimal_pairs(used, criterion)]
    both = 0.0 < label.sum() < len(label)
    area = auc(scores[label == 0].tolist(), scores[label == 1].tolist()) if both else None
    return Baseline(area, sum(wins) / len(wins) if wins else None, len(used), len(wins))


def _folds(clusters: Sequence[str], folds: int) -> NDArray[np.int64]:
    """A fold for each draft: clusters in the order of their digest, dealt out in turn."""
    order = sorted(set(clusters), key=lambda name: hashlib.sha256(name.encode()).digest())
    if len(order) < folds:
        raise ValueError(f"cross-validation in {folds} folds needs at least {folds} groups of drafts")
    number = {name: index % folds for index, name in enumerate(order)}
    return np.array([number[name] for name in clusters])


def _fit_and_score(
    bags: Sequence[set[str]], label: NDArray[np.float64], others: Sequence[set[str]]
) -> NDArray[np.float64]:
    clean = [bag for bag, broken in zip(bags, label, strict=True) if not broken]
    broken = [bag for bag, broken in zip(bags, label, strict=True) if broken]
    return Words.fitted(clean, broken).scores(others)


def _bag(task: Labelled) -> set[str]:
    return set(words_of(f"{task.draft.subject}\n{task.draft.body}"))
