"""Several texts in one sequence, sharing every common beginning: a prefix tree laid flat.

The drafts of one scenario share the instruction and the facts, which are most of their tokens. Each token sees only
its own ancestors and stands at its own depth, so the numbers are those of separate texts at a third of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Branch:
    """The tokens ``start`` to ``stop`` that one text added to the tree, and their ancestors, root first."""

    start: int
    stop: int
    before: list[int]


@dataclass(frozen=True)
class Pack:
    """A flat prefix tree: ``ids`` and ``positions``, ``visible`` (T x T, bool), and each text's token path.

    ``branches`` holds every token exactly once, in order; a text that adds none has no branch.
    """

    ids: list[int]
    positions: list[int]
    visible: NDArray[np.bool_]
    paths: list[list[int]]
    branches: list[Branch]


def pack(texts: Sequence[Sequence[int]]) -> Pack:
    """Lay texts (token ids) out as one prefix tree, in the order given."""
    children: dict[tuple[int, int], int] = {}
    ids: list[int] = []
    positions: list[int] = []
    parents: list[int] = []
    paths: list[list[int]] = []
    branches: list[Branch] = []
    for text in texts:
        at, path, start = -1, [], len(ids)
        for depth, token in enumerate(text):
            node = children.get((at, token))
            if node is None:
                node = len(ids)
                children[(at, token)] = node
                ids.append(token)
                positions.append(depth)
                parents.append(at)
            at = node
            path.append(node)
        paths.append(path)
        if start < len(ids):
            branches.append(Branch(start, len(ids), [node for node in path if node < start]))
    visible = np.zeros((len(ids), len(ids)), dtype=np.bool_)
    for node, parent in enumerate(parents):
        if parent >= 0:
            visible[node] = visible[parent]
        visible[node, node] = True
    return Pack(ids, positions, visible, paths, branches)


def packed_size(texts: Sequence[Sequence[int]]) -> int:
    """How many tokens the prefix tree of these texts holds."""
    return len({tuple(text[: i + 1]) for text in texts for i in range(len(text))}) if len(texts) > 1 else len(texts[0])
