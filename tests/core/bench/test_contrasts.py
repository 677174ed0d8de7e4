"""Contrast sets: the label turns, the words stay; no bag of words gets far on the pairs, and nothing else changes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from app.bench.bagofwords import looks, transferred
from app.bench.balance import longer_wins, minimal_pairs, violates
from app.bench.banks import Counterpart, load_bank
from app.bench.contrasts import honest_looking, segment_of, violating_looking
from app.bench.generate import SPLITS, Example, generate
from app.bench.moves import CRITERIA, PITCH_BREAKS
from app.bench.tasks import task_of, without_repetitions

COUNT = {"train": 400, "valid": 120, "test": 120}


@pytest.fixture(scope="module")
def examples() -> dict[str, list[Example]]:
    return {split: list(generate(3, split, COUNT[split], contrasts=True)) for split in SPLITS}


@pytest.fixture(scope="module")
def turned(examples) -> list[tuple[Example, Example]]:
    """Contrasts of training with the draft that they turn."""
    by_id = {e.id: e for e in examples["train"]}
    return [(e, by_id[e.pair]) for e in examples["train"] if e.contrast]


def test_contrasts_leave_the_other_drafts_as_they_are(examples):
    assert [e for e in examples["train"] if not e.contrast] == list(generate(3, "train", COUNT["train"]))


def test_the_same_seed_gives_the_same_contrasts(examples):
    assert list(generate(3, "valid", COUNT["valid"], contrasts=True)) == examples["valid"]


def test_every_contrast_belongs_to_the_group_of_its_partner_and_has_another_label(turned):
    assert len(turned) > 1000
    for contrast, partner in turned:
        assert (contrast.group, contrast.family, contrast.vendor) == (partner.group, partner.family, partner.vendor)
        different = [c for c in CRITERIA if {contrast.scores[c], partner.scores[c]} == {1, 5}]
        assert len(different) == 1, (contrast.id, different)


def test_a_contrast_changes_either_the_facts_or_the_draft_or_gives_both_to_the_other_side(turned):
    by_kind = Counter((c.context == p.context, c.draft == p.draft) for c, p in turned)
    assert by_kind[True, True] == 0
    assert by_kind[True, False] > 500, "the sentence turns"
    assert by_kind[False, True] > 500, "the facts turn"
    # Other facts and another draft would be no contrast; all of these stay in the facts of the contrast before.
    assert by_kind[False, False] == 0


def test_every_criterion_but_form_thread_and_hostile_is_turned_both_ways(turned):
    made = Counter()
    for contrast, partner in turned:
        criterion = next(c for c in CRITERIA if {contrast.scores[c], partner.scores[c]} == {1, 5})
        made[criterion, contrast.scores[criterion]] += 1
    for criterion in ("capacity", "grounding", "confidence", "segment", "tone", "coordination", "pricing"):
        assert made[criterion, 1] > 10, criterion
        assert made[criterion, 5] > 10, criterion


def test_a_value_that_was_wrong_stands_in_the_turned_facts(turned):
    checked = 0
    for contrast, partner in turned:
        told = re.match(r"States (\$\d+M) where the facts say (\$\d+M)", partner.why)
        if contrast.scores["grounding"] == 5 and told:
            facts = json.dumps(contrast.context)
            assert told.group(1) in facts
            assert told.group(2) not in facts
            checked += 1
    assert checked > 5


def test_promised_people_are_on_the_turned_bench(turned):
    checked = 0
    for contrast, partner in turned:
        if contrast.scores["capacity"] == 5 and partner.scores["capacity"] == 1:
            was, now = ([e.context.get(key) for key in ("bench_summary", "capacity_note")] for e in (partner, contrast))
            assert was != now
            checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    ("facts", "segment"),
    [
        ({"funding"}, 1),
        ({"roles"}, 0),
        ({"layoff"}, 2),
        ({"layoff", "funding", "leader"}, 2),
        ({"funding", "leader"}, 3),
        ({"layoff", "leader"}, 3),
        ({"leader", "gap"}, 3),
        ({"funding", "gap"}, 4),
        ({"gap", "layoff"}, 4),
        (set(), 0),
    ],
)
def test_the_segment_that_facts_call_for(facts, segment):
    assert segment_of(facts) == segment


def test_a_pitch_is_turned_only_into_the_segment_that_the_facts_call_for(turned):
    for contrast, partner in turned:
        if contrast.scores["segment"] == 5 and partner.scores["segment"] == 1:
            pitched = int(next(m for m in contrast.moves if m.startswith("pitch=")).rpartition(":")[2])
            assert contrast.context["icp_segment"] == pitched
            assert pitched in PITCH_BREAKS[partner.context["icp_segment"]]


def test_no_contrast_tells_of_a_layoff_and_a_fresh_round_which_only_test_holds(examples):
    for example in examples["train"]:
        facts = json.dumps(example.context).casefold()
        assert not ("layoff_percent" in facts and "funding_amount" in facts)


@pytest.mark.parametrize("split", ["valid", "test"])
def test_the_words_of_training_order_the_pairs_of_a_held_out_split_hardly_better_than_a_coin(examples, split):
    plain = {name: [e for e in rows if not e.contrast] for name, rows in examples.items()}
    before = transferred(plain["train"], plain[split])
    after = transferred(examples["train"], examples[split])
    assert after.pairs > 1.5 * before.pairs
    assert after.paired < 0.62
    assert after.paired < before.paired - 0.08


@pytest.mark.parametrize("split", list(SPLITS))
def test_length_does_not_tell_the_members_of_a_pair_apart(examples, split):
    assert abs(longer_wins(examples[split]) - 0.5) < 0.08


def test_pairs_are_told_by_label_whichever_side_was_made_from_the_other(examples):
    for broken, honest in minimal_pairs(examples["train"]):
        assert violates(broken) is True
        assert violates(honest) is False


def test_all_contrasts_are_tasks(examples):
    tasks = without_repetitions(task_of(e) for e in examples["test"])
    assert len(tasks) > 0.9 * len(examples["test"])


def test_the_more_honest_and_the_more_violating_looking_half_share_at_most_the_middle():
    sentences = [Counterpart(f"Sentence {n}.", looks=n % 7) for n in range(11)]
    one, other = set(honest_looking(sentences)), set(violating_looking(sentences))
    assert one | other == {sentence.says for sentence in sentences}
    assert len(one & other) == 1
    assert honest_looking([Counterpart("b", 2.0), Counterpart("a", 1.0)]) == ["a"]


@pytest.mark.parametrize("name", ["train", "heldout"])
def test_the_banks_hold_how_their_sentences_look(name):
    written = [one for pair in load_bank(name).counterparts.values() for one in pair]
    assert looks([one.says for one in written]) == pytest.approx([one.looks for one in written], abs=0.02)


def test_a_promised_grade_is_on_the_turned_bench(turned):
    keys = {"senior": "senior_4_plus_yrs", "mid": "mid_2_4_yrs", "junior": "junior_0_2_yrs"}
    checked = 0
    for contrast, partner in turned:
        promised = re.match(r"Promises (\d+) (senior|mid|junior) (\w+);", partner.why)
        if not (promised and contrast.scores["capacity"] == 5 and partner.scores["capacity"] == 1):
            continue
        if (bench := contrast.context.get("bench_summary")) is None:
            continue  # told in prose
        count, grade, stack = promised.groups()
        assert bench["stacks"][stack]["seniority_mix"][keys[grade]] >= int(count)
        checked += 1
    assert checked > 3


def test_to_generate_takes_no_library_that_the_engine_environment_lacks():
    """The engine environment gets SciPy only when a command asks for it; packed training does not."""
    code = "import sys, app.training.mixture; sys.exit(any(name.startswith('scipy') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
