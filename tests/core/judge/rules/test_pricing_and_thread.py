"""Prices are public bands or a human's; nothing of another conversation stands in a draft."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("The whole project would cost $120,000 in total.", "pricing.total"),
        ("An engineer costs $2,000 per month with us.", "pricing.off_band"),
        ("We can offer a discount for the first quarter.", "pricing.discount"),
        ("The first month is free of charge for you.", "pricing.discount"),
        ("Let's get the paperwork started this week.", "pricing.commitment"),
    ],
)
def test_what_only_a_human_may_price(failed, body, check):
    assert check in failed(body, thread_stage="reply_active")


@pytest.mark.parametrize(
    "body",
    [
        "A managed engineer is $6,200 a month, which is our public band.",
        "I can share public bands, but I should not quote a total here.",
        "A total for several phases is for our delivery lead to scope.",
    ],
)
def test_bands_and_referrals_pass(failed, body):
    assert not failed(body, thread_stage="reply_active")


def test_price_that_the_context_holds_passes(failed, signal):
    given = {**signal("price band low: 90000; price band high: 180000"), "thread_stage": "reply_active"}
    assert not failed("Such teams range from $90K to $180K a year.", **given)


def test_greeting_of_another_person(failed, signal):
    given = signal("contact name: Lena Ortiz; open roles: 6")
    assert "thread.other_person" in failed("Hi Marcus,\nis the backlog the limit on the 6 roles?", **given)
    for name in ("Lena", "Ms. Ortiz", "there"):
        assert not failed(f"Hi {name},\nis the backlog the limit on the 6 roles?", **given)


def test_other_company(failed, signal):
    given = signal("open roles: 6; peers: Nordlys Cargo")
    assert "thread.other_company" in failed("We saw that Brightpeak Systems has new roles open.", **given)
    assert not failed("We saw that Orla Freight has new roles open.", **given)
    assert not failed("We saw that Nordlys Cargo has new roles open.", **given)


def test_what_a_third_party_said_is_a_leak(failed):
    assert "thread.leak" in failed("Your co-founder mentioned a new equity pool, which we can factor in.")


def test_content_of_another_thread_is_a_leak(failed, signal):
    given = signal("founder thread last message: planning to migrate payments to Erlang; recipient role: cto")
    assert "thread.leak" in failed("As you migrate payments to Erlang, would a comparison help?", **given)


def test_reply_to_nothing(failed):
    assert "thread.invented" in failed("Thanks for getting back to me. Is the backlog the limit?")
    said = {"thread_stage": "reply_active", "prior_thread": [{"role": "prospect", "content": "Tell me more."}]}
    assert not failed("Thanks for getting back to me. Is the backlog the limit?", **said)
