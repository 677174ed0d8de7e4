"""A receipt covers exactly one draft, one tenant, one action, for a while."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.examples import CONTEXT, HONEST
from app.schemas import Action, Context, Draft
from app.services.receipts import Receipts, input_digest

SECRET = b"a secret of thirty-two characters"
DRAFT, FACTS = Draft(**HONEST), Context.model_validate(CONTEXT)


class Clock:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receipts(clock) -> Receipts:
    return Receipts(SECRET, 60, clock)


def issue(receipts: Receipts, action: Action = Action.SEND) -> str:
    digest = input_digest(DRAFT, FACTS)
    return receipts.issue(tenant="t", verdict_id="v", digest=digest, judge_digest="j", action=action)


def test_covers_the_draft_it_was_issued_for(receipts):
    answer = receipts.verify(issue(receipts), tenant="t", draft=DRAFT, context=FACTS)
    assert (answer.valid, answer.action, answer.judge_digest) == (True, Action.SEND, "j")


@pytest.mark.parametrize("change", ["subject", "body"])
def test_one_changed_byte_is_refused(receipts, change):
    other = DRAFT.model_copy(update={change: getattr(DRAFT, change) + " "})
    assert receipts.verify(issue(receipts), tenant="t", draft=other, context=FACTS).valid is False


def test_a_changed_context_is_refused_also_in_an_unknown_key(receipts):
    other = Context.model_validate({**CONTEXT, "note_to_self": 1})
    assert receipts.verify(issue(receipts), tenant="t", draft=DRAFT, context=other).valid is False


def test_expiry_tenant_and_action(receipts, clock):
    receipt = issue(receipts)
    assert receipts.verify(receipt, tenant="other", draft=DRAFT, context=FACTS).valid is False
    assert "revise" in receipts.verify(issue(receipts, Action.REVISE), tenant="t", draft=DRAFT, context=FACTS).reason
    clock.now += timedelta(seconds=60)
    late = receipts.verify(receipt, tenant="t", draft=DRAFT, context=FACTS)
    assert (late.valid, "expired" in late.reason) == (False, True)


def test_another_secret_is_refused(receipts):
    forged = issue(Receipts(b"another secret of many bytes", 60, Clock()))
    assert receipts.verify(forged, tenant="t", draft=DRAFT, context=FACTS).valid is False


@given(st.text(min_size=1, max_size=300))
def test_any_text_is_refused_without_an_error(text):
    receipts = Receipts(SECRET, 60, Clock())
    assert receipts.verify(text, tenant="t", draft=DRAFT, context=FACTS).valid is False


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_a_changed_receipt_is_refused(position, letter):
    receipts = Receipts(SECRET, 60, Clock())
    receipt = issue(receipts)
    index = position % len(receipt)
    changed = receipt[:index] + letter + receipt[index + 1 :]
    valid = receipts.verify(changed, tenant="t", draft=DRAFT, context=FACTS).valid
    assert valid is (changed == receipt)


def test_no_other_text_of_the_same_signature_is_taken():
    receipts = Receipts(SECRET, 60, Clock())
    receipt = issue(receipts)
    start = receipt.index(".") + 1
    others = {
        receipt[:index] + letter + receipt[index + 1 :]
        for index in range(start, len(receipt))
        for letter in "-_+/=." + string.ascii_letters + string.digits
    } - {receipt}
    assert len(others) > 2_000
    for other in (*others, receipt + "=", receipt + "\u00e9"):
        assert not receipts.verify(other, tenant="t", draft=DRAFT, context=FACTS).valid


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        Receipts(b"short", 60)
