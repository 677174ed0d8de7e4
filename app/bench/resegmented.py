"""Generated drafts whose segment is another one, facts and words unchanged: the segment decides which pitch fits.

What a situation calls for stands in its segment; where several events are told, the facts alone leave it open. Drafts
that were generated with their situation can be judged by the facts all the same: most companies that raised money are
of the segment of growth. Here the pitch that was right for a segment stands in another one, and the pitch that was
wrong in the one that it fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

from app.bench.generate import CLEAN_WHY, Example
from app.bench.moves import CRITERIA, OVERALL, PITCH_BREAKS, PITCH_WORD

_PITCH = "pitch=pitch:"
_FROM_FACTS = 4
"""The pitch of a skill gap needs the gap in the facts; no segment makes it right alone."""
_DENIED = (2, 1)
"""Nor is growth pitched after a layoff, whatever the segment."""
_RIGHT_SHARE = 0.4
"""How many of the right pitches are turned, so that about as many become wrong as become right."""


def resegmented(examples: Iterable[Example]) -> Iterator[Example]:
    """The examples that make the pitch of a segment, each in another segment that changes its label; others give none.

    The drafts of one group become wrong in one and the same segment, so that they stay drafts of one situation.
    """
    for example in examples:
        segment, pitch = example.context["icp_segment"], _pitch(example)
        if pitch is None:
            continue
        score = example.scores["segment"]
        rng = Random(f"{example.group}:segment")
        if score == 5 and pitch == segment != 0:
            other = rng.choice([one for one in PITCH_BREAKS if pitch in PITCH_BREAKS[one]])
            if Random(f"{example.id}:segment").random() < _RIGHT_SHARE:
                why = f"Makes a {PITCH_WORD[pitch]} where the segment calls for a {PITCH_WORD[other]}."
                yield _in_segment(example, other, 1, why)
        elif score == 1 and pitch != _FROM_FACTS and (segment, pitch) != _DENIED:
            yield _in_segment(example, pitch, 5, example.why)


def _pitch(example: Example) -> int | None:
    """The segment whose pitch the draft makes; None for a reply's, which fits all."""
    made = [move.removeprefix(_PITCH) for move in example.moves if move.startswith(_PITCH)]
    return int(made[0]) if made and made[0].isdigit() else None


def _in_segment(example: Example, segment: int, score: int, why: str) -> Example:
    scores = example.scores | {"segment": score}
    others = {scores[c] for c in CRITERIA}
    scores[OVERALL] = 1 if 1 in others else None if None in others else 5
    return replace(
        example,
        id=f"{example.id}-segment",
        group=f"{example.group}-segment{segment}",
        context=example.context | {"icp_segment": segment},
        scores=scores,
        pair=example.id,
        why=why if 1 in others else CLEAN_WHY,
    )
