"""What routes need, as types: who asks, by when, once or again. Authorisation happens here and never on the URL."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from starlette.responses import Response

from app.api.bodies import Body
from app.db import keys
from app.db.engine import Database
from app.db.keys import Principal, Scope
from app.errors import NotAuthenticated, NotPermitted
from app.services.comparisons import Comparing
from app.services.deadline import Deadline
from app.services.judging import Judge
from app.services.labels import Labels
from app.services.once import IdempotencyKey, Reply
from app.services.receipts import Receipts
from app.services.runs import Runs
from app.services.scoring import Scoring
from app.telemetry import Metrics


@dataclass(frozen=True)
class Limits:
    """Bounds that the service was started with."""

    max_body_bytes: int
    default_deadline_ms: int
    max_upload_bytes: int


@dataclass(frozen=True)
class Services:
    """Everything that a route may use, built once by the composition root."""

    db: Database
    judge: Judge
    scoring: Scoring
    comparing: Comparing
    runs: Runs
    labels: Labels
    receipts: Receipts
    metrics: Metrics
    authenticator: Authenticator
    limits: Limits
    newest_revision: str


class Authenticator:
    """Checks API keys, remembering a good one for a few seconds: a revoked key dies within ``ttl_s``."""

    def __init__(self, db: Database, ttl_s: float = 5.0, capacity: int = 1_000) -> None:
        self._db = db
        self._ttl_s = ttl_s
        self._capacity = capacity
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._used: set[str] = set()

    async def authenticate(self, token: str) -> Principal:
        """The principal of a token.

        Raises
        ------
        NotAuthenticated
            For anything that is not a live key.
        """
        now = time.monotonic()
        if (entry := self._known.get(token)) is not None and now - entry[0] < self._ttl_s:
            return entry[1]
        self._known.pop(token, None)
        principal = None
        if keys.parse_token(token) is not None:
            async with self._db.reading() as conn:
                principal = await keys.authenticate(conn, token)
        if principal is None:
            raise NotAuthenticated("Send `Authorization: Bearer psk_...` with a live key of this service.")
        self._known[token] = (now, principal)
        self._used.add(principal.key_id)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return principal

    def take_used(self) -> set[str]:
        """Ids of keys used since the last call, for a batched `last used`."""
        used, self._used = self._used, set()
        return used


async def services(request: Request) -> Services:
    """The services of this process. A coroutine, like every dependency here: FastAPI runs functions on a thread."""
    found: Services = request.app.state.services
    return found


Wired = Annotated[Services, Depends(services)]


def require(scope: Scope) -> Callable[[Request], Coroutine[Any, Any, Principal]]:
    """A dependency: the caller's principal, who must hold ``scope``."""

    async def principal(request: Request) -> Principal:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise NotAuthenticated("Send `Authorization: Bearer psk_...` with a live key of this service.")
        wired = await services(request)
        found = await wired.authenticator.authenticate(token.strip())
        if scope not in found.scopes:
            raise NotPermitted(f"This key may not do that; it needs the scope `{scope.value}`.")
        return found

    return principal


CanScore = Annotated[Principal, Depends(require(Scope.SCORE))]
CanRead = Annotated[Principal, Depends(require(Scope.READ))]
CanManage = Annotated[Principal, Depends(require(Scope.MANAGE))]


async def idempotency_key(
    given: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern=r"^[!-~]{1,200}$",
            description="Up to 200 printable characters; the same key never writes twice.",
        ),
    ] = None,
) -> str | None:
    """The caller's idempotency key, when there is one."""
    return given


GivenKey = Annotated[str | None, Depends(idempotency_key)]


def once_key(route: str, given: str | None, body: Body[Any]) -> IdempotencyKey | None:
    """The key for one write, or none when the caller sent none."""
    return None if given is None else IdempotencyKey.of(route, given, body.canonical)


def deadline(request: Request, milliseconds: int | None) -> Deadline:
    """The deadline of this request, counted from its first byte."""
    wired: Services = request.app.state.services
    budget = milliseconds or wired.limits.default_deadline_ms
    return Deadline.within_ms(budget, request.scope.get("presend.started"))


def reply_response(reply: Reply) -> Response:
    """A finished answer, marked when it is a replay."""
    headers = {"Idempotent-Replayed": "true"} if reply.replayed else None
    return Response(reply.body, reply.status, headers, "application/json")
