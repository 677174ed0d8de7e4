"""The same draft on the same facts in another segment: the other label for the pitch, and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest

from app.bench.generate import generate
from app.bench.moves import CRITERIA, OVERALL, PITCH_BREAKS
from app.bench.resegmented import resegmented


@pytest.fixture(scope="module")
def drawn():
    return {example.id: example for example in generate(5, "train", 150, 6, contrasts=True)}


@pytest.fixture(scope="module")
def turned(drawn):
    return list(resegmented(drawn.values()))


def test_only_the_segment_and_its_label_differ(drawn, turned):
    for example in turned:
        origin = drawn[example.pair]
        assert example.draft == origin.draft
        assert example.context | {"icp_segment": 0} == origin.context | {"icp_segment": 0}
        assert example.context["icp_segment"] != origin.context["icp_segment"]
        assert {example.scores["segment"], origin.scores["segment"]} == {1, 5}
        rest = [c for c in CRITERIA if c != "segment"]
        assert [example.scores[c] for c in rest] == [origin.scores[c] for c in rest]
        broken = {c for c in CRITERIA if example.scores[c] == 1}
        assert (example.scores[OVERALL] == 1) == bool(broken)


def test_the_pitch_fits_the_segment_or_breaks_it(turned):
    for example in turned:
        pitch = next(int(move[-1]) for move in example.moves if move.startswith("pitch=pitch:"))
        segment = example.context["icp_segment"]
        assert (pitch in PITCH_BREAKS[segment]) == (example.scores["segment"] == 1)
        assert (pitch == segment) == (example.scores["segment"] == 5)


def test_either_label_is_as_frequent_and_no_segment_gives_it_away(turned):
    labels = Counter(example.scores["segment"] for example in turned)
    assert len(turned) > 100
    assert 0.6 < labels[1] / labels[5] < 1.7
    for pitch in "123":
        of = [e for e in turned if f"pitch=pitch:{pitch}" in e.moves]
        assert {e.scores["segment"] for e in of} == {1, 5}


def test_one_situation_stays_one_and_a_second_run_gives_the_same(drawn, turned):
    groups: dict[str, set[int]] = {}
    for example in turned:
        groups.setdefault(example.group, set()).add(example.context["icp_segment"])
    assert all(len(segments) == 1 for segments in groups.values())
    assert list(resegmented(drawn.values())) == turned
    assert list(resegmented(e for e in drawn.values() if "pitch=pitch:reply" in e.moves)) == []
