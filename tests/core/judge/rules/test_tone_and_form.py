"""Phrases with their inflections, condescension, lengths, tokens, notes, asks."""

from __future__ import annotations

import pytest

WORD = "delivery "


@pytest.mark.parametrize(
    "phrase",
    [
        "world-class",
        "world class",
        "worldclass",
        "World\u2011Class",
        "best in class",
        "top notch",
        "industry leading",
        "unparalleled",
        "cutting edge",
    ],
)
def test_superlatives_in_every_spelling(failed, phrase):
    assert "tone.superlative" in failed(f"Our {phrase} people help with the backlog.")


@pytest.mark.parametrize(
    "phrase",
    [
        "synergy",
        "synergies",
        "synergize",
        "leverage",
        "leveraging",
        "leveraged",
        "skyrocketing",
        "supercharged",
        "game changer",
        "game-changing",
        "paradigm shifts",
        "rockstars",
        "ninjas",
        "circling back",
        "circle back",
        "just following up",
        "quick question",
        "quick chat",
    ],
)
def test_banned_phrases_with_inflections(failed, phrase):
    assert "tone.banned_phrase" in failed(f"This is about {phrase} and the backlog of the team.")


def test_phrases_match_whole_words(failed):
    assert not failed("The ninjascript plugin and the leveret tool came up. Is the backlog the limit?")


def test_word_of_the_prospect_is_no_banned_phrase(failed):
    assert not failed("Is delivery at Synergy Freight the limit?", company_name="Synergy Freight")


@pytest.mark.parametrize(
    "body",
    [
        "You are falling behind your competitors.",
        "Why are you still struggling with this?",
        "Your peers are already ahead on this.",
        "There is a critical capability gap at your side.",
        "You need to catch up on this now.",
    ],
)
def test_talking_down(failed, body):
    assert "tone.condescension" in failed(body)


def test_a_gap_may_be_asked_about(failed):
    assert not failed("Is that function missing on purpose, or is it on the plan?")


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("We guarantee delivery by any date.", "tone.guarantee"),
        ("I have not heard back from you on this.", "tone.guilt"),
        ("This is my third attempt to reach you.", "tone.guilt"),
        ("Act now, before it is too late for the roadmap.", "tone.pressure"),
        ("We have the most talented engineers of the country.", "tone.boasting"),
    ],
)
def test_guarantees_guilt_pressure_and_boasting(failed, body, check):
    assert check in failed(body)


@pytest.mark.parametrize(
    ("stage", "limit"),
    [("cold_first_touch", 120), ("reply_active", 200), ("re_engagement", 100)],
)
def test_length_per_type_without_greeting_and_signature(failed, stage, limit):
    frame = "Hi Lena,\n\n{}\n\nBest regards,\nIda Holt\nDelivery lead\nKestrelworks\nkestrelworks.example"
    fits = frame.format(WORD * limit)
    assert "form.length" not in failed(fits, thread_stage=stage)
    assert "form.length" in failed(frame.format(WORD * (limit + 1)), thread_stage=stage)


def test_subject_length_is_a_remark(findings, policy):
    found = findings("Is the backlog the limit on the roadmap?", subject="x" * 61)
    assert [finding.check for finding in found] == ["form.subject_length"]
    assert policy.checks["form.subject_length"].action == "warn"
    assert not findings("Is the backlog the limit on the roadmap?", subject="x" * 60)


@pytest.mark.parametrize("opener", ["I hope this finds you well.", "Hope you are well!", "My name is Ida and I sell."])
def test_filler_openers(failed, opener):
    assert "form.filler_opener" in failed(f"Hi Lena,\n\n{opener} Is the backlog the limit?")
    assert "form.filler_opener" not in failed(f"Is the backlog the limit? {opener}")


@pytest.mark.parametrize(
    "token",
    [
        "[First Name]",
        "[Your Company]",
        "{first_name}",
        "{{company}}",
        "<NAME>",
        "%FIRSTNAME%",
        "[X]",
        "[LINK]",
        "____",
        "TBD",
    ],
)
def test_unfilled_tokens(failed, token):
    assert "form.template_token" in failed(f"Is the backlog of {token} the limit?")


@pytest.mark.parametrize(
    "text", ["[1]", "(sic)", "{", "a < b", "<3 of us", "[see below](https://example.org/a)", "array[0]"]
)
def test_brackets_that_are_no_tokens(failed, text):
    assert "form.template_token" not in failed(f"Is the backlog {text} the limit on the roadmap?")


@pytest.mark.parametrize(
    "body", ["Our bench has people for the backlog.", "The outreach sequence brought me here today."]
)
def test_internal_words(failed, body):
    assert "form.internal_word" in failed(body)


def test_internal_word_may_be_the_prospects_name(failed):
    assert not failed("Is delivery at Bench Labs the limit?", company_name="Bench Labs")
    assert "form.internal_word" not in failed("The benchmark of last year is public. Is it still right?")


@pytest.mark.parametrize(
    "note",
    ["(Word count: 58)", "Here is the revised draft:", "Note to reviewer: tone is fine.", "As an AI, I cannot see it."],
)
def test_notes_to_the_staff(failed, note):
    assert "form.internal_note" in failed(f"Is the backlog the limit?\n{note}")


def test_emoji_in_cold_mail(failed):
    assert "form.emoji" in failed("Is the backlog the limit? \U0001f680")
    assert "form.emoji" not in failed("Is the backlog the limit? \U0001f680", thread_stage="reply_active")


def test_attachment_in_cold_mail(failed):
    assert "form.attachment" in failed("I attached a comparison of team shapes for you.")


@pytest.mark.parametrize(
    "body",
    [
        "Would 15 minutes work? Could you send me the org chart? Who decides on vendors?",
        "I would like to discuss the roadmap, introduce a peer, send a price sheet, and review your plan.",
        "Could you share your budget, headcount, stack, and timeline?",
    ],
)
def test_more_than_one_ask(failed, body):
    assert "coordination.multi_ask" in failed(body)


@pytest.mark.parametrize(
    "body",
    [
        "Is that the whole queue, or only the public part? Would 15 minutes help?",
        "Would 15 minutes help? If not, no follow-up.",
        "Would a short comparison be useful?",
    ],
)
def test_one_ask_with_its_framing(failed, body):
    assert "coordination.multi_ask" not in failed(body)
