"""``/v1/labels``: what people say about verdicts and items. Added to, read back, never changed."""

from __future__ import annotations

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.api import run_examples
from app.api.bodies import Body, fit, json_body
from app.api.dependencies import (
    CanRead,
    CanScore,
    GivenKey,
    Wired,
    deadline,
    once_key,
    reply_response,
)
from app.api.problems import responses
from app.api.streams import NDJSON, Records, describe_records
from app.db import labels
from app.errors import Fault, InvalidInput
from app.schemas import Label, LabelIn, LabelsResult, LineFault, OnError, Page
from app.services.labels import MAX_LABELS
from app.services.once import IdempotencyKey

router = APIRouter(tags=["labels"])


@router.post(
    "/v1/labels",
    response_model=LabelsResult | Label,
    summary="Add labels",
    responses={
        201: {"model": Label, "description": "The one label, as it is stored"},
        **responses(400, 401, 403, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=describe_records(LabelIn, run_examples.LABELS, json_is_one=True),
)
async def add(
    request: Request,
    principal: CanScore,
    services: Wired,
    given_key: GivenKey,
    on_error: Annotated[
        OnError, Query(description="Lines that do not fit: `keep` the others, or `refuse` the whole upload.")
    ] = "keep",
) -> Response:
    """One label as JSON, or many as NDJSON. Say who labels; a later label does not replace an earlier one."""
    due = deadline(request, None)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in NDJSON:
        body: Body[LabelIn] = await json_body(LabelIn)(request)
        key = once_key("labels", given_key, body)
        return reply_response(await services.labels.add_one(principal, body.value, due, key))
    limits = services.limits
    records = Records(request, max_bytes=limits.max_upload_bytes, max_record_bytes=limits.max_body_bytes)
    given: list[tuple[int, LabelIn]] = []
    faults: list[LineFault] = []
    async for batch in records.batches():
        if len(given) + len(faults) > MAX_LABELS:
            raise InvalidInput(f"One upload holds {MAX_LABELS} labels at most; this one has more.")
        for record in batch:
            try:
                found: tuple[Fault, ...] = () if record.fault is None else (record.fault,)
                if not found:
                    given.append((record.number, fit(LabelIn, record.value)))
            except InvalidInput as error:
                found = error.faults or (Fault("line", error.detail),)
            faults += [LineFault(line=record.number, path=f.path, message=f.message) for f in found[:1]]
    how_sent = hashlib.sha256(records.digest + on_error.encode()).digest()
    once = None if given_key is None else IdempotencyKey("labels", given_key, how_sent)
    reply = await services.labels.add_many(principal, given, faults, due, on_error=on_error, key=once)
    return reply_response(reply)


@router.get(
    "/v1/labels", response_model=Page[Label], summary="Labels, newest first", responses=responses(401, 403, 422, 503)
)
async def listing(
    principal: CanRead,
    services: Wired,
    run_id: Annotated[UUID | None, Query(description="Only labels on items of this run.")] = None,
    task_id: Annotated[str | None, Query(max_length=200, description="Only labels on this task.")] = None,
    verdict_id: Annotated[UUID | None, Query(description="Only labels on this verdict.")] = None,
    labeller: Annotated[str | None, Query(max_length=200, description="Only this person's.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Labels a page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
) -> Page[Label]:
    """Page through labels by cursor."""
    filters = labels.LabelFilters(
        run_id=str(run_id) if run_id else None,
        task_id=task_id,
        verdict_id=str(verdict_id) if verdict_id else None,
        labeller=labeller,
    )
    async with services.db.reading() as conn:
        found, following = await labels.listing(conn, principal.tenant_id, filters=filters, limit=limit, cursor=cursor)
    return Page[Label](items=found, next_cursor=following)
