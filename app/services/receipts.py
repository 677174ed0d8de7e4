"""Receipts: a signed statement of exactly what was judged, by whom, with which action, until when.

A receipt is ``<payload>.<signature>``, both base64url; the signature is HMAC-SHA-256 under the service's secret. One
changed byte of draft or context, a lapsed time, another tenant's receipt or an action other than ``send`` is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.judge.rubric import canonical_json
from app.schemas import Action, Context, Draft, ReceiptVerifyResponse

_VERSION = 1


def input_digest(draft: Draft, context: Context) -> str:
    """SHA-256 of draft and context as they were sent (fields that were not sent stay out), hex."""
    payload = {
        "draft": draft.model_dump(mode="json"),
        "context": context.model_dump(mode="json", exclude_unset=True),
    }
    return hashlib.sha256(canonical_json(payload).encode()).hexdigest()


@dataclass(frozen=True)
class _Payload:
    v: int
    t: str  # tenant
    i: str  # verdict id
    d: str  # input digest
    j: str  # judge digest
    a: str  # action
    x: int  # expiry, seconds since the epoch


class Receipts:
    """Issues and verifies receipts under one secret."""

    def __init__(self, secret: bytes, ttl_s: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        if len(secret) < 16:
            raise ValueError("the receipt secret needs at least 16 bytes")
        self._secret = secret
        self._ttl = timedelta(seconds=ttl_s)
        self._now = now

    def issue(self, *, tenant: str, verdict_id: str, digest: str, judge_digest: str, action: Action) -> str:
        """A receipt for one verdict; ``digest`` is :func:`input_digest` of what was judged."""
        expiry = int((self._now() + self._ttl).timestamp())
        payload = _Payload(_VERSION, tenant, verdict_id, digest, judge_digest, action.value, expiry)
        body = _encode(canonical_json(payload.__dict__).encode())
        return f"{body}.{_encode(self._sign(body))}"

    def verify(self, receipt: str, *, tenant: str, draft: Draft, context: Context) -> ReceiptVerifyResponse:
        """Whether ``receipt`` allows sending exactly this draft now. Never raises on a bad receipt."""
        body, _, signature = receipt.partition(".")
        try:
            # The text, not the bytes: base64 has several texts for the same bytes.
            genuine = hmac.compare_digest(_encode(self._sign(body)), signature)
            payload = _Payload(**json.loads(_decode(body))) if genuine else None
        except (ValueError, TypeError, binascii.Error):
            payload = None
        if payload is None or payload.v != _VERSION or not hmac.compare_digest(payload.t, tenant):
            return ReceiptVerifyResponse(
                valid=False, reason="The receipt was not issued by this service for this tenant."
            )
        action = Action(payload.a)
        expires = datetime.fromtimestamp(payload.x, UTC)
        reason = "The receipt covers exactly this draft."
        if not hmac.compare_digest(payload.d, input_digest(draft, context)):
            reason = "The draft or its context is not what was judged."
        elif self._now() >= expires:
            reason = "The receipt has expired; judge the draft again."
        elif action is not Action.SEND:
            reason = f"The verdict was `{action.value}`, not `send`."
        else:
            return ReceiptVerifyResponse(
                valid=True, reason=reason, action=action, expires_at=expires, judge_digest=payload.j
            )
        return ReceiptVerifyResponse(
            valid=False, reason=reason, action=action, expires_at=expires, judge_digest=payload.j
        )

    def _sign(self, body: str) -> bytes:
        return hmac.new(self._secret, body.encode("utf-8", "replace"), hashlib.sha256).digest()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
