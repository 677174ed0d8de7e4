"""``python -m app.training.card``: write the adapter's card from what was recorded, never by hand.

Three records go in: the adapter's ``training.json``, its calibration, and the figures that ``evaluate --json`` wrote.
What the model cannot do is read off the figures. Refused: figures and a calibration of
different weights, a record that lacks what a card must say.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.errors import SetupError
from app.judge.calibration import Calibration
from app.training.calibration import read_calibration
from app.training.steps import run_command

WEAK_AUC = 0.7
COLUMNS = {
    "auc": "AUC",
    "balanced_accuracy": "bal. acc.",
    "mcc": "MCC",
    "clean_pass": "clean pass",
    "caught": "caught",
    "pass_recall": "pass recall",
    "fail_recall": "fail recall",
    "calibration_error": "calibration error",
    "abstained": "abstained",
}
TITLES = {
    "valid": "Generated drafts, known families in new wording",
    "test": "Generated drafts, new families in new wording",
    "dev_adjudicated": "development file, labelled blind",
}


def card(training: Mapping[str, Any], calibration: Calibration, figures: Mapping[str, Any], adapter_bytes: int) -> str:
    """The card as Markdown.

    Raises
    ------
    SetupError
        When a record lacks what a card must say.
    """
    recipe = training.get("recipe")
    if not isinstance(recipe, dict) or "base_digest" not in training:
        raise SetupError("training.json lacks `recipe` or `base_digest`; the card cannot say what was trained.")
    if not figures or not all(isinstance(value, dict) for value in figures.values()):
        raise SetupError("The evaluation holds no figures; write it with `evaluate --json`.")
    lines = [
        "# The judge's adapter",
        "",
        "Written by `presend model card` from the adapter's record, its calibration and its measurement.",
        "",
        "A LoRA adapter that scores an outreach draft from 1 to 5 on " + ", ".join(calibration.criteria) + ".",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in _facts(training, recipe, calibration, adapter_bytes)),
        "",
    ]
    lines += _reproduce(recipe)
    lines += _sources(training)
    lines += ["## How it measures", ""]
    for title, table in _tables(figures):
        lines += [f"{title}:", "", *table, ""]
    lines += ["## Calibration", "", f"Fitted on: {calibration.fitted_on or 'not recorded'}.", ""]
    lines += ["| criterion | slope | offset | fails at | abstain band |", "|---|---|---|---|---|"]
    for name, one in calibration.criteria.items():
        cut = "0.5" if one.fail_at is None else f"{one.fail_at:.3f}"
        lines.append(f"| {name} | {one.a:.3f} | {one.b:.3f} | {cut} | {one.abstain_band or 0:g} |")
    lines += ["", "## What it cannot do", "", *(f"- {limit}" for limit in _limits(figures)), ""]
    return "\n".join(lines)


def _facts(
    training: Mapping[str, Any], recipe: Mapping[str, Any], calibration: Calibration, size: int
) -> list[tuple[str, str]]:
    objective = recipe.get("objective", "supervised, weighted answer tokens")
    result = training.get("result") or {}
    facts = [
        ("base", f"{recipe.get('base')}, weights sha256 {str(training['base_digest'])[:16]}"),
        ("adapter", f"LoRA r={recipe.get('rank')}, alpha={recipe.get('alpha')}, dropout {recipe.get('dropout')}, "
                    f"{size / 1e6:.1f} MB"),
        ("objective", str(objective)),
    ]  # fmt: skip
    beta = recipe.get("beta")
    if beta is not None:
        extra = f", gamma {recipe.get('gamma')}, likelihood term {recipe.get('nll')}" if objective == "simpo" else ""
        facts.append(("strength", f"beta {beta}{extra}"))
    steps = training.get("steps", result.get("steps"))
    seconds = training.get("seconds_last_run", result.get("train_seconds"))
    told = [f"seed {recipe.get('seed')}", f"{recipe.get('epochs')} epoch(s)"]
    told += [f"{steps} steps"] if steps is not None else []
    told += [f"{float(seconds) / 60:.0f} minutes"] if seconds is not None else []
    facts.append(("training", ", ".join(told)))
    if isinstance(counts := training.get("violations"), dict):
        facts.append(("drafts by violation", ", ".join(f"{k} {v}" for k, v in counts.items())))
    if isinstance(data := training.get("data"), dict):
        facts.append(("pairs", f"{data.get('train_pairs')} for training, {data.get('held_out_pairs')} held out; "
                               f"{data.get('source')}"))  # fmt: skip
    digest = training.get("data_digest") or (training.get("data") or {}).get("train_digest")
    if digest:
        facts.append(("data sha256", str(digest)[:16]))
    if isinstance(found := training.get("review"), dict):
        flags = ", ".join(flag["name"] for flag in found.get("flags", [])) or "no flag"
        facts.append(("review of the margins", f"{found.get('verdict')}; {flags}"))
    facts.append(("calibrated criteria", str(len(calibration.criteria))))
    return facts


def _reproduce(recipe: Mapping[str, Any]) -> list[str]:
    """The one command that gives this adapter again."""
    words = ["presend model train"]
    words += [] if "objective" in recipe else ["--objective packed"]
    for key, value in recipe.items():
        if value is None or value is False:
            continue
        words.append(f"--{key.replace('_', '-')}" + ("" if value is True else f" {value}"))
    words += ["--data FOLDER"] if recipe.get("published") else []
    return ["Train it again with:", "", "```", " ".join([*words, "--out DIR"]), "```", ""]


def _sources(training: Mapping[str, Any]) -> list[str]:
    sources = training.get("published_sources") or {}
    if not sources:
        return ["No published draft was trained on.", ""]
    rows = [f"| {name} | {licence} |" for name, licence in sorted(sources.items())]
    return ["## Published drafts in the training data", "", "| source | licence |", "|---|---|", *rows, ""]


def _tables(figures: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """One table per data set with criteria, and one for all that have a single row."""
    models = list(figures)
    keys = [key for key in figures[models[-1]] if isinstance(figures[models[-1]][key], dict)]
    found, flat = [], []
    for key in keys:
        if any(isinstance(value, dict) for value in figures[models[-1]][key].values()):
            rows = {
                f"{criterion} ({model})" if len(models) > 1 else criterion: row
                for criterion in figures[models[-1]][key]
                for model in models
                if isinstance(row := figures[model].get(key, {}).get(criterion), dict)
            }
            found.append((TITLES.get(key, key), _table("criterion", rows)))
        else:
            flat.append(key)
    if flat:
        rows = {
            f"{TITLES.get(key, key)} ({model})" if len(models) > 1 else TITLES.get(key, key): figures[model][key]
            for key in flat
            for model in models
            if isinstance(figures[model].get(key), dict)
        }
        found.append(("Drafts with one label for the whole", _table("drafts", rows)))
    return found


def _table(first: str, rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    columns = [key for key in COLUMNS if any(key in row for row in rows.values())]
    lines = [
        f"| {first} | n | " + " | ".join(COLUMNS[key] for key in columns) + " |",
        "|" + "---|" * (2 + len(columns)),
    ]
    for name, row in rows.items():
        n = sum(int(row[key]) for key in ("n_failed", "n_clean", "n_passed") if key in row)
        cells = [f"{row[key]:.2f}" if isinstance(row.get(key), int | float) else "–" for key in columns]
        lines.append(f"| {name} | {n} | " + " | ".join(cells) + " |")
    return lines


def _limits(figures: Mapping[str, Any]) -> list[str]:
    """Measured weaknesses first, then what no figure here speaks of."""
    limits = []
    ours = figures[list(figures)[-1]]
    for key, held in ours.items():
        if not isinstance(held, dict):
            continue
        rows = held if any(isinstance(v, dict) for v in held.values()) else {key: held}
        weak = [name for name, row in rows.items() if isinstance(row, dict) and row.get("auc", 1.0) < WEAK_AUC]
        if weak:
            limits.append(
                f"AUC below {WEAK_AUC:g} on {TITLES.get(key, key)}: {', '.join(weak)}. Do not rely on it there."
            )
    return [
        *limits,
        "Where it passes a draft, that is no proof of quality; the rules decide beside it and are never overruled.",
        "English e-mail of business-to-business engineering services only; other languages and trades are unmeasured.",
        "The figures come from small samples, most of them generated for a fictional vendor.",
    ]


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"The file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SetupError(f"The file {path} is not JSON.") from error
    if not isinstance(value, dict):
        raise SetupError(f"The file {path} does not hold a JSON object.")
    return value


def check_weights(figures: Mapping[str, Any], calibration: Calibration) -> None:
    """Refuse figures and a calibration of different weights; both record what they were made on.

    Raises
    ------
    SetupError
        Naming both digests.
    """
    model = figures[list(figures)[-1]] if figures else {}
    measured = model.get("weights") if isinstance(model, dict) else None
    fitted = re.search(r"weights ([0-9a-f]{12})", calibration.fitted_on or "")
    if measured is None or fitted is None or str(measured).startswith(fitted.group(1)):
        return
    raise SetupError(
        f"The evaluation measured weights {str(measured)[:12]}, but the calibration was fitted on {fitted.group(1)};"
        " calibrate and evaluate the same prepared model."
    )


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    shipped = Path(__file__).parent.parent / "weights"
    parser = argparse.ArgumentParser(prog="python -m app.training.card", description=__doc__)
    parser.add_argument("--adapter", type=Path, default=shipped / "adapter", help="adapter folder (default: shipped)")
    parser.add_argument("--calibration", type=Path, default=shipped / "calibration.json", help="its calibration")
    parser.add_argument("--evaluation", type=Path, required=True, help="figures that `evaluate --json` wrote")
    parser.add_argument(
        "--out", type=Path, default=shipped / "CARD.md", help="card to write (default: the shipped one)"
    )
    given = parser.parse_args(argv)

    def work() -> None:
        weights = given.adapter / "adapter_model.safetensors"
        if not weights.is_file():
            raise SetupError(f"The adapter folder {given.adapter} lacks adapter_model.safetensors.")
        calibration, figures = read_calibration(given.calibration), _read(given.evaluation)
        check_weights(figures, calibration)
        text = card(_read(given.adapter / "training.json"), calibration, figures, weights.stat().st_size)
        given.out.write_text(text, encoding="utf-8")
        print(f"The card is written: {given.out}")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
