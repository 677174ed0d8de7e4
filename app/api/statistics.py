"""Statistics over HTTP: of one run, of two, of thousands in one request, and of tables that are not stored.

These routes write nothing but derived counts, so they take no idempotency key; POST is for what does not fit a URL.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from app.api import statistics_examples as examples
from app.api.bodies import describe_body, fit, parse_json, read_bytes, require_json
from app.api.dependencies import CanRead, Wired
from app.api.problems import responses
from app.errors import MalformedBody
from app.schemas.statistics import (
    METRICS,
    AdhocEnvelope,
    AdhocRequest,
    AdhocResponse,
    AgreementResponse,
    ComparisonStatistics,
    Grouping,
    PairAsk,
    PairMethod,
    RunAsk,
    RunMethod,
    RunStatistics,
    StatisticsEnvelope,
    StatisticsRequest,
    StatisticsResponse,
    Ties,
)
from app.services.agreements import Agreements
from app.services.reports import Reports
from app.services.tables import computed

router = APIRouter(tags=["statistics"])

MAX_REQUEST_BYTES = 16 * 1024 * 1024
M = TypeVar("M", bound=BaseModel)

MetricQuery = Annotated[str | None, Query(max_length=200, description=METRICS)]
GroupQuery = Annotated[list[Grouping] | None, Query(description="Estimates for each category, for each criterion.")]
ConfidenceQuery = Annotated[float, Query(description="Nominal coverage, inside (0, 1).")]
TieQuery = Annotated[Ties | None, Query(description="What a score of exactly one half is worth, on both sides alike.")]
LowQuery = Annotated[float | None, Query(description="Lowest score possible; with `highest`.")]
HighQuery = Annotated[float | None, Query(description="Highest score possible; with `lowest`.")]


@router.get(
    "/v1/runs/{run_id}/statistics",
    response_model=RunStatistics,
    summary="Intervals for one stored run",
    responses=responses(401, 403, 404, 422, 503),
)
async def run_statistics(
    run_id: UUID,
    principal: CanRead,
    services: Wired,
    metric: MetricQuery = None,
    group_by: GroupQuery = None,
    confidence: ConfidenceQuery = 0.95,
    method: RunMethod = "percentile",
    tie_policy: TieQuery = None,
    threshold: Annotated[float | None, Query(description="Value that a claim is about.")] = None,
    lowest: LowQuery = None,
    highest: HighQuery = None,
) -> Response:
    """Overall, for each category and, where Presend judged, for each criterion."""
    ask = RunAsk(
        run_id=str(run_id),
        metric=metric,
        group_by=["category", "criterion"] if group_by is None else group_by[:2],
        confidence=confidence,
        method=method,
        tie_policy=tie_policy,
        threshold=threshold,
        scale=None if lowest is None or highest is None else (lowest, highest),
    )
    return _json(await Reports(services.db).run(principal.tenant_id, ask))


@router.get(
    "/v1/runs/{a}/compare/{b}",
    response_model=ComparisonStatistics,
    summary="Compare two stored runs, paired and unpaired",
    responses=responses(401, 403, 404, 422, 503),
)
async def compare(
    a: UUID,
    b: UUID,
    principal: CanRead,
    services: Wired,
    metric: MetricQuery = None,
    group_by: GroupQuery = None,
    confidence: ConfidenceQuery = 0.95,
    method: PairMethod = "percentile",
    tie_policy: TieQuery = None,
    margin: Annotated[float | None, Query(description="Margin of a non-inferiority test (TOST).")] = None,
    lowest: LowQuery = None,
    highest: HighQuery = None,
) -> Response:
    """Run b against run a on the tasks that they share, and what pairing them changed."""
    ask = PairAsk(
        a=str(a),
        b=str(b),
        metric=metric,
        group_by=None if group_by is None else group_by[:2],
        confidence=confidence,
        method=method,
        tie_policy=tie_policy,
        margin=margin,
        scale=None if lowest is None or highest is None else (lowest, highest),
    )
    return _json(await Reports(services.db).compare(principal.tenant_id, ask))


@router.post(
    "/v1/statistics",
    response_model=StatisticsResponse,
    summary="Bootstrap intervals for many stored runs and comparisons",
    responses=responses(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=describe_body(StatisticsRequest, examples.BATCH),
)
async def batch(request: Request, principal: CanRead, services: Wired) -> Response:
    """Up to 500 runs and 10,000 comparisons. Each item is answered or refused by itself; nothing is stored."""
    envelope = await _read(request, StatisticsEnvelope)
    return _json(await Reports(services.db).batch(principal.tenant_id, envelope, fit))


@router.post(
    "/v1/statistics/adhoc",
    response_model=AdhocResponse,
    summary="The same on tables in the request",
    responses=responses(400, 401, 403, 413, 415, 422),
    openapi_extra=describe_body(AdhocRequest, examples.ADHOC),
)
async def adhoc(request: Request, _: CanRead) -> Response:
    """Means, comparisons, agreement, corrected rates, power: nothing is read and nothing is stored."""
    envelope = await _read(request, AdhocEnvelope)
    return _json(await asyncio.to_thread(computed, envelope, fit))


@router.get(
    "/v1/agreement",
    response_model=AgreementResponse,
    summary="Agreement of judge and humans, and corrected rates",
    responses=responses(401, 403, 404, 422, 503),
)
async def agreement(
    principal: CanRead,
    services: Wired,
    run_id: Annotated[list[UUID] | None, Query(description="Only labels on these runs; they are corrected.")] = None,
    criterion: Annotated[str | None, Query(max_length=60, description="One criterion instead of the verdict.")] = None,
    confidence: ConfidenceQuery = 0.95,
) -> Response:
    """From the newest label of each labeller on each item; several labellers of one item vote."""
    runs = [str(run) for run in run_id or []]
    made = await Agreements(services.db).report(principal.tenant_id, runs, criterion, confidence)
    return _json(made)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


async def _read(request: Request, model: type[M]) -> M:
    """The body as ``model``. NaN and Infinity are kept as text, so that they spoil their own item only."""
    require_json(request)
    raw = await read_bytes(request, MAX_REQUEST_BYTES)
    if len(raw) > 65_536:
        return await asyncio.to_thread(_parsed, raw, model)
    return _parsed(raw, model)


def _parsed(raw: bytes, model: type[M]) -> M:
    try:
        value = parse_json(raw)
    except MalformedBody:
        value = _without_constants(raw)
    return fit(model, value)


def _without_constants(raw: bytes) -> Any:
    """The body with NaN and Infinity as text, if they are all that is wrong with it."""
    found: list[str] = []

    def note(name: str) -> str:
        found.append(name)
        return name

    try:
        value = json.loads(raw, parse_constant=note)
    except (ValueError, RecursionError):
        return parse_json(raw)
    return parse_json(json.dumps(value).encode()) if found else parse_json(raw)
