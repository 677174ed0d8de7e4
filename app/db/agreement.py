"""Labels counted: judge against humans, humans against each other, and each against themselves over time.

The newest label of a labeller on an item counts; earlier ones serve the retest. What several labellers say of one item
is put to a vote for the comparison with the judge; a tied vote says nothing. Rows of labels never leave the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

_NEWEST = """
WITH about AS (
  SELECT l.id, l.labeller, {human} AS human, coalesce(l.run_id, v.run_id) AS run_id,
    coalesce(l.task_id, v.task_id) AS task_id,
    CASE WHEN coalesce(l.run_id, v.run_id) IS NULL THEN l.verdict_id END AS verdict_id
  FROM labels AS l LEFT JOIN verdicts AS v ON v.tenant_id = l.tenant_id AND v.id = l.verdict_id
  WHERE l.tenant_id = :tenant_id AND {human} IS NOT NULL {within}
),
keyed AS (SELECT *, coalesce(run_id::text || '/' || task_id, verdict_id::text) AS subject FROM about),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY labeller, subject ORDER BY id DESC) AS age,
    row_number() OVER (PARTITION BY labeller, subject ORDER BY id) AS turn
  FROM keyed
),
newest AS (SELECT * FROM ranked WHERE age = 1)
"""
_WITHIN = "AND coalesce(l.run_id, v.run_id) = ANY(:runs)"
_JUDGE = """,
votes AS (
  SELECT run_id, task_id, verdict_id, count(*) FILTER (WHERE human) AS yes, count(*) FILTER (WHERE NOT human) AS no
  FROM newest GROUP BY run_id, task_id, verdict_id, subject
),
judged AS (
  SELECT o.run_id, CASE WHEN o.yes <> o.no THEN o.yes > o.no END AS human, {judge} AS judge
  FROM votes AS o
  LEFT JOIN run_inputs AS n ON n.tenant_id = :tenant_id AND n.run_id = o.run_id AND n.task_id = o.task_id
  LEFT JOIN run_items AS i ON i.tenant_id = :tenant_id AND i.run_id = n.run_id AND i.seq = n.seq
  LEFT JOIN verdicts AS v ON v.tenant_id = :tenant_id AND v.id = coalesce(i.verdict_id, o.verdict_id)
)
SELECT run_id, judge, human, count(*) AS n FROM judged GROUP BY 1, 2, 3
"""
_HUMANS = """
SELECT x.labeller AS first, y.labeller AS second, x.human AS a, y.human AS b, count(*) AS n
FROM newest AS x JOIN newest AS y USING (subject) WHERE x.labeller < y.labeller
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2
"""
_RETEST = """
SELECT f.labeller AS first, f.labeller AS second, f.human AS a, n.human AS b, count(*) AS n
FROM ranked AS f JOIN newest AS n USING (labeller, subject) WHERE f.turn = 1 AND n.turn > 1
GROUP BY 1, 2, 3, 4 ORDER BY 1
"""
_CRITERION = """(
    SELECT (entry ->> 'passed')::boolean FROM jsonb_array_elements(v.document -> 'criteria') AS entry
    WHERE entry ->> 'id' = :criterion LIMIT 1
  )"""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many items had label ``a`` from ``first`` and ``b`` from ``second``."""

    first: str
    second: str
    a: bool
    b: bool
    n: int


def _statement(rest: str, runs: Sequence[UUID], criterion: str | None) -> tuple[sa.TextClause, dict[str, object]]:
    human = "l.passed" if criterion is None else "(l.criteria ->> :criterion)::boolean"
    judge = "coalesce(i.passed, v.passed)" if criterion is None else _CRITERION
    text = (_NEWEST + rest).format(human=human, judge=judge, within=_WITHIN if runs else "")
    bound: list[sa.BindParameter[object]] = [sa.bindparam("tenant_id", type_=sa.Uuid())]
    values: dict[str, object] = {}
    if runs:
        bound.append(sa.bindparam("runs", type_=ARRAY(sa.Uuid())))
        values["runs"] = list(runs)
    if criterion is not None:
        values["criterion"] = criterion
    return sa.text(text).bindparams(*bound), values


async def judge_human(
    conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID], criterion: str | None
) -> list[tuple[UUID | None, bool | None, bool | None, int]]:
    """Rows ``(run, judge passes, humans pass, items)``; None where the judge has no verdict, or the vote is tied.

    Without ``runs``, labels on all of the tenant's runs and verdicts.
    """
    statement, values = _statement(_JUDGE, runs, criterion)
    found = await conn.execute(statement, {"tenant_id": tenant_id, **values})
    return [(run, judge, human, n) for run, judge, human, n in found]


async def humans(conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID], criterion: str | None) -> list[Counted]:
    """Joint counts of each two labellers over the items that both labelled."""
    return await _counted(conn, tenant_id, _HUMANS, runs, criterion)


async def retest(conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID], criterion: str | None) -> list[Counted]:
    """Joint counts of each labeller's first and newest label, over the items labelled more than once."""
    return await _counted(conn, tenant_id, _RETEST, runs, criterion)


async def _counted(
    conn: AsyncConnection, tenant_id: UUID, rest: str, runs: Sequence[UUID], criterion: str | None
) -> list[Counted]:
    statement, values = _statement(rest, runs, criterion)
    found = await conn.execute(statement, {"tenant_id": tenant_id, **values})
    return [Counted(first, second, a, b, n) for first, second, a, b, n in found]
