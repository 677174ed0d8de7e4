"""Runs: whole sets of drafts, judged in the background, or scored elsewhere and kept here."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import StringConstraints
from starlette.responses import Response, StreamingResponse

from app.api import run_examples
from app.api.bodies import Body, describe_body, fit, json_body
from app.api.dependencies import (
    CanManage,
    CanRead,
    CanScore,
    GivenKey,
    Wired,
    deadline,
    once_key,
    reply_response,
)
from app.api.problems import responses
from app.api.streams import Record, Records, describe_records
from app.db import items, runs
from app.errors import InvalidInput, NotFound, Overloaded
from app.schemas import (
    ItemState,
    OnError,
    Outcome,
    Page,
    Progress,
    Run,
    RunCreate,
    RunItem,
    RunItemFull,
    RunItemIn,
    RunKind,
    RunStatus,
    ScoreIn,
    UploadResult,
)
from app.services.export import MEDIA_TYPES, exported
from app.services.once import IdempotencyKey
from app.services.uploads import Upload

router = APIRouter(tags=["runs"])

EVENT_PAUSE_S = 1.0
QUIET_EVENTS = 15
"""Looks without news after which a comment keeps the connection open."""
MAX_WATCHERS = 200

STORABLE = r"^[^\x00]*$"
Tag = Annotated[str, StringConstraints(pattern=r"^[^:\x00]+:[^\x00]*$", max_length=400)]
OnErrorQuery = Annotated[
    OnError, Query(description="Lines that do not fit: `keep` the others, or `refuse` the whole upload.")
]
CloseQuery = Annotated[bool, Query(description="Whether this upload is the run's last; `false`: more will come.")]


@router.post(
    "/v1/runs",
    status_code=201,
    response_model=Run,
    summary="Open a run",
    responses=responses(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=describe_body(RunCreate, run_examples.RUN),
)
async def create(
    request: Request,
    principal: CanScore,
    services: Wired,
    given_key: GivenKey,
    body: Annotated[Body[RunCreate], Depends(json_body(RunCreate))],
) -> Response:
    """One system's drafts over one task set; add them with `POST /v1/runs/{id}/items`."""
    key = once_key("runs", given_key, body)
    return reply_response(await services.runs.create(principal, body.value, deadline(request, None), key))


@router.post(
    "/v1/runs/{run_id}/items",
    response_model=UploadResult,
    summary="Add drafts to judge",
    responses=responses(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=describe_records(RunItemIn, run_examples.ITEMS),
)
async def add_items(
    request: Request,
    run_id: UUID,
    principal: CanScore,
    services: Wired,
    given_key: GivenKey,
    on_error: OnErrorQuery = "keep",
    close: CloseQuery = True,
) -> Response:
    """Takes NDJSON or a JSON array, up to 100,000 drafts a run. Judging begins when the upload is stored."""

    def take(upload: Upload, record: Record) -> None:
        upload.add_item(record.number, fit(RunItemIn, record.value), record.value)

    return await _upload(request, str(run_id), RunKind.JUDGED, given_key, (principal, services, on_error, close), take)


@router.post(
    "/v1/runs/{run_id}/scores",
    response_model=UploadResult,
    summary="Store outcomes scored elsewhere",
    responses=responses(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=describe_records(ScoreIn, run_examples.SCORES),
)
async def add_scores(
    request: Request,
    run_id: UUID,
    principal: CanScore,
    services: Wired,
    given_key: GivenKey,
    on_error: OnErrorQuery = "keep",
    close: CloseQuery = True,
) -> Response:
    """A run of scores needs no judge: it is completed with its last upload."""

    def take(upload: Upload, record: Record) -> None:
        upload.add_score(record.number, fit(ScoreIn, record.value))

    return await _upload(request, str(run_id), RunKind.SCORED, given_key, (principal, services, on_error, close), take)


async def _upload(
    request: Request, run_id: str, kind: RunKind, given_key: str | None, how: tuple[Any, Any, OnError, bool], take: Any
) -> Response:
    principal, services, on_error, close = how
    limits = services.limits
    records = Records(request, max_bytes=limits.max_upload_bytes, max_record_bytes=limits.max_body_bytes)
    if given_key is None:
        # With a key the answer may be a replay, whatever has become of the run since.
        await services.runs.expect_open(principal, run_id, kind)
    with Upload(kind) as upload:
        async for batch in records.batches():
            for record in batch:
                if record.fault is not None:
                    upload.reject(record.number, [record.fault])
                    continue
                try:
                    take(upload, record)
                except InvalidInput as error:
                    if not error.faults:
                        raise
                    upload.reject(record.number, error.faults, _task_of(record.value))
        how_sent = hashlib.sha256(records.digest + f"{on_error} {close}".encode()).digest()
        route = f"runs/{run_id}/{'items' if kind is RunKind.JUDGED else 'scores'}"
        key = None if given_key is None else IdempotencyKey(route, given_key, how_sent)
        reply = await services.runs.add(principal, run_id, upload, on_error=on_error, close=close, key=key)
    return reply_response(reply)


def _task_of(value: Any) -> str | None:
    task = value.get("task_id") if isinstance(value, dict) else None
    return task if isinstance(task, str) and 0 < len(task) <= 200 and task.isprintable() else None


@router.get("/v1/runs", response_model=Page[Run], summary="Runs, newest first", responses=responses(401, 403, 422, 503))
async def listing(
    principal: CanRead,
    services: Wired,
    status: Annotated[RunStatus | None, Query(description="Only runs of this status.")] = None,
    system: Annotated[str | None, Query(max_length=200, pattern=STORABLE, description="Only this system's.")] = None,
    name: Annotated[str | None, Query(max_length=200, pattern=STORABLE, description="Only runs of this name.")] = None,
    tag: Annotated[list[Tag] | None, Query(max_length=20, description="`key:value`; all must be there.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Runs a page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
) -> Page[Run]:
    """Page through runs by cursor; each comes with its counts as they are now."""
    tags = {key: value for key, _, value in (one.partition(":") for one in tag or [])}
    filters = runs.RunFilters(status=status, system=system, name=name, tags=tags)
    async with services.db.reading() as conn:
        found, following = await runs.listing(conn, principal.tenant_id, filters=filters, limit=limit, cursor=cursor)
    return Page[Run](items=found, next_cursor=following)


@router.get("/v1/runs/{run_id}", response_model=Run, summary="One run", responses=responses(401, 403, 404, 422, 503))
async def one(run_id: UUID, principal: CanRead, services: Wired) -> Run:
    """A run and its live counts per state and outcome."""
    return await services.runs.get(principal, str(run_id))


@router.get(
    "/v1/runs/{run_id}/items",
    response_model=Page[RunItem],
    summary="Items of a run, in their order",
    responses=responses(401, 403, 404, 422, 503),
)
async def item_listing(
    run_id: UUID,
    principal: CanRead,
    services: Wired,
    state: Annotated[ItemState | None, Query(description="Only items of this state.")] = None,
    outcome: Annotated[Outcome | None, Query(description="Only items that ended so.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Items a page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
) -> Page[RunItem]:
    """Page through a run's items by cursor; an item never changes its place."""
    await services.runs.get(principal, str(run_id))
    filters = items.ItemFilters(state=state, outcome=outcome)
    async with services.db.reading() as conn:
        found, following = await items.listing(
            conn, principal.tenant_id, str(run_id), filters=filters, limit=limit, cursor=cursor
        )
    return Page[RunItem](items=found, next_cursor=following)


@router.get(
    "/v1/runs/{run_id}/items/{task_id:path}",
    response_model=RunItemFull,
    summary="One item with its draft",
    responses=responses(401, 403, 404, 422, 503),
)
async def item(run_id: UUID, task_id: str, principal: CanRead, services: Wired) -> RunItemFull:
    """An item by its task, with what was judged where drafts are kept."""
    await services.runs.get(principal, str(run_id))
    async with services.db.reading() as conn:
        found = await items.get(conn, principal.tenant_id, str(run_id), task_id)
    if found is None:
        raise NotFound("The run has no such task.")
    return found


@router.get(
    "/v1/runs/{run_id}/events",
    summary="Progress as server-sent events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **responses(401, 403, 404, 422, 503)},
)
async def events(request: Request, run_id: UUID, principal: CanRead, services: Wired) -> StreamingResponse:
    """An event `progress` whenever something has changed, with rate and ETA; `end` when the run is over."""
    await services.runs.get(principal, str(run_id))
    if request.app.state.watchers >= MAX_WATCHERS:
        raise Overloaded("Too many clients are watching runs; try again later.", retry_after_s=5.0)
    looks = services.runs.watch(principal, str(run_id), EVENT_PAUSE_S)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(request, looks), media_type="text/event-stream", headers=headers)


async def _events(request: Request, looks: AsyncIterator[Progress]) -> AsyncIterator[bytes]:
    request.app.state.watchers += 1
    told: tuple[object, ...] | None = None
    quiet = 0
    try:
        last: Progress | None = None
        async for last in looks:
            news = (last.status, last.counts)
            quiet += 1
            if news != told:
                told, quiet = news, 0
                yield _event("progress", last)
            elif quiet % QUIET_EVENTS == 0:
                yield b": still here\n\n"
            if request.app.state.draining:
                return
        if last is not None:
            yield _event("end", last)
    finally:
        request.app.state.watchers -= 1


def _event(kind: Literal["progress", "end"], look: Progress) -> bytes:
    return f"event: {kind}\ndata: {look.model_dump_json()}\n\n".encode()


@router.get(
    "/v1/runs/{run_id}/export",
    summary="Every item with its verdict",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}}, **responses(401, 403, 404, 422, 503)},
)
async def export(
    run_id: UUID,
    principal: CanRead,
    services: Wired,
    format: Annotated[Literal["ndjson", "csv"], Query(description="The form of the file.")] = "ndjson",
) -> StreamingResponse:
    """Streams in the order of the items, in constant memory; items that have not ended come without a verdict."""
    run = await services.runs.get(principal, str(run_id))
    headers = {"Content-Disposition": f'attachment; filename="run-{run.id}.{format}"'}
    body = exported(services.db, principal.tenant_id, run_id, format)
    return StreamingResponse(body, media_type=MEDIA_TYPES[format], headers=headers)


_MOVES = responses(401, 403, 404, 409, 422, 503)


@router.post("/v1/runs/{run_id}/close", response_model=Run, summary="End the upload of a run", responses=_MOVES)
async def close(request: Request, run_id: UUID, principal: CanScore, services: Wired, given_key: GivenKey) -> Response:
    """The run completes when its last item has ended; at once when none is left."""
    key = _move_key(run_id, "close", given_key)
    return reply_response(await services.runs.close(principal, str(run_id), deadline(request, None), key))


@router.post("/v1/runs/{run_id}/cancel", response_model=Run, summary="Stop a run", responses=_MOVES)
async def cancel(request: Request, run_id: UUID, principal: CanScore, services: Wired, given_key: GivenKey) -> Response:
    """Nothing new is judged; what is being judged still ends. `resume` goes on."""
    key = _move_key(run_id, "cancel", given_key)
    return reply_response(await services.runs.cancel(principal, str(run_id), deadline(request, None), key))


@router.post("/v1/runs/{run_id}/resume", response_model=Run, summary="Go on with a stopped run", responses=_MOVES)
async def resume(request: Request, run_id: UUID, principal: CanScore, services: Wired, given_key: GivenKey) -> Response:
    """Takes up where `cancel` stopped."""
    key = _move_key(run_id, "resume", given_key)
    return reply_response(await services.runs.resume(principal, str(run_id), deadline(request, None), key))


def _move_key(run_id: UUID, move: str, given: str | None) -> IdempotencyKey | None:
    return None if given is None else IdempotencyKey.of(f"runs/{run_id}/{move}", given, b"")


@router.delete(
    "/v1/runs/{run_id}",
    status_code=204,
    response_class=Response,
    summary="Erase a run",
    responses=responses(401, 403, 404, 422, 503),
)
async def erase(run_id: UUID, principal: CanManage, services: Wired) -> Response:
    """Its drafts, verdicts and labels are gone for good. Needs the scope `manage`."""
    await services.runs.erase(principal, str(run_id))
    return Response(status_code=204)
