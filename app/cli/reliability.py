"""Reliability plots: of the drafts to which the judge gave about p, did a share p fail? One panel a criterion.

On the diagonal a probability means what it says. The area of a mark is the number of drafts in its bin.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.cli.forest import ACCENT, GRID, INK, MUTED, Box, Drawing, Line, Shape, Words
from app.errors import InvalidInput

Bins = Sequence[tuple[float, float, int]]
PANEL, GAP, TOP, SIDE, ROW = 200, 56, 70, 56, 3
LARGEST, SMALLEST = 16.0, 3.0


def draw(title: str, criteria: Mapping[str, Bins]) -> Drawing:
    """Panels in rows of three.

    Raises
    ------
    InvalidInput
        Without a criterion.
    """
    if not criteria:
        raise InvalidInput("There is no criterion to plot.")
    shapes: list[Shape] = [Words(20, 26, title, INK, 14.5)]
    for place, (name, bins) in enumerate(criteria.items()):
        left = SIDE + (place % ROW) * (PANEL + GAP)
        shapes += _panel(left, TOP + (place // ROW) * (PANEL + GAP), name, bins)
    rows = math.ceil(len(criteria) / ROW)
    return Drawing(SIDE + ROW * (PANEL + GAP), TOP + rows * (PANEL + GAP), tuple(shapes), title)


def _panel(left: float, top: float, name: str, bins: Bins) -> list[Shape]:
    bottom = top + PANEL
    shapes: list[Shape] = [Words(left, top - 8, name, INK, 13.0)]
    for tick in (0.0, 0.5, 1.0):
        x, y = left + tick * PANEL, bottom - tick * PANEL
        shapes += [Line(x, top, x, bottom, GRID), Line(left, y, left + PANEL, y, GRID)]
        shapes += [Words(x, bottom + 16, f"{tick:g}", MUTED, 11.0, "middle")]
        shapes += [Words(left - 6, y + 4, f"{tick:g}", MUTED, 11.0, "end")]
    shapes.append(Line(left, bottom, left + PANEL, top, MUTED))
    most = max((n for _, _, n in bins), default=1)
    for p, share, n in bins:
        size = max(SMALLEST, LARGEST * math.sqrt(n / most))
        shapes.append(Box(left + p * PANEL - size / 2, bottom - share * PANEL - size / 2, size, size, ACCENT))
    shapes.append(
        Words(left + PANEL / 2, bottom + 34, "P(fail) said; upwards: share that failed", MUTED, 10.5, "middle")
    )
    return shapes


def plot(figures: Path) -> Drawing:
    """The drawing of what ``calibrate --json`` wrote."""
    return draw("Reliability of P(fail) on drafts it was fitted on", json.loads(figures.read_text(encoding="utf-8")))
