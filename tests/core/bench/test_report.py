"""The report: planted shortcuts, copies and leaks break their limits, and fair tasks break none."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from app.bench.bagofwords import cross_validated, transferred
from app.bench.balance import length_auc, longer_wins, minimal_pairs
from app.bench.card import data_card
from app.bench.report import Limits, Report, check_tasks
from app.bench.tasks import Task
from tests.core.bench.drafts import CONTEXT, task, written

Body = Callable[[Random, bool], str]


def fair(rng: Random, violating: bool) -> str:
    """Says three or eight; which of them is wrong depends on the facts, so that no word tells."""
    return f"We can send {rng.choice(['three', 'eight'])} people " + " ".join(f"w{rng.randrange(60)}" for _ in range(8))


def telling(rng: Random, violating: bool) -> str:
    """A word that only violating drafts have."""
    return f"{fair(rng, violating)} {'surely' if violating else 'perhaps'}"


def longer(rng: Random, violating: bool) -> str:
    """Violating drafts are longer."""
    return fair(rng, violating) + " more words" * (3 if violating else 1)


def made(split: str, body: Body, groups: int = 60, seed: int = 1) -> list[Task]:
    rng = Random(f"{seed}{split}")
    tasks = []
    for number in range(groups):
        name = f"{split}-{number:03}"
        facts = " ".join(f"{split}{rng.randrange(5_000)}" for _ in range(12))
        context = {**CONTEXT, "company_name": name, "signal_brief": {"signal_line": facts}}
        common = {"mode": "programmatic", "split": split, "group": name, "family": "f", "context": context}
        honest = written(body(rng, False), name)
        tasks.append(task(f"{name}-0", draft=honest, scores={"capacity": 5}, **common))
        bad = written(body(rng, True), name)
        tasks.append(task(f"{name}-1", draft=bad, passed=False, scores={"capacity": 1}, pair=f"{name}-0", **common))
    return tasks


def broken(report: Report) -> set[tuple[str, str]]:
    return {(row.check, row.part) for row in report.broken}


def test_fair_tasks_break_nothing_and_every_check_has_run():
    tasks = made("train", fair) + made("test", fair)
    vectors = dict(zip([one.task_id for one in tasks], np.eye(len(tasks), dtype=np.float32), strict=True))
    report = check_tasks(tasks, vectors)
    assert broken(report) == set()
    assert {row.check for row in report.rows} == {
        "length, pairs", "length, AUC", "words, pairs", "words of train, pairs", "near-duplicates", "equal tasks",
        "split groups", "ngrams", "time shift", "cosine",
    }  # fmt: skip


def test_a_telling_word_is_found_within_and_across_splits():
    report = check_tasks(made("train", telling) + made("test", telling))
    assert ("words of train, pairs", "test") in broken(report)
    assert ("length, pairs", "train") not in broken(report)


def test_length_is_found():
    found = broken(check_tasks(made("train", longer)))
    assert {("length, pairs", "train"), ("length, pairs", "train, capacity")} <= found


def test_a_handful_of_pairs_condemns_nobody():
    report = check_tasks(made("train", longer, groups=2))
    assert not report.broken
    (words,) = [row for row in report.rows if row.check == "words, pairs"]
    assert (words.value, "at least 5 groups" in words.note) == (None, True)


def test_leaks_are_found_and_named():
    train = made("train", fair)
    leaked = train[0].model_copy(update={"task_id": "test-leak", "split": "test"})
    close = train[4].model_copy(update={"task_id": "test-near", "split": "test", "group": "elsewhere"})
    vectors = {one.task_id: np.eye(200, dtype=np.float32)[i] for i, one in enumerate(train)}
    vectors |= {"test-leak": np.eye(200, dtype=np.float32)[150], "test-near": vectors[train[4].task_id]}
    report = check_tasks([*train, leaked, close], vectors)
    assert {(row.check, row.value) for row in report.broken} == {
        ("near-duplicates", 1), ("equal tasks", 2), ("split groups", 1), ("ngrams", 2), ("cosine", 1)
    }  # fmt: skip
    assert [(pair.a, pair.b) for pair in report.duplicates] == [("test-near", train[4].task_id)]
    (cosine,) = [one for one in report.contamination["test"] if one.check == "cosine"]
    assert (cosine.worst[0].held_out, cosine.worst[0].train) == ("test-near", train[4].task_id)


def test_the_slack_is_the_callers():
    tasks = made("train", longer)
    assert not [row for row in check_tasks(tasks, limits=Limits(slack=0.5)).broken if row.check == "length, pairs"]


def test_cross_validation_never_scores_a_group_that_it_has_seen():
    # Each group has a word of its own that tells the label: of no use to a fit that has not seen the group.
    def own(rng: Random, violating: bool) -> str:
        mark = rng.getrandbits(64)
        return " ".join([f"m{mark}"] * 2 + [f"w{rng.randrange(60)}" for _ in range(8)])

    result = cross_validated(made("train", own))
    assert result.paired is not None
    assert 0.3 < result.paired < 0.7
    assert (result.n, result.pairs) == (120, 60)


def test_the_regression_is_the_minimum_of_its_loss():
    """Two drafts a side, one word each way: the weights solve w = 2 sigma(-w) (bias 0 by symmetry)."""
    from app.bench.bagofwords import _features, _regression

    bags = [{"a"}, {"a"}, {"b"}, {"b"}]
    weights = _regression(_features(bags, {"a": 0, "b": 1}), np.array([1.0, 1.0, 0.0, 0.0]))
    w = weights[1]
    assert weights[0] == pytest.approx(0.0, abs=1e-3)
    assert weights[2] == pytest.approx(-w, abs=1e-3)
    assert w == pytest.approx(2.0 / (1.0 + np.exp(w)), abs=1e-3)


def test_baselines_refuse_what_cannot_be_measured():
    tasks = made("train", fair, groups=6)
    honest = [one for one in tasks if one.passed]
    with pytest.raises(ValueError, match="both labels"):
        cross_validated(honest)
    with pytest.raises(ValueError, match="both labels"):
        transferred(honest, tasks)
    with pytest.raises(ValueError, match="no minimal pairs"):
        longer_wins(honest)
    with pytest.raises(ValueError, match="at least one value"):
        length_auc(honest)


def test_pairs_of_a_part_are_those_whose_partner_is_in_it():
    tasks = made("train", fair, groups=3)
    assert len(list(minimal_pairs(tasks))) == 3
    assert len(list(minimal_pairs(tasks[1:], "capacity"))) == 2
    assert list(minimal_pairs(tasks, "tone")) == []


def test_the_card_holds_what_was_measured():
    tasks = made("train", telling) + made("test", telling)
    report = check_tasks(tasks)
    card = data_card(tasks, report, "presend bench generate --seed 1")
    assert "| train | 120 | 60 | 1 | 0 | 60 | 60 | 60 | 0 |" in card
    assert "| capacity | 60 | 60 |" in card
    assert "`presend bench generate --seed 1`" in card
    assert card.count("**broken**") == len(report.broken) > 0
    assert "no embeddings were made" in card
    assert "fictional" in card
    published = [task("p", source={"author": "somebody/bench", "licence": "MIT"})]
    assert "| somebody/bench | MIT | 1 |" in data_card(published, check_tasks(published), "x")
