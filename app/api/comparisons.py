"""``POST /v1/comparisons``: which of two drafts is better, asked in both orders."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.api import examples
from app.api.bodies import Body, describe_body, json_body
from app.api.dependencies import CanRead, CanScore, GivenKey, Wired, deadline, once_key, reply_response
from app.api.problems import responses
from app.db import verdicts
from app.errors import NotFound
from app.schemas import Pairwise, PairwiseRequest

router = APIRouter(tags=["comparisons"])


@router.post(
    "/v1/comparisons",
    response_model=Pairwise,
    summary="Compare two drafts for one context",
    responses=responses(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=describe_body(PairwiseRequest, examples.COMPARISON),
)
async def compare(
    request: Request,
    principal: CanScore,
    services: Wired,
    given_key: GivenKey,
    body: Annotated[Body[PairwiseRequest], Depends(json_body(PairwiseRequest))],
) -> Response:
    """Rules decide when they differ; otherwise the model is asked twice and must agree with itself."""
    due = deadline(request, body.value.deadline_ms)
    key = once_key("comparisons", given_key, body)
    return reply_response(await services.comparing.compare(principal, body.value, due, key))


@router.get(
    "/v1/comparisons/{comparison_id}",
    response_model=Pairwise,
    summary="One stored comparison",
    responses=responses(401, 403, 404, 422, 503),
)
async def one(comparison_id: UUID, principal: CanRead, services: Wired) -> Pairwise:
    """A comparison of the caller's tenant; any other id is unknown."""
    async with services.db.reading() as conn:
        found = await verdicts.get_pairwise(conn, principal.tenant_id, str(comparison_id))
    if found is None:
        raise NotFound("There is no comparison with that id.")
    return found
