"""The words of a text, and a regression on which words it has.

The regression is L2-regularised (penalty |w|^2 / 2 against the sum of log-losses, as in scikit-learn with C = 1) on
binary word features that occur in at least two of the texts that it is fitted on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_LEAST_TEXTS = 2


def words_of(text: str) -> list[str]:
    """Its words and numbers, in order, without case."""
    return _WORD.findall(text.casefold())


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
