"""Counts for statistics: of runs, of categories, of pairs of runs, of clusters. GROUP BY only, never rows of items.

Marks (``marks``) answer where they can; what is here reads the items themselves: runs that still move, scores of many
values, task sets that differ, clusters. Scores of more than ``MOST_VALUES`` values are put into bins a sixty-fourth of
their spread wide, each told by its own mean, so that a mean stays what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.fields import Field, Metric
from app.db.ids import parse_id
from app.db.marks import PairCount
from app.db.run_models import runs as run_table
from app.schemas import Outcome

MOST_VALUES = 1_024
BINS_A_SPREAD = 64
_UUIDS = ARRAY(sa.Uuid())

_FACTS = sa.select(
    run_table.c.id,
    run_table.c.name,
    run_table.c.system,
    run_table.c.status,
    run_table.c.kind,
    run_table.c.rubric_name,
    run_table.c.rubric_version,
    run_table.c.judge_digests,
    run_table.c.task_set_sum,
    run_table.c.n_total,
    run_table.c.n_pending,
    run_table.c.n_running,
    run_table.c.n_passed,
    run_table.c.n_failed,
    *(run_table.c[f"n_{outcome.value}"] for outcome in Outcome),
).where(
    run_table.c.tenant_id == sa.bindparam("tenant_id"),
    run_table.c.id == sa.func.any(sa.bindparam("runs", type_=_UUIDS)),
    sa.not_(run_table.c.erasing),
)

_GROUPED = """
WITH labelled AS ({items}),
valued AS (
  SELECT run_id, {category} AS category, label, count(*) AS n FROM labelled GROUP BY 1, 2, 3
)
SELECT run_id, category, label, n, false AS binned FROM valued
"""
_BINNED = """
WITH labelled AS ({items}),
valued AS (
  SELECT run_id, {category} AS category, label::float8 AS value, count(*) AS n FROM labelled GROUP BY 1, 2, 3
),
spread AS (
  SELECT run_id, count(DISTINCT value) AS number,
    sqrt(greatest(sum(n * value * value) / sum(n) - (sum(n * value) / sum(n)) ^ 2, 0)) / {bins} AS width
  FROM valued WHERE value IS NOT NULL GROUP BY run_id
),
placed AS (
  SELECT v.run_id, v.category, v.value, v.n, s.number > {most} AND s.width > 0 AS binned,
    CASE WHEN s.number > {most} AND s.width > 0 THEN round(v.value / s.width) ELSE v.value END AS bin
  FROM valued AS v LEFT JOIN spread AS s USING (run_id)
)
SELECT run_id, category,
  (CASE WHEN bool_or(binned) THEN sum(n * value) / sum(n) ELSE min(value) END)::text AS label,
  sum(n)::bigint AS n, coalesce(bool_or(binned), false) AS binned
FROM placed GROUP BY run_id, category, bin
"""
_JOINED = """
WITH asked AS (SELECT * FROM unnest(CAST(:a AS uuid[]), CAST(:b AS uuid[])) WITH ORDINALITY AS p(a, b, place)),
labelled AS MATERIALIZED ({items})
SELECT p.place - 1 AS place, {category} AS category, x.label AS a, y.label AS b, count(*) AS n
FROM asked AS p JOIN labelled AS x ON x.run_id = p.a JOIN labelled AS y ON y.run_id = p.b AND y.task_id = x.task_id
GROUP BY 1, 2, 3, 4
"""
_CLUSTER = "coalesce('c' || {of}.cluster, 't' || {of}.task_id)"
_CLUSTERS = """
WITH labelled AS ({items}),
summed AS (
  SELECT run_id, {cluster} AS cluster, sum({value}) AS total, count(*) AS size
  FROM labelled WHERE {value} IS NOT NULL GROUP BY run_id, 2
)
SELECT run_id, total, size, count(*) AS n FROM summed GROUP BY 1, 2, 3
"""
_CLUSTER_PAIRS = """
WITH valued AS MATERIALIZED (
  SELECT run_id, task_id, cluster, {value} AS value FROM ({items}) AS labelled
),
summed AS (
  SELECT {cluster} AS cluster, sum({a}) AS a, sum({b}) AS b, count(*) AS size
  FROM valued AS x JOIN valued AS y USING (task_id)
  WHERE x.run_id = :first AND y.run_id = :second AND {a} IS NOT NULL AND {b} IS NOT NULL GROUP BY 1
)
SELECT a, b, size, count(*) AS n FROM summed GROUP BY 1, 2, 3
"""
_CRITERIA = """
SELECT r.run_id, v.criteria FROM unnest(CAST(:runs AS uuid[])) AS r(run_id) CROSS JOIN LATERAL (
  SELECT document -> 'criteria' AS criteria FROM verdicts
  WHERE tenant_id = :tenant_id AND run_id = r.run_id AND outcome = 'judged' LIMIT 1
) AS v
"""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What statistics must know of a run before they count. ``moving`` items have not ended yet."""

    id: UUID
    name: str
    system: str
    status: str
    kind: str | None
    rubric: tuple[str, str]
    judges: tuple[str, ...]
    task_set: bytes | None
    total: int
    moving: int
    passed_or_failed: int
    outcomes: Mapping[str, int]

    def same_tasks(self, other: RunFacts) -> bool:
        """Whether both hold the same tasks, as far as their digests say."""
        return self.task_set is not None and (self.task_set, self.total) == (other.task_set, other.total)


Count = tuple[UUID, str | None, str | None, int, bool]
"""Run, category, label, how many items, and whether the label is a bin's mean and stands for its neighbours too."""


async def facts(conn: AsyncConnection, tenant_id: UUID, runs: Sequence[str]) -> dict[str, RunFacts]:
    """Facts of the tenant's runs by id as it was given; ids that are not theirs are absent."""
    wanted = {text: identifier for text in runs if (identifier := parse_id(text)) is not None}
    if not wanted:
        return {}
    rows = await conn.execute(_FACTS, {"tenant_id": tenant_id, "runs": list(set(wanted.values()))})
    found = {row.id: _facts(row._mapping) for row in rows}
    return {text: found[identifier] for text, identifier in wanted.items() if identifier in found}


def _facts(values: sa.RowMapping) -> RunFacts:
    sums = values["task_set_sum"]
    return RunFacts(
        id=values["id"],
        name=values["name"],
        system=values["system"],
        status=values["status"],
        kind=values["kind"],
        rubric=(values["rubric_name"], values["rubric_version"]),
        judges=tuple(values["judge_digests"]),
        task_set=None if sums is None else bytes(sums),
        total=values["n_total"],
        moving=values["n_pending"] + values["n_running"],
        passed_or_failed=values["n_passed"] + values["n_failed"],
        outcomes={outcome.value: n for outcome in Outcome if (n := values[f"n_{outcome.value}"])},
    )


def _text(text: str, *arrays: str) -> sa.TextClause:
    bound = [sa.bindparam(name, type_=_UUIDS) for name in arrays]
    return sa.text(text).bindparams(sa.bindparam("tenant_id", type_=sa.Uuid()), *bound)


async def counts(
    conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID], metric: Metric, *, by_category: bool
) -> list[Count]:
    """Items by run, category and label, read from the items; without ``by_category`` the category is None."""
    text = _GROUPED if metric.event is not None or metric.name in {"passed"} else _BINNED
    statement = _text(
        text.format(
            items=metric.field.labelled(),
            category="category" if by_category else "NULL::text",
            bins=BINS_A_SPREAD,
            most=MOST_VALUES,
        ),
        "runs",
    )
    values = {"tenant_id": tenant_id, "runs": list(runs), **metric.field.bound}
    found = await conn.execute(statement, values)
    return [(run, category, label, n, binned) for run, category, label, n, binned in found]


async def joined(
    conn: AsyncConnection, tenant_id: UUID, asked: Sequence[tuple[UUID, UUID]], field: Field, *, by_category: bool
) -> list[PairCount]:
    """Joint counts over the tasks that each pair of runs shares, all pairs in one statement."""
    statement = _text(
        _JOINED.format(items=field.labelled(), category="x.category" if by_category else "NULL::text"), "a", "b", "runs"
    )
    values = {
        "tenant_id": tenant_id,
        "a": [a for a, _ in asked],
        "b": [b for _, b in asked],
        "runs": list({run for pair in asked for run in pair}),
        **field.bound,
    }
    found = await conn.execute(statement, values)
    return [(place, category, one, other, n) for place, category, one, other, n in found]


async def clusters(
    conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID], metric: Metric, filled: float | None = None
) -> dict[UUID, list[tuple[float, int, int]]]:
    """Items by cluster: rows ``(sum of values, items, clusters)``. An item without a cluster is one itself.

    Items without a verdict are left out, or counted as ``filled``.
    """
    value = f"({metric.number})" if filled is None else f"coalesce({metric.number}, :filled)"
    text = _CLUSTERS.format(items=metric.field.labelled(), cluster=_CLUSTER.format(of="labelled"), value=value)
    values = {"tenant_id": tenant_id, "runs": list(runs), **metric.bound}
    if filled is not None:
        values["filled"] = filled
    found: dict[UUID, list[tuple[float, int, int]]] = {run: [] for run in runs}
    for row in await conn.execute(_text(text, "runs"), values):
        found[row.run_id].append((row.total, row.size, row.n))
    return found


async def cluster_pairs(
    conn: AsyncConnection,
    tenant_id: UUID,
    pair: tuple[UUID, UUID],
    metric: Metric,
    filled: tuple[float, float] | None = None,
) -> list[tuple[float, float, int, int]]:
    """Shared items by the first run's clusters: rows ``(sum of a, sum of b, items, clusters)``.

    Items without both verdicts are left out, or counted as ``filled`` says for each side.
    """
    a, b = ("x.value", "y.value") if filled is None else ("coalesce(x.value, :fill_a)", "coalesce(y.value, :fill_b)")
    text = _CLUSTER_PAIRS.format(
        items=metric.field.labelled(),
        cluster="coalesce('c' || x.cluster, 't' || task_id)",
        value=metric.number,
        a=a,
        b=b,
    )
    values: dict[str, object] = {
        "tenant_id": tenant_id,
        "runs": list(pair),
        "first": pair[0],
        "second": pair[1],
        **metric.bound,
    }
    if filled is not None:
        values |= {"fill_a": filled[0], "fill_b": filled[1]}
    statement = _text(text, "runs").bindparams(
        sa.bindparam("first", type_=sa.Uuid()), sa.bindparam("second", type_=sa.Uuid())
    )
    return [(row.a, row.b, row.size, row.n) for row in await conn.execute(statement, values)]


async def criteria(conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The criteria that each run was judged by, in rubric order, as one of its judged verdicts lists them."""
    rows = await conn.execute(_text(_CRITERIA, "runs"), {"tenant_id": tenant_id, "runs": list(runs)})
    return {run: [one["id"] for one in listed] for run, listed in rows}
