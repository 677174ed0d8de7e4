"""``python -m app.training.calibrate``: fit the maps and thresholds of a prepared model on drafts it has not seen.

Generated drafts in new wording and drafts written one by one, none of which training has read. A map weighs the two
kinds (``WRITTEN_WEIGHT``): the judge is surer on generated text than on people's. Honest drafts come first: each
threshold is set so that the wanted share of honest drafts of either kind passes its criterion, and only then is counted
what is caught. Honest is what breaks no criterion: a draft that breaks another one is to be stopped anyway, so that
it costs nothing where two criteria speak at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.bench.moves import MODEL_CRITERIA
from app.errors import SetupError
from app.judge.calibration import Calibration, CriterionCalibration
from app.training.base import use_threads
from app.training.calibration import (
    apply,
    calibration_error,
    fit,
    logit,
    reliability,
    sigmoid,
    threshold,
    write_calibration,
)
from app.training.heldout import held_out_generated, sides
from app.training.mixture import Labelled, unread
from app.training.scorer import Scorer
from app.training.scoring import p_fail
from app.training.steps import run_command, step

SEED, SCENARIOS = 11, 160
GENERATED, WRITTEN = "generated", "written"
PASS_SHARE = 0.985
"""Share of honest drafts that pass each criterion without doubt. The best of .98, .985 and .99 on generated drafts of a
seed that nothing was fitted on; what it costs people's wording: docs/judge-model.md."""
FLOOR = 0.5
"""No criterion fails below an even chance, however clean the fitting set looked."""
WRITTEN_WEIGHT = 0.25
"""What a draft written one by one counts in a map beside a generated one. At 1 the map errs by more than .05 on
generated drafts, at 0 by more than .1 on people's wording."""


def fitting_rows(seed: int = SEED, scenarios: int = SCENARIOS, hands: Sequence[str] = ()) -> tuple[list[Labelled], int]:
    """The drafts that maps and thresholds are fitted on, generated ones first; and how many of them are generated."""
    rows = held_out_generated(seed, "valid", scenarios)
    return rows + unread(hands), len(rows)


def fit_all(
    rows: list[Labelled], raw: Any, pass_share: float, doubt_share: float, note: str, made: int | None = None
) -> tuple[Calibration, dict[str, dict[str, float]]]:
    """Maps and thresholds per criterion from raw P(fail) of shape (drafts, criteria); and their errors by kind.

    The first ``made`` rows are generated (all, if not given). ``pass_share`` of the honest ones pass, and of the honest
    ones behind them: generated drafts alone make a judge too sure of people's wording. Of the honest ones that do not
    pass, ``doubt_share`` of all do not fail either: from there to as far beyond its threshold the judge abstains.

    Raises
    ------
    SetupError
        Naming the criterion of which too few drafts fail or pass.
    """
    made = len(rows) if made is None else made
    criteria: dict[str, CriterionCalibration] = {}
    errors: dict[str, dict[str, float]] = {GENERATED: {}, WRITTEN: {}}
    honest = {i for i, row in enumerate(rows) if all(score in (5, None) for score in row.scores)}
    for index, name in enumerate(MODEL_CRITERIA):
        failed, clean = sides(rows, index)
        chosen = np.array(failed + clean, dtype=int)
        labels = np.arange(len(chosen)) < len(failed)
        try:
            a, b = fit(raw[chosen, index], labels, np.where(chosen < made, 1.0, WRITTEN_WEIGHT))
        except ValueError as error:
            raise SetupError(f"{name}: {error}; raise --scenarios.") from error
        passing = [i for i in clean if i in honest]
        if not passing:
            raise SetupError(f"{name}: no draft of the fitting set is honest on all criteria; raise --scenarios.")
        kinds = [[i for i in passing if i < made], [i for i in passing if i >= made]]
        clear, cut = (
            max(threshold(sigmoid(a * logit(raw[kind, index]) + b), share, FLOOR) for kind in kinds if kind)
            for share in (pass_share, min(1.0, pass_share + doubt_share))
        )
        criteria[name] = CriterionCalibration(
            a=round(a, 5), b=round(b, 5), fail_at=round(cut, 5), abstain_band=round(cut - clear, 5)
        )
        for kind, members in ((GENERATED, chosen < made), (WRITTEN, chosen >= made)):
            if members.any():
                p = apply(criteria[name], raw[chosen[members], index])
                errors[kind][name] = round(calibration_error(p, labels[members]), 4)
    return Calibration(criteria=criteria, fitted_on=note), errors


def calibrate(
    model_folder: Path,
    out: Path,
    seed: int,
    scenarios: int,
    pass_share: float,
    doubt_share: float,
    figures: Path | None,
    hands: Sequence[str] = (),
    answers: Path | None = None,
) -> None:
    """Judge the validation drafts, fit, write; see the module."""
    with step("load"):
        scorer = Scorer("judge", model_folder, answers)
    with step("judge") as facts:
        rows, made = fitting_rows(seed, scenarios, hands)
        raw = p_fail(scorer.digits([(row.draft, row.context) for row in rows], "calibration"))
        facts.update(generated=made, written=len(rows) - made)
    with step("fit") as facts:
        data = f"Presend-Bench valid, seed {seed}, {made} drafts; {len(rows) - made} written one by one"
        note = f"{data}; weights {scorer.base.digest[:12]}"
        value, errors = fit_all(rows, raw, pass_share, doubt_share, note, made)
        facts.update({f"error_{kind}": found for kind, found in errors.items()})
    with step("write") as facts:
        write_calibration(out, value)
        if figures is not None:
            told = {c: reliability_of(rows, raw, index, value) for index, c in enumerate(MODEL_CRITERIA)}
            figures.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        facts.update(
            out=str(out),
            thresholds={c: value.of(c).fail_at for c in MODEL_CRITERIA},
            bands={c: value.of(c).abstain_band for c in MODEL_CRITERIA},
        )


def reliability_of(rows: list[Labelled], raw: Any, index: int, value: Calibration) -> list[tuple[float, float, int]]:
    """Bins of one criterion's reliability on the drafts that were fitted."""
    failed, clean = sides(rows, index)
    p = apply(value.of(MODEL_CRITERIA[index]), raw[failed + clean, index])
    return reliability(p, np.arange(len(p)) < len(failed))


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.calibrate", description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="prepared model folder (merged)")
    parser.add_argument("--out", required=True, type=Path, help="calibration.json to write")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--scenarios", type=int, default=SCENARIOS, help="scenarios of six drafts each")
    parser.add_argument("--pass-share", type=float, default=PASS_SHARE, help="share of honest drafts that must pass")
    parser.add_argument(
        "--doubt-share",
        type=float,
        default=0.005,
        help="share of honest drafts, of those that do not pass, to abstain on",
    )
    parser.add_argument(
        "--unread",
        default="",
        help="hands of app/bench/written that training left out, comma-separated: all their drafts are fitted on; of "
        "the others the fifth that is never trained on",
    )
    parser.add_argument("--json", type=Path, help="file for the reliability of each criterion, to be plotted")
    parser.add_argument("--answers", type=Path, help="folder that keeps the model's answers: only new drafts are asked")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    given = parser.parse_args(argv)

    def work() -> None:
        use_threads(given.threads)
        calibrate(
            given.model,
            given.out,
            given.seed,
            given.scenarios,
            given.pass_share,
            given.doubt_share,
            given.json,
            [name for name in given.unread.split(",") if name],
            given.answers,
        )

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main())
