"""``python -m app.training.authors``: leave one author out, train on the others, measure on the one left out.

What an adapter is worth on writers that it has never met: for each author of published drafts the second stage of the
recipe is run without that author's drafts, starting from an adapter that has seen generated drafts only, and the
result is measured on the author's own. Their labels are noisy, so the same is reported on the drafts whose label our
rules do not contradict. One author after another; finished ones are kept, so the same command goes on. Refused: kept
figures that another recipe, adapter or calibration gave, and those that do not say which.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from app.bench.moves import MODEL_CRITERIA
from app.errors import SetupError
from app.training.base import as_the_engine, file_digest, find_base, load_model, load_tokenizer
from app.training.calibration import read_calibration
from app.training.encode import answer_ids, default_rubric
from app.training.evaluate import rules_stop
from app.training.heldout import margins, stopped, unseen_author
from app.training.merge import find_adapter, merge
from app.training.mixture import AUTHORS
from app.training.rates import Judged, clusters_of, rates
from app.training.recipes import SHIPPED_RECIPE, Recipe, Run, read_stages
from app.training.report import authors_table
from app.training.scoring import digit_probabilities
from app.training.steps import run_command, step
from app.training.train import train

FIGURES, RECORD = "figures.json", "record.json"
OPTIONS = ("start", "calibration", "published", "written", "scenarios", "each")


def leave_out(author: str, recipe: Recipe, run: Run, calibration_file: Path, each: int) -> dict[str, Any]:
    """Train without one author and measure on that author's drafts."""
    if run.data is None:
        raise SetupError("Leaving an author out needs the published drafts; --data must name their folder.")
    adapter_folder = train(recipe, run)
    with step("measure") as facts:
        base = find_base(recipe.base)
        tokenizer, rubric, calibration = load_tokenizer(base), default_rubric(), read_calibration(calibration_file)
        probe = answer_ids(tokenizer, [5] * len(rubric.model_criteria))
        model = as_the_engine(merge(load_model(base), find_adapter(adapter_folder, base), [probe])[0])
        rows = unseen_author(run.data, author, each, recipe.seed)
        digits = digit_probabilities(model, tokenizer, rubric, [(r.draft, r.context) for r in rows], name=author)
        failed = np.array([r.failed for r in rows])
        score, said, by_rule = margins(digits, calibration).max(-1), stopped(digits, calibration), rules_stop(rows)
        clusters = clusters_of([r.cluster for r in rows])
        agreed = failed | ~by_rule
        found = {
            "LoRA": rates(Judged(failed, said, score, clusters)),
            "rules": rates(Judged(failed, by_rule, by_rule.astype(float), clusters)),
            "rules+LoRA": rates(Judged(failed, said | by_rule, np.maximum(score, by_rule), clusters)),
            "LoRA, passes that no rule contradicts": rates(
                Judged(failed[agreed], said[agreed], score[agreed], clusters_of(clusters[agreed].astype(str).tolist()))
            ),
        }
        facts.update(author=author, auc=found["LoRA"]["auc"], with_rules=found["rules+LoRA"]["auc"])
    return found


def fold_record(recipe: Recipe, start: Path, calibration_file: Path, each: int) -> dict[str, Any]:
    """What decides a fold's figures.

    Raises
    ------
    SetupError
        When the adapter or the calibration is missing.
    """
    weights = start / "adapter_model.safetensors"
    for option, path in (("--start", weights), ("--calibration", calibration_file)):
        if not path.is_file():
            raise SetupError(f"There is no file {path}; {option} must name it or its folder.")
    made = {"start": file_digest(weights), "calibration": file_digest(calibration_file), "each": each}
    return asdict(recipe) | made


def kept_figures(fold: Path, record: dict[str, Any]) -> dict[str, Any] | None:
    """The figures that a fold kept, None if it has none yet.

    Raises
    ------
    SetupError
        When they were made with something else, naming what, or do not say with what.
    """
    if not (fold / FIGURES).is_file():
        return None
    other = f"choose another --out, or delete {fold} to measure {fold.name} again"
    try:
        made = json.loads((fold / RECORD).read_text(encoding="utf-8"))
        found = json.loads((fold / FIGURES).read_text(encoding="utf-8"))
        differing = sorted(name for name in record.keys() | made.keys() if record.get(name) != made.get(name))
    except (OSError, ValueError, AttributeError) as error:
        raise SetupError(f"The figures in {fold} do not say what they were made with; {other}.") from error
    if differing:
        names = ", ".join(f"--{name.replace('_', '-')}" if name in OPTIONS else name for name in differing)
        raise SetupError(f"The figures in {fold} were made with another value of {names}; {other}.")
    return dict(found)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.authors", description=__doc__)
    parser.add_argument("--start", required=True, type=Path, help="adapter trained on generated drafts only")
    parser.add_argument("--calibration", required=True, type=Path, help="calibration.json for the thresholds")
    parser.add_argument("--data", required=True, type=Path, help="folder with the published drafts")
    parser.add_argument("--out", required=True, type=Path, help="folder for the folds and authors.json")
    parser.add_argument("--authors", default=",".join(AUTHORS), help="who is left out in turn, comma-separated")
    parser.add_argument("--published", type=int, default=420, help="drafts of the other authors per fold")
    parser.add_argument("--written", type=int, default=1, help="how often the drafts written one by one are shown")
    parser.add_argument("--scenarios", type=int, default=20, help="generated scenarios mixed in per fold")
    parser.add_argument("--each", type=int, default=80, help="drafts of the author left out, half of them failed")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    given = parser.parse_args(argv)

    def work() -> None:
        names = [name.strip() for name in given.authors.split(",") if name.strip()]
        if unknown := sorted(set(names) - set(AUTHORS)):
            raise SetupError(f"There is no author {unknown[0]!r}; the authors are {', '.join(AUTHORS)}.")
        hands = read_stages(SHIPPED_RECIPE)[1].hands
        recipes = {
            author: Recipe(
                seed=8, scenarios=given.scenarios, published=given.published, written=given.written, hands=hands,
                without=author, rate=3e-4, dropout=0.0, pack_tokens=1150,
            ).checked()
            for author in names
        }  # fmt: skip
        records = {name: fold_record(one, given.start, given.calibration, given.each) for name, one in recipes.items()}
        # All folds are looked at first: a refusal after hours would come too late.
        kept = {name: kept_figures(given.out / name, record) for name, record in records.items()}
        found: dict[str, dict[str, Any]] = {}
        for author, recipe in recipes.items():
            fold, figures = given.out / author, kept[author]
            if figures is None:
                run = Run(fold, given.data, given.start, given.threads, compiled=shutil.which("g++") is not None)
                figures = leave_out(author, recipe, run, given.calibration, given.each)
                fold.mkdir(parents=True, exist_ok=True)
                for name, value in ((RECORD, records[author]), (FIGURES, figures)):
                    (fold / name).write_text(json.dumps(value, indent=2), encoding="utf-8")
            found[author] = figures
        record = {"asked": MODEL_CRITERIA, "authors": found}
        (given.out / "authors.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        print(authors_table(record))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
