"""``/dashboard``: what happened, for people. The page is static; its data come through the API under the reader's key.

Nothing is fetched from elsewhere, drafts are only ever inserted as text, and the content policy forbids the rest.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel
from starlette.responses import HTMLResponse, Response

from app import __version__
from app.api import examples
from app.api.dependencies import CanRead, Wired
from app.api.problems import responses
from app.db import verdicts
from app.errors import NotFound
from app.schemas import Action, Context, Draft, Outcome

router = APIRouter(tags=["dashboard"])

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_ASSETS = {"dashboard.js": "text/javascript", "dashboard.css": "text/css"}


class Summary(BaseModel):
    """Counts of the tenant's verdicts since a time."""

    since: datetime
    total: int
    actions: dict[Action, int]
    outcomes: dict[Outcome, int]
    bypassed: int


class JudgedInput(BaseModel):
    """What a verdict was given on, as far as it was kept, and what the model wrote."""

    kind: str
    input_digest: str
    draft: Draft | None
    context: Context | None
    raw_output: str | None
    bypass: str | None


def _page() -> str:
    pages = Environment(loader=PackageLoader("app.api", "pages"), autoescape=True, undefined=StrictUndefined)
    return pages.get_template("dashboard.html").render(
        version=__version__,
        example=json.dumps(
            {"draft": examples.OVERCOMMITTED, "context": examples.CONTEXT, "deadline_ms": 8000},
            indent=2,
            ensure_ascii=False,
        ),
        outcomes=[outcome.value for outcome in Outcome],
        actions=[action.value for action in Action],
    )


@router.get("/dashboard", response_class=HTMLResponse, summary="The dashboard")
async def page() -> HTMLResponse:
    """A page without data; it asks for an API key and keeps it for this browser tab."""
    return HTMLResponse(_page(), headers=_HEADERS)


@router.get("/dashboard/{name}", include_in_schema=False)
async def asset(name: str) -> Response:
    """The page's script and style."""
    if name not in _ASSETS:
        raise NotFound("There is no such file.")
    text = (resources.files("app.api") / "pages" / name).read_text(encoding="utf-8")
    return Response(text, media_type=_ASSETS[name], headers=_HEADERS)


@router.get(
    "/v1/summary",
    response_model=Summary,
    summary="Counts by action and outcome",
    responses=responses(401, 403, 422, 503),
)
async def summary(
    principal: CanRead,
    services: Wired,
    hours: Annotated[int, Query(ge=1, le=24 * 90, description="How far back.")] = 24,
) -> Summary:
    """What became of the tenant's drafts in the last hours, counted in the database."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    async with services.db.reading() as conn:
        found = await verdicts.counts(conn, principal.tenant_id, since)
    return Summary(
        since=since,
        total=found.total,
        actions=dict(found.actions),
        outcomes=dict(found.outcomes),
        bypassed=found.bypassed,
    )


@router.get(
    "/v1/verdicts/{verdict_id}/input",
    response_model=JudgedInput,
    summary="What a verdict was given on",
    responses=responses(401, 403, 404, 422, 503),
    tags=["verdicts"],
)
async def judged_input(verdict_id: UUID, principal: CanRead, services: Wired) -> JudgedInput:
    """Draft and context, where the service keeps them, and the model's raw answer."""
    async with services.db.reading() as conn:
        found = await verdicts.get_input(conn, principal.tenant_id, str(verdict_id))
    if found is None:
        raise NotFound("There is no verdict with that id.")
    return JudgedInput(
        kind=found.kind,
        input_digest=found.input_digest,
        draft=found.draft,
        context=found.context,
        raw_output=found.raw_output,
        bypass=found.bypass,
    )
