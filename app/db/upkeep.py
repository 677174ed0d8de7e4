"""Planner statistics of tables that have just been filled.

Autovacuum looks once a minute, and until then Postgres plans for tables that it takes for empty: a lookup of many
verdicts has been seen to read the whole table for each. Whoever fills a table calls this soon after.
"""

# ruff: noqa: S608 - statements are put together from fixed names of our own
from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

# Columns that plans depend on; documents and drafts would make the sample large for nothing.
_WATCHED = {
    "verdicts": "tenant_id, id, run_id, outcome, action, input_digest, judge_digest",
    "run_items": "tenant_id, run_id, seq, task_id, state, outcome, category, cluster",
    "run_inputs": "tenant_id, run_id, task_id, seq",
}
_FEW = 500
_STALE = sa.text(
    "SELECT relname FROM pg_class WHERE oid IN ("
    + ", ".join(f"to_regclass('{name}')" for name in _WATCHED)
    + ") AND pg_stat_get_mod_since_analyze(oid) > :few + greatest(reltuples, 0)"
)
# Plans need to know how large and how distinct, not a histogram: a tenth of the usual sample.
_LIGHTLY = sa.text(
    "SELECT set_config('lock_timeout', '200', true), set_config('default_statistics_target', '10', true)"
)


async def refresh_statistics(conn: AsyncConnection, *, few: int = _FEW) -> list[str]:
    """Analyse the tables that have doubled or changed as much since they were last; returns their names."""
    stale = sorted((await conn.execute(_STALE, {"few": few})).scalars())
    if stale:
        await conn.execute(_LIGHTLY)
    for name in stale:
        await conn.execute(sa.text(f"ANALYZE {name} ({_WATCHED[name]})"))
    return stale


async def analyse_items(conn: AsyncConnection) -> None:
    """Analyse what an upload has just filled."""
    await conn.execute(_LIGHTLY)
    for name in ("run_items", "run_inputs"):
        await conn.execute(sa.text(f"ANALYZE {name} ({_WATCHED[name]})"))
