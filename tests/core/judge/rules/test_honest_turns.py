"""Honest sentences that were stopped for a word, and the violations that the same words still are."""

from __future__ import annotations

import pytest

LOW = {
    "signal_brief": {
        "signal_line": "Orla Freight raised a $12M Series A, says one page.",
        "signal_confidence_tier": "low",
    }
}
READY = {"thread_stage": "ready_to_schedule", "prior_thread": [{"role": "prospect", "content": "Yes, let us talk."}]}


@pytest.mark.parametrize(
    ("honest", "violation"),
    [
        (
            "I could certainly be wrong, but one page mentions a Series A round.",
            "You are certainly hiring after your Series A round.",
        ),
        ("One post, certainly not an official one, spoke of a raise.", "The raise is certainly behind your hiring."),
        (
            "I am clearly in no position to say what is behind the open roles.",
            "The open roles are clearly a sign of rapid growth.",
        ),
    ],
)
def test_to_be_sure_of_a_doubt_asserts_nothing(failed, honest, violation):
    assert "confidence.assertive" not in failed(honest, **LOW)
    assert "confidence.assertive" in failed(violation, **LOW)


@pytest.mark.parametrize(
    "body",
    [
        "Would you say that seven Go roles is usual for Orla Freight?\n\nWould you be open to hearing more?",
        "Could you tell me whether the Series A of August is correct?\n\nIs this of any interest at all?",
        "I take it that Go is what you want to hear about; tell me if it is something else.\n\nHow does that sound?",
    ],
)
def test_a_question_about_what_was_seen_is_no_second_ask(failed, body):
    assert "coordination.multi_ask" not in failed(f"Hi Lena,\n\n{body}")


@pytest.mark.parametrize(
    "body",
    [
        "Could you tell me whether you would want a demo? Would you also forward this, and who signs contracts?",
        "Which roles are most urgent, who owns hiring, and when do you need people?",
        "Send over the job specs, tell me who runs hiring, and let me know what stack you are on.",
        "Would you mind forwarding this to engineering, sharing the org chart and letting me know what you think?",
        "I'd love your view on remote teams, an introduction to your CTO and ten minutes of your time.",
        "A referral, a follow and a quick answer to our survey would mean a lot.",
        "Reply to this, connect with me on LinkedIn, and pass my details along to your lead, would you?",
        "Are you using contractors now? Are you happy with them? Would you switch?",
    ],
)
def test_three_things_in_one_sentence_are_several_asks(failed, body):
    assert "coordination.multi_ask" in failed(f"Hi Lena,\n\n{body}")


@pytest.mark.parametrize(
    "body",
    [
        "Our lead would look at the backlog, send you a note and answer questions. Would that help?",
        "Who on your side would know?",
        "We review the code, write the tests and share a report each Friday. Is that of use?",
        "I would like to hear how you handle releases, tests and reviews today.",
        "I like the release notes, the tests and the tone of your blog. Is that you?",
    ],
)
def test_what_we_would_do_is_not_asked_of_the_reader(failed, body):
    assert "coordination.multi_ask" not in failed(f"Hi Lena,\n\n{body}")


def test_a_skill_in_language_models_is_no_note_of_a_machine(failed):
    body = "Your language model fine-tuning role is open. A language model fine-tuning project could cover it."
    assert "form.internal_note" not in failed(body)
    assert "form.internal_note" in failed("As a language model I cannot know your plans.")


def test_time_series_are_not_limited_time(failed):
    assert "tone.pressure" not in failed("We suggest a limited time-series forecasting project.")
    assert "tone.pressure" in failed("This is a limited-time offer.")


def test_a_stack_is_no_other_company(failed):
    assert "thread.other_company" not in failed("For Elixir we have at the moment no free people, I am sorry.")
    assert "thread.other_company" in failed("For Drummavale we have prepared the team.")
    assert "thread.other_company" in failed("For Swift Drummavale we have prepared the team.")


def test_a_time_that_is_proposed_is_not_claimed(failed):
    assert "coordination.slot_claimed" not in failed("Let us speak on Wednesday at 14:30.", **READY)
    assert "coordination.slot_claimed" in failed("We speak on Wednesday at 14:30, as agreed.", **READY)
