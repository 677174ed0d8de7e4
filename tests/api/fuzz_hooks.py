"""What a JSON schema cannot say, told to schemathesis, so that refusals which are right do not count as findings.

Only requests that are meant to be valid are touched: which rubrics exist, that cursors are given out, which text
Postgres holds, and how many bytes a body may have. Runs are uploaded as lines of JSON.
"""

from __future__ import annotations

import json
from typing import Any

import schemathesis

RUBRIC = "outreach"
LONGEST = 10_000


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """Text as it is, anything else as one line."""
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Exchange what the service refuses for a reason that the document cannot give."""
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    case.body = _acceptable(case.body)
    for fields in (case.body, case.query):
        if isinstance(fields, dict) and isinstance(fields.get("rubric"), str):
            fields["rubric"] = RUBRIC
    if isinstance(case.query, dict):
        case.query.pop("cursor", None)


def _acceptable(value: Any) -> Any:
    """The value without NUL and without huge texts; whole numbers as integers, where a schema takes 3.0 for one."""
    if isinstance(value, str):
        return value.replace("\0", "~")[:LONGEST]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_acceptable(one) for one in value]
    if isinstance(value, dict):
        return {_acceptable(key): _acceptable(one) for key, one in value.items()}
    return value
