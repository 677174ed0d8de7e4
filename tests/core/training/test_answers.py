"""What a model said is kept by prompt, and read again by the next measurement."""

from __future__ import annotations

import numpy as np
import pytest

from app.errors import SetupError
from app.judge.prompt import render
from app.schemas import Context, Draft
from app.training.answers import Answers, prompt_digest
from app.training.encode import default_rubric

ROW = np.array([[0.1, 0.2, 0.3, 0.2, 0.2], [0.0, 0.0, 0.0, 0.0, 1.0]])


def _prompt(body: str, company: str = "Alder Pay"):
    context = Context(company_name=company, icp_segment=1, thread_stage="cold_first_touch")
    return render(default_rubric(), Draft(subject="Go engineers", body=body), context)


def test_the_next_run_knows_what_this_one_was_told(tmp_path):
    path = tmp_path / "deep" / "answers.jsonl"
    Answers(path).keep({"a": ROW})
    Answers(path).keep({"b": ROW + 1})
    known = Answers(path).known
    assert set(known) == {"a", "b"}
    assert np.array_equal(known["a"], ROW)
    assert np.array_equal(known["b"], ROW + 1)


def test_a_line_cut_short_is_asked_again(tmp_path):
    path = tmp_path / "answers.jsonl"
    Answers(path).keep({"a": ROW, "b": ROW})
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: len(text) - 20], encoding="utf-8")
    assert set(Answers(path).known) == {"a"}


def test_answers_after_a_cut_line_are_kept(tmp_path):
    path = tmp_path / "answers.jsonl"
    Answers(path).keep({"a": ROW})
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    Answers(path).keep({"b": ROW})
    assert set(Answers(path).known) == {"b"}


def test_without_a_file_answers_last_as_long_as_the_process():
    answers = Answers()
    answers.keep({"a": ROW})
    assert set(answers.known) == {"a"}


def test_facts_and_draft_make_the_key():
    keys = {prompt_digest(_prompt(body, company)) for body in ("One.", "Two.") for company in ("Alder Pay", "Ash Labs")}
    assert len(keys) == 4
    assert prompt_digest(_prompt("One.")) == prompt_digest(_prompt("One."))


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SetupError, match=r"answers cannot be kept in .*file"):
        Answers(tmp_path / "file" / "answers.jsonl").keep({"a": ROW})
