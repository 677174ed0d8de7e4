"""Drafts that the adapter has not seen, for calibration and measurement, and the figures computed on them.

Three kinds: generated from the held-out phrase bank (and, for ``test``, from families that training never shows),
published drafts of authors that training never shows, and the blind-labelled development file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from app.bench.generate import Example, Split, generate
from app.bench.imports import Imported, read_imports
from app.bench.moves import MODEL_CRITERIA, OVERALL
from app.bench.tasks import lines_of
from app.errors import SetupError
from app.judge.calibration import Calibration, CriterionCalibration
from app.schemas import Context, Draft
from app.training.calibration import apply
from app.training.mixture import DEV_FILE, Labelled, from_example, text_key
from app.training.scoring import p_fail

Digits = NDArray[np.float64]


@dataclass(frozen=True)
class Whole:
    """A draft with one label for the whole: failed or not; ``cluster`` names the drafts that share its situation."""

    draft: Draft
    context: Context
    failed: bool
    category: str | None = None
    cluster: str = ""
    vendor: str | None = None


def held_out_generated(seed: int, split: Split, scenarios: int, drafts: int = 6) -> list[Labelled]:
    """Generated drafts of a held-out split."""
    return [from_example(example) for example in generate(seed, split, scenarios, drafts)]


def generated_wholes(
    seed: int, split: Split, scenarios: int, drafts: int = 6, *, contrasts: bool = False
) -> list[tuple[Whole, Example]]:
    """The same drafts with their label for the whole, where it is decided; ``contrasts``: their contrast sets."""
    return [
        (Whole(e.draft, e.parsed_context, score == 1, e.family, e.group, e.vendor), e)
        for e in generate(seed, split, scenarios, drafts, contrasts=contrasts)
        if (score := e.scores[OVERALL]) is not None and e.contrast == contrasts
    ]


def unseen_author(folder: Path, author: str, each: int, seed: int) -> list[Whole]:
    """Up to ``each`` drafts of one author, half of them labelled fail; labels are noisy, texts are distinct."""
    rows: dict[str, Imported] = {}
    for row in read_imports(_file(folder, f"{author}.jsonl")):
        rows.setdefault(text_key(row.draft, row.context.company_name), row)
    mixed = list(rows.values())
    Random(f"{author}:{seed}").shuffle(mixed)
    failed = [r for r in mixed if r.failed][: each // 2]
    passed = [r for r in mixed if not r.failed][: each // 2]
    return [
        Whole(r.draft, r.context, r.failed, r.criterion, r.pair or r.id)
        for r in sorted(failed + passed, key=lambda r: r.id)
    ]


def development(folder: Path) -> list[Whole]:
    """The blind-labelled drafts, as the service would be asked about them."""
    rows = []
    for _, line in lines_of(_file(folder, DEV_FILE)):
        row = json.loads(line)
        request = row["request"]
        context = Context.model_validate(request["input"] | {"task_type": request["task_type"]})
        draft = Draft(**request["candidate_output"])
        rows.append(Whole(draft, context, row["label"] == "fail", row["category"], row["id"]))
    return rows


def transfer(name: str) -> list[Whole]:
    """A set of our own drafts, written one by one, that ships with the package: ``letters`` or ``voices``."""
    text = files("app.bench").joinpath("transfer", f"{name}.jsonl").read_text(encoding="utf-8")
    rows = []
    for line in text.rstrip("\n").split("\n"):
        row = json.loads(line)
        context = Context.model_validate(row["context"])
        rows.append(Whole(Draft(**row["draft"]), context, row["label"] == "fail", row["category"], row["id"]))
    return rows


TRANSFER_SETS = ("letters", "voices")


def margins(digits: Digits, calibration: Calibration) -> Digits:
    """Calibrated P(fail) per criterion: shape (drafts, criteria)."""
    raw = p_fail(digits)
    return np.stack([apply(calibration.of(c), raw[:, i]) for i, c in enumerate(MODEL_CRITERIA)], 1)


def fails(digits: Digits, calibration: Calibration) -> NDArray[np.bool_]:
    """Whether any criterion reaches its threshold."""
    cuts = [cut_of(calibration.of(c)) for c in MODEL_CRITERIA]
    return np.asarray((margins(digits, calibration) >= np.array(cuts)).any(-1))


def stopped(digits: Digits, calibration: Calibration) -> NDArray[np.bool_]:
    """Whether the gate would not send: a criterion fails, or the judge abstains on one."""
    found = margins(digits, calibration)
    doubt = np.stack([unsure(calibration.of(c), found[:, i]) for i, c in enumerate(MODEL_CRITERIA)], 1)
    return np.asarray(fails(digits, calibration) | doubt.any(-1))


def cut_of(one: CriterionCalibration) -> float:
    """The calibrated P(fail) from which a criterion fails."""
    return 0.5 if one.fail_at is None else one.fail_at


def unsure(one: CriterionCalibration, p: Digits) -> NDArray[np.bool_]:
    """Where the judge abstains on a criterion: calibrated P(fail) within the band around its threshold."""
    return np.asarray(np.abs(p - cut_of(one)) < (one.abstain_band or 0.0))


def sides(rows: Sequence[Labelled], index: int) -> tuple[list[int], list[int]]:
    """Indices of the drafts that violate a criterion, and of those that are clean on it."""
    failed = [i for i, row in enumerate(rows) if row.scores[index] == 1]
    clean = [i for i, row in enumerate(rows) if row.scores[index] == 5]
    return failed, clean


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise SetupError(f"The file {name} is missing in {folder}; --data must name the folder of published drafts.")
    return path
