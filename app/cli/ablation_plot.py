"""The ablation as a forest plot: every paired comparison of held-out margins with its interval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.cli.forest import Row, draw, write


def rows_of(found: dict[str, Any]) -> list[Row]:
    """One row per comparison that has an interval; the one that led to the arm that is kept is marked."""
    rows = []
    for compared in found["comparisons"]:
        margin = compared["margin"]
        if margin["lo"] is None or margin["hi"] is None:
            continue
        label = f"{compared['challenger']} against {compared['incumbent']}"
        strong = compared["challenger"] == found["kept"]
        rows.append(Row(label, margin["estimate"], margin["lo"], margin["hi"], strong))
    return rows


def plot(figures: Path, out: Path) -> None:
    """Draw ``ablation.json`` as SVG or PNG.

    Raises
    ------
    InvalidInput
        Without a comparison that has an interval.
    """
    found = json.loads(figures.read_text(encoding="utf-8"))
    pairs = found["data"]["held_out_pairs"]
    title = f"Held-out margin, challenger minus incumbent ({pairs} pairs). Kept: {found['kept']}"
    write(draw(title, "nats, 95 % over clusters", rows_of(found), 0.0), out)
