"""The ablation's results as figures and as a report: arms, paired comparisons, decisions, slices.

Pure: finished trainings in, plain data and Markdown out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.stats import ClusterEstimate, adjust
from app.training.decision import Arm, Compared, base_outcomes, compare, conclude, make_arm, outcomes_of, spread
from app.training.objectives import PreferenceRecipe

_VARIED = ("objective", "rank", "alpha", "seed", "beta")


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
        # A report goes to other people: the base's name, not where it lay.
        "fixed": {k: v for k, v in recipes[0].record().items() if k not in _VARIED}
        | {"base": Path(recipes[0].base).name},
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
        f"Kept: **{found['kept']}**. {_beside_base(found)}",
        "",
        f"{data['train_pairs']} training pairs, {data['held_out_pairs']} held-out pairs ({data['source']}), "
        f"{' or '.join(map(str, found['steps']))} steps, seed{'' if one else 's'} {seeds}. "
        + ("One seed: how much the arms vary between seeds was not measured. " if one else "")
        + "Fixed: " + ", ".join(f"{k} {v}" for k, v in fixed.items()) + ".",
        "",
        "Right: pairs whose right scores the model finds likelier than the wrong ones. Margin: mean difference of "
        "their log-probabilities in nats. Gap: margin on training pairs minus margin on held-out pairs.",
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
              "| incumbent | challenger | right, share | p | margin, nats | p | only incumbent / challenger right |",
              "|---|---|---|---|---|---|---|"]  # fmt: skip
    for c in found["comparisons"]:
        table = c["table"]
        split = "–" if table is None else f"{table['only_a']} / {table['only_b']}"
        lines.append(
            f"| {c['incumbent']} | {c['challenger']} | {_interval(c['accuracy'])} | {_p(c['accuracy'])} | "
            f"{_interval(c['margin'])} | {_p(c['margin'])} | {split} |"
        )
    lines += ["", "## Decisions", "", "Switch: at least one more held-out pair, margin not lower, no slice worse. "
              "Rank: the lower one if nothing is worse.", ""]  # fmt: skip
    for d in (*found["objective_decisions"], *found["rank_decisions"]):
        lines.append(f"- {d['incumbent']} → {d['challenger']}: **{d['choice']}** ({d['why']}).")
    lines += ["", "## Slices", "", "| slice | " + " | ".join(arm["name"] for arm in found["arms"]) + " |",
              "|" + "---|" * (1 + len(found["arms"]))]  # fmt: skip
    for name in found["arms"][0]["by_slice"]:
        lines.append(f"| {name} | " + " | ".join(f"{arm['by_slice'][name]:g}" for arm in found["arms"]) + " |")
    lines += ["", "Logs are in each arm's `margins.jsonl`."]
    return "\n".join(lines) + "\n"


def _beside_base(found: dict[str, Any]) -> str:
    """Whether the kept arm is better than no training at all, which the rule between arms does not ask."""
    arms = {arm["name"]: arm for arm in found["arms"]}
    base, kept = arms["base"], arms[found["kept"]]
    told = f"it gets {kept['correct']:g} of {kept['pairs']} held-out pairs right, the base alone {base['correct']:g}"
    if kept["correct"] > base["correct"]:
        return f"Trained so, {told}."
    return f"Yet {told}: on these pairs no arm that the rule keeps is better than no training."


def _cell(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _interval(value: dict[str, Any]) -> str:
    if value["lo"] is None:
        return f"{value['estimate']:+.3f}"
    return f"{value['estimate']:+.3f} [{value['lo']:+.3f}, {value['hi']:+.3f}]"


def _p(value: dict[str, Any]) -> str:
    return f"{value['p_sign_flip']:.3g} ({value['p_holm']:.3g})"
