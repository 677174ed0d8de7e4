"""``python -m app.training.passes``: what it is worth to treat published "pass" labels as noisy.

The same stage is trained three times from the same adapter, on as many published drafts of the same draw and the same
generated ones: passes that no rule contradicts at half weight (as the shipped adapter was), all passes at half weight,
all passes at full weight. Each is measured on the drafts that were labelled blind, which no arm reads, and on our own
transfer sets. One arm after another; finished ones are kept, so the same command goes on. Refused: kept figures that
other options, another adapter or calibration gave.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app.training.authors import FIGURES, RECORD, fold_record, kept_figures
from app.training.base import as_the_engine, find_base, load_model, load_tokenizer
from app.training.calibration import read_calibration
from app.training.encode import answer_ids, default_rubric
from app.training.heldout import TRANSFER_SETS, Whole, development, margins, stopped, transfer
from app.training.merge import find_adapter, merge
from app.training.mixture import DEV_FILE, PASS_WEIGHT
from app.training.rates import Judged, auc_gain, clusters_of, rates
from app.training.recipes import Recipe, Run
from app.training.scoring import digit_probabilities
from app.training.steps import run_command, step
from app.training.train import train

ARMS = {
    f"agreed passes, weight {PASS_WEIGHT:g}": ("agreed", PASS_WEIGHT),
    f"all passes, weight {PASS_WEIGHT:g}": ("all", PASS_WEIGHT),
    "all passes, weight 1": ("all", 1.0),
}


def measured_sets(data: Path) -> dict[str, list[Whole]]:
    """The sets that every arm is measured on, by name."""
    return {DEV_FILE.removesuffix(".jsonl"): development(data)} | {name: transfer(name) for name in TRANSFER_SETS}


def ask(adapter: Path, recipe: Recipe, calibration_file: Path, sets: Mapping[str, Sequence[Whole]]) -> dict[str, Any]:
    """Per set, each draft's highest calibrated P(fail), ``score``, and whether the judge stops it, ``stopped``."""
    with step("measure"):
        base = find_base(recipe.base)
        tokenizer, rubric, calibration = load_tokenizer(base), default_rubric(), read_calibration(calibration_file)
        probe = answer_ids(tokenizer, [5] * len(rubric.model_criteria))
        model = as_the_engine(merge(load_model(base), find_adapter(adapter, base), [probe])[0])
        found: dict[str, Any] = {}
        for name, rows in sets.items():
            digits = digit_probabilities(model, tokenizer, rubric, [(r.draft, r.context) for r in rows], name=name)
            score = margins(digits, calibration).max(-1)
            found[name] = {"score": score.tolist(), "stopped": stopped(digits, calibration).tolist()}
    return found


def compare(asked: Mapping[str, Mapping[str, Any]], sets: Mapping[str, Sequence[Whole]]) -> dict[str, Any]:
    """Rates of every arm on every set, and the gain in AUC over the first arm on the same drafts."""
    found: dict[str, Any] = {}
    for name, rows in sets.items():
        failed = np.array([row.failed for row in rows])
        clusters = clusters_of([row.cluster for row in rows])
        judged = {
            arm: Judged(failed, np.array(said[name]["stopped"]), np.array(said[name]["score"]), clusters)
            for arm, said in asked.items()
        }
        first = next(iter(judged.values()))
        found[name] = {
            arm: rates(one) | ({} if one is first else {"gain": auc_gain(one, first)}) for arm, one in judged.items()
        }
    return found


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures as Markdown, 95 % intervals over clusters."""
    lines = [
        "| drafts | published passes | AUC | AUC above the first | pass recall | fail recall |",
        "|---|---|---|---|---|---|",
    ]
    for name, arms in found.items():
        for arm, one in arms.items():
            gain = _told(one["gain"], "auc", "+") if "gain" in one else "–"
            cells = (_told(one, "auc"), gain, _told(one, "pass_recall"), _told(one, "fail_recall"))
            lines.append(f"| {name} ({one['n_passed']} pass, {one['n_failed']} fail) | {arm} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _told(row: Mapping[str, Any], name: str, sign: str = "") -> str:
    value, bounds = row[name], row.get(f"{name}_ci")
    if value is None:
        return "–"
    return f"{value:{sign}.3f}" + ("" if bounds is None else f" [{bounds[0]:{sign}.2f}, {bounds[1]:{sign}.2f}]")


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.passes", description=__doc__)
    parser.add_argument("--start", required=True, type=Path, help="adapter that every arm starts from")
    parser.add_argument("--calibration", required=True, type=Path, help="calibration.json for scores and thresholds")
    parser.add_argument("--data", required=True, type=Path, help="folder with the published drafts")
    parser.add_argument("--out", required=True, type=Path, help="folder for the arms and passes.json")
    parser.add_argument(
        "--published", type=int, default=3000, help="published drafts per arm, at most (default 3000: all)"
    )
    parser.add_argument("--scenarios", type=int, default=20, help="generated scenarios mixed in (default 20)")
    parser.add_argument("--seed", type=int, default=8, help="of the draw, the order and the generated drafts")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    given = parser.parse_args(argv)

    def work() -> None:
        common = Recipe(
            seed=given.seed, scenarios=given.scenarios, published=given.published, rate=3e-4, dropout=0.0,
            pack_tokens=1150,
        )  # fmt: skip
        recipes = {a: replace(common, passes=which, pass_weight=w).checked() for a, (which, w) in ARMS.items()}
        folders = {arm: given.out / f"{one.passes}-{one.pass_weight:g}" for arm, one in recipes.items()}
        records = {arm: fold_record(one, given.start, given.calibration, 0) for arm, one in recipes.items()}
        kept = {arm: kept_figures(folders[arm], records[arm]) for arm in recipes}
        sets = measured_sets(given.data)
        asked: dict[str, dict[str, Any]] = {}
        for arm, recipe in recipes.items():
            said, folder = kept[arm], folders[arm]
            if said is None:
                run = Run(folder, given.data, given.start, given.threads, compiled=shutil.which("g++") is not None)
                said = ask(train(recipe, run), recipe, given.calibration, sets)
                for name, value in ((RECORD, records[arm]), (FIGURES, said)):
                    (folder / name).write_text(json.dumps(value, indent=2), encoding="utf-8")
            asked[arm] = said
        found = compare(asked, sets)
        (given.out / "passes.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(table(found))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
