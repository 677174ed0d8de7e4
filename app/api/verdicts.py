"""Verdicts: score one draft, read stored ones back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BeforeValidator
from starlette.responses import Response

from app.api import examples
from app.api.bodies import Body, describe_body, json_body
from app.api.dependencies import CanRead, CanScore, GivenKey, Wired, deadline, once_key, reply_response
from app.api.problems import responses
from app.db import verdicts
from app.errors import NotFound
from app.schemas import Action, Outcome, Page, Verdict, VerdictRequest

EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""No verdict lies outside; filters are moved here, because beyond there is no arithmetic on times."""
router = APIRouter(tags=["verdicts"])


def _written_out(value: str) -> str:
    """Refuse bare numbers, which pydantic would read as seconds since 1970."""
    if not value[:1].isdigit() or "-" not in value[1:]:
        raise ValueError("must be a time such as 2026-01-31T09:00:00Z")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_written_out)]


@router.post(
    "/v1/verdicts",
    response_model=Verdict,
    summary="Score one draft with rules and model",
    responses=responses(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=describe_body(VerdictRequest, examples.VERDICT),
)
async def score(
    request: Request,
    principal: CanScore,
    services: Wired,
    given_key: GivenKey,
    body: Annotated[Body[VerdictRequest], Depends(json_body(VerdictRequest))],
) -> Response:
    """Always asks the model, also when a rule has failed; 200 for every completed judgement."""
    due = deadline(request, body.value.deadline_ms)
    key = once_key("verdicts", given_key, body)
    return reply_response(await services.scoring.verdict(principal, body.value, due, key))


@router.get(
    "/v1/verdicts",
    response_model=Page[Verdict],
    summary="Stored verdicts, newest first",
    responses=responses(401, 403, 422, 503),
)
async def listing(
    principal: CanRead,
    services: Wired,
    run_id: Annotated[UUID | None, Query(description="Only verdicts of this run.")] = None,
    action: Annotated[Action | None, Query(description="Only this action.")] = None,
    outcome: Annotated[Outcome | None, Query(description="Only this outcome.")] = None,
    criterion: Annotated[
        str | None, Query(description="Only verdicts that failed this criterion.", pattern="^[a-z][a-z_]{1,30}$")
    ] = None,
    since: Annotated[Time | None, Query(description="From this time on.")] = None,
    until: Annotated[Time | None, Query(description="Before this time.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Items a page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
) -> Page[Verdict]:
    """Page through verdicts by cursor; pages never overlap, however many verdicts arrive meanwhile."""
    filters = verdicts.VerdictFilters(
        run_id=str(run_id) if run_id else None,
        action=action,
        outcome=outcome,
        criterion=criterion,
        since=since and min(max(since, EARLIEST), LATEST),
        until=until and min(max(until, EARLIEST), LATEST),
    )
    async with services.db.reading() as conn:
        items, following = await verdicts.listing(
            conn, principal.tenant_id, filters=filters, limit=limit, cursor=cursor
        )
    return Page[Verdict](items=items, next_cursor=following)


@router.get(
    "/v1/verdicts/{verdict_id}",
    response_model=Verdict,
    summary="One stored verdict",
    responses=responses(401, 403, 404, 422, 503),
)
async def one(verdict_id: UUID, principal: CanRead, services: Wired) -> Verdict:
    """A verdict of the caller's tenant; any other id is unknown."""
    async with services.db.reading() as conn:
        found = await verdicts.get(conn, principal.tenant_id, str(verdict_id))
    if found is None:
        raise NotFound("There is no verdict with that id.")
    return found
