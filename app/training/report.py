"""Figures of an evaluation as Markdown tables, for the card and for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

TITLES = {
    "valid": "generated, known situations in new wording",
    "test": "generated, new situations in new wording, new vendors",
    "contrasts": "contrast sets of the new situations: the same words, the other label",
    "apart": "of these, no run of eight words in common with generated training drafts",
    "letters": "written one by one: letters",
    "voices": "written one by one: twelve voices",
    "dev_adjudicated": "published drafts, labelled blind",
}
JUDGES = ("rules", "base", "LoRA", "rules+LoRA")


def markdown(figures: Mapping[str, Any]) -> str:
    """All tables of one evaluation."""
    parts = [_whole(figures), _criteria(figures), _deltas(figures), _attacks(figures)]
    return "\n\n".join(part for part in parts if part)


def _whole(figures: Mapping[str, Any]) -> str:
    lines = [
        "| drafts | judge | balanced accuracy | pass recall | fail recall | MCC | AUC |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, length in figures["length"].items():
        rows = [(judge, figures[judge][name]) for judge in JUDGES if name in figures[judge]]
        n = f"{rows[0][1]['n_passed']} pass, {rows[0][1]['n_failed']} fail"
        for place, (judge, row) in enumerate(rows):
            title = f"{TITLES.get(name, name)} ({n}; AUC of length {length:.2f})" if place == 0 else ""
            cells = [_ranged(row, key) for key in ("balanced_accuracy", "pass_recall", "fail_recall", "mcc", "auc")]
            lines.append(f"| {title} | {judge} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ranged(row: Mapping[str, Any], key: str) -> str:
    value, bounds = row[key], row[f"{key}_ci"]
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" [{bounds[0]:.2f}, {bounds[1]:.2f}]" if bounds else "")


def _criteria(figures: Mapping[str, Any]) -> str:
    """Judge by judge on each criterion, under who decides it."""
    found, asked = figures.get("criteria", {}), figures.get("judged_by", {})
    if "LoRA" not in found:
        return ""
    lines = [
        "| criterion, in new situations | judge | balanced accuracy | clean pass, exact | caught, exact | MCC | AUC | "
        "calibration error (a perfect judge's on as many) | abstained |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for criterion in found["rules"]:
        rows = [(judge, found[judge][criterion]) for judge in JUDGES if criterion in found.get(judge, {})]
        n = f"{rows[0][1]['n_failed']} fail, {rows[0][1]['n_passed']} clean"
        decides = {"rule": "rules decide", "model": "model decides", "both": "both decide"}.get(
            asked.get(criterion), ""
        )
        for place, (judge, row) in enumerate(rows):
            title = f"{criterion}: {decides} ({n})" if place == 0 else ""
            cells = [_ranged(row, "balanced_accuracy"), _exact(row, "pass_recall"), _exact(row, "fail_recall")]
            cells += [_ranged(row, "mcc"), _ranged(row, "auc")]
            if "calibration_error" in row:
                cells.append(f"{row['calibration_error']:.3f} ({row['calibration_error_by_chance']:.3f})")
                cells.append(f"{row['abstained']:.3f}")
            else:
                cells += ["–", "–"]
            lines.append(f"| {title} | {judge} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _exact(row: Mapping[str, Any], key: str) -> str:
    low, high = row[f"{key}_exact"]
    return f"{row[key]:.3f} [{low:.2f}, {high:.2f}]"


def _deltas(figures: Mapping[str, Any]) -> str:
    lines = [
        "| difference | drafts | accuracy | balanced accuracy | exact p (sign flip over clusters) |",
        "|---|---|---|---|---|",
    ]
    for key, title in (("delta_a", "A: rules+LoRA over rules"), ("delta_b", "B: LoRA over base")):
        for name, row in figures[key].items():
            p = "–" if row["p_sign_flip"] is None else f"{row['p_sign_flip']:.2g}"
            accuracy = _ranged({"accuracy_ci": None, **row}, "accuracy")
            balanced = _ranged(row, "balanced_accuracy")
            lines.append(f"| {title} | {TITLES.get(name, name)} | {accuracy} | {balanced} | {p} |")
    return "\n".join(lines)


def _attacks(figures: Mapping[str, Any]) -> str:
    if "attacks" not in figures:
        return ""
    lines = ["| attack | tried | stopped by a rule | sent |", "|---|---|---|---|"]
    lines += [f"| {name} | {r['n']} | {r['by_rule']} | {r['sent']} |" for name, r in figures["attacks"].items()]
    total = sum(r["n"] for r in figures["attacks"].values())
    sent = sum(r["sent"] for r in figures["attacks"].values())
    honest = figures["honest_lookalikes"]
    lines.append(f"| all | {total} | {sum(r['by_rule'] for r in figures['attacks'].values())} | {sent} |")
    lines += ["", f"Honest look-alikes stopped: {honest['stopped']} of {honest['n']}."]
    if flips := figures.get("flips"):
        lines += [
            "",
            f"Asked again, alone instead of in a batch: {flips['flipped']} of {flips['n']} decisions change (at most "
            f"{flips['at_most']:.1%} of all, exact 95 % bound), and P(fail) moves by up to {flips['moved']:.3f}.",
        ]
    return "\n".join(lines)


def authors_table(record: Mapping[str, Any]) -> str:
    """What ``authors`` wrote as Markdown: what its adapters were asked for, AUC per author and judge, the medians."""
    found: Mapping[str, Mapping[str, Any]] = record["authors"]
    judges = list(next(iter(found.values())))
    lines = [
        f"Each author has an adapter that was trained without them for this, asked for {', '.join(record['asked'])}.",
        "",
        "| author left out | n | " + " | ".join(f"AUC {j}" for j in judges) + " |",
        "|" + "---|" * (2 + len(judges)),
    ]
    for author, rows in found.items():
        n = rows["LoRA"]["n_failed"] + rows["LoRA"]["n_passed"]
        lines.append(f"| {author} | {n} | " + " | ".join(_ranged(rows[j], "auc") for j in judges) + " |")
    # An author all of whose passes a rule contradicts has no AUC on the others.
    told = {j: [rows[j]["auc"] for rows in found.values() if rows[j]["auc"] is not None] for j in judges}
    middle = [f"{median(values):.3f}" if values else "–" for values in told.values()]
    lines.append("| median | | " + " | ".join(middle) + " |")
    return "\n".join(lines)
