"""A run as a file: every item with its verdict, NDJSON with the whole document or CSV with a row of columns.

Read page by page, so that a slow reader holds neither a transaction nor memory. A text that a spreadsheet would take
for a formula is defused in CSV; NDJSON holds everything exactly.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal
from uuid import UUID

import orjson

from app.db import items
from app.db.engine import Database
from app.db.items import EXPORT_PAGE, Exported

Format = Literal["ndjson", "csv"]
MEDIA_TYPES: Mapping[str, str] = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

CSV_COLUMNS = (
    "seq",
    "task_id",
    "category",
    "cluster",
    "state",
    "outcome",
    "passed",
    "score",
    "p_fail",
    "abstained",
    "action",
    "decision_source",
    "failed_criteria",
    "failed_checks",
    "detail",
    "reused_from",
    "verdict_id",
    "judge_digest",
    "latency_ms",
    "finished_at",
)


async def exported(db: Database, tenant_id: UUID, run_id: UUID, form: Format) -> AsyncIterator[bytes]:
    """The file, in blocks."""
    if form == "csv":
        yield _csv_block([CSV_COLUMNS])
    after = 0
    while True:
        async with db.reading() as conn:
            page = await items.export_page(conn, tenant_id, run_id, after)
        if page:
            after = page[-1].item.seq
            yield _csv_block([_csv_row(one) for one in page]) if form == "csv" else b"".join(map(_ndjson_line, page))
        if len(page) < EXPORT_PAGE:
            return


def _ndjson_line(one: Exported) -> bytes:
    values: dict[str, Any] = one.item.model_dump(mode="json")
    values["verdict"] = None if one.document is None else orjson.Fragment(one.document)
    return orjson.dumps(values) + b"\n"


def _csv_row(one: Exported) -> tuple[Any, ...]:
    item, verdict = one.item, orjson.loads(one.document) if one.document else {}
    criteria = [c["id"] for c in verdict.get("criteria", ()) if c.get("passed") is False]
    checks = sorted({f["check"] for f in verdict.get("findings", ()) if not f["passed"]})
    row = (
        item.seq,
        item.task_id,
        item.category,
        item.cluster,
        item.state.value,
        item.outcome.value if item.outcome else None,
        item.passed,
        item.score,
        item.p_fail,
        verdict.get("abstained"),
        verdict.get("action"),
        verdict.get("decision_source"),
        ";".join(criteria),
        ";".join(checks),
        item.detail,
        item.reused_from,
        item.verdict_id,
        verdict.get("judge", {}).get("digest"),
        verdict.get("latency_ms", {}).get("total"),
        item.finished_at.isoformat() if item.finished_at else None,
    )
    return tuple(_cell(value) for value in row)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def _csv_block(rows: list[tuple[Any, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
