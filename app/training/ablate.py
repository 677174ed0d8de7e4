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
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from app.errors import InvalidInput
from app.stats import ClusterEstimate, adjust
from app.training.decision import (
    Arm,
    Compared,
    base_outcomes,
    compare,
    conclude,
    make_arm,
    outcomes_of,
    spread,
)
from app.training.objectives import OBJECTIVES, ObjectiveName, PreferenceRecipe
from app.training.preference import (
    add_recipe_arguments,
    prepare_ground,
    recipe_of,
    settle,
    train_preference,
)
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


def arm_name(recipe: PreferenceRecipe) -> str:
    """As the report names it."""
    return f"{recipe.objective} r={recipe.rank}"


def summarise(recipes: Sequence[PreferenceRecipe], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Arms, comparisons and decisions of finished trainings, as plain data for JSON and Markdown."""
    grouped: dict[str, list[tuple[PreferenceRecipe, dict[str, Any]]]] = {}
    for recipe, result in zip(recipes, results, strict=True):
        grouped.setdefault(arm_name(recipe), []).append((recipe, result))
    arms = [
        make_arm(
            name,
            held[0][0].objective,
            held[0][0].rank,
            [outcomes_of(result["held_out"]) for _, result in held],
            [result["train_margin_nats"] for _, result in held],
            [flag["name"] for _, result in held for flag in (result["review"] or {"flags": []})["flags"]],
        )
        for name, held in grouped.items()
    ]
    base = make_arm("base", "none", 0, [base_outcomes(results[0]["held_out"])])
    kept, objective_decisions, rank_decisions = conclude(arms)
    by_name = {arm.name: arm for arm in arms}
    couples = [(d.incumbent, d.challenger) for d in (*objective_decisions, *rank_decisions)]
    compared = [compare(by_name[a], by_name[b]) for a, b in couples]
    accuracy_p = adjust([c.accuracy.p_sign_flip for c in compared], "holm").p
    margin_p = adjust([c.margin.p_sign_flip for c in compared], "holm").p
    first = results[0]
    return {
        "kept": kept,
        "seeds": sorted({recipe.seed for recipe in recipes}),
        "fixed": {k: v for k, v in recipes[0].record().items() if k not in ("objective", "rank", "alpha", "seed", "beta")},
        "data": first["data"],
        "base_digest": first["base_digest"],
        "steps": sorted({int(result["steps"]) for result in results}),
        "arms": [_arm(arm, grouped) for arm in (base, *arms)],
        "objective_decisions": [asdict(d) for d in objective_decisions],
        "rank_decisions": [asdict(d) for d in rank_decisions],
        "comparisons": [
            _compared(c, p, q) for c, p, q in zip(compared, accuracy_p, margin_p, strict=True)
        ],
    }  # fmt: skip


def _arm(arm: Arm, grouped: dict[str, list[tuple[PreferenceRecipe, dict[str, Any]]]]) -> dict[str, Any]:
    held = grouped.get(arm.name)
    return {
        "name": arm.name,
        "alpha": held[0][0].alpha if held else None,
        "beta": held[0][0].beta if held else None,
        "correct": arm.correct,
        "pairs": len(arm.outcomes),
        "margin": arm.margin,
        "train_margin": arm.train_margin,
        "gap": arm.gap,
        "correct_by_seed": list(arm.correct_by_seed),
        "margin_by_seed": list(arm.margin_by_seed),
        "correct_sd": spread([float(c) for c in arm.correct_by_seed]),
        "margin_sd": spread(arm.margin_by_seed),
        "by_slice": arm.by_slice,
        "flags": list(arm.flags),
        "review": [result["review"]["verdict"] for _, result in held if result["review"]] if held else [],
    }


def _compared(c: Compared, accuracy_p: float | None, margin_p: float | None) -> dict[str, Any]:
    quoted = c.pairs.paired.recommended
    return {
        "incumbent": c.incumbent,
        "challenger": c.challenger,
        "table": None if c.pairs.table is None else asdict(c.pairs.table),
        "accuracy_by_pair": {"estimate": quoted.estimate, "lo": quoted.lo, "hi": quoted.hi, "method": quoted.method},
        "p_mcnemar_exact": c.pairs.p_mcnemar_exact,
        "accuracy": _estimate(c.accuracy) | {"p_holm": accuracy_p},
        "margin": _estimate(c.margin) | {"p_holm": margin_p},
    }


def _estimate(value: ClusterEstimate) -> dict[str, Any]:
    quoted = value.recommended
    return {
        "estimate": value.estimate,
        "lo": None if quoted is None else quoted.lo,
        "hi": None if quoted is None else quoted.hi,
        "method": None if quoted is None else quoted.method,
        "clusters": value.n_clusters,
        "p_sign_flip": value.p_sign_flip,
        "cautions": [caution.message for caution in value.warnings],
    }


def markdown(found: dict[str, Any]) -> str:
    """The report."""
    data, fixed = found["data"], found["fixed"]
    seeds = ", ".join(map(str, found["seeds"]))
    one = len(found["seeds"]) == 1
    lines = [
        "# Ablation of objective and rank",
        "",
        f"Kept: **{found['kept']}**.",
        "",
        f"{data['train_pairs']} training pairs, {data['held_out_pairs']} held-out pairs ({data['source']}), "
        f"{' or '.join(map(str, found['steps']))} steps, seed{'' if one else 's'} {seeds}. "
        + ("One seed: how much the arms vary between seeds was not measured. " if one else "")
        + "Fixed: " + ", ".join(f"{k} {v}" for k, v in fixed.items()) + ".",
        "",
        "Right: pairs whose right scores the model finds likelier than the wrong ones. Margin: mean difference of their "
        "log-probabilities in nats. Gap: margin on training pairs minus margin on held-out pairs.",
        "",
        "| arm | alpha | beta | right | sd over seeds | margin | sd over seeds | train margin | gap | review flags |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for arm in found["arms"]:
        cells = [arm["name"], _cell(arm["alpha"], "g"), _cell(arm["beta"], "g")]
        cells += [f"{arm['correct']:g} of {arm['pairs']}", _cell(arm["correct_sd"], ".2f"), f"{arm['margin']:.3f}"]
        cells += [_cell(arm[key], ".3f") for key in ("margin_sd", "train_margin", "gap")]
        lines.append("| " + " | ".join([*cells, ", ".join(arm["flags"]) or "none"]) + " |")
    lines += ["", "## Paired comparisons", "", "Challenger minus incumbent, over clusters (scenarios); p is the exact "
              "two-sided sign-flip p, adjusted after Holm over the family in brackets.", "",
              "| incumbent | challenger | right, share | p | margin, nats | p | only incumbent / only challenger right |",
              "|---|---|---|---|---|---|---|"]  # fmt: skip
    for c in found["comparisons"]:
        table = c["table"]
        split = "–" if table is None else f"{table['only_a']} / {table['only_b']}"
        lines.append(
            f"| {c['incumbent']} | {c['challenger']} | {_interval(c['accuracy'])} | {_p(c['accuracy'])} | "
            f"{_interval(c['margin'])} | {_p(c['margin'])} | {split} |"
        )
    lines += ["", "## Decisions", "", "Switch: at least one more held-out pair, margin not lower, no slice worse. Rank: "
              "the lower one if nothing is worse.", ""]  # fmt: skip
    for d in (*found["objective_decisions"], *found["rank_decisions"]):
        lines.append(f"- {d['incumbent']} → {d['challenger']}: **{d['choice']}** ({d['why']}).")
    lines += ["", "## Slices", "", "| slice | " + " | ".join(arm["name"] for arm in found["arms"]) + " |",
              "|" + "---|" * (1 + len(found["arms"]))]  # fmt: skip
    for name in found["arms"][0]["by_slice"]:
        lines.append(f"| {name} | " + " | ".join(f"{arm['by_slice'][name]:g}" for arm in found["arms"]) + " |")
    lines += ["", "Logs are in each arm's `margins.jsonl`."]
    return "\n".join(lines) + "\n"


def _cell(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _interval(value: dict[str, Any]) -> str:
    if value["lo"] is None:
        return f"{value['estimate']:+.3f}"
    return f"{value['estimate']:+.3f} [{value['lo']:+.3f}, {value['hi']:+.3f}]"


def _p(value: dict[str, Any]) -> str:
    return f"{value['p_sign_flip']:.3g} ({value['p_holm']:.3g})"


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
