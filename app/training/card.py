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
from app.training.report import JUDGES, TITLES, authors_table, markdown
from app.training.steps import run_command

WEAK_AUC = 0.7
BLUNT = 0.1
"""Share caught below which a criterion decides nothing."""


def card(
    training: Mapping[str, Any],
    calibration: Calibration,
    figures: Mapping[str, Any],
    adapter_bytes: int,
    authors: str = "",
) -> str:
    """The card as Markdown; ``authors`` is the table of ``app.training.authors``, if it was measured.

    Raises
    ------
    SetupError
        When a record lacks what a card must say.
    """
    recipe = training.get("recipe")
    if not isinstance(recipe, dict) or "base_digest" not in training:
        raise SetupError("training.json lacks `recipe` or `base_digest`; the card cannot say what was trained.")
    if missing := [key for key in ("weights", "length", "criteria", "judged_by", *JUDGES) if key not in figures]:
        raise SetupError(f"The evaluation lacks `{missing[0]}`; write it with `evaluate --json` of this version.")
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
    lines += _reproduce(training)
    lines += _sources(training)
    lines += ["## How it measures", ""]
    lines += [
        "Intervals are 95 % percentile bootstraps that draw whole clusters (scenarios, published pairs).",
        "",
        markdown(figures),
        "",
    ]
    if authors:
        lines += ["## Authors never trained on", "", authors, ""]
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
    if earlier := training.get("stages"):
        facts.append(("stages", f"{len(earlier) + 1}; what follows is the last, the others stand in training.json"))
    steps = training.get("steps", result.get("steps"))
    seconds = training.get("seconds_last_run", result.get("train_seconds"))
    told = [f"seed {recipe.get('seed')}", f"{recipe.get('epochs')} epoch(s)"]
    told += [f"{steps} steps"] if steps is not None else []
    told += [f"{float(seconds) / 60:.0f} minutes"] if seconds is not None else []
    facts.append(("training", ", ".join(told)))
    if isinstance(counts := training.get("violations"), dict):
        facts.append(("drafts by violation", ", ".join(f"{k} {v}" for k, v in counts.items())))
    if times := recipe.get("written"):
        often = "once" if times == 1 else f"{times} times"
        facts.append(("written one by one", f"by a large language model, without templates; each shown {often}"))
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


def _reproduce(training: Mapping[str, Any]) -> list[str]:
    """The one command that gives this adapter again."""
    recipe = training["recipe"]
    if training.get("stages"):
        words = ["presend model train --stages shipped --data FOLDER"]
    else:
        words = ["presend model train"]
        words += [] if "objective" in recipe else ["--objective packed"]
        for key, value in recipe.items():
            if value is None or value is False or value == "":
                continue
            words.append(f"--{key.replace('_', '-')}" + ("" if value is True else f" {value}"))
        words += ["--data FOLDER"] if recipe.get("published") or recipe.get("listed") else []
        words += ["--start ADAPTER"] if training.get("start") else []
    return ["Train it again with:", "", "```", " ".join([*words, "--out DIR"]), "```", ""]


def _sources(training: Mapping[str, Any]) -> list[str]:
    sources: dict[str, str] = {}
    for stage in (*training.get("stages", ()), training):
        sources |= stage.get("published_sources") or {}
    if not sources:
        return ["No published draft was trained on.", ""]
    rows = [f"| {name} | {licence} |" for name, licence in sorted(sources.items())]
    return ["## Published drafts in the training data", "", "| source | licence |", "|---|---|", *rows, ""]


def _limits(figures: Mapping[str, Any]) -> list[str]:
    """Measured weaknesses first, then what no figure here speaks of."""
    limits = []
    weak = [name for name, row in figures["criteria"].get("LoRA", {}).items() if row.get("auc", 1.0) < WEAK_AUC]
    if weak:
        limits.append(f"AUC below {WEAK_AUC:g} on {TITLES['test']}: {', '.join(weak)}. Do not rely on it there.")
    blunt = [name for name, row in figures["criteria"].get("LoRA", {}).items() if row.get("fail_recall", 1.0) < BLUNT]
    if blunt:
        limits.append(f"At its threshold it stops next to nothing on {', '.join(blunt)} in new situations.")
    for name, row in figures["LoRA"].items():
        if row["auc"] is not None and row["auc"] < WEAK_AUC:
            limits.append(f"As a judge of whole drafts it is weak on {TITLES.get(name, name)}: AUC {row['auc']:.2f}.")
    return [
        *limits,
        "Where it passes a draft, that is no proof of quality; the rules decide beside it and are never overruled.",
        "English e-mail of business-to-business engineering services only; other languages and trades are unmeasured.",
        "The figures come from small samples, most of them generated for fictional vendors.",
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
    measured = figures.get("weights")
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
    parser.add_argument(
        "--evaluation", type=Path, help="figures that `evaluate --json` wrote (default: the shipped ones)"
    )
    parser.add_argument("--out", type=Path, help="card to write (default: CARD.md beside the adapter folder)")
    parser.add_argument("--authors", type=Path, help="authors.json that `authors` wrote (default: the shipped one)")
    given = parser.parse_args(argv)

    def work() -> None:
        if given.adapter == shipped / "adapter":
            given.authors = given.authors or shipped / "authors.json"
            given.evaluation = given.evaluation or shipped / "evaluation.json"
        elif given.evaluation is None:
            raise SetupError(f"--evaluation must name the figures of {given.adapter}; `evaluate --json` writes them.")
        weights = given.adapter / "adapter_model.safetensors"
        if not weights.is_file():
            raise SetupError(f"The adapter folder {given.adapter} lacks adapter_model.safetensors.")
        calibration, figures = read_calibration(given.calibration), _read(given.evaluation)
        check_weights(figures, calibration)
        authors = authors_table(_read(given.authors)) if given.authors else ""
        text = card(_read(given.adapter / "training.json"), calibration, figures, weights.stat().st_size, authors)
        out = given.out or given.adapter.parent / "CARD.md"
        out.write_text(text, encoding="utf-8")
        print(f"The card is written: {out}")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
