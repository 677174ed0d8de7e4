"""Whether a task set is fit for use: every check with its number, its limit, and whether the limit is broken.

Checked are the shortcuts (length and words on minimal pairs), near-duplicates between groups, groups that cross splits,
and contamination of every other split by ``train``. A share is held against its limit by the near end of its 95 %
Wilson interval, so that a handful of pairs neither condemns nor acquits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from scipy.stats import binomtest

from app.bench.bagofwords import FOLDS, cross_validated, transferred
from app.bench.balance import length_auc, longer_wins, minimal_pairs
from app.bench.contamination import (
    COSINE_LIMIT,
    Contamination,
    Vectors,
    cosine_nearness,
    ngram_overlap,
    time_shift,
)
from app.bench.duplicates import NearDuplicate, near_duplicates
from app.bench.tasks import Task, content_key
from app.bench.texts import text_of

TRAIN = "train"
Sense = Literal["near chance", "at most chance", "none", "told"]


@dataclass(frozen=True)
class Limits:
    """``slack``: how far from one half a baseline may be on pairs; ``cosine``: the first value that is too near."""

    slack: float = 0.10
    cosine: float = COSINE_LIMIT


@dataclass(frozen=True)
class Row:
    """One number. ``sense`` says what the limit means; with ``told`` there is none and nothing can be broken.

    ``value`` is None where it could not be measured, and ``note`` says why. ``interval`` is the 95 % interval of a
    share.
    """

    check: str
    part: str
    value: float | None
    n: int
    sense: Sense
    limit: str
    broken: bool
    note: str = ""
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Report:
    """All rows, the near-duplicates, and the nearest pairs of each contamination check by part."""

    rows: tuple[Row, ...]
    duplicates: tuple[NearDuplicate, ...]
    contamination: Mapping[str, tuple[Contamination, ...]]

    @property
    def broken(self) -> tuple[Row, ...]:
        """Rows whose limit is broken."""
        return tuple(row for row in self.rows if row.broken)

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "broken": len(self.broken),
            "rows": [asdict(row) for row in self.rows],
            "near_duplicates": [asdict(pair) for pair in self.duplicates],
            "contamination": {part: [asdict(one) for one in found] for part, found in self.contamination.items()},
        }


def check_tasks(
    tasks: Sequence[Task],
    vectors: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Run all checks. ``vectors`` gives each task's embedding by id; without them the cosine is not measured.

    ``tell`` hears what is being checked.
    """
    bounds = limits or Limits()
    splits = split_up(tasks)
    rows: list[Row] = []
    for name, part in splits.items():
        tell(f"length and words in {name}")
        rows += _length_rows(name, part, bounds) + _words_rows(name, part, bounds)
    train = splits.get(TRAIN, [])
    for name, part in splits.items():
        if train and name != TRAIN:
            tell(f"words of {TRAIN} in {name}")
            rows += _transfer_rows(name, train, part, bounds)
    tell("near-duplicates")
    found = near_duplicates([text_of(task) for task in tasks])
    rows += _duplicate_rows(tasks, found)
    contamination: dict[str, tuple[Contamination, ...]] = {}
    for name, part in splits.items():
        if train and name != TRAIN:
            tell(f"contamination of {name}")
            contamination[name] = _contamination(train, part, vectors, bounds)
            rows += [_contamination_row(name, one) for one in contamination[name]]
            if vectors is None:
                rows.append(Row("cosine", name, None, 0, "told", "-", False, "no embeddings were made"))
    return Report(tuple(rows), tuple(found), contamination)


def split_up(tasks: Sequence[Task]) -> dict[str, list[Task]]:
    """Tasks by split, ``train`` first; a task without one is in ``all``."""
    found: dict[str, list[Task]] = {}
    for task in tasks:
        found.setdefault(task.split or "all", []).append(task)
    return {name: found[name] for name in sorted(found, key=lambda one: (one != TRAIN, one))}


def criteria_of(tasks: Sequence[Task]) -> list[str]:
    """Criteria that the tasks score, in their order."""
    return list(dict.fromkeys(name for task in tasks for name in task.scores))


def _length_rows(name: str, tasks: Sequence[Task], limits: Limits) -> list[Row]:
    pairs = sum(1 for _ in minimal_pairs(tasks))
    if not pairs:
        return [Row("length, pairs", name, None, 0, "told", "-", False, "there are no minimal pairs")]
    rows = [_share_row("length, pairs", name, longer_wins(tasks), pairs, "near chance", limits)]
    for criterion in criteria_of(tasks):
        if count := sum(1 for _ in minimal_pairs(tasks, criterion)):
            part = f"{name}, {criterion}"
            rows.append(_share_row("length, pairs", part, longer_wins(tasks, criterion), count, "near chance", limits))
    try:
        rows.append(Row("length, AUC", name, length_auc(tasks), len(tasks), "told", "-", False))
    except ValueError as error:
        rows.append(Row("length, AUC", name, None, len(tasks), "told", "-", False, str(error)))
    return rows


def _words_rows(name: str, tasks: Sequence[Task], limits: Limits) -> list[Row]:
    """The bag of words within a split, told without a limit: a split's own phrases come back in other groups.

    What words give away counts where the words are new, so the limit lies on ``_transfer_rows``.
    """
    rows = []
    for criterion in (None, *criteria_of(tasks)):
        part = name if criterion is None else f"{name}, {criterion}"
        try:
            made = cross_validated(tasks, criterion)
        except ValueError as error:
            if criterion is None:
                rows.append(Row("words, pairs", part, None, 0, "told", "-", False, str(error)))
            continue
        if made.paired is None:
            continue
        note = f"AUC {made.auc:.3f} over {FOLDS} folds" if made.auc is not None else ""
        rows.append(_share_row("words, pairs", part, made.paired, made.pairs, "told", limits, note))
    return rows


def _transfer_rows(name: str, train: Sequence[Task], tasks: Sequence[Task], limits: Limits) -> list[Row]:
    rows = []
    for criterion in (None, *criteria_of(tasks)):
        part = name if criterion is None else f"{name}, {criterion}"
        try:
            made = transferred(train, tasks, criterion)
        except ValueError as error:
            if criterion is None:
                rows.append(Row("words of train, pairs", part, None, 0, "told", "-", False, str(error)))
            continue
        if made.paired is not None:
            sense: Sense = "at most chance" if criterion is None else "told"
            note = f"AUC {made.auc:.3f}" if made.auc is not None else ""
            rows.append(_share_row("words of train, pairs", part, made.paired, made.pairs, sense, limits, note))
    return rows


def _share_row(check: str, part: str, value: float, n: int, sense: Sense, limits: Limits, note: str = "") -> Row:
    interval = binomtest(round(value * n), n).proportion_ci(method="wilson")
    low, high = 0.5 - limits.slack, 0.5 + limits.slack
    broken = sense != "told" and bool(interval.low > high or (sense == "near chance" and interval.high < low))
    limit = {"near chance": f"{low:.2f} to {high:.2f}", "at most chance": f"up to {high:.2f}"}.get(sense, "-")
    return Row(check, part, value, n, sense, limit, broken, note, (float(interval.low), float(interval.high)))


def _duplicate_rows(tasks: Sequence[Task], found: Sequence[NearDuplicate]) -> list[Row]:
    split = {task.task_id: task.split or "all" for task in tasks}
    across = sum(split[pair.a] != split[pair.b] for pair in found)
    cluster: dict[str, set[str]] = {}
    for task in tasks:
        cluster.setdefault(task.cluster, set()).add(task.split or "all")
    crossing = sum(len(names) > 1 for names in cluster.values())
    same = len(tasks) - len({content_key(task) for task in tasks})
    return [
        Row("near-duplicates", "in a split", len(found) - across, len(tasks), "none", "0", len(found) > across),
        Row("near-duplicates", "across splits", across, len(tasks), "none", "0", across > 0),
        Row("equal tasks", "all", same, len(tasks), "none", "0", same > 0),
        Row("split groups", "all", crossing, len(cluster), "none", "0", crossing > 0),
    ]


def _contamination(
    train: Sequence[Task], tasks: Sequence[Task], vectors: Mapping[str, Any] | None, limits: Limits
) -> tuple[Contamination, ...]:
    known, ours = [text_of(task) for task in train], [text_of(task) for task in tasks]
    found = [ngram_overlap(known, ours), time_shift(known, ours)]
    if vectors is not None:
        theirs, own = _stacked(train, vectors), _stacked(tasks, vectors)
        found.append(cosine_nearness(known, theirs, ours, own, limits.cosine))
    return tuple(found)


def _stacked(tasks: Sequence[Task], vectors: Mapping[str, Any]) -> Vectors:
    import numpy as np

    return np.stack([vectors[task.task_id] for task in tasks]).astype(np.float32)


def _contamination_row(name: str, one: Contamination) -> Row:
    nearest = f"nearest {one.worst[0].held_out} and {one.worst[0].train}: {one.worst[0].value:.3g}" if one.worst else ""
    skipped = f"{one.skipped} could not be checked" if one.skipped else ""
    note = "; ".join(part for part in (one.rule, nearest, skipped) if part)
    return Row(one.check, name, one.broken, one.checked, "none", "0", one.broken > 0, note)
