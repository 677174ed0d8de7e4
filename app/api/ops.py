"""For operators: alive, ready, and counted."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from app.api.dependencies import Wired
from app.errors import StoreUnavailable

router = APIRouter(tags=["operations"])


class Part(BaseModel):
    """One part of the service: whether it is ready, and if not, what it is doing."""

    ready: bool
    detail: str


class Readiness(BaseModel):
    """``ready``: rules, store and judge. ``rules_only``: decisions by rules, the judge is still loading."""

    status: Literal["ready", "rules_only", "unavailable", "draining"]
    database: Part
    judge: Part


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """200 as long as the process runs."""
    return {"status": "alive"}


@router.get(
    "/readyz",
    response_model=Readiness,
    summary="Is every part ready?",
    responses={503: {"model": Readiness, "description": "Something is missing; each part says what"}},
)
async def readyz(request: Request, services: Wired) -> Response:
    """200 when rules, database and judge are ready; 503 otherwise, naming what is missing."""
    try:
        revision, newest = await services.db.revision(), services.newest_revision
        database = Part(ready=revision == newest, detail="ready")
        if not database.ready:
            database.detail = f"the schema is at {revision or 'nothing'}, not {newest}; run `presend db upgrade`"
    except StoreUnavailable as error:
        database = Part(ready=False, detail=error.detail)
    engine = services.judge.engine
    judge = Part(ready=engine.ready, detail=engine.detail)
    status: Literal["ready", "rules_only", "unavailable", "draining"] = "ready"
    if request.app.state.draining:
        status = "draining"
    elif not database.ready:
        status = "unavailable"
    elif not judge.ready:
        status = "rules_only"
    body = Readiness(status=status, database=database, judge=judge)
    return Response(body.model_dump_json(), 200 if status == "ready" else 503, media_type="application/json")


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(services: Wired) -> Response:
    """Counts and latencies; no label ever holds a text of a draft, a tenant or an id."""
    services.metrics.slots(services.judge.slots.running, services.judge.slots.waiting)
    services.metrics.breaker(services.judge.breaker.state.value)
    content, media_type = services.metrics.render()
    return Response(content, media_type=media_type)
