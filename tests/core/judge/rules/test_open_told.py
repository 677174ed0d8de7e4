"""What a draft tells of its reader in open wording, each idea once: weak signals, minds, dates, pitches."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from app.schemas import Context, Draft

RULES = Ruleset(default_policy())
TODAY = datetime.date(2026, 3, 2)
LAYOFF = "Brackenmoor Foods let 60 people go in November 2025."
ROUND = "Brackenmoor Foods raised a $14M Series B in November 2025."
LEADER = "Ilse Vantongeren became CTO of Brackenmoor Foods in January 2026."
ROLE = "Elixir engineer wanted at Brackenmoor Foods; the role has been open 120 days."


def found(sentence: str, line: str = "", tier: str = "high", segment: int = 0, **known: Any) -> set[str]:
    context = Context.model_validate(
        {
            "company_name": "Brackenmoor Foods",
            "thread_stage": "cold_first_touch",
            "signal_brief": {"signal_line": line, "signal_confidence_tier": tier},
            "icp_segment": segment,
            **known,
        }
    )
    draft = Draft(subject="Engineering at Brackenmoor", body=f"Hi Ruth,\n\n{sentence}\n\nBest,\nSam")
    return {finding.check for finding in RULES.check(draft, context, today=TODAY)}


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("November cost sixty of your colleagues their jobs, and I would not write as if it had not.", LAYOFF),
        ("The $14M came in, so this is a note about what comes after.", ROUND),
        ("Ilse Vantongeren runs technology as CTO these days, which is why I write.", LEADER),
        ("After 120 days without that hire, may I show you two people?", ROLE),
        ("Following your round, could we send a short outline?", ROUND),
    ],
)
def test_a_weak_signal_told_as_fact_is_found(sentence: str, line: str) -> None:
    assert "confidence.assertive" in found(sentence, line, "low")
    assert "confidence.untrusted_signal" in found(sentence, line, "none")
    assert "confidence.assertive" not in found(sentence, line, "high")


@pytest.mark.parametrize(
    "sentence",
    [
        "Gossip has it that sixty of you left in November.",
        "Sixty fewer since November, if the one article I found is right.",
        "Sixty people in November: is that so?",
        "A reader's letter puts it at 60 people in November. It may be wrong.",
        "Your November post on cold chains made good reading.",
        "We could have 2 people with you in 120 days.",
    ],
)
def test_doubt_in_any_wording_passes(sentence: str) -> None:
    assert not {"confidence.assertive", "confidence.untrusted_signal"} & found(sentence, LAYOFF, "low")


@pytest.mark.parametrize(
    "sentence",
    [
        "Your release calendar has slipped twice already.",
        "Morale at Brackenmoor Foods is in the cellar and people are looking around.",
        "Those who stayed are doing two jobs.",
        "The board wants results before the summer.",
        "Sixty departures mean that spending is frozen on your side.",
        "Ruth, your biggest headache is the warehouse system.",
        "You distrust agencies since the last one vanished mid-project.",
        "Your interest in rates proves that finance has the last word.",
        "You asked about time zones, so the project is in trouble.",
    ],
)
def test_a_claim_to_know_what_goes_on_with_the_reader_is_found(sentence: str) -> None:
    assert "confidence.mind_reading" in found(sentence, LAYOFF)


@pytest.mark.parametrize(
    "sentence",
    [
        "Many teams of your size are short of testers.",
        "Whether your release calendar has slipped I cannot know.",
        "Has your release calendar slipped?",
        "If deadlines are slipping, a second team can help.",
        "Our own team is stretched this month.",
        "You asked about time zones, so here is how we work.",
        "The lead works late so that questions do not wait.",
        "Your engineers would keep the core, and we would take the edges.",
        "You get one person to talk to.",
    ],
)
def test_questions_conditions_and_talk_of_others_pass(sentence: str) -> None:
    assert "confidence.mind_reading" not in found(sentence, LAYOFF)


def test_what_the_prospect_wrote_may_be_repeated() -> None:
    said = [{"role": "prospect", "content": "We are behind on every deadline and short of testers."}]
    sentence = "You are behind on every deadline."
    assert "confidence.mind_reading" in found(sentence, LAYOFF)
    assert "confidence.mind_reading" not in found(sentence, LAYOFF, thread_stage="reply_active", prior_thread=said)


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("July's cuts are still on my mind as I write.", LAYOFF),
        ("I gather that some sixty people left last summer.", LAYOFF),
        ("It is two years since the redundancies.", LAYOFF),
        ("Perhaps the Series B of April has changed your plans?", ROUND),
        ("This week's round deserves a word of respect.", ROUND),
        ("Ilse Vantongeren has been CTO since the spring.", LEADER),
    ],
)
def test_another_month_season_or_age_is_found(sentence: str, line: str) -> None:
    assert "grounding.date" in found(sentence, line)


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        ("The cuts of November were hard.", LAYOFF),
        ("Sixty people left in the autumn, I read.", LAYOFF),
        ("The round is about four months old.", ROUND),
        ("After November's round, could two people start in June?", ROUND),
        ("We are free from May on.", LAYOFF),
        ("I first wrote in April, long before.", ROUND),
        ("Shall I write again in September?", LAYOFF),
    ],
)
def test_months_that_fit_or_date_something_else_pass(sentence: str, line: str) -> None:
    assert "grounding.date" not in found(sentence, line)


def test_no_date_is_missed_where_the_context_gives_none() -> None:
    assert "grounding.date" not in found("The cuts of July were hard.", "Brackenmoor Foods let 60 people go.")


@pytest.mark.parametrize(
    "sentence",
    [
        "We would love to help you grow from here.",
        "Our recruiters bring new developers on board within weeks.",
        "A toast to the next chapter, and to a bigger team with our help!",
        "While you hire, a squad of ours ships.",
    ],
)
def test_growth_after_a_layoff_is_found(sentence: str) -> None:
    assert "segment.growth_after_layoff" in found(sentence, LAYOFF, segment=2)
    assert "segment.growth_after_layoff" not in found(sentence, ROUND, segment=1)


@pytest.mark.parametrize(
    "sentence",
    [
        "Growth is not what I write about.",
        "We keep what runs running, for less money.",
        "Our own company is growing, which feels odd to say here.",
        "We can take tickets off your hands when the backlog keeps growing.",
        "A smaller crew can hold the service level with us beside it.",
    ],
)
def test_respectful_pitches_after_a_layoff_pass(sentence: str) -> None:
    assert not {c for c in found(sentence, LAYOFF, segment=2) if c.startswith("segment.")}


@pytest.mark.parametrize(
    ("sentence", "line", "segment", "check"),
    [
        ("As you settle into the role, an outside review helps.", ROUND, 1, "segment.mismatch"),
        ("Newly appointed heads of engineering like our vendor review.", LAYOFF, 2, "segment.mismatch"),
        ("We run upkeep with fewer people and a smaller budget.", ROUND, 1, "segment.cost_pitch"),
        ("We staff the growth phase for you.", "", 0, "segment.mismatch"),
    ],
)
def test_a_pitch_for_another_situation_is_found(sentence: str, line: str, segment: int, check: str) -> None:
    assert check in found(sentence, line, segment=segment)


def test_a_pitch_to_a_new_leader_passes_where_one_is_known() -> None:
    sentence = "As you settle into the role, an outside review helps."
    assert "segment.mismatch" not in found(sentence, LEADER, segment=3)
    assert "segment.mismatch" not in found(sentence, LEADER, segment=1)
