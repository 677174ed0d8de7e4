"""Days and counts that a draft quotes about the prospect, against the ones that the context holds."""

from __future__ import annotations

import pytest

from app.judge.policy import default_policy
from app.judge.rules import Ruleset
from app.judge.rules.quoted_days import days_in
from app.judge.rules.recounts import counted_in
from app.schemas import Context, Draft

RULES = Ruleset(default_policy())
SIGNAL = (
    "Notice of 26 Oct 2026: the Raleigh site closes on 5 December, 27 employees affected. Letter of 8-10 October lists "
    "34 connectors. From 60 mills to 200 by 2027; 11 ads for Java on 2026-11-04."
)


def failed(body, signal=SIGNAL):
    context = Context.model_validate(
        {
            "company_name": "Alder Row",
            "icp_segment": 2,
            "thread_stage": "reply_active",
            "signal_brief": {"signal_line": signal, "signal_confidence_tier": "high"},
        }
    )
    draft = Draft(subject="A question", body=f"Hi Lena,\n\n{body}\n\nBest,\nNoa")
    return {finding.check for finding in RULES.check(draft, context)} & {"grounding.date", "grounding.count"}


@pytest.mark.parametrize(
    "body",
    [
        "Your notice of 26 October names Raleigh.",
        "Your notice of October 26th names Raleigh.",
        "The letter of 9 October lists the connectors.",
        "The ads of 4 November are still up.",
        "Could we speak on 13 October?",
        "We could start on 13 November.",
        "Your site does not close on 6 December.",
        "The letter lists 34 connectors.",
        "There are 140 mills to go.",
        "The letter lists some thirty connectors.",
        "We keep up 43 connectors for another client.",
        "Is it right that the letter lists 43 connectors?",
        "The letter has 43 pages.",
    ],
)
def test_what_the_context_holds_what_is_planned_and_what_is_asked_passes(body):
    assert failed(body) == set()


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("Your notice of 13 October names Raleigh.", "grounding.date"),
        ("Your notice of October 13 names Raleigh.", "grounding.date"),
        ("The letter of the 12th of October lists the connectors.", "grounding.date"),
        ("The letter lists 43 connectors.", "grounding.count"),
        ("There are 160 mills to go.", "grounding.count"),
        ("Seven ads for Java are up on the page.", "grounding.count"),
        ("Your portal serves 90,000 users today.", "grounding.count"),
    ],
)
def test_another_day_or_count_than_the_context_has_is_found(body, check):
    assert failed(body) == {check}


def test_days_written_as_bare_numbers_accuse_nobody():
    assert failed("Your notice of 13 October names Raleigh.", "Notice 26/10: Raleigh closes 5/12.") == set()


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("14 and 17 october", {(10, 14), (10, 17)}),
        ("3-5 nov", {(11, 3), (11, 4), (11, 5)}),
        ("between 28 and 30 sept", {(9, 28), (9, 30)}),
        ("june 1, 2 and 4", {(6, 1), (6, 2), (6, 4)}),
        ("2026-03-09", {(3, 9)}),
        ("the 2nd of may 2026", {(5, 2)}),
        ("may 2026", set()),
        ("october 2026, 31 people", set()),
    ],
)
def test_days_are_read_in_every_common_form(text, days):
    assert days_in(text) == days


def test_what_a_context_counts_is_what_stands_behind_its_numbers():
    assert counted_in("34 rail-car connectors, 5 of them java; 12 days") == {"rail", "car", "connector", "java"}
