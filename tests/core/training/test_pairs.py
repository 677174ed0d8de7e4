"""Preference pairs: right against wrong scores, balanced, apart by cluster; task files that do not fit are named."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from app.bench.generate import generate
from app.bench.tasks import task_of, write_tasks
from app.errors import InvalidInput, SetupError
from app.schemas import Context, Draft
from app.training.encode import default_rubric
from app.training.mixture import Labelled, _development, generated
from app.training.pairs import (
    digest,
    encode_pairs,
    keep_short,
    make_pairs,
    read_tasks,
    slices,
    split_tasks,
    without_clusters_of,
)

RUBRIC = default_rubric()
NAMES = [c.id for c in RUBRIC.model_criteria]
CONTEXT = {"company_name": "Alder Row", "icp_segment": 0, "thread_stage": "reply_active"}


def labelled(id_: str, group: str, scores: dict[str, int | None]) -> Labelled:
    full = tuple(scores.get(name, 5) for name in NAMES)
    return Labelled(id_, group, Context.model_validate(CONTEXT), Draft(subject="s", body=f"body {id_}"), full)


class Characters:
    """A tokenizer of single characters, in the shape that the encoder uses."""

    eos_token_id = 0

    def __call__(self, text: str, add_special_tokens: bool = False):
        return type("Encoded", (), {"input_ids": [ord(c) for c in text]})

    def apply_chat_template(self, messages, add_generation_prompt, tokenize):
        return "".join(m["content"] for m in messages)


@pytest.fixture(scope="module")
def pairs():
    return make_pairs(generated(3, 60, 5, 0.0), RUBRIC, seed=1)


def test_a_pair_flips_its_criterion_one_way_or_the_other(pairs):
    for pair in pairs:
        index = NAMES.index(pair.criterion)
        wanted = (1, 5) if pair.kind == "missed" else (5, 1)
        assert (pair.chosen[index], pair.rejected[index]) == wanted
        if pair.kind == "false alarm":
            assert sum(a != b for a, b in zip(pair.chosen, pair.rejected, strict=True)) == 1


def test_missed_and_false_alarms_are_balanced_per_criterion_so_that_no_digit_wins(pairs):
    counts = Counter((pair.criterion, pair.kind) for pair in pairs)
    for name in {pair.criterion for pair in pairs}:
        assert counts[name, "missed"] == counts[name, "false alarm"] > 0
    assert len(slices(pairs)) == len(counts)


def test_no_draft_serves_twice_on_one_criterion(pairs):
    assert len({pair.id for pair in pairs}) == len(pairs)


def test_a_count_is_spread_over_the_criteria():
    few = make_pairs(generated(3, 60, 5, 0.0), RUBRIC, seed=1, count=2 * len(NAMES))
    assert len(few) == 2 * len(NAMES)
    assert len({pair.criterion for pair in few}) == len(NAMES)


def test_pairs_depend_on_the_seed_only():
    rows = generated(3, 30, 5, 0.0)
    assert digest(make_pairs(rows, RUBRIC, 1)) == digest(make_pairs(rows, RUBRIC, 1))
    assert digest(make_pairs(rows, RUBRIC, 1)) != digest(make_pairs(rows, RUBRIC, 2))


def test_a_mirror_comes_from_the_same_scenario_where_there_is_one():
    rows = [labelled("b", "one", {NAMES[0]: 1}), labelled("c", "two", {}), labelled("d", "one", {})]
    missed, alarm = sorted(make_pairs(rows, RUBRIC, 1), key=lambda p: p.kind, reverse=True)
    assert (missed.id.split("/")[0], alarm.id.split("/")[0]) == ("b", "d")


def test_an_unknown_score_is_the_same_in_both_answers():
    rows = [labelled("b", "g", {NAMES[0]: 1, NAMES[1]: None}), labelled("c", "g", {})]
    for pair in make_pairs(rows, RUBRIC, 1):
        assert pair.chosen[1] == pair.rejected[1] == 5


def test_labels_of_another_rubric_are_refused():
    row = Labelled("x", "g", Context.model_validate(CONTEXT), Draft(subject="", body="b"), (5,) * (len(NAMES) + 1))
    with pytest.raises(SetupError, match="asks the model for"):
        make_pairs([row], RUBRIC, 1)


def test_tasks_without_a_contrast_are_refused():
    with pytest.raises(SetupError, match="No pair"):
        make_pairs([labelled("a", "g", {})], RUBRIC, 1)


def test_both_answers_are_equally_long_and_end_the_turn(pairs):
    for one in encode_pairs(Characters(), RUBRIC, pairs[:8]):
        assert len(one.chosen) == len(one.rejected)
        assert one.chosen[-1] == one.rejected[-1] == 0
        assert one.chosen != one.rejected


def test_a_tokenizer_that_joins_digits_is_refused(pairs):
    class Joining(Characters):
        def __call__(self, text: str, add_special_tokens: bool = False):
            return super().__call__(text.replace("1", "one"))

    with pytest.raises(SetupError, match="different lengths"):
        encode_pairs(Joining(), RUBRIC, pairs)


def test_long_tasks_are_left_out_and_too_many_of_them_refused():
    rows = [labelled(str(i), str(i), {}) for i in range(4)]
    sizes = [len(row.draft.body) for row in rows]
    assert len(set(sizes)) == 1
    assert keep_short(Characters(), RUBRIC, rows, 100_000) == (rows, 0)
    with pytest.raises(SetupError, match="--max-tokens"):
        keep_short(Characters(), RUBRIC, rows, 64)


def test_held_out_tasks_share_no_group_with_training():
    rows = [labelled(str(i), f"g{i // 2}", {}) for i in range(12)]
    train, held = split_tasks(rows, 0.25, seed=3)
    assert not {r.group for r in train} & {r.group for r in held}
    assert len(train) + len(held) == 12
    with pytest.raises(SetupError, match="two groups"):
        split_tasks(rows[:2], 0.25, seed=3)


def test_pairs_of_held_out_clusters_are_taken_out(pairs):
    held = pairs[:5]
    kept = without_clusters_of(pairs, held)
    assert not {p.cluster for p in kept} & {p.cluster for p in held}
    assert 0 < len(kept) < len(pairs)


def task(**change):
    row = {"id": "a", "group": "g", "context": CONTEXT, "draft": {"subject": "s", "body": "b"}, "scores": {NAMES[0]: 1}}
    return row | change


def bench_task(task_id, **change):
    row = {"task_id": task_id, "mode": "hand_authored", "context": CONTEXT, "draft": {"subject": "s", "body": "c"}}
    return json.dumps(row | {"passed": True} | change)


def test_a_generated_task_file_is_read_as_the_examples_that_it_was_made_of(tmp_path):
    examples = list(generate(3, "train", 12, 5))
    write_tasks(tmp_path / "train.jsonl", map(task_of, examples))
    found = read_tasks(tmp_path / "train.jsonl", RUBRIC)
    assert [(r.id, r.group, r.draft, r.scores) for r in found] == [
        (e.id, e.group, e.draft, tuple(e.scores[name] for name in NAMES)) for e in examples
    ]
    assert make_pairs(found, RUBRIC, seed=1)


def test_tasks_of_the_bench_and_short_ones_may_stand_in_one_file(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_text(bench_task("b", scores={NAMES[1]: 5, "capacity": 5}) + "\n" + json.dumps(task()) + "\n")
    first, second = read_tasks(path, RUBRIC)
    assert (first.id, first.group, first.scores) == ("b", "b", (None, 5, *(None,) * (len(NAMES) - 2)))
    assert (second.id, second.group) == ("a", "g")


def test_line_separators_inside_a_draft_and_a_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "tasks.jsonl"
    draft = {"subject": "s", "body": "one\u2028two\u0085three"}
    path.write_text(json.dumps(task(draft=draft), ensure_ascii=False) + "\n", encoding="utf-8-sig")
    assert read_tasks(path, RUBRIC)[0].draft.body == draft["body"]


def test_bytes_that_are_no_utf_8_are_named_by_line(tmp_path):
    (tmp_path / "tasks.jsonl").write_bytes(json.dumps(task()).encode() + b"\n\xff\n")
    with pytest.raises(InvalidInput, match=r"tasks\.jsonl:2: is not UTF-8 text"):
        read_tasks(tmp_path / "tasks.jsonl", RUBRIC)


def test_the_development_file_is_split_at_line_ends_only(tmp_path):
    draft = {"subject": "s", "body": "one\u2028two"}
    rows = [{"id": id_, "request": {"input": CONTEXT, "candidate_output": draft}} for id_ in "ab"]
    path = tmp_path / "dev.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8-sig")
    assert _development(path)[0] == {"a", "b"}


def test_a_task_file_is_read_with_unknown_scores(tmp_path):
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps(task()) + "\n\n" + json.dumps(task(id="b", group=None, scores={NAMES[0]: None})) + "\n")
    first, second = read_tasks(path, RUBRIC)
    assert first.scores == (1, *(None,) * (len(NAMES) - 1))
    assert (second.group, second.scores[0]) == ("b", None)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "tasks.jsonl:2: is no JSON object"),
        ("[]", "tasks.jsonl:2: is no JSON object"),
        (json.dumps(task(draft={"subject": "s"})), "draft.body: "),
        (json.dumps(task(scores={NAMES[0]: 6})), f"scores.{NAMES[0]}: "),
        (json.dumps(task(scores={"charm": 1})), "scores.charm: no such criterion"),
        (
            json.dumps(task(context={"company_name": "A", "icp_segment": 9, "thread_stage": "reply_active"})),
            "icp_segment",
        ),
        (json.dumps(task(verdict="pass")), "verdict: "),
        (json.dumps(task()), "tasks.jsonl:2: id: already used in line 1"),
        (json.dumps({"task_id": "b", "draft": {"subject": "s"}}), "tasks.jsonl:2: draft.body: is missing"),
        (bench_task("b", scores={"groundng": 5}), "tasks.jsonl:2: scores.groundng: no such criterion"),
        (bench_task("b", mode="guessed", draft={"subject": "s", "body": "secret"}), "tasks.jsonl:2: mode: "),
        (bench_task("a"), "tasks.jsonl:2: task_id: already used in line 1"),
    ],
)
def test_a_malformed_task_names_file_line_and_field_and_quotes_no_draft(tmp_path, line, words):
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps(task(draft={"subject": "s", "body": "secret words"})) + "\n" + line + "\n")
    with pytest.raises(InvalidInput) as caught:
        read_tasks(path, RUBRIC)
    assert "tasks.jsonl:2" in str(caught.value)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_missing_or_empty_task_file_is_named(tmp_path):
    with pytest.raises(SetupError, match="cannot be read"):
        read_tasks(tmp_path / "none.jsonl", RUBRIC)
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(SetupError, match="holds no task"):
        read_tasks(tmp_path / "empty.jsonl", RUBRIC)
