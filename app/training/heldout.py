"""Drafts that the adapter has not seen, for calibration and measurement, and the figures computed on them.

Three kinds: generated from the held-out phrase bank (and, for ``test``, from families that training never shows),
published drafts of authors that training never shows, and the blind-labelled development file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.bench.balance import auc
from app.bench.generate import Split, generate
from app.bench.imports import read_imports
from app.bench.moves import MODEL_CRITERIA
from app.errors import SetupError
from app.judge.calibration import Calibration
from app.schemas import Context, Draft
from app.training.calibration import apply
from app.training.mixture import AUTHORS, DEV_FILE, Labelled, from_example
from app.training.scoring import p_fail

Digits = NDArray[np.float64]


@dataclass(frozen=True)
class Whole:
    """A draft with one label for the whole: failed or not."""

    draft: Draft
    context: Context
    failed: bool
    category: str | None = None


def held_out_generated(seed: int, split: Split, scenarios: int, drafts: int = 6) -> list[Labelled]:
    """Generated drafts of a held-out split."""
    return [from_example(example) for example in generate(seed, split, scenarios, drafts)]


def unseen_authors(folder: Path, each: int, seed: int) -> dict[str, list[Whole]]:
    """Up to ``each`` drafts per author that training never shows, half of them labelled fail; labels are noisy."""
    found: dict[str, list[Whole]] = {}
    for author in AUTHORS:
        rows = list(read_imports(_file(folder, f"{author}.jsonl")))
        rng = Random(f"{author}:{seed}")
        rng.shuffle(rows)
        failed = [r for r in rows if r.failed][: each // 2]
        passed = [r for r in rows if not r.failed][: each // 2]
        found[author] = [Whole(r.draft, r.context, r.failed) for r in sorted(failed + passed, key=lambda r: r.id)]
    return found


def development(folder: Path) -> list[Whole]:
    """The blind-labelled drafts, as the service would be asked about them."""
    rows = []
    for line in _file(folder, DEV_FILE).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        request = row["request"]
        context = Context.model_validate(request["input"] | {"task_type": request["task_type"]})
        rows.append(Whole(Draft(**request["candidate_output"]), context, row["label"] == "fail", row["category"]))
    return rows


def criterion_figures(rows: Sequence[Labelled], digits: Digits, calibration: Calibration) -> dict[str, dict[str, Any]]:
    """Per criterion: AUC, balanced accuracy at the threshold, share of clean drafts that pass, share caught."""
    raw = p_fail(digits)
    figures: dict[str, dict[str, Any]] = {}
    for index, criterion in enumerate(MODEL_CRITERIA):
        failed, clean = sides(rows, index)
        fitted = calibration.of(criterion)
        cut = 0.5 if fitted.fail_at is None else fitted.fail_at
        caught = float((apply(fitted, raw[failed, index]) >= cut).mean())
        kept = float((apply(fitted, raw[clean, index]) < cut).mean())
        figures[criterion] = {
            "auc": auc(raw[clean, index].tolist(), raw[failed, index].tolist()),
            "balanced_accuracy": (caught + kept) / 2,
            "clean_pass": kept,
            "caught": caught,
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
