"""Near-duplicates: pairs of texts whose word shingles overlap by a Jaccard index of 0.8 or more.

Found by MinHash and locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive
Datasets", chapter 3), then verified exactly, so that nothing is reported that is not one. With 32 bands of 4 rows a
pair at 0.8 is overlooked with probability (1 - 0.8^4)^32, about 5e-8. Texts of one group are alike by design (one
situation, one changed sentence) and are not compared.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from app.bench.tasks import Mode, Task
from app.bench.texts import Text, ngrams
from app.bench.words import words_of

SHINGLE_WORDS = 3
THRESHOLD = 0.8
BANDS, ROWS = 32, 4
_PRIME = np.uint64((1 << 31) - 1)
_SEED = 20_261_124
_RANK = {Mode.TRACE_DERIVED: 0, Mode.HAND_AUTHORED: 1, Mode.MULTI_LLM_SYNTHESIS: 2, Mode.PROGRAMMATIC: 3}


@dataclass(frozen=True, order=True)
class NearDuplicate:
    """Two texts and the Jaccard index of their shingles; ``a`` sorts before ``b``."""

    a: str
    b: str
    jaccard: float


def jaccard(a: set[str], b: set[str]) -> float:
    """|a and b| / |a or b|; 0 for two empty sets."""
    union = len(a | b)
    return len(a & b) / union if union else 0.0


def near_duplicates(
    texts: Sequence[Text], threshold: float = THRESHOLD, size: int = SHINGLE_WORDS
) -> list[NearDuplicate]:
    """All pairs of different groups at or above the threshold, the most alike first.

    ``threshold`` is in [0.6, 1]: below, the hashing would overlook too much.
    """
    if not 0.6 <= threshold <= 1.0:
        raise ValueError("the threshold of near-duplicates lies between 0.6 and 1")
    shingles = [ngrams(words_of(one.text), size) for one in texts]
    signatures = _signatures(shingles)
    candidates: set[tuple[int, int]] = set()
    for band in range(BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for index, signature in enumerate(signatures[:, band * ROWS : (band + 1) * ROWS]):
            if shingles[index]:
                buckets[signature.tobytes()].append(index)
        for bucket in buckets.values():
            candidates.update((i, j) for i, j in combinations(bucket, 2) if texts[i].group != texts[j].group)
    found = []
    for i, j in candidates:
        if (alike := jaccard(shingles[i], shingles[j])) >= threshold:
            a, b = sorted((texts[i].id, texts[j].id))
            found.append(NearDuplicate(a, b, alike))
    return sorted(found, key=lambda pair: (-pair.jaccard, pair.a, pair.b))


def _signatures(shingles: Sequence[set[str]]) -> NDArray[np.uint64]:
    """MinHash signatures, shape (texts, BANDS * ROWS): the least of (a x + b) mod p over a text's shingles."""
    rng = np.random.default_rng(_SEED)
    count = BANDS * ROWS
    slope = rng.integers(1, int(_PRIME), size=(count, 1), dtype=np.uint64)
    shift = rng.integers(0, int(_PRIME), size=(count, 1), dtype=np.uint64)
    made = np.full((len(shingles), count), _PRIME, dtype=np.uint64)
    for index, own in enumerate(shingles):
        if own:
            hashed = np.array([zlib.crc32(shingle.encode()) for shingle in own], dtype=np.uint64) % _PRIME
            made[index] = ((slope * hashed + shift) % _PRIME).min(axis=1)
    return made


def keep_one(tasks: Sequence[Task], pairs: Iterable[NearDuplicate]) -> tuple[list[Task], dict[str, str]]:
    """Of near-duplicates, the better one; returns what stays, in its order, and for each id left out the one kept.

    Better is, in this order: the higher lowest mark of the judge, the higher sum of its marks, the mode nearer to
    people (trace-derived, hand-authored, synthesised, programmatic), more criteria decided, the smaller id. Tasks are
    taken from the best down, and one stays unless it is near a task that stays: chains do not pull each other out.
    """
    near: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        near[pair.a].add(pair.b)
        near[pair.b].add(pair.a)
    kept: set[str] = set()
    replaced: dict[str, str] = {}
    for task in sorted(tasks, key=_preference):
        rivals = sorted(near.get(task.task_id, set()) & kept)
        if rivals:
            replaced[task.task_id] = rivals[0]
        else:
            kept.add(task.task_id)
    return [task for task in tasks if task.task_id in kept], replaced


def _preference(task: Task) -> tuple[int, int, int, int, str]:
    quality = task.quality
    marks = (-quality.lowest, -quality.total) if quality else (0, 0)
    decided = sum(score is not None for score in task.scores.values())
    return (*marks, _RANK[task.mode], -decided, task.task_id)
