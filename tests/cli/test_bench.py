"""`presend bench`: what each command writes and says, and with which code it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.bench.contamination import ngram_overlap
from app.bench.tasks import read_tasks, write_tasks
from app.bench.texts import text_of
from app.training.embedding import key_of, write_vectors
from tests.benchmarks.third_party import data_file
from tests.cli.conftest import Presend
from tests.core.bench.drafts import task, written
from tests.core.bench.test_report import fair, longer, made
from tests.fake_plugin import FakeVllm, fake_vllm, fake_vllm_thread
from tests.llm.test_synthesis import MARKS, RUDE, SAYS, SEED, answer, when

__all__ = ["fake_vllm", "fake_vllm_thread"]
PASSES = (data_file("salesconversion_bench_raw/human_labels/pass1_labels.json"),
          data_file("salesconversion_bench_raw/human_labels/pass2_labels.json"))  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_generated_tasks_are_the_same_for_the_same_seed(presend: Presend, folder: Path) -> None:
    given = ("--seed", "5", "--scenarios", "4", "--held-out", "2", "--json")
    first = json.loads(presend("bench", "generate", "--out", "one", *given).out)
    second = json.loads(presend("bench", "generate", "--out", "two", *given).out)
    assert [part["digest"] for part in first] == [part["digest"] for part in second]
    assert [Path(part["file"]).name for part in first] == ["train.jsonl", "valid.jsonl", "test.jsonl"]
    assert len(read_tasks(folder / "one" / "train.jsonl")) == first[0]["tasks"]
    only = presend("bench", "generate", "--out", "three", "--split", "test", "--scenarios", "1", "--held-out", "1")
    assert (only.code, only.out.count("tasks, digest")) == (0, 1)
    (folder / "file").touch()
    assert presend("bench", "generate", "--out", "file").err == "file is a file, but must be a folder.\n"


def test_a_held_out_split_is_the_same_whether_train_is_written_or_not(presend: Presend, folder: Path) -> None:
    given = ("--seed", "7", "--scenarios", "60", "--held-out", "20", "--json", "--split", "test")
    alone = json.loads(presend("bench", "generate", "--out", "alone", *given).out)
    both = json.loads(presend("bench", "generate", "--out", "both", *given, "--split", "train").out)
    assert [Path(part["file"]).name for part in both] == ["test.jsonl", "train.jsonl"]
    assert alone[0]["contaminated"] > 0
    assert (folder / "alone" / "test.jsonl").read_bytes() == (folder / "both" / "test.jsonl").read_bytes()
    assert [file.name for file in (folder / "alone").iterdir()] == ["test.jsonl"]


def test_what_is_written_as_held_out_shares_no_run_of_words_with_train(presend: Presend, folder: Path) -> None:
    made = presend("bench", "generate", "--out", "t", "--seed", "7", "--scenarios", "250", "--held-out", "80", "--json")
    assert sum(part["contaminated"] for part in json.loads(made.out)) > 100
    train, *held_out = (
        [text_of(task) for task in read_tasks(folder / "t" / f"{name}.jsonl")] for name in ("train", "valid", "test")
    )
    assert [ngram_overlap(train, texts).broken for texts in held_out] == [0, 0]


def test_published_drafts_that_do_not_fit_are_named_and_nothing_is_written(presend: Presend, folder: Path) -> None:
    (folder / "bad.jsonl").write_text("[1]\n")
    ran = presend("bench", "import", "bad.jsonl", "--out", "x")
    assert (ran.code, "bad.jsonl:1: is no JSON object" in ran.err) == (1, True)
    assert not (folder / "x").exists()


def test_check_ends_with_0_or_1(presend: Presend, folder: Path) -> None:
    (folder / "set").mkdir()
    write_tasks(folder / "set" / "train.jsonl", made("train", fair))
    write_tasks(folder / "set" / "test.jsonl", made("test", fair))
    good = presend("bench", "check", "set", "--no-embeddings")
    assert (good.code, "No limit is broken." in good.out) == (0, True)
    assert "cosine, test: no embeddings were made" in good.out
    (folder / "set" / "test.jsonl").unlink()
    write_tasks(folder / "set" / "train.jsonl", made("train", longer, groups=25))
    bad = presend("bench", "check", "set", "--no-embeddings")
    assert bad.code == 1
    assert "BROKEN" in bad.out
    told = presend("bench", "check", "set", "--no-embeddings", "--json")
    assert told.code == 1
    assert json.loads(told.out)["broken"] >= 1


def test_check_measures_the_cosine_of_kept_vectors(presend: Presend, folder: Path) -> None:
    tasks = made("train", fair, groups=6) + made("test", fair, groups=6)
    write_tasks(folder / "all.jsonl", tasks)
    rows = np.eye(len(tasks), dtype=np.float32)
    rows[-1] = rows[0]
    keys = [key_of(text_of(one).text) for one in tasks]
    write_vectors(folder / "vectors.npz", dict(zip(keys, rows, strict=True)))
    ran = presend("bench", "check", "all.jsonl", "--vectors", "vectors.npz", "--json")
    (cosine,) = [row for row in json.loads(ran.out)["rows"] if row["check"] == "cosine"]
    assert (ran.code, cosine["value"], cosine["n"], cosine["broken"]) == (1, 1, 12, True)
    assert f"nearest {tasks[-1].task_id} and {tasks[0].task_id}: 1" in cosine["note"]


def test_a_malformed_task_file_is_named_by_line_and_field(presend: Presend, folder: Path) -> None:
    (folder / "bad.jsonl").write_text(task("a").line() + '\n{"task_id": "b"}\n')
    ran = presend("bench", "check", "bad.jsonl")
    assert ran.code == 1
    assert "bad.jsonl:2: mode: is missing" in ran.err
    (folder / "empty").mkdir()
    assert presend("bench", "check", "empty").err == "The folder empty holds no .jsonl files.\n"


def test_the_card_is_written(presend: Presend, folder: Path) -> None:
    write_tasks(folder / "train.jsonl", made("train", fair))
    ran = presend("bench", "card", "train.jsonl", "--no-embeddings", "--out", "card.md", "--command", "make tasks")
    assert (ran.code, ran.out) == (0, "card.md is written: 120 tasks. No limit is broken.\n")
    assert "Made by `make tasks`" in (folder / "card.md").read_text()
    astray = presend("bench", "card", "train.jsonl", "--no-embeddings", "--out", "no/card.md")
    assert (astray.code, astray.err) == (1, "The folder no of the card does not exist.\n")


def test_published_drafts_are_imported_once_each(presend: Presend, folder: Path) -> None:
    files = [str(data_file(name)) for name in ("third_party_c.jsonl", "dev_adjudicated.jsonl")]
    ran = presend("bench", "import", *files, "--out", "out.jsonl")
    assert ran.code == 0
    tasks = read_tasks(folder / "out.jsonl")
    assert f"out.jsonl: {len(tasks)} tasks" in ran.out
    assert "repetitions were left out" in ran.out
    assert presend("bench", "import", "none.jsonl", "--out", "x").err == (
        "The file none.jsonl cannot be read: there is no such file.\n"
    )
    outcomes = presend("bench", "import", str(data_file("paired_48_tasks.json")), "--out", "x")
    assert (outcomes.code, "paired_48_tasks.json: has results of systems and no drafts" in outcomes.err) == (1, True)
    assert not (folder / "x").exists()


def test_agreement_is_told_by_check(presend: Presend) -> None:
    ran = presend("bench", "agreement", *map(str, PASSES), "--same-rater")
    assert ran.code == 0
    assert "test-retest stability" in ran.out
    assert "9 differ" in ran.out
    rows = {line.split()[0]: line.split() for line in ran.out.splitlines() if line}
    assert rows["all"][1:3] == ["71", "0.873"]
    assert rows["format_check"][1:3] == ["30", "0.767"]
    told = json.loads(presend("bench", "agreement", *map(str, PASSES), "--json").out)
    assert told["agreement"]["all"]["kind"] == "inter-rater"


def test_agreement_of_nothing_in_common(presend: Presend, folder: Path) -> None:
    for name in "ab":
        rating = {"labels": {name: {"tone": {"verdict": "PASS"}}}}
        (folder / f"{name}.json").write_text(json.dumps(rating))
    ran = presend("bench", "agreement", "a.json", "b.json")
    assert (ran.code, ran.err) == (1, "a.json and b.json rate nothing in common.\n")


def synthesise(presend: Presend, fake: FakeVllm, *more: str, judge: str = "llama-3"):
    ends = ("--generator-url", fake.url, "--judge-url", fake.url)
    models = ("--generator-model", "qwen3", "--judge-model", judge)
    return presend("bench", "synthesise", "seeds.jsonl", "--out", "made.jsonl", *ends, *models, *more)


def test_synthesis_by_two_families(
    presend: Presend, folder: Path, fake_vllm: FakeVllm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESEND_GENERATOR_KEY", "k")
    write_tasks(folder / "seeds.jsonl", [SEED, task("bad", passed=False, draft=written("x"))])
    title = "Break: Reads as a respectful professional"
    fake_vllm.script(when=[SAYS[0], when(title, answer(RUDE)), SAYS[3]])
    ran = synthesise(presend, fake_vllm, "--criterion", "tone")
    assert ran.code == 0, ran.err
    assert "2 jobs: 2 accepted" in ran.out
    tasks = read_tasks(folder / "made.jsonl")
    assert sorted(one.passed is True for one in tasks) == [False, True]
    assert {one.source["judge_family"] for one in tasks} == {"llama"}
    again = synthesise(presend, fake_vllm, "--criterion", "tone")
    assert (again.code, fake_vllm.log()["received"]) == (0, 4)


def test_synthesis_refuses_one_family_and_unknown_criteria(presend: Presend, folder: Path, fake_vllm: FakeVllm) -> None:
    write_tasks(folder / "seeds.jsonl", [SEED])
    same = synthesise(presend, fake_vllm, judge="qwen2.5-72b")
    assert (same.code, "both of the family qwen" in same.err) == (1, True)
    unknown = synthesise(presend, fake_vllm, "--criterion", "size")
    assert (unknown.code, "size is no criterion of the rubric" in unknown.err) == (1, True)
    fake_vllm.always("refusal")
    nothing = synthesise(presend, fake_vllm, "--criterion", "tone")
    assert (nothing.code, "2 refused" in nothing.out) == (1, True)
    assert "No task was accepted; made.jsonl.log says why" in nothing.err
    assert fake_vllm.log()["received"] == 2
    assert not (folder / "made.jsonl").exists()


def test_filter_keeps_what_reaches_the_marks(presend: Presend, folder: Path, fake_vllm: FakeVllm) -> None:
    names = ("first", "second", "third")
    write_tasks(folder / "mine.jsonl", [task(name, draft=written(f"The {name} draft.")) for name in names])
    fake_vllm.script(
        default={"kind": "ok", "text": MARKS},
        when=[when("second draft", {"kind": "ok", "text": MARKS.replace("3", "2")}), when("third", {"kind": "empty"})],
    )
    given = ("mine.jsonl", "--out", "good.jsonl", "--judge-url", fake_vllm.url)
    ran = presend("bench", "filter", *given, "--judge-model", "llama-3")
    assert (ran.code, "3 tasks: 1 accepted, 1 below_threshold, 1 empty" in ran.out) == (0, True)
    (kept,) = read_tasks(folder / "good.jsonl")
    assert (kept.task_id, kept.source) == ("first", {"judge": "llama-3", "judge_family": "llama"})
    words = "One long draft about nothing much that stays the same in nearly all of its many words and ends with"
    write_tasks(folder / "mine.jsonl", [task(n, draft=written(f"{words} {n}"), scores=s) for n, s in
                                        (("a", {}), ("b", {"tone": 5}))])  # fmt: skip
    twice = presend("bench", "filter", *given, "--judge-model", "llama-3")
    assert "good.jsonl: 1 tasks\n  a was left out as a near-duplicate of b" in twice.out
    strict = presend("bench", "filter", *given, "--judge-model", "llama-3", "--at-least", "4")
    assert (strict.code, strict.err.strip()) == (1, "No task was accepted; nothing is written.")
    unknown = presend("bench", "filter", *given, "--judge-model", "mine")
    assert (unknown.code, "--judge-family" in unknown.err) == (1, True)
    write_tasks(folder / "mine.jsonl", [task("a", source={"generator_family": "llama"})])
    same = presend("bench", "filter", *given, "--judge-model", "llama-3")
    assert (same.code, "written by the family llama" in same.err) == (1, True)
