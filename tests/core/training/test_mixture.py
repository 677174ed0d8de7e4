"""The training mixture: the development drafts stay out, noisy labels stay weak, packs keep every item."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

import pytest

from app.bench.moves import MODEL_CRITERIA
from app.bench.tasks import written_tasks
from app.errors import SetupError
from app.judge.decision import blocking
from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from app.schemas import Draft
from app.training.encode import rubric_of
from app.training.mixture import (
    AUTHORS,
    DEV_FILE,
    PASS_WEIGHT,
    Item,
    bins,
    counts,
    digest,
    draw,
    examples_of,
    focused,
    from_example,
    generated,
    listed,
    published,
    text_key,
    unread,
    written,
)
from app.training.packing import pack
from app.training.recipes import SHIPPED_PUBLISHED, Recipe


@pytest.fixture(scope="module")
def data() -> Path:
    root = Path(os.environ.get("PRESEND_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    folder = root / "data"
    assert folder.is_dir(), f"the published drafts are expected in {folder}; set PRESEND_SHARED to their parent"
    return folder


def test_no_development_draft_is_trained_on(data):
    rows, licences = published(data, 100_000, seed=1)
    assert len(rows) > 200
    assert licences
    ids, texts = set(), set()
    for line in (data / DEV_FILE).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        ids.add(row["id"].removeprefix("ext:"))
        texts.add(text_key(Draft(**row["request"]["candidate_output"]), row["request"]["input"]["company_name"]))
    assert not ids & {row.id for row in rows}
    assert not texts & {text_key(row.draft, row.context.company_name) for row in rows}


def test_an_author_left_out_contributes_nothing(data):
    everyone, licences = published(data, 700, seed=1)
    rest, fewer = published(data, 700, seed=1, authors=[name for name in AUTHORS if name != "third_party_c"])
    assert len(licences) == len(fewer) + 1
    assert {row.id[0] for row in rest} < {row.id[0] for row in everyone} or len(fewer) == len(AUTHORS) - 1


def test_a_published_fail_speaks_of_one_criterion_and_a_pass_counts_half(data):
    rows, _ = published(data, 400, seed=1)
    for row in rows:
        known = [score for score in row.scores if score is not None]
        assert known in ([1], [5] * len(MODEL_CRITERIA))
        assert row.weight == (PASS_WEIGHT if 5 in known else 1.0)


def test_all_passes_are_more_than_those_that_no_rule_contradicts(data):
    drawn = [published(data, 3_000, seed=1)[0], published(data, 3_000, seed=1, agreed=False, pass_weight=1.0)[0]]
    assert {row.weight for row in drawn[1]} == {1.0}
    rules, policy = Ruleset(default_policy()), default_policy()
    against = [
        sum(bool(blocking(rules.check(row.draft, row.context), policy)) for row in rows if 5 in row.scores)
        for rows in drawn
    ]
    assert against[0] == 0
    assert against[1] > 20


def test_unread_are_the_fifth_of_all_hands_and_the_whole_of_those_left_out():
    trained, left_out = ("ash", "birch"), {"dune", "juniper"}
    read = {row.id for row in written("train", hands=trained)}
    every = {task.id for task in written_tasks()}
    assert {row.id for row in unread([])} == {row.id for row in written("valid")}
    assert {row.id for row in unread(sorted({i.partition("-")[0] for i in every} - set(trained)))} == every - read
    of_two = {row.id for row in unread(sorted(left_out))}
    assert of_two >= {i for i in every if i.partition("-")[0] in left_out}
    assert not of_two & read
    with pytest.raises(SetupError, match=r"no hand 'oak'.* ash, birch"):
        unread(["oak"])


def test_drafts_written_by_hand_are_divided_by_situation_and_repeated_whole():
    train, valid = written("train"), written("valid")
    assert len(train) > 2 * len(valid) > 0
    assert not {row.group for row in train} & {f"{row.group}" for row in valid}
    assert {row.id for row in train} | {row.id for row in valid} == {task.id for task in written_tasks()}
    twice = written("train", 2)
    assert [row.draft for row in twice] == [row.draft for row in train] * 2
    assert len({row.group for row in twice}) == 2 * len({row.group for row in train})
    assert written("train", 0) == []
    for criterion in range(len(MODEL_CRITERIA)):
        assert {1, 5} <= {row.scores[criterion] for row in valid}


def test_contradicted_drafts_follow_the_drafts_that_they_turn():
    plain, more = written("train", hands=["ash"]), written("train", 2, hands=["ash"], contradicted=True)
    once = more[: len(more) // 2]
    assert [row.id for row in more[len(once) :]] == [row.id for row in once]
    added = [row for row in once if row.id not in {row.id for row in plain}]
    assert [row for row in once if row not in added] == plain
    assert {row.id.rpartition("-")[2] for row in added} == {"facts", "draft", "both"}
    assert {row.group for row in added} < {row.group for row in plain}


def test_listed_drafts_are_those_that_were_drawn(data):
    drawn, licences = published(data, 300, seed=1)
    assert listed(data, [row.id for row in drawn]) == (drawn, licences)
    with pytest.raises(SetupError, match=r"1 listed published drafts are not in .*, nobody:1 first"):
        listed(data, [drawn[0].id, "nobody:1"])


def test_the_shipped_list_can_be_trained_on(data):
    rows, licences = listed(data, SHIPPED_PUBLISHED.read_text(encoding="utf-8").splitlines())
    assert len(rows) > 400
    assert len(licences) == 7


def test_a_published_pass_that_a_rule_blocks_teaches_nothing(data):
    rules, policy = Ruleset(default_policy()), default_policy()
    rows, _ = published(data, 100_000, seed=1)
    passes = [row for row in rows if row.scores[-1] == 5]
    assert len(passes) > 100
    assert not [row.id for row in passes if blocking(rules.check(row.draft, row.context), policy)]


def test_missing_files_are_named(tmp_path):
    with pytest.raises(SetupError, match=DEV_FILE):
        published(tmp_path, 10, seed=1)


def test_a_filled_in_template_is_the_same_text():
    one = text_key(Draft(subject="", body="Hi Ada,\nAmber Grid lists 3 roles."), "Amber Grid")
    two = text_key(Draft(subject="", body="Hello Omar, Pike Foods lists 11 roles."), "Pike Foods")
    assert one == two


def test_the_data_digest_changes_with_the_seed_only():
    assert digest(generated(4, 5, 3)) == digest(generated(4, 5, 3)) != digest(generated(5, 5, 3))


def test_a_tenth_of_the_scenarios_asks_for_a_reason():
    rows = generated(4, 100, 2)
    share = sum(row.reason is not None for row in rows) / len(rows)
    assert share == pytest.approx(0.1, abs=0.01)


def test_packs_keep_every_item_and_stay_near_the_limit():
    rng = Random(0)
    head = list(range(200))
    items = []
    for group in range(12):
        facts = [1_000 * group + i for i in range(40)]
        for _ in range(rng.randint(1, 6)):
            draft = [rng.randrange(10**6) for _ in range(rng.randint(30, 90))]
            items.append(Item(str(group), [*head, *facts, *draft], [1, 2], [0.0, 1.0]))
    packs = bins(items, 700, Random(1))
    flat = [item for chosen in packs for item in chosen]
    assert sorted(map(str, flat)) == sorted(map(str, items))
    assert max(len(pack([i.text for i in chosen]).ids) for chosen in packs) <= 700
    assert len(packs) < len(items)
    assert bins(items, 700, Random(1)) == packs


def test_the_first_stage_may_ask_for_the_whole_draft_behind_the_criteria():
    asked = Recipe(whole=True).asked
    with_whole, plain = generated(4, 6, 3, asked=asked), generated(4, 6, 3)
    assert [row.scores[:-1] for row in with_whole] == [row.scores for row in plain]
    assert {1, 5} <= {row.scores[-1] for row in with_whole}
    assert counts(with_whole, asked)["overall"] >= max(n for name, n in counts(plain).items() if name != "none") > 0
    assert [c.id for c in rubric_of(asked).model_criteria] == [*MODEL_CRITERIA, "overall"]


def test_a_stage_may_ask_some_of_the_criteria():
    asked = Recipe(criteria="tone,grounding").asked
    some, plain = generated(4, 6, 3, asked=asked), generated(4, 6, 3)
    assert asked == ("grounding", "tone")
    assert [row.scores for row in some] == [(row.scores[0], row.scores[3]) for row in plain]
    assert [c.id for c in rubric_of(asked).model_criteria] == ["grounding", "tone"]


def test_a_focus_keeps_the_drafts_that_violate_it_and_what_they_are_told_from():
    place = MODEL_CRITERIA.index("tone")
    every = {row.id: row for row in generated(4, 40, 6, 0.0, contrasts=True)}
    recipe = Recipe(seed=3, scenarios=5, focus="tone", focus_scenarios=40)
    kept = {example.id: from_example(example) for example in focused(recipe)}
    broken = {name for name, row in every.items() if row.scores[place] == 1}
    assert broken
    assert broken <= set(kept) < set(every)
    assert all(every[name] == row for name, row in kept.items())
    assert len(broken) < len(kept) <= 4 * len(broken)
    assert {row.group for row in kept.values()} == {every[name].group for name in broken}
    assert len(examples_of(recipe)) == len(generated(3, 5, 6)) + len(kept)
    assert focused(Recipe(scenarios=5)) == []


def test_resegmented_drafts_stand_behind_those_that_they_were_made_from():
    plain, more = Recipe(scenarios=30), Recipe(scenarios=30, resegmented=True)
    (before, _), (after, _) = draw(plain, None), draw(more, None)
    place = MODEL_CRITERIA.index("segment")
    by_id = {row.id: row for row in before}
    added = after[len(before) :]
    assert after[: len(before)] == before
    assert added
    for row in added:
        origin = by_id[row.id.removesuffix("-segment")]
        assert (row.draft, {row.scores[place], origin.scores[place]}) == (origin.draft, {1, 5})
        assert row.context.icp_segment != origin.context.icp_segment
        assert row.group not in {one.group for one in before}
