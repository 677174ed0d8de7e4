"""Does a preference training deserve trust? The review flags, read from its log alone.

Pure: rows in, flags out. A flag asks for a look; it does not prove anything. ``python -m app.training.review LOG``
prints it. The log may be ours (``app.training.margins``) or TRL's own log history; a log without held-out rows gets the
flag that says so, never the benefit of the doubt.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.errors import InvalidInput
from app.training.margins import read_log
from app.training.steps import run_command

FlagName = Literal["margin inflation", "rejected collapse", "weak signal", "not confirmed"]
HELD_OUT_SHARE = 0.25
"""The held-out margin must rise by at least this share of what the train margin rises by."""
CHOSEN_SHARE = 0.1
"""Of a margin's rise, the chosen answer must bring at least this share, or the rise comes from the rejected one."""
STILL = 1e-3
"""Changes of a reward smaller than this are none."""


@dataclass(frozen=True)
class Flag:
    """One reason to look, in one sentence."""

    name: FlagName
    why: str


@dataclass(frozen=True)
class Movement:
    """First and last measured value of one figure; None where the log lacks it."""

    first: float | None
    last: float | None

    @property
    def change(self) -> float | None:
        """Last minus first; None with fewer than two measurements."""
        return None if self.first is None or self.last is None else self.last - self.first


@dataclass(frozen=True)
class Review:
    """What moved and what is suspicious about it."""

    train_margin: Movement
    train_chosen: Movement
    train_rejected: Movement
    held_out_margin: Movement
    held_out_accuracy: Movement
    flags: tuple[Flag, ...]

    @property
    def gap(self) -> float | None:
        """Last train margin minus last held-out margin, in units of the reward."""
        if self.train_margin.last is None or self.held_out_margin.last is None:
            return None
        return self.train_margin.last - self.held_out_margin.last

    @property
    def verdict(self) -> str:
        """The article's reading of the pattern, in a few words."""
        names = {flag.name for flag in self.flags}
        if "weak signal" in names:
            return "train margins flat: weak signal, bad data or too little capacity"
        if "margin inflation" in names:
            return "train margins up, held-out flat: likely training-set margin inflation"
        if "not confirmed" in names:
            return "train margins up, not confirmed on held-out pairs"
        return "train margins up, held-out up: plausible improvement"


def review(rows: Sequence[Mapping[str, Any]]) -> Review:
    """Read the flags off a log.

    Train figures are the ``train_rewards/*`` measured with dropout off where the log has at least two of them, else
    the ``rewards/*`` of the training batches, whose ends are averaged over a tenth of the log since batches differ.

    Raises
    ------
    InvalidInput
        When the log has fewer than two measurements of the train margin.
    """
    prefix = "train_rewards" if len(_column(rows, "train_rewards/margins")) >= 2 else "rewards"
    margin = _movement(rows, f"{prefix}/margins", smooth=prefix == "rewards")
    if margin.change is None:
        raise InvalidInput("The log holds fewer than two measurements of rewards/margins; there is nothing to review.")
    chosen = _movement(rows, f"{prefix}/chosen", smooth=prefix == "rewards")
    rejected = _movement(rows, f"{prefix}/rejected", smooth=prefix == "rewards")
    held = _movement(rows, "eval_rewards/margins")
    accuracy = _movement(rows, "eval_rewards/accuracies", "eval_accuracy", "eval_preferred")
    found = [
        _weak(margin),
        _inflated(margin, held, accuracy),
        _collapsed(margin, chosen, rejected),
        _unconfirmed(margin, held),
    ]
    return Review(margin, chosen, rejected, held, accuracy, tuple(flag for flag in found if flag is not None))


def _weak(margin: Movement) -> Flag | None:
    if (margin.change or 0.0) > STILL:
        return None
    return Flag(
        "weak signal",
        f"the train margin went from {margin.first:.3f} to {margin.last:.3f}; check rank, rate and the pairs",
    )


def _inflated(margin: Movement, held: Movement, accuracy: Movement) -> Flag | None:
    rise = margin.change or 0.0
    if rise <= STILL or held.change is None:
        return None
    better = accuracy.change is not None and accuracy.change > 0
    kept_up = held.change >= HELD_OUT_SHARE * rise
    worse = held.change < -STILL or (accuracy.change is not None and accuracy.change < 0)
    if not worse and (kept_up or (better and held.change > STILL)):
        return None
    told = "" if accuracy.change is None else f", held-out accuracy {accuracy.first:.2f} to {accuracy.last:.2f}"
    return Flag("margin inflation", f"train margin {rise:+.3f}, held-out margin {held.change:+.3f}{told}")


def _collapsed(margin: Movement, chosen: Movement, rejected: Movement) -> Flag | None:
    rise = margin.change or 0.0
    if rise <= STILL or chosen.change is None or rejected.change is None:
        return None
    if rejected.change < -STILL and chosen.change < CHOSEN_SHARE * rise:
        return Flag(
            "rejected collapse",
            f"the margin grew because rejected answers fell ({rejected.change:+.3f}); chosen ones moved by "
            f"{chosen.change:+.3f}",
        )
    return None


def _unconfirmed(margin: Movement, held: Movement) -> Flag | None:
    if (margin.change or 0.0) <= STILL or held.change is not None:
        return None
    return Flag("not confirmed", "the log has no two measurements on held-out pairs; confirm the margin there")


def _column(rows: Sequence[Mapping[str, Any]], *keys: str) -> list[float]:
    for key in keys:
        values = [float(row[key]) for row in rows if isinstance(row.get(key), int | float)]
        if values:
            return values
    return []


def _movement(rows: Sequence[Mapping[str, Any]], *keys: str, smooth: bool = False) -> Movement:
    values = _column(rows, *keys)
    if len(values) < 2:
        return Movement(values[0] if values else None, None)
    width = max(1, len(values) // 10) if smooth else 1
    return Movement(sum(values[:width]) / width, sum(values[-width:]) / width)


def markdown(found: Review) -> str:
    """A table of what moved, the verdict and the flags."""
    lines = ["| figure | first | last |", "|---|---|---|"]
    for name, move in (
        ("train margin", found.train_margin),
        ("train chosen reward", found.train_chosen),
        ("train rejected reward", found.train_rejected),
        ("held-out margin", found.held_out_margin),
        ("held-out accuracy", found.held_out_accuracy),
    ):
        cells = ["–" if value is None else f"{value:.3f}" for value in (move.first, move.last)]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    lines += ["", f"Reading: {found.verdict}."]
    lines += [f"Review flag, {flag.name}: {flag.why}." for flag in found.flags]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.training.review", description=__doc__)
    parser.add_argument("log", type=Path, help="margins.jsonl of a training, or TRL's log history as JSON Lines")
    given = parser.parse_args(argv)
    return run_command(lambda: print(markdown(review(read_log(given.log)))))


if __name__ == "__main__":
    sys.exit(main())
