"""What models write and mark: read strictly, refused by kind, and never by two models of one family."""

from __future__ import annotations

import json

import pytest

from app.bench.authoring import (
    Asked,
    Job,
    Left,
    accepted,
    family_of,
    generator_messages,
    jobs_for,
    judge_messages,
    read_marks,
    read_written,
    two_families,
    with_broken,
)
from app.bench.tasks import Quality, Task
from app.errors import InvalidInput
from tests.core.bench.drafts import task, written

CRITERIA = (Asked("tone", "Respectful", "Hypes.", "Plain."), Asked("form", "Short", "Too long.", "Short."))
SEED = task("seed", group="g", draft=written("Congratulations on the round. Are more engineers planned this year?"))
BREAK = Job(SEED, CRITERIA[0], CRITERIA)
GOOD = {"subject": "Your round", "body": "What an epic round! Are ninja engineers planned this year?", "why": "Hype."}


def said(**change: object) -> str:
    return json.dumps({**GOOD, **change})


def test_a_rewritten_draft_breaks_one_criterion_and_leaves_the_others_open():
    found = read_written(said(), BREAK)
    assert isinstance(found, Task)
    assert (found.passed, found.scores, found.pair, found.group) == (False, {"tone": 1, "form": None}, "seed", "g")
    assert found.reference == SEED.draft
    assert found.mode == "multi_llm_synthesis"
    assert found.task_id == BREAK.id


def test_another_honest_draft_keeps_all_criteria_and_has_no_partner():
    found = read_written(said(), Job(SEED, None, CRITERIA))
    assert isinstance(found, Task)
    assert (found.passed, found.scores, found.pair) == (True, {"tone": 5, "form": 5}, None)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (None, Left.NO_JSON),
        ("Here you are: {}", Left.NO_JSON),
        (said() + said(), Left.NO_JSON),
        ("[1]", Left.NO_JSON),
        (said(extra=1), Left.WRONG_SHAPE),
        (said(body=""), Left.WRONG_SHAPE),
        (said(why=None), Left.WRONG_SHAPE),
        (said(body=SEED.draft.body.upper()), Left.UNCHANGED),
        (said(body="Short."), Left.LENGTH),
        (said(body="word " * 40), Left.LENGTH),
    ],
)
def test_what_does_not_fit_is_left_out_by_kind(text, left):
    assert read_written(text, BREAK) is left


def test_a_code_fence_is_taken_off():
    assert isinstance(read_written(f"```json\n{said()}\n```", BREAK), Task)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            '{"coherence": 5, "verifiability": 4, "rubric_clarity": 3}',
            Quality(coherence=5, verifiability=4, rubric_clarity=3),
        ),
        ('{"coherence": 5, "verifiability": 4}', Left.JUDGE_WRONG_SHAPE),
        ('{"coherence": 5, "verifiability": 4, "rubric_clarity": 9}', Left.JUDGE_WRONG_SHAPE),
        ('{"coherence": "5", "verifiability": 4, "rubric_clarity": 3}', Left.JUDGE_WRONG_SHAPE),
        ("5, 4, 3", Left.JUDGE_NO_JSON),
    ],
)  # fmt: skip
def test_marks(text, found):
    assert read_marks(text) == found


@pytest.mark.parametrize("low", ["coherence", "verifiability", "rubric_clarity"])
def test_one_low_mark_is_enough_to_refuse(low):
    marks = {"coherence": 3, "verifiability": 3, "rubric_clarity": 3}
    assert accepted(Quality(**marks))
    assert not accepted(Quality(**(marks | {low: 2})))
    assert not accepted(Quality(**marks), at_least=4)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen"),
        ("meta-llama/Llama-3.1-8B", "llama"),
        ("mistralai/Mixtral-8x7B", "mistral"),
        ("google/gemma-3-4b", "google"),
        ("gpt-4o-mini", "openai"),
        ("o3", "openai"),
        ("claude-haiku", "anthropic"),
        ("deepseek-ai/DeepSeek-V3", "deepseek"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "smollm"),
        ("my-own-model", None),
    ],
)
def test_the_family_is_read_from_the_name(name, family):
    assert family_of(name) == family


def test_two_families_or_none():
    assert two_families("qwen3-8b", "llama-3.1") == ("qwen", "llama")
    assert two_families("mine", "qwen3", generator_family="Alder") == ("alder", "qwen")
    with pytest.raises(InvalidInput, match="both of the family qwen"):
        two_families("Qwen/Qwen3-8B", "qwen2.5-72b")
    with pytest.raises(InvalidInput, match="both of the family alder"):
        two_families("mine", "yours", "alder", "ALDER ")
    with pytest.raises(InvalidInput, match="judge yours tells no model family; name it with --judge-family"):
        two_families("qwen3", "yours")
    with pytest.raises(InvalidInput, match="generator qwen3 is of the family qwen, not llama"):
        two_families("qwen3", "gpt-4o", generator_family="llama")


def test_jobs_come_from_honest_seeds_only():
    bad = task("bad", passed=False)
    hostile = task("hostile", hostile=True)
    jobs = jobs_for([SEED, bad, hostile], CRITERIA, with_broken(CRITERIA, ["form"]))
    assert [(job.seed.task_id, job.breaks and job.breaks.id) for job in jobs] == [("seed", None), ("seed", "form")]
    assert len({job.id for job in jobs_for([SEED, task("other")], CRITERIA, CRITERIA)}) == 6
    with pytest.raises(InvalidInput, match="no honest seed"):
        jobs_for([bad], CRITERIA, CRITERIA)
    with pytest.raises(InvalidInput, match="size is no criterion of the rubric; it has tone, form"):
        with_broken(CRITERIA, ["size"])


def test_the_prompts_name_the_rule_the_facts_and_the_label():
    asked = generator_messages(BREAK)[1]["content"]
    assert "Break: Respectful. Hypes." in asked
    assert "- Short: Short." in asked
    assert "Series A of 12 M USD" in asked
    found = read_written(said(), BREAK)
    assert isinstance(found, Task)
    shown = judge_messages(found, CRITERIA)[1]["content"]
    assert "Label: the e-mail breaks: Respectful." in shown
    assert GOOD["body"] in shown
