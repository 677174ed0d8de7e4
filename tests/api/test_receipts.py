"""Receipts, from the gate to the last look before a draft is sent."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.schemas import Action, Context, Draft
from app.services.receipts import Receipts, input_digest
from tests.api.test_hostile_bytes import problem
from tests.drafts import BROKEN, CONTEXT, HONEST, request
from tests.service import RECEIPT_KEY, Caller, Service


def verify(agent: Caller, receipt: str, draft: dict[str, Any] = HONEST, context: dict[str, Any] = CONTEXT) -> Any:
    """The answer about a receipt."""
    return agent.ok(agent.post("/v1/receipts/verify", {"receipt": receipt, "draft": draft, "context": context}))


def test_the_draft_that_was_judged_may_be_sent(agent: Caller) -> None:
    gate = agent.ok(agent.post("/v1/gate", request()))
    found = verify(agent, gate["receipt"])
    assert (found["valid"], found["action"]) == (True, "send")
    assert found["judge_digest"] == gate["verdict"]["judge"]["digest"]
    assert found["expires_at"] > gate["verdict"]["created_at"]


@pytest.mark.parametrize(
    ("draft", "context"),
    [
        ({**HONEST, "body": HONEST["body"] + " "}, CONTEXT),
        ({**HONEST, "body": HONEST["body"].replace("three", "four", 1)}, CONTEXT),
        ({**HONEST, "subject": HONEST["subject"].lower()}, CONTEXT),
        (HONEST, {**CONTEXT, "icp_segment": 2}),
        (HONEST, {**CONTEXT, "note": None}),
        (HONEST, {k: v for k, v in CONTEXT.items() if k != "prior_thread"}),
    ],
)
def test_one_changed_byte_is_refused(agent: Caller, draft: dict[str, Any], context: dict[str, Any]) -> None:
    gate = agent.ok(agent.post("/v1/gate", request()))
    found = verify(agent, gate["receipt"], draft, context)
    assert found["valid"] is False
    assert "not what was judged" in found["reason"]


def test_the_order_of_keys_does_not_matter(agent: Caller) -> None:
    gate = agent.ok(agent.post("/v1/gate", request()))
    assert verify(agent, gate["receipt"], dict(reversed(HONEST.items())), dict(reversed(CONTEXT.items())))["valid"]


def test_only_send_may_be_sent(service: Service, agent: Caller) -> None:
    revised = agent.ok(agent.post("/v1/gate", request(BROKEN)))
    service.fake.always("500")
    held = agent.ok(agent.post("/v1/gate", request()))
    for gate, draft in ((revised, BROKEN), (held, HONEST)):
        found = verify(agent, gate["receipt"], draft)
        assert (found["valid"], found["action"]) == (False, gate["action"])


def test_a_receipt_that_was_made_up_is_refused(agent: Caller) -> None:
    receipt = agent.ok(agent.post("/v1/gate", request(BROKEN)))["receipt"]
    body, _, signature = receipt.partition(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**payload, "a": "send"}).encode()).rstrip(b"=").decode()
    for made_up in (
        f"{forged}.{signature}",
        f"{forged}.",
        forged,
        f".{signature}",
        ".",
        f"{body}.{signature[:-2]}",
        f"{body}.{signature}.{signature}",
        "é" * 10,
        "x" * 4_096,
    ):
        found = verify(agent, made_up, BROKEN)
        assert found["valid"] is False
        assert found["action"] is None
    too_long = {"receipt": "x" * 4_097, **request()}
    problem(agent.post("/v1/receipts/verify", too_long), 422, "invalid-input")


def test_a_replayed_answer_carries_the_same_receipt(agent: Caller) -> None:
    first, again = (agent.ok(agent.post("/v1/gate", request(), once="k")) for _ in range(2))
    assert first["receipt"] == again["receipt"]
    assert verify(agent, again["receipt"])["valid"] is True


def test_receipts_hold_across_processes_and_end_with_their_time(agent: Caller) -> None:
    now = datetime.now(UTC)
    for age_s, valid in ((0, True), (880, True), (910, False)):
        elsewhere = Receipts(RECEIPT_KEY.encode(), 900, now=lambda age_s=age_s: now - timedelta(seconds=age_s))
        digest = input_digest(Draft(**HONEST), Context(**CONTEXT))
        receipt = elsewhere.issue(
            tenant=agent.tenant, verdict_id="v", digest=digest, judge_digest="j", action=Action.SEND
        )
        found = verify(agent, receipt)
        assert found["valid"] is valid
        assert ("expired" in found["reason"]) is not valid
