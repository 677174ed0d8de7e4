"""RFC 9457 problems for every error, in one place. A problem never repeats what was sent."""

from __future__ import annotations

import math
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.errors import PresendError
from app.schemas import ErrorItem, Problem

TYPE_BASE = "https://presend.dev/problems/"
MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger("presend.http")
_HTTP_SLUGS = {
    400: ("bad-request", "The request cannot be read"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
}


def problem_response(
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    instance: str | None = None,
    errors: list[ErrorItem] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """One problem as a response; fields that are absent stay absent."""
    problem = Problem(
        type=TYPE_BASE + slug, title=title, status=status, detail=detail, instance=instance, errors=errors
    )
    return Response(problem.model_dump_json(exclude_none=True), status, headers, MEDIA_TYPE)


def of_error(error: PresendError, instance: str | None) -> Response:
    """The problem of one of our own errors."""
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    elif error.status == 503:
        headers["Retry-After"] = "1"
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="presend"'
    items = [ErrorItem(path=fault.path, message=fault.message) for fault in error.faults] or None
    return problem_response(
        error.status, error.slug, error.title, error.detail, instance=instance, errors=items, headers=headers
    )


def instance_of(request: Request) -> str | None:
    """The request id as the problem's instance."""
    request_id = request.scope.get("presend.request_id")
    return f"urn:presend:request:{request_id}" if request_id else None


def install(app: FastAPI) -> None:
    """Answer every exception with a problem."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, PresendError)  # noqa: S101 - narrows the type for the checker
        if error.status >= 500:
            _log.error("request.failed", slug=error.slug, detail=error.detail)
        return of_error(error, instance_of(request))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        slug, title = _HTTP_SLUGS.get(error.status_code, ("http-error", "The request failed"))
        detail = {404: "There is nothing at this address.", 405: "This address does not take that method."}
        text = detail.get(error.status_code, title + ".")
        headers = dict(error.headers) if error.headers else None
        if error.status_code == 405:
            headers = {"Allow": ", ".join(_methods(request))}
        return problem_response(error.status_code, slug, title, text, instance=instance_of(request), headers=headers)

    async def parameters(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        items = [
            ErrorItem(path=".".join(str(part) for part in item["loc"]), message=str(item["msg"]))
            for item in error.errors()
        ]
        return problem_response(
            422,
            "invalid-input",
            "The request does not fit",
            "A parameter does not fit; `errors` names each.",
            instance=instance_of(request),
            errors=items,
        )

    app.add_exception_handler(PresendError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, parameters)


def _methods(request: Request) -> list[str]:
    """Every method that some route takes at this address; the framework names only those of the first route."""
    path = request.scope["path"]
    matching = [r for r in iter_route_contexts(request.app.routes) if r.path_regex and r.path_regex.match(path)]
    return sorted({method for route in matching for method in route.methods or ()})


def unexpected(instance: str | None) -> Response:
    """The problem for an error of ours; details are in the log under the request id."""
    return problem_response(
        500,
        "internal",
        "Something went wrong",
        "Presend failed on this request; the log has the cause under the request id.",
        instance=instance,
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the problems that a route may answer with."""
    titles = {
        400: "The body is not acceptable JSON",
        401: "No usable API key",
        403: "The key lacks the scope",
        404: "Not found for this tenant",
        409: "Idempotency conflict",
        413: "The body is too large",
        415: "The body is not JSON",
        422: "A field does not fit",
        429: "Too many requests",
        503: "No slot, or the database cannot be reached",
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": titles[status], "content": content} for status in statuses}
