"""The bag-of-words baseline: a logistic regression that sees which words a draft has, and nothing else.

It reads neither the facts nor the order of words, so on minimal pairs it should hardly beat a coin. Where it does, the
wording gives the label away, and a judge trained on such data learns the wording.

The regression is L2-regularised (penalty |w|^2 / 2 against the sum of log-losses, as in scikit-learn with C = 1) on
binary word features that occur in at least two of the texts that it is fitted on. The same regression on the sentences
of the training bank says how violating a single sentence looks, by which contrast sets are chosen.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from app.bench.balance import Labelled, auc, minimal_pairs, sides, won
from app.bench.banks import Bank, load_bank
from app.bench.words import words_of

FOLDS = 5
_LEAST_TEXTS = 2
_HONEST = {"tone": ("neutral",), "invented": ("filler",), "price": ("defer",), "about": ("any",)}
_HONEST_WHOLE = ("ask", "hedge")
_BROKEN = {"tone": ("hype", "pressure", "guilt", "condescend", "flatter"), "invented": ("any",)}
_BROKEN_WHOLE = ("infer", "coordination", "pricing")


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


@dataclass(frozen=True)
class Words:
    """A fitted regression: a bias and a weight for each word that it knows."""

    bias: float
    column: dict[str, int]
    weights: NDArray[np.float64]

    @classmethod
    def fitted(cls, clean: Sequence[set[str]], broken: Sequence[set[str]]) -> Words:
        """Fit on the words of clean and of violating texts.

        Raises
        ------
        ValueError
            When one side is empty.
        """
        if not clean or not broken:
            raise ValueError("a regression needs drafts of both labels")
        bags = [*clean, *broken]
        texts = Counter(word for bag in bags for word in bag)
        column = {word: i for i, word in enumerate(sorted(w for w, count in texts.items() if count >= _LEAST_TEXTS))}
        point = _regression(_features(bags, column), np.array([0.0] * len(clean) + [1.0] * len(broken)))
        return cls(float(point[0]), column, point[1:])

    def scores(self, bags: Sequence[set[str]]) -> NDArray[np.float64]:
        """Log-odds of a violation, shape (bags,)."""
        return np.asarray(_features(bags, self.column) @ self.weights + self.bias, dtype=np.float64)


def _features(bags: Sequence[set[str]], column: dict[str, int]) -> sparse.csr_matrix:
    rows, columns = [], []
    for row, bag in enumerate(bags):
        found = sorted(column[word] for word in bag if word in column)
        rows += [row] * len(found)
        columns += found
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(bags), len(column)))


def _regression(features: sparse.csr_matrix, label: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bias and weights, shape (1 + words,); the bias is not penalised."""
    sign = 2.0 * label - 1.0

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (features @ point[1:] + point[0])
        pull = -sign / (1.0 + np.exp(np.clip(margin, -500.0, 500.0)))
        gradient = np.concatenate([[pull.sum()], features.T @ pull + point[1:]])
        return float(np.logaddexp(0.0, -margin).sum() + 0.5 * point[1:] @ point[1:]), gradient

    found: Any = optimize.minimize(
        loss, np.zeros(features.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-7}
    )
    return np.asarray(found.x, dtype=np.float64)


def looks(sentences: Sequence[str]) -> list[float]:
    """Log-odds of a violation by the words alone, one a sentence."""
    bank = load_bank("train")
    honest = [*_phrases(bank, _HONEST, _HONEST_WHOLE), *(first.says for first, *_ in bank.counterparts.values())]
    broken = [*_phrases(bank, _BROKEN, _BROKEN_WHOLE)]
    broken += [again.says for _, *more in bank.counterparts.values() for again in more]
    fitted = Words.fitted([set(words_of(p)) for p in honest], [set(words_of(p)) for p in broken])
    return [float(score) for score in fitted.scores([set(words_of(sentence)) for sentence in sentences])]


def _phrases(bank: Bank, kinds: Mapping[str, Sequence[str]], whole: Sequence[str]) -> list[str]:
    chosen = [(slot, kind) for slot, names in kinds.items() for kind in names]
    chosen += [(slot, kind) for slot in whole for kind in bank.moves[slot]]
    return [phrase for slot, kind in chosen for phrase in bank.moves[slot][kind]]
