"""Near-duplicates: the hashing overlooks none that comparing all pairs finds, and reports none that is not one."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bench.duplicates import NearDuplicate, jaccard, keep_one, near_duplicates
from app.bench.texts import Text, ngrams, text_of
from app.bench.words import words_of
from tests.core.bench.drafts import CONTEXT, task, written


def texts_with_copies(seed: int) -> list[Text]:
    """Texts of chance words, each followed by copies with ever more words changed."""
    rng = Random(seed)
    found = []
    for number in range(60):
        words = [f"w{rng.randrange(400)}" for _ in range(rng.randint(20, 60))]
        for copy in range(4):
            changed = list(words)
            for at in rng.sample(range(len(words)), k=copy):
                changed[at] = "changed"
            found.append(Text(f"{number:02}-{copy}", f"g{number}-{copy}", "", " ".join(changed)))
    return found


@pytest.mark.parametrize("threshold", [0.8, 0.7, 1.0])
def test_the_same_pairs_as_comparing_all(threshold):
    texts = texts_with_copies(5)
    shingles = {one.id: ngrams(words_of(one.text), 3) for one in texts}
    every = {
        NearDuplicate(*sorted((a.id, b.id)), jaccard(shingles[a.id], shingles[b.id]))
        for a, b in combinations(texts, 2)
        if jaccard(shingles[a.id], shingles[b.id]) >= threshold
    }
    found = near_duplicates(texts, threshold)
    assert set(found) == every
    assert len(every) > 5 or threshold == 1.0
    assert found == sorted(found, key=lambda pair: (-pair.jaccard, pair.a, pair.b))


def test_one_group_is_not_compared_and_empty_texts_are_no_duplicates():
    same = [Text(name, "g", "", "one two three four five") for name in "ab"]
    assert near_duplicates(same) == []
    assert near_duplicates([Text(name, name, "", "  ") for name in "ab"]) == []
    apart = [Text(name, name, "", "one two three four five") for name in "ba"]
    assert near_duplicates(apart) == [NearDuplicate("a", "b", 1.0)]
    with pytest.raises(ValueError, match=r"between 0\.6 and 1"):
        near_duplicates(apart, 0.3)


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_jaccard(a, b):
    assert jaccard(a, b) == jaccard(b, a)
    assert 0.0 <= jaccard(a, b) <= 1.0
    assert jaccard(a, a) == (1.0 if a else 0.0)


def test_the_whole_text_is_facts_and_draft_without_what_all_share():
    context = {**CONTEXT, "bench_summary": {"stacks": {"go": {"available_engineers": 3, "note": "two on hold"}}}}
    text = text_of(task(context=context)).text
    assert "Series A of 12 M USD" in text
    assert "two on hold" in text
    assert "more engineers planned" in text
    for shared in ("cold_first_touch", "available_engineers", "signal_line"):
        assert shared not in text


def test_of_near_duplicates_the_better_stays():
    quality = {"coherence": 5, "verifiability": 5, "rubric_clarity": 3}
    better = quality | {"rubric_clarity": 4}
    tasks = [
        task("a", mode="programmatic"),
        task("b", mode="hand_authored"),
        task("c", mode="multi_llm_synthesis", quality=quality),
        task("d", mode="multi_llm_synthesis", quality=better),
        task("e", draft=written("Alone.")),
        task("f", mode="programmatic", scores={"tone": 5}),
    ]
    pairs = [NearDuplicate(x, y, 0.9) for x, y in (("a", "b"), ("c", "d"), ("a", "f"))]
    kept, replaced = keep_one(tasks, pairs)
    # b is nearer to people than a; d has the higher lowest mark; f stays because a, its only likeness, went.
    assert [one.task_id for one in kept] == ["b", "d", "e", "f"]
    assert replaced == {"a": "b", "c": "d"}
    assert keep_one(tasks[::-1], pairs)[1] == replaced
