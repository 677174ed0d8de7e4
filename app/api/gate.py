"""``POST /v1/gate``: the decision about one draft just before it is sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.api import examples
from app.api.bodies import Body, describe_body, json_body
from app.api.dependencies import CanScore, GivenKey, Wired, deadline, once_key, reply_response
from app.api.problems import responses
from app.schemas import GateRequest, GateResponse

router = APIRouter(tags=["gate"])


@router.post(
    "/v1/gate",
    response_model=GateResponse,
    summary="Send, revise or hold one draft",
    responses=responses(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=describe_body(GateRequest, examples.GATE),
)
async def gate(
    request: Request,
    principal: CanScore,
    services: Wired,
    given_key: GivenKey,
    body: Annotated[Body[GateRequest], Depends(json_body(GateRequest))],
) -> Response:
    """Answer within ``deadline_ms``, whatever the model does. Rules that fail decide without it."""
    due = deadline(request, body.value.deadline_ms)
    key = once_key("gate", given_key, body)
    return reply_response(await services.scoring.gate(principal, body.value, due, key))
