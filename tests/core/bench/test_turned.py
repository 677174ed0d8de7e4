"""A number that a draft repeats is changed in its facts, in the draft, or in both: contradiction by construction."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from app.bench.tasks import Task, written_tasks
from app.bench.turned import turned

CLEAN = dict.fromkeys(("grounding", "confidence", "segment", "tone"), 5)


def task(signal: str, body: str, *, scores: dict[str, int | None] | None = None, **facts: object) -> Task:
    context = {
        "company_name": "Harbour Pilots", "icp_segment": 2, "thread_stage": "cold_first_touch",
        "signal_brief": {"signal_line": signal, "signal_confidence_tier": "high"}, **facts,
    }  # fmt: skip
    return Task.model_validate(
        {
            "task_id": "reed-01-a", "group": "reed-01", "mode": "hand_authored", "context": context,
            "draft": {"subject": "", "body": body}, "scores": scores or CLEAN,
        }
    )  # fmt: skip


def facts_of(one: Task) -> str:
    return json.dumps(one.context.model_dump(mode="json", exclude_unset=True), ensure_ascii=False)


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+|four|five|six|seven|eight|nine|ten|eleven|twelve", text.lower())


def test_facts_turn_or_the_draft_does_or_both_do():
    one = task(
        "61 of 510 jobs go, announced 8 October 2026.", "You wrote on 8 October that 61 jobs go.", cut={"jobs": 61}
    )
    facts, draft, both = turned(one)
    assert facts.draft == one.draft
    assert draft.context == one.context
    assert (both.draft, both.context) == (draft.draft, facts.context)
    (day,) = re.findall(r"on (\d+) October", draft.draft.body)
    assert day != "8"
    assert facts.context.signal_brief.signal_line == f"61 of 510 jobs go, announced {day} October 2026."
    assert [t.scores["grounding"] for t in (facts, draft, both)] == [1, 1, 5]
    assert [t.scores["segment"] for t in (facts, draft, both)] == [None, None, 5]
    assert [bool(t.why) for t in (facts, draft, both)] == [True, True, False]
    assert {t.cluster for t in (facts, draft, both)} == {"reed-01"}
    assert turned(one) == [facts, draft, both]


@pytest.mark.parametrize(
    ("signal", "body", "written"),
    [
        ("Release of September 1st.", "The release of 1st September.", r"(\d+)(st|nd|rd|th) September"),
        ("34 people cut.", "Thirty-odd, or 34, people.", r"or (\d\d), people"),
        ("Six Rust roles.", "I saw 6 Rust roles.", r"saw (\d+) Rust"),
        ("6 engineering roles.", "Six roles are up.", r"(Four|Eight|Nine|Ten|Eleven|Twelve) roles"),
    ],
)
def test_a_number_is_written_as_the_other_was(signal, body, written):
    _, draft, _ = turned(task(signal, body))
    assert re.search(written, draft.draft.body), draft.draft.body


def test_other_places_that_say_the_same_turn_with_it():
    one = task("Since 1 October 2026.", "You started on 1 October.", leadership={"start": "2026-10-01", "staff": 34})
    facts, _, _ = turned(one)
    (day,) = re.findall(r"Since (\d+) October", facts.context.signal_brief.signal_line)
    assert facts.context.extras["leadership"] == {"start": f"2026-10-{int(day):02}", "staff": 34}


@pytest.mark.parametrize(
    ("signal", "body"),
    [
        ("Founded in 2026.", "A firm of 2026."),
        ("Open since 10 November.", "Ten pages is what we write."),
        ("Six roles.", "Six weeks is what we need."),
        ("Raised 14.5m.", "Some 14.5m came in."),
        ("Nothing told.", "41 people left."),
        ("5 Go roles.", "We have 5 Go people."),
    ],
)
def test_what_is_not_the_same_number_stays(signal, body):
    bench = {"stacks": {"go": {"available_engineers": 5, "time_to_deploy_days": 7}}}
    assert turned(task(signal, body, bench_summary=bench)) == []


def test_the_segment_is_no_count():
    one = task("Four Go roles.", "I saw four Go roles.", icp_segment=4)
    assert turned(one) == []
    assert len(turned(task("Four Go roles.", "I saw four Go roles.", icp_segment=1))) == 3


@pytest.mark.parametrize("grounding", [1, 3, None])
def test_only_a_grounded_draft_is_turned(grounding):
    scores = CLEAN | {"grounding": grounding}
    assert turned(task("61 jobs go.", "You said that 61 jobs go.", scores=scores)) == []


@pytest.fixture(scope="module")
def all_turned() -> list[tuple[Task, list[Task]]]:
    return [(one, made) for one in written_tasks() if (made := turned(one))]


def test_a_quarter_of_the_drafts_written_one_by_one_repeat_a_number(all_turned):
    assert len(all_turned) > 300
    assert all(len(made) == 3 for _, made in all_turned)


@pytest.mark.parametrize(
    "said", [facts_of, lambda one: f"{one.draft.subject}\n{one.draft.body}"], ids=["facts", "draft"]
)
def test_nothing_but_numbers_changes(all_turned, said: Callable[[Task], str]):
    word = r"\d+(st|nd|rd|th)?|\b(four|five|six|seven|eight|nine|ten|eleven|twelve)\b"
    for one, (_, _, both) in all_turned:
        plain, other = (re.sub(word, "#", said(t), flags=re.IGNORECASE) for t in (one, both))
        assert plain == other, one.task_id
        assert sorted(numbers(said(one))) != sorted(numbers(said(both))), one.task_id
