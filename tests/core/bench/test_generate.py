"""The generator: same seed, same bytes; labels that follow from the numbers; pairs that length cannot tell apart."""

from __future__ import annotations

import re
from random import Random

import pytest

from app.bench import moves as m
from app.bench.balance import length_auc, longer_wins
from app.bench.banks import load_bank
from app.bench.generate import SPLITS, Example, generate
from app.bench.moves import CRITERIA, MODEL_CRITERIA, OVERALL
from app.bench.scenarios import FAMILIES, HELD_OUT_FAMILIES, TRAIN_FAMILIES, make_scenario
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
    assert tuple(c.id for c in default_rubric().model_criteria) == MODEL_CRITERIA


def test_every_criterion_of_the_default_rubric_has_labels(examples):
    assert {c.id for c in default_rubric().criteria} == set(CRITERIA) == set(examples["train"][0].scores) - {OVERALL}


def test_the_whole_follows_from_its_parts(examples):
    for example in examples["train"]:
        parts = [example.scores[c] for c in CRITERIA]
        assert example.scores[OVERALL] == (1 if 1 in parts else None if None in parts else 5)


def test_no_vendor_of_training_is_tested_on(examples):
    assert not {e.vendor for e in examples["train"]} & {e.vendor for e in examples["test"]}


def test_every_draft_is_tagged(examples):
    assert {e.difficulty for e in examples["train"]} == {"easy", "medium", "hard"}
    assert {e.mode for e in examples["train"]} == {"programmatic"}


def test_every_context_is_accepted_by_the_service(examples):
    for example in examples["train"]:
        context = example.parsed_context
        assert context.company_name == example.context["company_name"]


@pytest.mark.parametrize("split", list(SPLITS))
def test_every_criterion_is_violated_and_clean_often_enough(examples, split):
    for criterion in (*CRITERIA, OVERALL):
        scores = [e.scores[criterion] for e in examples[split]]
        assert scores.count(1) >= (0.03 if criterion in MODEL_CRITERIA else 0.005) * len(scores), criterion
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


def test_an_overcommitted_count_exceeds_the_bench_and_an_honest_one_does_not():
    """Numbers read back from the sentence: all but spans of time count people."""
    bank, rng = load_bank("train"), Random(4)
    seen = {"honest": 0, "broken": 0}
    for _ in range(400):
        s = make_scenario(rng, bank, "ready")
        record = s.bench[s.stack]
        times = {d for extra in (0, 7, 14) for d in (record.days + extra, (record.days + extra) // 7)}
        for bad in (False, True):
            move = rng.choice(m.capacity(s, bank, rng, bad=bad))
            counts = _numbers(move.text) - times
            if move.name == "fits" and counts:
                seen["honest"] += 1
                assert max(counts) <= record.free, move.text
                assert not move.breaks
            elif move.name == "fits:count" and counts:
                seen["broken"] += 1
                assert max(counts) > record.free, move.text
                assert move.breaks == ("capacity",)
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


def test_a_hostile_draft_fails_as_a_whole_and_teaches_nothing_about_tone(examples):
    hostile = [e for e in examples["train"] if e.hostile]
    assert len(hostile) > 20
    assert all(e.scores["hostile"] == e.scores[OVERALL] == 1 for e in hostile)
    assert all(e.scores["tone"] in (None, 1) for e in hostile)
    assert not any(e.scores["hostile"] == 1 for e in examples["train"] if not e.hostile)
