"""``POST /v1/receipts/verify``: is this the draft that was judged, and may it be sent now?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from app.api import examples
from app.api.bodies import Body, describe_body, json_body
from app.api.dependencies import CanScore, Wired
from app.api.problems import responses
from app.schemas import ReceiptVerifyRequest, ReceiptVerifyResponse

router = APIRouter(tags=["receipts"])


@router.post(
    "/v1/receipts/verify",
    response_model=ReceiptVerifyResponse,
    summary="Check a receipt against the draft about to be sent",
    responses=responses(400, 401, 403, 413, 415, 422),
    openapi_extra=describe_body(ReceiptVerifyRequest, examples.RECEIPT),
)
async def verify(
    principal: CanScore,
    services: Wired,
    body: Annotated[Body[ReceiptVerifyRequest], Depends(json_body(ReceiptVerifyRequest))],
) -> ReceiptVerifyResponse:
    """Refuses one changed byte, a lapsed receipt, another tenant's, and any action but ``send``."""
    asked = body.value
    return services.receipts.verify(asked.receipt, tenant=principal.tenant, draft=asked.draft, context=asked.context)
