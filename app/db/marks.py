"""Marks: for each value of a field, the tasks of a run that have it, as one string of bits in the order of task ids.

Two runs over one task set have their bits in the same order, so the joint count of two values is the number of bits set
in both: a comparison costs the same few instructions however many verdicts stand behind it. Marks are derived: made
when first asked for, of runs in which nothing waits any more, and believed only while they cover every item. They
refuse fields of more than ``MOST_LABELS`` values, which would need a string each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.fields import CATEGORY, Field

MOST_LABELS = 60
ITEMS_A_STATEMENT = 200_000
_PATIENCE = sa.text("SET LOCAL statement_timeout = 60000")
_UUIDS = ARRAY(sa.Uuid())

# A label is kept behind '=', so that the empty text is free to mean that there is none. In ``coded`` every task is one
# letter, '0' for the first label; ``translate`` turns the letters into the bits of one label.
_BUILD = """
WITH labelled AS MATERIALIZED ({items}),
keyed AS (SELECT run_id, seq, task_id, coalesce('=' || label, '') AS key FROM labelled),
kinds AS (
  SELECT run_id, key, row_number() OVER (PARTITION BY run_id ORDER BY key COLLATE "C")::int AS place
  FROM keyed GROUP BY run_id, key
),
sizes AS (SELECT run_id, max(place) AS number FROM kinds GROUP BY run_id HAVING max(place) <= {most}),
coded AS (
  SELECT l.run_id, string_agg(chr(47 + k.place), '' ORDER BY l.task_id COLLATE "C") AS codes
  FROM keyed AS l JOIN sizes USING (run_id) JOIN kinds AS k USING (run_id, key) GROUP BY l.run_id
),
marked AS (
  SELECT c.run_id, array_agg(CASE WHEN k.key <> '' THEN substr(k.key, 2) END ORDER BY k.place) AS labels,
    array_agg(
      translate(c.codes, letters.all, overlay(repeat('0', s.number) PLACING '1' FROM k.place))::varbit
      ORDER BY k.place
    ) AS marks
  FROM coded AS c JOIN sizes AS s USING (run_id) JOIN kinds AS k USING (run_id)
  CROSS JOIN LATERAL (SELECT string_agg(chr(47 + g), '' ORDER BY g) AS all FROM generate_series(1, s.number) AS g)
    AS letters
  GROUP BY c.run_id
),
changed AS ({changes}),
whole AS (
  SELECT run_id, count(*)::int AS items, bool_or(cluster IS NOT NULL) AS clustered FROM labelled GROUP BY run_id
)
INSERT INTO run_marks (tenant_id, run_id, field, items, changes, clustered, labels, marks)
SELECT :tenant_id, w.run_id, :field, w.items, coalesce(h.changes, 0), w.clustered, m.labels, m.marks
FROM whole AS w LEFT JOIN changed AS h USING (run_id) LEFT JOIN marked AS m USING (run_id)
ON CONFLICT (tenant_id, run_id, field) DO UPDATE SET items = excluded.items, changes = excluded.changes,
  clustered = excluded.clustered, labels = excluded.labels, marks = excluded.marks
"""
_NOTED = """
WITH keyed AS (SELECT run_id, seq, cluster, coalesce('=' || label, '') AS key FROM ({items}) AS labelled),
changed AS ({changes})
SELECT w.run_id, count(*)::int AS items, coalesce(min(h.changes), 0) AS changes,
  bool_or(w.cluster IS NOT NULL) AS clustered
FROM keyed AS w LEFT JOIN changed AS h USING (run_id) GROUP BY w.run_id
"""
_CHANGES = """SELECT run_id, (count(*) FILTER (WHERE key <> before))::int AS changes FROM (
    SELECT run_id, key, lag(key) OVER (PARTITION BY run_id ORDER BY seq) AS before FROM keyed WHERE key <> ''
  ) AS beside GROUP BY run_id"""
_NO_CHANGES = "SELECT NULL::uuid AS run_id, 0 AS changes WHERE false"
_STORED = sa.text(
    "SELECT run_id, field, items, changes, clustered, labels IS NULL AS varied FROM run_marks "
    "WHERE tenant_id = :tenant_id AND run_id = ANY(:runs) AND field = ANY(:fields)"
).bindparams(sa.bindparam("tenant_id", type_=sa.Uuid()), sa.bindparam("runs", type_=_UUIDS))
_COUNTS = """
SELECT m.run_id, x.label, {group} AS category, bit_count({both}) AS n
FROM run_marks AS m CROSS JOIN LATERAL unnest(m.labels, m.marks) AS x(label, mark) {categories}
WHERE m.tenant_id = :tenant_id AND m.run_id = ANY(:runs) AND m.field = :field
"""
_CATEGORIES = """
    JOIN run_marks AS g ON g.tenant_id = m.tenant_id AND g.run_id = m.run_id AND g.field = 'category'
    CROSS JOIN LATERAL unnest(g.labels, g.marks) AS y(label, mark)"""
_PAIRS = """
WITH asked AS (SELECT * FROM unnest(CAST(:a AS uuid[]), CAST(:b AS uuid[])) WITH ORDINALITY AS p(a, b, place)),
marked AS MATERIALIZED (
  SELECT m.run_id, m.field, u.label, u.mark
  FROM run_marks AS m CROSS JOIN LATERAL unnest(m.labels, m.marks) AS u(label, mark)
  WHERE m.tenant_id = :tenant_id AND m.run_id = ANY(:runs) AND m.field = ANY(:fields)
),
counted AS (
  SELECT p.place, {group} AS category, x.label AS a, y.label AS b, bit_count({both}) AS n
  FROM asked AS p
  JOIN marked AS x ON x.run_id = p.a AND x.field = :field
  JOIN marked AS y ON y.run_id = p.b AND y.field = :field {categories}
)
SELECT place - 1 AS place, category, a, b, n FROM counted WHERE n > 0
"""


@dataclass(frozen=True, slots=True)
class Marked:
    """What is known of one field of one run. ``varied``: it has too many values for marks.

    ``changes`` counts neighbouring judged items, in stored order, with different labels; kept for passes and failures.
    """

    items: int
    changes: int
    clustered: bool
    varied: bool


PairCount = tuple[int, str | None, str | None, str | None, int]
"""Index of the pair, category, the label in one run and in the other, and how many shared tasks have both."""


def _statement(text: str, field: Field) -> sa.TextClause:
    rate = field.key == "passed" or (field.criterion is not None and "p_fail" not in field.key)
    filled = text.format(items=field.labelled(), most=MOST_LABELS, changes=_CHANGES if rate else _NO_CHANGES)
    return sa.text(filled).bindparams(sa.bindparam("tenant_id", type_=sa.Uuid()), sa.bindparam("runs", type_=_UUIDS))


async def make(conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID], field: Field) -> None:
    """Make the marks of a field of these runs, anew where there are some. Needs a transaction of its own."""
    await conn.execute(_PATIENCE)
    values = {"tenant_id": tenant_id, "runs": list(runs), "field": field.key, **field.bound}
    await conn.execute(_statement(_BUILD, field), values)


async def unstored(conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID], field: Field) -> dict[UUID, Marked]:
    """The same facts for runs without marks, whether their values are many excepted; nothing is kept."""
    values = {"tenant_id": tenant_id, "runs": list(runs), **field.bound}
    found = await conn.execute(_statement(_NOTED, field), values)
    return {row.run_id: Marked(row.items, row.changes, row.clustered, varied=False) for row in found}


async def stored(
    conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID], fields: Sequence[Field]
) -> dict[tuple[UUID, str], Marked]:
    """What is kept, by run and field."""
    values = {"tenant_id": tenant_id, "runs": list(runs), "fields": [field.key for field in fields]}
    found = await conn.execute(_STORED, values)
    return {(row.run_id, row.field): Marked(row.items, row.changes, row.clustered, row.varied) for row in found}


async def counts(
    conn: AsyncConnection, tenant_id: UUID, runs: Sequence[UUID], field: Field, *, by_category: bool
) -> list[tuple[UUID, str | None, str | None, int]]:
    """Rows ``(run, category, label, items)`` from marks; without ``by_category`` the category is None."""
    text = _COUNTS.format(
        group="y.label" if by_category else "NULL::text",
        both="x.mark & y.mark" if by_category else "x.mark",
        categories=_CATEGORIES if by_category else "",
    )
    statement = sa.text(text).bindparams(sa.bindparam("tenant_id", type_=sa.Uuid()), sa.bindparam("runs", type_=_UUIDS))
    found = await conn.execute(statement, {"tenant_id": tenant_id, "runs": list(runs), "field": field.key})
    return [(run, category, label, n) for run, label, category, n in found if n]


async def pairs(
    conn: AsyncConnection, tenant_id: UUID, asked: Sequence[tuple[UUID, UUID]], field: Field, *, by_category: bool
) -> list[PairCount]:
    """Joint counts of pairs of runs over one task set, all in one statement. Categories are those of the first run."""
    text = _PAIRS.format(
        group="z.label" if by_category else "NULL::text",
        both="x.mark & y.mark & z.mark" if by_category else "x.mark & y.mark",
        categories="JOIN marked AS z ON z.run_id = p.a AND z.field = 'category'" if by_category else "",
    )
    statement = sa.text(text).bindparams(
        sa.bindparam("tenant_id", type_=sa.Uuid()),
        *(sa.bindparam(name, type_=_UUIDS) for name in ("a", "b", "runs")),
    )
    fields = [field.key, CATEGORY.key] if by_category else [field.key]
    values = {
        "tenant_id": tenant_id,
        "a": [a for a, _ in asked],
        "b": [b for _, b in asked],
        "runs": list({run for pair in asked for run in pair}),
        "field": field.key,
        "fields": fields,
    }
    found = await conn.execute(statement, values)
    return [(place, category, one, other, n) for place, category, one, other, n in found]
