"""The OpenAPI document: bodies that routes read themselves are described here, so that /docs shows them whole."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app import __version__
from app.schemas import (
    GateRequest,
    LabelIn,
    PairwiseRequest,
    Problem,
    ReceiptVerifyRequest,
    RunCreate,
    RunItemIn,
    ScoreIn,
    VerdictRequest,
)
from app.schemas.statistics import AdhocRequest, StatisticsRequest

_REF = "#/components/schemas/{model}"
_DESCRIPTION = (
    "Reads every sales draft before it is sent. Deterministic rules and a small judge decide together; the judge can "
    "never overrule a rule. Send `Authorization: Bearer psk_...`; errors are RFC 9457 problems."
)
_BODIES: tuple[type[BaseModel], ...] = (
    GateRequest,
    VerdictRequest,
    PairwiseRequest,
    ReceiptVerifyRequest,
    RunCreate,
    RunItemIn,
    ScoreIn,
    LabelIn,
    StatisticsRequest,
    AdhocRequest,
    Problem,
)


def install(app: FastAPI) -> None:
    """Serve a document that holds the bodies, the problem shape and the bearer scheme."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title="Presend", version=__version__, description=_DESCRIPTION, routes=app.routes)
            _, defined = models_json_schema([(body, "validation") for body in _BODIES], ref_template=_REF)
            components = schema.setdefault("components", {})
            components["schemas"] = {**defined["$defs"], **components.get("schemas", {})}
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "psk"}}
            for path, methods in schema["paths"].items():
                if path.startswith("/v1/"):
                    for operation in methods.values():
                        operation["security"] = [{"key": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
