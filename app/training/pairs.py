"""Preference pairs about verdicts: one prompt, the right scores, and the scores that a wrong judge would give.

Every pair comes from a labelled draft and flips at least one known score: a violation that the wrong judge misses, or
an alarm on a clean draft. Both kinds are made in equal number per criterion, so that no digit is preferred as such.
Both answers have the same number of tokens: length cannot be learned. Refused: a task file whose line or field does
not fit, a label that names another criterion than the rubric's, pairs too long for the token limit.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.bench.moves import OVERALL
from app.bench.tasks import Task, faults_of, lines_of, object_of
from app.errors import Fault, InvalidInput, SetupError
from app.judge.rubric import Rubric
from app.schemas import Context, Draft
from app.training.encode import answer_ids, answer_text, prompt_ids
from app.training.mixture import Labelled

CLEAN, BROKEN = 5, 1
Kind = Literal["missed", "false alarm"]


@dataclass(frozen=True)
class Pair:
    """One preference: ``chosen`` and ``rejected`` hold one score per model criterion, in the rubric's order."""

    id: str
    cluster: str
    """Drafts of one scenario belong together; statistics are taken over clusters."""
    criterion: str
    kind: Kind
    context: Context
    draft: Draft
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]

    @property
    def slice(self) -> str:
        """The failure slice: what a wrong judge would have got wrong."""
        return f"{self.criterion}: {self.kind}"


@dataclass(frozen=True)
class EncodedPair:
    """Token ids of prompt and answers; both answers end the turn and are equally long."""

    pair: Pair
    prompt: list[int]
    chosen: list[int]
    rejected: list[int]


class _Task(BaseModel):
    """One line of a task file in the short form."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=200)]
    group: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    context: Context
    draft: Draft
    scores: Annotated[dict[str, Annotated[int, Field(ge=1, le=5)] | None], Field(min_length=1)]


def read_tasks(path: Path, rubric: Rubric) -> list[Labelled]:
    """Labelled drafts from a JSON Lines file; a line is a task of Presend-Bench or has the short form.

    The short form is ``id``, ``group`` (optional), ``context``, ``draft`` and ``scores`` of the rubric's model
    criteria. ``scores`` maps criterion ids to 1..5 or null (unknown); criteria left out are unknown. A task of
    Presend-Bench, which has a ``task_id``, may score those of the rules as well: they are passed over.

    Raises
    ------
    InvalidInput
        Naming file, line and field; never quoting a draft.
    SetupError
        When the file cannot be read or holds no task.
    """
    known = [c.id for c in rubric.model_criteria]
    of_bench = [*(c.id for c in rubric.criteria), OVERALL]
    found: list[Labelled] = []
    seen: dict[str, int] = {}
    for number, line in lines_of(path):
        where = f"{path.name}:{number}"
        task = _task(line, where)
        allowed = known if isinstance(task, _Task) else of_bench
        if unknown := [name for name in task.scores if name not in allowed]:
            fault = Fault(f"{where}: scores.{unknown[0]}", f"no such criterion; the rubric has {', '.join(allowed)}")
            raise InvalidInput("The task file does not fit.", (fault,))
        if task.id in seen:
            name = "id" if isinstance(task, _Task) else "task_id"
            fault = Fault(f"{where}: {name}", f"already used in line {seen[task.id]}")
            raise InvalidInput("The task file does not fit.", (fault,))
        seen[task.id] = number
        scores = tuple(task.scores.get(name) for name in known)
        found.append(Labelled(task.id, task.group or task.id, task.context, task.draft, scores))
    if not found:
        raise SetupError(f"The task file {path.name} holds no task.")
    return found


def _task(line: str, where: str) -> _Task | Task:
    row = object_of(line, where)
    try:
        return Task.model_validate(row) if "task_id" in row else _Task.model_validate(row)
    except ValidationError as error:
        raise InvalidInput("The task file does not fit.", faults_of(error, where)) from None


def make_pairs(rows: Sequence[Labelled], rubric: Rubric, seed: int, count: int | None = None) -> list[Pair]:
    """Pairs from labelled drafts, at most ``count``, evenly over criteria and over missed and false alarms.

    A violated draft's wrong judge scores every violated criterion 5. Its mirror is a clean draft, of the same scenario
    where there is one, whose wrong judge scores the same criterion 1. A score that is unknown is 5 in both answers.

    Raises
    ------
    SetupError
        When a label has another number of scores than the rubric has model criteria, or no pair can be made.
    """
    names = [c.id for c in rubric.model_criteria]
    for row in rows:
        if len(row.scores) != len(names):
            raise SetupError(
                f"The task {row.id} has {len(row.scores)} scores, but the rubric {rubric.name} asks the model for "
                f"{len(names)} ({', '.join(names)})."
            )
    rng = Random(f"pairs:{seed}")
    buckets = {name: _of_criterion(rows, index, name, rng) for index, name in enumerate(names)}
    taken: list[Pair] = []
    depth = 0
    while any(depth < len(couples) for couples in buckets.values()):
        for couples in buckets.values():
            if depth < len(couples) and (count is None or len(taken) + 2 <= count):
                taken += couples[depth]
        depth += 1
    if not taken:
        raise SetupError("No pair can be made: the tasks hold no criterion with both a violated and a clean draft.")
    rng.shuffle(taken)
    return taken


def _of_criterion(rows: Sequence[Labelled], index: int, name: str, rng: Random) -> list[tuple[Pair, Pair]]:
    """Couples of a missed violation and its mirrored false alarm on one criterion, in random order."""
    broken = [row for row in rows if row.scores[index] is not None and row.scores[index] in (1, 2)]
    clean = [row for row in rows if row.scores[index] == CLEAN]
    rng.shuffle(broken)
    rng.shuffle(clean)
    unused = {row.id: row for row in clean}
    by_group: dict[str, list[Labelled]] = {}
    for row in clean:
        by_group.setdefault(row.group, []).append(row)
    couples = []
    for row in broken:
        mirror = next((c for c in by_group.get(row.group, []) if c.id in unused), None)
        if mirror is None:
            mirror = next(iter(unused.values()), None)
        if mirror is None:
            break
        del unused[mirror.id]
        couples.append((_pair(row, index, name, "missed"), _pair(mirror, index, name, "false alarm")))
    return couples


def _pair(row: Labelled, index: int, name: str, kind: Kind) -> Pair:
    chosen = tuple(CLEAN if score is None else score for score in row.scores)
    if kind == "missed":
        rejected = tuple(CLEAN if score <= 2 else score for score in chosen)
    else:
        rejected = tuple(BROKEN if place == index else score for place, score in enumerate(chosen))
    return Pair(f"{row.id}/{name}/{kind}", row.group, name, kind, row.context, row.draft, chosen, rejected)


def keep_short(tokenizer: Any, rubric: Rubric, rows: Sequence[Labelled], max_tokens: int) -> tuple[list[Labelled], int]:
    """The tasks whose prompt and answer fit into ``max_tokens``, and how many do not.

    Raises
    ------
    SetupError
        When more than half do not fit.
    """
    answer = len(answer_ids(tokenizer, [CLEAN] * len(rubric.model_criteria)))
    sizes = [len(prompt_ids(tokenizer, rubric, row.draft, row.context)) + answer for row in rows]
    kept = [row for row, size in zip(rows, sizes, strict=True) if size <= max_tokens]
    dropped = len(rows) - len(kept)
    if 2 * dropped > len(rows):
        raise SetupError(
            f"{dropped} of {len(rows)} tasks are longer than {max_tokens} tokens (the longest has {max(sizes)});"
            " raise --max-tokens."
        )
    return kept, dropped


def encode_pairs(tokenizer: Any, rubric: Rubric, pairs: Sequence[Pair]) -> list[EncodedPair]:
    """The exact tokens that the engine sees and decodes.

    Raises
    ------
    SetupError
        When two answers of one pair differ in length: then a digit is not one token.
    """
    found = []
    for pair in pairs:
        prompt = prompt_ids(tokenizer, rubric, pair.draft, pair.context)
        chosen, rejected = answer_ids(tokenizer, pair.chosen), answer_ids(tokenizer, pair.rejected)
        if len(chosen) != len(rejected):
            raise SetupError("The tokenizer gives two answers of one form different lengths; choose another base.")
        found.append(EncodedPair(pair, prompt, chosen, rejected))
    return found


def slices(pairs: Sequence[Pair]) -> dict[str, int]:
    """How many pairs each failure slice has."""
    return dict(sorted(Counter(pair.slice for pair in pairs).items()))


def digest(pairs: Sequence[Pair]) -> str:
    """SHA-256 over everything in the pairs, hex: two trainings with equal digests saw the same data."""
    hasher = hashlib.sha256()
    for pair in pairs:
        told: list[Any] = [pair.id, pair.cluster, pair.draft.model_dump(), pair.context.model_dump(mode="json")]
        hasher.update(json.dumps([*told, pair.chosen, pair.rejected], sort_keys=True).encode())
    return hasher.hexdigest()


def without_clusters_of(pairs: Sequence[Pair], others: Sequence[Pair]) -> list[Pair]:
    """The pairs whose cluster is not among those of ``others``."""
    taken = {pair.cluster for pair in others}
    return [pair for pair in pairs if pair.cluster not in taken]


def split_tasks(rows: Sequence[Labelled], share: float, seed: int) -> tuple[list[Labelled], list[Labelled]]:
    """Tasks for training and held-out tasks; whole groups go to one side, about ``share`` of them held out.

    Raises
    ------
    SetupError
        With fewer than two groups.
    """
    groups = sorted({row.group for row in rows})
    if len(groups) < 2:
        raise SetupError("The task file has one group only; held-out pairs need tasks of at least two groups.")
    Random(f"split:{seed}").shuffle(groups)
    held = set(groups[: max(1, round(share * len(groups)))])
    return [r for r in rows if r.group not in held], [r for r in rows if r.group in held]


def rows_of(encoded: Sequence[EncodedPair]) -> list[dict[str, Any]]:
    """The pairs as plain rows for a data set: token ids, and the texts that a person can read."""
    return [
        {
            "prompt_ids": one.prompt,
            "chosen_ids": one.chosen,
            "rejected_ids": one.rejected,
            "chosen": answer_text(one.pair.chosen),
            "rejected": answer_text(one.pair.rejected),
        }
        for one in encoded
    ]
