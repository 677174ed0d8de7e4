"""The generator: same seed, same bytes; labels that follow from the numbers; pairs that length cannot tell apart."""

from __future__ import annotations

import re

import pytest

from app.bench.balance import length_auc, longer_wins
from app.bench.generate import SPLITS, Example, generate
from app.bench.moves import CRITERIA
from app.bench.scenarios import FAMILIES, HELD_OUT_FAMILIES, TRAIN_FAMILIES
from app.training.encode import default_rubric

COUNT = {"train": 400, "valid": 300, "test": 300}


@pytest.fixture(scope="module")
def examples() -> dict[str, list[Example]]:
    return {split: list(generate(3, split, COUNT[split])) for split in SPLITS}


def test_same_seed_gives_the_same_examples():
    assert list(generate(5, "train", 20)) == list(generate(5, "train", 20))


def test_another_seed_gives_other_examples():
    bodies = [{e.draft.body for e in generate(seed, "train", 20)} for seed in (5, 6)]
    assert len(bodies[0] & bodies[1]) < 5


def test_criteria_are_the_model_criteria_of_the_default_rubric():
    assert tuple(c.id for c in default_rubric().model_criteria) == CRITERIA


def test_every_context_is_accepted_by_the_service(examples):
    for example in examples["train"]:
        context = example.parsed_context
        assert context.company_name == example.context["company_name"]


@pytest.mark.parametrize("split", list(SPLITS))
def test_every_criterion_is_violated_and_clean_often_enough(examples, split):
    for criterion in CRITERIA:
        scores = [e.scores[criterion] for e in examples[split]]
        assert scores.count(1) >= 0.03 * len(scores), criterion
        assert scores.count(5) >= 0.3 * len(scores), criterion


def test_the_first_draft_of_each_scenario_is_wholly_clean(examples):
    firsts = [e for e in examples["train"] if e.id.endswith("-0")]
    assert len(firsts) == COUNT["train"]
    assert all(set(e.scores.values()) == {5} for e in firsts)


def test_a_violation_has_a_reason_and_a_clean_draft_has_the_plain_one(examples):
    for example in examples["train"]:
        assert bool(example.violated) == (example.why != "Claims and promises match the facts.")


def test_pairs_share_context_and_differ_in_text(examples):
    by_id = {e.id: e for e in examples["train"]}
    pairs = [(e, by_id[e.pair]) for e in examples["train"] if e.pair]
    assert len(pairs) > COUNT["train"]
    for broken, clean in pairs:
        assert broken.context == clean.context
        assert broken.draft.body != clean.draft.body
        assert not clean.violated


@pytest.mark.parametrize("split", list(SPLITS))
def test_length_says_next_to_nothing_about_a_violation(examples, split):
    assert abs(length_auc(examples[split]) - 0.5) < 0.06


def test_length_does_not_tell_the_members_of_a_pair_apart(examples):
    assert abs(longer_wins(examples["train"]) - 0.5) < 0.08


def test_families_are_held_out():
    assert set(TRAIN_FAMILIES) | HELD_OUT_FAMILIES == set(FAMILIES)
    assert {e.family for e in generate(1, "train", 200, 1)} == set(TRAIN_FAMILIES)
    assert {e.family for e in generate(1, "test", 60, 1)} == HELD_OUT_FAMILIES


TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty")
UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
SPELT = {word: value for value, word in enumerate((*UNITS, *TEENS), start=1)}


def _numbers(text: str) -> set[int]:
    """Counts in a text, in digits or in words up to twenty."""
    return {SPELT[w] for w in re.findall(r"[a-z]+", text.lower()) if w in SPELT} | {
        int(n) for n in re.findall(r"\d+", text)
    }


def test_an_overcommitted_count_exceeds_the_bench_and_an_honest_one_does_not(examples):
    """Recomputed from the context that is sent, not from the scenario that the draft was written from."""
    seen = {"honest": 0, "broken": 0}
    for example in examples["train"]:
        move = next((m.partition("=")[2] for m in example.moves if m.startswith("offer=")), "")
        stacks = example.parsed_context.bench_summary
        if stacks is None or move not in ("fits", "fits:count"):
            continue
        offer = re.search(
            r"[^.\n]*\b(?:start \S+ \S* ?\S+ engineers|engineers are free|people ready|on this in|would get"
            r"|can confirm|group of)[^.\n]*",
            example.draft.body,
        )
        if offer is None:
            continue
        listed = max((r.available_engineers or 0) for r in stacks.stacks.values())
        count = max((n for n in _numbers(offer.group().split(" in ")[0])), default=0)
        if move == "fits":
            seen["honest"] += 1
            assert count <= listed
            assert example.scores["capacity"] == 5
        else:
            seen["broken"] += 1
            assert example.scores["capacity"] == 1
    assert min(seen.values()) > 20


def test_a_wrong_value_is_not_in_the_facts(examples):
    checked = 0
    for example in examples["train"]:
        if not any(re.match(r"mention=(state|hedge):roles:roles$", move) for move in example.moves):
            continue
        facts = example.parsed_context.model_dump_json()
        stated = re.search(r"^States (\d+) open roles where the facts say (\d+)\.", example.why)
        assert stated is not None
        assert example.scores["grounding"] == 1
        assert int(stated.group(1)) not in {example.context.get("open_roles"), int(stated.group(2))}
        assert _numbers(facts) >= {int(stated.group(2))}
        checked += 1
    assert checked > 5


def test_hostile_drafts_keep_the_label_of_their_content(examples):
    hostile = [e for e in examples["train"] if e.hostile]
    assert len(hostile) > 20
    assert {bool(e.violated) for e in hostile} == {True, False}
    assert all(e.scores["tone"] in (None, 1) for e in hostile)
