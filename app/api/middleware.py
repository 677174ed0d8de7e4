"""Around every request: its id, its clock, its count, and one log line that never holds a draft.

Pure ASGI, because a wrapped response costs more than the whole of our rules.
"""

from __future__ import annotations

import re
import time
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import unexpected
from app.telemetry import Metrics, request_id_var

_ID = re.compile(r"^[A-Za-z0-9._:-]{1,100}$")
_log = structlog.get_logger("presend.http")


class RequestFrame:
    """Sets ``presend.request_id`` and ``presend.started`` in the scope and answers what nobody caught."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        request_id = _given_id(scope) or uuid4().hex
        scope["presend.started"], scope["presend.request_id"] = started, request_id
        token = request_id_var.set(request_id)
        status = 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        self._metrics.request_started()
        try:
            await self._app(scope, receive, framed)
        except Exception as error:
            _log.error("request.crashed", error=type(error).__name__, where=_where(error))
            if status:
                raise
            await unexpected(f"urn:presend:request:{request_id}")(scope, receive, framed)
        finally:
            seconds = time.monotonic() - started
            self._metrics.request_finished(_route(scope), scope["method"], status, seconds)
            _log.info(
                "request",
                method=scope["method"],
                route=_route(scope),
                status=status,
                ms=round(seconds * 1000, 1),
            )
            request_id_var.reset(token)


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text: str = value.decode("latin-1")
            return text if _ID.match(text) else None
    return None


def _route(scope: Scope) -> str:
    """The route's template, so that ids make no new series; unknown addresses share one name."""
    route = scope.get("route")
    path: str = getattr(route, "path", "") or "unmatched"
    return path


def _where(error: BaseException) -> str:
    """File and line of the raise, without any value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "unknown"
