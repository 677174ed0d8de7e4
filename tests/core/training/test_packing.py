"""Prefix trees: every text keeps its own tokens, depths and sight."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.training.packing import pack, packed_size

TEXTS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=1, max_size=6)


@given(TEXTS)
def test_each_path_spells_its_text_at_its_own_depths(texts):
    tree = pack(texts)
    for text, path in zip(texts, tree.paths, strict=True):
        assert [tree.ids[node] for node in path] == text
        assert [tree.positions[node] for node in path] == list(range(len(text)))


@given(TEXTS)
def test_each_token_sees_its_own_text_up_to_itself_and_nothing_else(texts):
    tree = pack(texts)
    for path in tree.paths:
        for depth, node in enumerate(path):
            assert set(tree.visible[node].nonzero()[0]) == set(path[: depth + 1])


@given(TEXTS)
def test_common_beginnings_are_stored_once(texts):
    assert len(pack(texts).ids) == packed_size(texts) <= sum(len(text) for text in texts)


@given(TEXTS)
def test_branches_hold_every_token_once_behind_its_ancestors(texts):
    tree = pack(texts)
    assert [n for one in tree.branches for n in range(one.start, one.stop)] == list(range(len(tree.ids)))
    for one in tree.branches:
        for node in range(one.start, one.stop):
            assert set(tree.visible[node].nonzero()[0]) == {*one.before, *range(one.start, node + 1)}
