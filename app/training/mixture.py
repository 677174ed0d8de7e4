"""What the adapter is trained on: generated drafts, drafts written one by one, published ones with noisy labels.

An item is a prompt, the answer and a weight per answer token. Refused: any draft of the blind-labelled development
file, by id and by text, so that a figure on that file stays a figure on unseen drafts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal

from app.bench.generate import Example, generate
from app.bench.imports import Imported, read_imports
from app.bench.moves import MODEL_CRITERIA
from app.bench.resegmented import resegmented
from app.bench.tasks import Task, lines_of, written_tasks
from app.bench.turned import turned
from app.errors import SetupError
from app.judge.decision import blocking
from app.judge.policy import default_policy
from app.judge.rubric import Rubric
from app.judge.rules import Ruleset
from app.schemas import Context, Draft
from app.training.encode import answer_ids, digit_ids, prompt_ids
from app.training.recipes import SHIPPED_PUBLISHED, Recipe

DIGIT_WEIGHT, VIOLATION_WEIGHT, FORM_WEIGHT, REASON_WEIGHT = 1.0, 2.0, 0.02, 0.1
PASS_WEIGHT = 0.5
"""Published "pass" labels are right about half of the time beyond chance, so they count half."""
AUTHORS = (*(f"third_party_{letter}" for letter in "abcdef"), "salesconversion_bench")
DEV_FILE = "dev_adjudicated.jsonl"
Part = Literal["train", "valid"]


@dataclass(frozen=True)
class Labelled:
    """A draft with what is known of its scores: 1, 3 or 5 per criterion, None where nothing is known."""

    id: str
    group: str
    context: Context
    draft: Draft
    scores: tuple[int | None, ...]
    weight: float = 1.0
    reason: str | None = None


@dataclass(frozen=True)
class Item:
    """Token ids of prompt and answer, and the loss weight of each answer token."""

    group: str
    prompt: list[int]
    answer: list[int]
    weights: list[float]

    @property
    def text(self) -> list[int]:
        """Prompt and answer together."""
        return self.prompt + self.answer


def from_example(example: Example, explain: bool = False, asked: Sequence[str] = MODEL_CRITERIA) -> Labelled:
    """A generated example as a labelled draft, with its scores of what is asked; its reason if it shall explain."""
    scores = tuple(example.scores[c] for c in asked)
    group = f"{example.group}{'+why' if explain else ''}"
    return Labelled(
        example.id, group, example.parsed_context, example.draft, scores, 1.0, example.why if explain else None
    )


def generated(
    seed: int,
    scenarios: int,
    drafts: int,
    explain_share: float = 0.1,
    *,
    asked: Sequence[str] = MODEL_CRITERIA,
    contrasts: bool = False,
) -> list[Labelled]:
    """Training examples; one scenario in ten asks for a reason as well."""
    every = max(1, round(1 / explain_share)) if explain_share else 0
    found = []
    groups: dict[str, int] = {}
    for example in generate(seed, "train", scenarios, drafts, contrasts=contrasts):
        index = groups.setdefault(example.group, len(groups))
        found.append(from_example(example, bool(every) and index % every == every - 1, asked))
    return found


def focused(recipe: Recipe) -> list[Example]:
    """The recipe's further examples: those that violate its focus, what they were made from, and their contrasts."""
    examples = list(generate(recipe.seed + 1, "train", recipe.focus_scenarios, recipe.drafts, contrasts=True))
    focus = recipe.focus.split(",")
    broken = {e.id for e in examples if set(e.violated) & set(focus)}
    kept = broken | {e.pair for e in examples if e.id in broken}
    return [e for e in examples if e.id in kept or (e.contrast and e.pair in broken)]


def examples_of(recipe: Recipe) -> list[Example]:
    """All generated examples that a stage reads."""
    first = generate(recipe.seed, "train", recipe.scenarios, recipe.drafts, contrasts=recipe.contrasts)
    drawn = [*first, *focused(recipe)]
    return [*drawn, *(resegmented(drawn) if recipe.resegmented else ())]


def written(
    part: Part,
    times: int = 1,
    hands: Sequence[str] = (),
    asked: Sequence[str] = MODEL_CRITERIA,
    *,
    contradicted: bool = False,
) -> list[Labelled]:
    """Drafts written one by one for this (``app/bench/written``), each ``times`` times; ``valid`` is never trained on.

    Situations are divided, not drafts: one in five is for ``valid``, chosen by the hash of its name. ``hands`` takes
    only the files of these names; a recipe that names them stays the same when further hands are added.
    ``contradicted`` puts behind each draft its contrasts with another number (``app.bench.turned``).
    """
    tasks = [task for task in written_tasks() if _part(task.cluster) == part]
    if hands:
        tasks = [task for task in tasks if _hand(task) in hands]
    if contradicted:
        tasks = [one for task in tasks for one in (task, *turned(task))]
    rows = [_from_task(task, asked) for task in tasks]
    return [replace(row, group=f"{row.group}#{n}") for n in range(times) for row in rows]


def unread(hands: Sequence[str]) -> list[Labelled]:
    """Drafts written one by one that training did not read: ``valid``, and all of the ``hands`` it left out.

    Raises
    ------
    SetupError
        When there is no such hand.
    """
    tasks = written_tasks()
    if missing := sorted(set(hands) - {_hand(task) for task in tasks}):
        known = ", ".join(sorted({_hand(task) for task in tasks}))
        raise SetupError(f"There is no hand {missing[0]!r} in app/bench/written; there are {known}.")
    return [_from_task(task) for task in tasks if _part(task.cluster) == "valid" or _hand(task) in hands]


def _hand(task: Task) -> str:
    return task.task_id.partition("-")[0]


def _part(group: str) -> Part:
    return "valid" if hashlib.sha256(group.encode()).digest()[0] % 5 == 0 else "train"


def _from_task(task: Task, asked: Sequence[str] = MODEL_CRITERIA) -> Labelled:
    scores = tuple(task.scores.get(c) for c in asked)
    return Labelled(task.id, task.cluster, task.context, task.draft, scores)


def draw(recipe: Recipe, data: Path | None) -> tuple[list[Labelled], dict[str, str]]:
    """The labelled drafts of a recipe in the order in which they are drawn, and the licences of published ones.

    Raises
    ------
    SetupError
        When published drafts are asked for and ``data`` does not hold them.
    """
    asked = recipe.asked
    rows = generated(recipe.seed, recipe.scenarios, recipe.drafts, asked=asked, contrasts=recipe.contrasts)
    rows += [from_example(example, asked=asked) for example in examples_of(recipe)[len(rows) :]]
    hands = [name for name in recipe.hands.split(",") if name]
    rows += written("train", recipe.written, hands, asked, contradicted=recipe.turned)
    if not (recipe.published or recipe.listed):
        return rows, {}
    if data is None:
        raise SetupError("Published drafts were asked for; --data must name the folder that holds them.")
    if recipe.listed:
        ids = SHIPPED_PUBLISHED.read_text(encoding="utf-8").split("\n")[:-1]
        more, licences = listed(data, ids[:: recipe.listed_each], asked)
    else:
        more, licences = published(
            data,
            recipe.published,
            recipe.seed,
            _authors(recipe.without),
            agreed=recipe.passes == "agreed",
            pass_weight=recipe.pass_weight,
            asked=asked,
        )
    return rows + more, licences


def _authors(without: str) -> tuple[str, ...]:
    left_out = {name.strip() for name in without.split(",") if name.strip()}
    if unknown := sorted(left_out - set(AUTHORS)):
        raise SetupError(f"There is no author {unknown[0]!r}; the authors are {', '.join(AUTHORS)}.")
    return tuple(name for name in AUTHORS if name not in left_out)


def published(
    folder: Path,
    count: int,
    seed: int,
    authors: Sequence[str] = AUTHORS,
    *,
    agreed: bool = True,
    pass_weight: float = PASS_WEIGHT,
    asked: Sequence[str] = MODEL_CRITERIA,
) -> tuple[list[Labelled], dict[str, str]]:
    """Up to ``count`` published drafts, drawn evenly over authors, labels and criteria; and their licences.

    A "pass" is kept only where no flag and, with ``agreed``, no rule of ours speaks against it: blind labels upheld
    56 % of them. It counts ``pass_weight``, a "fail" 1.

    Raises
    ------
    SetupError
        When a file is missing.
    """
    rng = Random(f"published:{seed}")
    buckets: dict[tuple[str, str], list[Imported]] = {}
    licences: dict[str, str] = {}
    rules, policy = Ruleset(default_policy()), default_policy()
    seen: set[tuple[str, str]] = set()
    for author, key, row in _allowed(folder, authors, asked):
        if (author, key) in seen:
            continue
        if agreed and not row.failed and blocking(rules.check(row.draft, row.context), policy):
            continue
        seen.add((author, key))
        licences[row.author] = row.license
        label = (row.criterion or "") if row.failed else "pass"
        buckets.setdefault((author, label), []).append(row)
    chosen: list[Imported] = []
    for rows in buckets.values():
        rng.shuffle(rows)
    quota = count // max(1, len(authors))
    for author in authors:
        fails = [rows for (a, label), rows in sorted(buckets.items()) if a == author and label != "pass"]
        chosen += buckets.get((author, "pass"), [])[: quota // 2]
        chosen += _round_robin(fails, quota - quota // 2)
    return [_from_imported(row, pass_weight, asked) for row in chosen], licences


def listed(
    folder: Path, ids: Sequence[str], asked: Sequence[str] = MODEL_CRITERIA
) -> tuple[list[Labelled], dict[str, str]]:
    """The published drafts of these ids, in this order; and their licences.

    For a recipe that must give the same adapter again: what a rule says of a "pass" changes with the rules.

    Raises
    ------
    SetupError
        When a file is missing, or a draft is missing or may not be trained on, naming it.
    """
    found: dict[str, Imported] = {}
    for _, _, row in _allowed(folder, AUTHORS, asked):
        found.setdefault(row.id, row)  # one file numbers some drafts twice; the first is the one that a draw takes
    if missing := [name for name in ids if name not in found]:
        raise SetupError(
            f"{len(missing)} listed published drafts are not in {folder} or may not be trained on, {missing[0]} first."
        )
    rows = [found[name] for name in ids]
    return [_from_imported(row, asked=asked) for row in rows], {row.author: row.license for row in rows}


def _allowed(folder: Path, authors: Sequence[str], asked: Sequence[str]) -> Iterator[tuple[str, str, Imported]]:
    """Author, text key and draft of what may be trained on: nothing of the development file, no label in doubt."""
    dev_ids, dev_texts = _development(folder / DEV_FILE)
    for author in authors:
        path = folder / f"{author}.jsonl"
        if not path.is_file():
            raise SetupError(f"The file of published drafts {path.name} is missing in {folder}.")
        for row in read_imports(path):
            key = text_key(row.draft, row.context.company_name)
            if f"ext:{row.id}" in dev_ids or row.id in dev_ids or key in dev_texts:
                continue
            if row.criterion in asked if row.failed else not row.flags:
                yield author, key, row


def _round_robin(lists: Sequence[list[Imported]], count: int) -> list[Imported]:
    taken: list[Imported] = []
    depth = 0
    while len(taken) < count and any(depth < len(rows) for rows in lists):
        taken += [rows[depth] for rows in lists if depth < len(rows)]
        depth += 1
    return taken[:count]


def _from_imported(row: Imported, pass_weight: float = PASS_WEIGHT, asked: Sequence[str] = MODEL_CRITERIA) -> Labelled:
    if row.failed:
        scores = tuple(1 if c == row.criterion else None for c in asked)
        return Labelled(row.id, row.pair or row.id, row.context, row.draft, scores)
    return Labelled(row.id, row.pair or row.id, row.context, row.draft, (5,) * len(asked), pass_weight)


def _development(path: Path) -> tuple[set[str], set[str]]:
    if not path.is_file():
        raise SetupError(f"The file {path.name} is missing in {path.parent}; it says which drafts must stay unseen.")
    ids, texts = set(), set()
    for _, line in lines_of(path):
        row = json.loads(line)
        ids.add(row["id"])
        draft = row["request"]["candidate_output"]
        texts.add(text_key(Draft(**draft), row["request"]["input"]["company_name"]))
    return ids, texts


def text_key(draft: Draft, company: str) -> str:
    """A text without company, first name and numbers, so that a filled-in template counts as the same text."""
    body = draft.body.casefold().replace(company.casefold(), "").replace(company.split()[0].casefold(), "")
    body = re.sub(r"^\s*(?:hi|hello|dear|hey)\s+[^,\n]*,", "", body)
    return re.sub(r"[^a-z]+", " ", body).strip()


def encode(tokenizer: Any, rubric: Rubric, row: Labelled) -> Item:
    """The tokens of one labelled draft; an unknown score is filled with 5 and weighs nothing."""
    digits = set(digit_ids(tokenizer))
    prompt = prompt_ids(tokenizer, rubric, row.draft, row.context, explain=row.reason is not None)
    answer = answer_ids(tokenizer, [5 if s is None else s for s in row.scores], row.reason)
    weights = []
    pending = list(row.scores)
    for token in answer:
        if token in digits and pending:
            score = pending.pop(0)
            weights.append(0.0 if score is None else row.weight * (DIGIT_WEIGHT if score == 5 else VIOLATION_WEIGHT))
        elif pending or row.reason is None:
            weights.append(FORM_WEIGHT)
        else:
            weights.append(REASON_WEIGHT)
    return Item(row.group, prompt, answer, weights)


def bins(items: Iterable[Item], limit: int, rng: Random) -> list[list[Item]]:
    """Group items into packs of at most about ``limit`` tokens: one scenario's drafts together, then whoever fits.

    The estimate counts an item's own tail beyond the prompt that it shares with the pack's first item.
    """
    by_group: dict[str, list[Item]] = {}
    for item in items:
        by_group.setdefault(item.group, []).append(item)
    groups = list(by_group.values())
    rng.shuffle(groups)
    packs: list[list[Item]] = []
    room = 0
    for group in groups:
        for item in group:
            tail = len(item.text) - (_shared(packs[-1], item) if packs else 0)
            if packs and tail <= room and packs[-1][0].prompt[:150] == item.prompt[:150]:
                packs[-1].append(item)
                room -= tail
            else:
                packs.append([item])
                room = limit - len(item.text)
    rng.shuffle(packs)
    return packs


def _shared(packed: list[Item], item: Item) -> int:
    best = 0
    for other in (packed[0], packed[-1]):
        same = 0
        for a, b in zip(other.text, item.text, strict=False):
            if a != b:
                break
            same += 1
        best = max(best, same)
    return best


def digest(rows: Sequence[Labelled]) -> str:
    """SHA-256 over all labelled drafts, hex: what the adapter's record names as its data."""
    hasher = hashlib.sha256()
    for row in rows:
        hasher.update(json.dumps([row.id, row.draft.model_dump(), row.scores, row.weight, row.reason]).encode())
        hasher.update(row.context.model_dump_json().encode())
    return hasher.hexdigest()


def counts(rows: Sequence[Labelled], asked: Sequence[str] = MODEL_CRITERIA) -> dict[str, int]:
    """How many drafts violate each criterion that is asked, and how many violate none."""
    found: Counter[str] = Counter()
    for row in rows:
        broken = [c for c, score in zip(asked, row.scores, strict=True) if score == 1]
        found.update(broken or ["none"])
    return dict(sorted(found.items()))
