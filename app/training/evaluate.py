"""``python -m app.training.evaluate``: the table of the card, on drafts that training never saw.

Prints Markdown on stdout and, with --json, writes the figures. A missing file of published drafts leaves its rows
out only when --data is not given; a wrong folder is an error.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from app.bench.moves import MODEL_CRITERIA
from app.judge.calibration import Calibration
from app.judge.rubric import Rubric
from app.training.base import find_base, load_model, load_tokenizer
from app.training.calibration import read_calibration
from app.training.encode import default_rubric
from app.training.heldout import (
    criterion_figures,
    development,
    held_out_generated,
    unseen_authors,
    whole_figures,
)
from app.training.scoring import digit_probabilities
from app.training.steps import run_command

_SPLITS = {"valid": "known families, new wording", "test": "new families, new wording"}


def evaluate(
    model_folder: Path,
    calibration: Calibration,
    data: Path | None,
    seed: int,
    scenarios: int,
    each: int,
    splits: tuple[str, ...],
) -> dict[str, Any]:
    """All figures of one prepared model: generated splits, unseen authors, development file."""
    base = find_base(str(model_folder))
    tokenizer, model, rubric = load_tokenizer(base), load_model(base), default_rubric()
    figures: dict[str, Any] = {"weights": base.digest}
    for split in splits:
        rows = held_out_generated(seed, "valid" if split == "valid" else "test", scenarios)
        digits = _judge(model, tokenizer, rubric, [(r.draft, r.context) for r in rows], split)
        figures[split] = criterion_figures(rows, digits, calibration)
    if data is not None:
        for name, drafts in (unseen_authors(data, each, seed) | {"dev_adjudicated": development(data)}).items():
            digits = _judge(model, tokenizer, rubric, [(r.draft, r.context) for r in drafts], name)
            figures[name] = whole_figures(drafts, digits, calibration)
    return figures


def _judge(model: Any, tokenizer: Any, rubric: Rubric, pairs: list[Any], name: str) -> Any:
    return digit_probabilities(model, tokenizer, rubric, pairs, name=name)


def markdown(named: dict[str, dict[str, Any]]) -> str:
    """Figures of several models side by side."""
    lines = []
    for split, title in _SPLITS.items():
        if not all(split in figures for figures in named.values()):
            continue
        lines += [
            f"Generated, {title}:",
            "",
            "| criterion | "
            + " | ".join(f"{name} AUC | {name} bal. acc. | {name} clean pass | {name} caught" for name in named)
            + " |",
            "|" + "---|" * (1 + 4 * len(named)),
        ]
        for criterion in MODEL_CRITERIA:
            cells = []
            for figures in named.values():
                row = figures[split][criterion]
                cells += [f"{row[key]:.2f}" for key in ("auc", "balanced_accuracy", "clean_pass", "caught")]
            lines.append(f"| {criterion} | " + " | ".join(cells) + " |")
        lines.append("")
    others = [key for key in next(iter(named.values())) if key not in (*_SPLITS, "weights")]
    if others:
        lines += [
            "Published drafts:",
            "",
            "| drafts | " + " | ".join(f"{name} AUC | {name} bal. acc. | {name} pass recall" for name in named) + " |",
            "|" + "---|" * (1 + 3 * len(named)),
        ]
        for key in others:
            cells = []
            for figures in named.values():
                cells += [f"{figures[key][f]:.2f}" for f in ("auc", "balanced_accuracy", "pass_recall")]
            lines.append(f"| {key} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.evaluate", description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="prepared model folder with the adapter merged")
    parser.add_argument("--base-model", type=Path, help="prepared model folder without adapter, to compare")
    parser.add_argument("--calibration", type=Path, help="calibration.json of --model; none means 0.5 on raw numbers")
    parser.add_argument("--data", type=Path, help="folder with published drafts and the development file")
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--scenarios", type=int, default=40, help="scenarios of six drafts per generated split")
    parser.add_argument("--each", type=int, default=60, help="drafts per unseen author")
    parser.add_argument("--splits", default="valid,test", help="generated splits to measure, comma-separated")
    parser.add_argument("--json", type=Path, help="file for all figures")
    given = parser.parse_args(argv)

    def work() -> None:
        fitted = read_calibration(given.calibration) if given.calibration else Calibration()
        splits = tuple(s for s in given.splits.split(",") if s)
        named: dict[str, dict[str, Any]] = {}
        if given.base_model:
            named["base"] = evaluate(
                given.base_model, Calibration(), given.data, given.seed, given.scenarios, given.each, splits
            )
        named["LoRA"] = evaluate(given.model, fitted, given.data, given.seed, given.scenarios, given.each, splits)
        if given.json:
            given.json.write_text(json.dumps(named, indent=2) + "\n", encoding="utf-8")
        print(markdown(named))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
