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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.bench.balance import auc
from app.bench.generate import Example, Split, generate
from app.bench.imports import Imported, read_imports
from app.bench.moves import MODEL_CRITERIA, OVERALL
from app.errors import SetupError
from app.judge.calibration import Calibration, CriterionCalibration
from app.schemas import Context, Draft
from app.training.calibration import apply, calibration_error, error_by_chance
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


def generated_wholes(seed: int, split: Split, scenarios: int, drafts: int = 6) -> list[tuple[Whole, Example]]:
    """The same drafts with their label for the whole, where it is decided."""
    return [
        (Whole(e.draft, e.parsed_context, score == 1, e.family, e.group, e.vendor), e)
        for e in generate(seed, split, scenarios, drafts)
        if (score := e.scores[OVERALL]) is not None
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
    for line in _file(folder, DEV_FILE).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        request = row["request"]
        context = Context.model_validate(request["input"] | {"task_type": request["task_type"]})
        draft = Draft(**request["candidate_output"])
        rows.append(Whole(draft, context, row["label"] == "fail", row["category"], row["id"]))
    return rows


def transfer(name: str) -> list[Whole]:
    """A set of our own hand-written drafts that ships with the package: ``letters`` or ``voices``."""
    text = files("app.bench").joinpath("transfer", f"{name}.jsonl").read_text(encoding="utf-8")
    rows = []
    for line in text.splitlines():
        row = json.loads(line)
        context = Context.model_validate(row["context"])
        rows.append(Whole(Draft(**row["draft"]), context, row["label"] == "fail", row["category"], row["id"]))
    return rows


TRANSFER_SETS = ("letters", "voices")


def criterion_figures(rows: Sequence[Labelled], digits: Digits, calibration: Calibration) -> dict[str, dict[str, Any]]:
    """Per criterion: AUC, balanced accuracy at the threshold, share of clean drafts that pass, share caught."""
    raw = p_fail(digits)
    figures: dict[str, dict[str, Any]] = {}
    for index, criterion in enumerate(MODEL_CRITERIA):
        failed, clean = sides(rows, index)
        fitted = calibration.of(criterion)
        cut = 0.5 if fitted.fail_at is None else fitted.fail_at
        caught = float((apply(fitted, raw[failed, index]) >= cut).mean())
        labels = np.arange(len(failed) + len(clean)) < len(failed)
        kept = float((apply(fitted, raw[clean, index]) < cut).mean())
        figures[criterion] = {
            "auc": auc(raw[clean, index].tolist(), raw[failed, index].tolist()),
            "balanced_accuracy": (caught + kept) / 2,
            "clean_pass": kept,
            "caught": caught,
            "calibration_error": calibration_error(apply(fitted, raw[failed + clean, index]), labels),
            "calibration_error_by_chance": error_by_chance(apply(fitted, raw[failed + clean, index])),
            "abstained": float(_unsure(fitted, apply(fitted, raw[failed + clean, index])).mean()),
            "n_failed": len(failed),
            "n_clean": len(clean),
        }
    wholly = [i for i, row in enumerate(rows) if all(s == 5 for s in row.scores)]
    figures["all"] = {"clean_pass": float((~fails(digits[wholly], calibration)).mean()), "n_clean": len(wholly)}
    return figures


def whole_figures(rows: Sequence[Whole], digits: Digits, calibration: Calibration) -> dict[str, Any]:
    """For drafts with one label: AUC of the largest calibrated P(fail), and what the thresholds do."""
    failed = np.array([row.failed for row in rows])
    worst = margins(digits, calibration).max(-1)
    said = fails(digits, calibration)
    pass_recall, fail_recall = float((~said[~failed]).mean()), float(said[failed].mean())
    return {
        "auc": auc(worst[~failed].tolist(), worst[failed].tolist()),
        "balanced_accuracy": (pass_recall + fail_recall) / 2,
        "pass_recall": pass_recall,
        "fail_recall": fail_recall,
        "n_failed": int(failed.sum()),
        "n_passed": int((~failed).sum()),
    }


def margins(digits: Digits, calibration: Calibration) -> Digits:
    """Calibrated P(fail) per criterion: shape (drafts, criteria)."""
    raw = p_fail(digits)
    return np.stack([apply(calibration.of(c), raw[:, i]) for i, c in enumerate(MODEL_CRITERIA)], 1)


def fails(digits: Digits, calibration: Calibration) -> NDArray[np.bool_]:
    """Whether any criterion reaches its threshold."""
    cuts = [calibration.of(c).fail_at or 0.5 for c in MODEL_CRITERIA]
    return np.asarray((margins(digits, calibration) >= np.array(cuts)).any(-1))


def stopped(digits: Digits, calibration: Calibration) -> NDArray[np.bool_]:
    """Whether the gate would not send: a criterion fails, or the judge abstains on one."""
    found = margins(digits, calibration)
    unsure = np.stack([_unsure(calibration.of(c), found[:, i]) for i, c in enumerate(MODEL_CRITERIA)], 1)
    return np.asarray(fails(digits, calibration) | unsure.any(-1))


def _unsure(one: CriterionCalibration, p: Digits) -> NDArray[np.bool_]:
    return np.asarray(np.abs(p - (one.fail_at or 0.5)) < (one.abstain_band or 0.0))


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
