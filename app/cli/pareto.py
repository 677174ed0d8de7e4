"""Cost, latency and quality of the judges in one plot: who is worth asking, and what the next step up costs.

Latency is milliseconds a draft in this order of work: the gate asks the model only about drafts that no rule stopped.
Cost is processor seconds for a thousand drafts, which is what a machine of one's own costs. A judge for which another
is both faster and better is drawn muted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from app.cli.forest import ACCENT, GRID, INK, MUTED, SIDE, WIDTH, Box, Drawing, Line, Shape, Words, ticks, written
from app.errors import InvalidInput

HEIGHT, TOP, BOTTOM, LEFT = 420, 60, 60, 90


@dataclass(frozen=True, slots=True)
class Point:
    """One judge: median milliseconds a draft, balanced accuracy, processor seconds for a thousand drafts."""

    label: str
    latency_ms: float
    accuracy: float
    cost_s: float


def points_of(
    evaluation: Mapping[str, Any], latency: Sequence[Mapping[str, Any]], drafts: str, cores: int, way: str
) -> list[Point]:
    """The judges of an evaluation on one of its sets, with the times that ``model latency --json`` measured this way.

    Raises
    ------
    InvalidInput
        When a record lacks the set or a time.
    """
    if drafts not in evaluation.get("rules", {}):
        raise InvalidInput(
            f"The evaluation holds no drafts named {drafts!r}; it holds {', '.join(evaluation['length'])}."
        )
    times = {row["condition"]: float(row["median_ms"]) for row in latency if row["way"] == way}
    if missing := sorted({"base", "merged"} - set(times)):
        held = ", ".join(sorted({str(row["way"]) for row in latency}))
        raise InvalidInput(
            f"The latency file holds no time of {missing[0]!r} through {way!r} (it holds {held or 'none'}); "
            "write it with `presend model latency`."
        )
    if "rules_ms" not in evaluation:
        raise InvalidInput("The evaluation lacks `rules_ms`; write it with `presend model evaluate --json`.")
    row = evaluation["rules"][drafts]
    stopped = row["fail_recall"] * row["n_failed"] + (1 - row["pass_recall"]) * row["n_passed"]
    asked = 1 - stopped / (row["n_failed"] + row["n_passed"])
    rules_ms = float(evaluation["rules_ms"])
    spent = {
        "rules": rules_ms,
        "base": times["base"],
        "LoRA": times["merged"],
        "rules+LoRA": rules_ms + asked * times["merged"],
    }
    return [
        Point(name, ms, evaluation[name][drafts]["balanced_accuracy"], ms * (1 if name == "rules" else cores))
        for name, ms in spent.items()
        if drafts in evaluation[name]
    ]


def frontier(points: Sequence[Point]) -> list[Point]:
    """Points that no other beats in both latency and accuracy, fastest first."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.latency_ms, -p.accuracy)):
        if not kept or point.accuracy > kept[-1].accuracy:
            kept.append(point)
    return kept


def draw(title: str, points: Sequence[Point]) -> Drawing:
    """Latency to the right, balanced accuracy upwards, the frontier as a line."""
    across_ticks, up_ticks = ticks([0.0, *(p.latency_ms for p in points)]), ticks([p.accuracy for p in points])
    right, bottom = WIDTH - SIDE - 170, HEIGHT - BOTTOM

    def across(value: float) -> float:
        return LEFT + (value - across_ticks[0]) / (across_ticks[-1] - across_ticks[0]) * (right - LEFT)

    def up(value: float) -> float:
        return bottom - (value - up_ticks[0]) / (up_ticks[-1] - up_ticks[0]) * (bottom - TOP)

    shapes: list[Shape] = [Words(SIDE, 24, title, INK, 14.5)]
    for tick in across_ticks:
        shapes += [Line(across(tick), TOP, across(tick), bottom, GRID)]
        shapes += [Words(across(tick), bottom + 18, written(tick), MUTED, 12.0, "middle")]
    for tick in up_ticks:
        shapes += [Line(LEFT, up(tick), right, up(tick), GRID)]
        shapes += [Words(LEFT - 8, up(tick) + 4, written(tick), MUTED, 12.0, "end")]
    shapes.append(Words((LEFT + right) / 2, bottom + 42, "milliseconds a draft (median)", MUTED, 12.0, "middle"))
    shapes.append(Words(LEFT, TOP - 12, "balanced accuracy", MUTED, 12.0))
    best = frontier(points)
    for one, other in pairwise(best):
        shapes.append(
            Line(across(one.latency_ms), up(one.accuracy), across(other.latency_ms), up(other.accuracy), ACCENT, 1.5)
        )
    for point in points:
        colour = ACCENT if point in best else MUTED
        x, y = across(point.latency_ms), up(point.accuracy)
        shapes.append(Box(x - 5, y - 5, 10, 10, colour))
        shapes.append(Words(x + 10, y + 4, f"{point.label}, {point.cost_s:.0f} s per 1,000", colour, 12.0))
    return Drawing(WIDTH, HEIGHT, tuple(shapes), title)


def plot(evaluation: Path, latency: Path, drafts: str, cores: int, way: str) -> Drawing:
    """The drawing from the two files."""
    points = points_of(json.loads(evaluation.read_text()), json.loads(latency.read_text()), drafts, cores, way)
    return draw(f"Judges on {drafts}, through {way}: what a better answer costs", points)
