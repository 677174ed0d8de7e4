"""``python -m app.training.ablate``: objectives x ranks on the same pairs, everything else fixed, and what follows.

Writes ``ablation.md`` and ``ablation.json`` into ``--out``; each arm has a folder of its own and goes on where it was
stopped. alpha/r is held fixed, so that the rank changes the capacity and not the size of a step (``--keep alpha`` holds
alpha). The first objective at the first rank is the incumbent of the decision rule (``app.training.decision``).
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from app.errors import InvalidInput
from app.training.ablation import markdown, summarise
from app.training.objectives import OBJECTIVES, ObjectiveName, PreferenceRecipe
from app.training.options import add_recipe_arguments, recipe_of, settle
from app.training.preference import prepare_ground, train_preference
from app.training.steps import run_command, step

REPORT, FIGURES = "ablation.md", "ablation.json"
Keep = Literal["scaling", "alpha"]


def plan_arms(
    recipe: PreferenceRecipe,
    objectives: Sequence[ObjectiveName],
    ranks: Sequence[int],
    seeds: Sequence[int],
    keep: Keep,
) -> list[PreferenceRecipe]:
    """The recipes of all trainings: rank by rank, objective by objective, seed by seed.

    Raises
    ------
    InvalidInput
        When a list is empty or names something twice, or a rank does not give a whole alpha.
    """
    for name, values in (("--objectives", objectives), ("--ranks", ranks), ("--seeds", seeds)):
        if not values or len(set(values)) != len(values):
            raise InvalidInput(f"{name} must name at least one value, none of them twice.")
    if len(objectives) * len(ranks) < 2:
        raise InvalidInput("An ablation needs at least two arms; name more --objectives or --ranks.")
    found = []
    for rank in ranks:
        alpha = recipe.alpha if keep == "alpha" else recipe.alpha * rank / recipe.rank
        if alpha != int(alpha) or alpha < 1:
            raise InvalidInput(f"alpha/r = {recipe.alpha}/{recipe.rank} gives no whole alpha at r={rank}.")
        for objective in objectives:
            for seed in seeds:
                arm = replace(recipe, objective=objective, rank=rank, alpha=int(alpha), seed=seed, beta=None)
                found.append(arm.checked())
    return found


def ablate(
    recipes: Sequence[PreferenceRecipe], tasks: Path | None, out: Path, *, eval_every: int, save_every: int, probe: int,
    bf16: bool,
) -> dict[str, Any]:  # fmt: skip
    """Train all arms on one ground, write the report; see the module."""
    with step("data") as facts:
        ground = prepare_ground(recipes[0], tasks)
        facts.update({k: v for k, v in ground.data.facts.items() if not k.endswith(("_slices", "_digest"))})
    results = []
    for number, recipe in enumerate(recipes, start=1):
        name = f"{recipe.objective}-r{recipe.rank}-s{recipe.seed}"
        began = time.monotonic()
        with step(f"arm {number} of {len(recipes)}: {name}") as facts:
            result = train_preference(
                recipe, ground, out / name, eval_every=eval_every, save_every=save_every, probe=probe, bf16=bf16
            )
            results.append(result)
            facts.update(held_out_preferred=result["final"]["eval_preferred"], took=round(time.monotonic() - began))
        gc.collect()
    with step("report") as facts:
        found = summarise(recipes, results)
        (out / FIGURES).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        (out / REPORT).write_text(markdown(found), encoding="utf-8")
        facts.update(kept=found["kept"], out=str(out / REPORT))
    return found


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.ablate", description=__doc__)
    parser.add_argument("--out", required=True, type=Path, help="folder for the report and one folder per arm")
    parser.add_argument("--objectives", default="dpo,simpo", help=f"of {', '.join(OBJECTIVES)} (default dpo,simpo)")
    parser.add_argument("--ranks", default="16,8", help="LoRA ranks (default 16,8)")
    parser.add_argument("--seeds", default="7", help="seeds of every arm (default 7); the pairs stay the same")
    parser.add_argument("--keep", choices=("scaling", "alpha"), default="scaling", help="what stays when r changes")
    add_recipe_arguments(parser, without=("objective", "seed", "beta"))
    given = parser.parse_args(argv)

    def work() -> None:
        objectives = [str(o) for o in given.objectives.split(",") if o]
        unknown = [o for o in objectives if o not in OBJECTIVES]
        if unknown:
            raise InvalidInput(f"The objective is one of {', '.join(OBJECTIVES)}, not {unknown[0]!r}.")
        ranks, seeds = _numbers("--ranks", given.ranks), _numbers("--seeds", given.seeds)
        recipes = plan_arms(recipe_of(given), objectives, ranks, seeds, given.keep)  # type: ignore[arg-type]
        bf16 = settle(given)
        print(markdown(ablate(recipes, given.tasks, given.out, eval_every=given.eval_every,
                              save_every=given.save_every, probe=given.probe, bf16=bf16)))  # fmt: skip

    return run_command(work)


def _numbers(option: str, text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdigit() for part in parts):
        raise InvalidInput(f"{option} takes whole numbers with commas between, for example 16,8.")
    return [int(part) for part in parts]


if __name__ == "__main__":
    sys.exit(main())
