"""Runs, their items, and human labels.

Revision 0002, after 0001.
"""

# ruff: noqa: S608 - statements are put together from fixed parts of our own
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_OUTCOMES = (
    "judged",
    "not_called",
    "refused",
    "truncated",
    "unparseable",
    "schema_mismatch",
    "out_of_range",
    "empty",
    "timeout",
    "rate_limited",
    "upstream_error",
    "cancelled",
)
_CONDITIONS = {
    "total": "true",
    "pending": "state = 'pending'",
    "running": "state = 'running'",
    **{name: f"outcome = '{name}'" for name in _OUTCOMES},
    "passed": "passed",
    "failed": "NOT passed",
    "reused": "reused_from IS NOT NULL",
}

# The runs are locked in the order of their ids and after the items, by every statement that moves items: two workers
# that finish items of the same runs cannot wait for each other in a circle.
_COUNT = """
CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {guard}
  PERFORM 1 FROM runs AS r JOIN (SELECT DISTINCT tenant_id, run_id FROM new_items) AS n
    ON r.tenant_id = n.tenant_id AND r.id = n.run_id ORDER BY r.tenant_id, r.id FOR NO KEY UPDATE OF r;
  UPDATE runs AS r SET
    {sums},
    started_at = coalesce(r.started_at, CASE WHEN d.d_running > 0 THEN clock_timestamp() END),
    status = CASE WHEN {over} THEN 'completed' ELSE r.status END,
    finished_at = CASE WHEN {over} THEN clock_timestamp() ELSE r.finished_at END
  FROM (SELECT tenant_id, run_id, {counts} FROM ({rows}) AS moved GROUP BY tenant_id, run_id) AS d
  WHERE r.tenant_id = d.tenant_id AND r.id = d.run_id;
  RETURN NULL;
END
$$
"""
_OVER = "r.status = 'running' AND r.n_pending + d.d_pending + r.n_running + d.d_running = 0"
_GUARD = """IF EXISTS (SELECT FROM old_items WHERE state = 'done') THEN
    RAISE EXCEPTION 'an item that has ended never changes' USING ERRCODE = 'restrict_violation', TABLE = 'run_items';
  END IF;
  IF NOT EXISTS (SELECT FROM new_items WHERE state <> 'running')
    AND NOT EXISTS (SELECT FROM old_items WHERE state <> 'running') THEN
    RETURN NULL;
  END IF;"""

# A row of ``verdicts`` or ``labels`` may be deleted only by the erasure of its run, which names the run in a setting of
# its own transaction. Nothing may be updated or truncated.
_APPEND_ONLY = """
CREATE OR REPLACE FUNCTION presend_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' AND TG_TABLE_NAME IN ({tables}) THEN
    IF OLD.run_id::text = current_setting('presend.erasing_run', true) THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION '% is append-only; % is refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END
$$
"""
_FINAL = """
CREATE FUNCTION presend_run_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a completed run stays completed' USING ERRCODE = 'restrict_violation', TABLE = 'runs';
END
$$
"""


def _counting(function: str, rows: str, guard: str) -> str:
    return _COUNT.format(
        function=function,
        guard=guard,
        rows=rows,
        over=_OVER,
        sums=",\n    ".join(f"n_{name} = r.n_{name} + d.d_{name}" for name in _CONDITIONS),
        counts=", ".join(
            f"coalesce(sum(sign) FILTER (WHERE {condition}), 0) AS d_{name}" for name, condition in _CONDITIONS.items()
        ),
    )


def upgrade() -> None:
    """Make the tables and the triggers."""
    _create_runs()
    _create_items()
    _create_labels()
    new = "SELECT *, 1 AS sign FROM new_items"
    op.execute(_counting("presend_count_new_items", new, ""))
    op.execute(_counting("presend_count_moved_items", f"{new} UNION ALL SELECT *, -1 AS sign FROM old_items", _GUARD))
    op.execute(
        "CREATE TRIGGER count_new AFTER INSERT ON run_items REFERENCING NEW TABLE AS new_items "
        "FOR EACH STATEMENT EXECUTE FUNCTION presend_count_new_items()"
    )
    op.execute(
        "CREATE TRIGGER count_moved AFTER UPDATE ON run_items REFERENCING OLD TABLE AS old_items "
        "NEW TABLE AS new_items FOR EACH STATEMENT EXECUTE FUNCTION presend_count_moved_items()"
    )
    op.execute(_FINAL)
    op.execute(
        "CREATE TRIGGER stays_completed BEFORE UPDATE ON runs FOR EACH ROW "
        "WHEN (OLD.status = 'completed' AND NEW.status <> 'completed') EXECUTE FUNCTION presend_run_is_final()"
    )
    op.execute(_APPEND_ONLY.format(tables="'verdicts', 'labels'"))
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON labels "
        "FOR EACH ROW EXECUTE FUNCTION presend_append_only()"
    )
    op.execute(
        "CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON labels "
        "FOR EACH STATEMENT EXECUTE FUNCTION presend_append_only()"
    )


def downgrade() -> None:
    """Drop runs, items and labels; verdicts stay."""
    for table in ("labels", "run_inputs", "run_items", "runs"):
        op.drop_table(table)
    for function in ("presend_count_new_items", "presend_count_moved_items", "presend_run_is_final"):
        op.execute(f"DROP FUNCTION {function}()")
    op.execute(_APPEND_ONLY.format(tables="'verdicts'"))


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("erasing", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rubric_name", sa.Text(), nullable=False),
        sa.Column("rubric_version", sa.Text(), nullable=False),
        sa.Column("judge", JSONB()),
        sa.Column("judge_digests", ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("task_set_sum", sa.LargeBinary()),
        sa.Column("tags", JSONB(), nullable=False),
        sa.Column("reuse", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("closed_at", _TIME),
        sa.Column("finished_at", _TIME),
        *(sa.Column(f"n_{name}", sa.Integer(), server_default=sa.text("0"), nullable=False) for name in _CONDITIONS),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_runs_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_runs")),
        sa.CheckConstraint("status IN ('open', 'running', 'completed', 'cancelled')", name=op.f("ck_runs_status")),
        sa.CheckConstraint("kind IN ('judged', 'scored')", name=op.f("ck_runs_kind")),
        sa.CheckConstraint("octet_length(task_set_sum) = 32", name=op.f("ck_runs_task_set_sum")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index(
        "ix_runs_active", "runs", ["tenant_id", "id"], postgresql_where=sa.text("status IN ('open', 'running')")
    )
    op.create_index("ix_runs_system", "runs", ["tenant_id", "system", "id"])
    op.create_index("ix_runs_status", "runs", ["tenant_id", "status", "id"])


def _create_items() -> None:
    op.create_table(
        "run_items",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("category", sa.Text()),
        sa.Column("cluster", sa.Text()),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", _TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("leased_until", _TIME),
        sa.Column("outcome", sa.Text()),
        sa.Column("passed", sa.Boolean()),
        sa.Column("score", sa.Double()),
        sa.Column("p_fail", sa.Double()),
        sa.Column("detail", sa.Text()),
        sa.Column("verdict_id", sa.Uuid()),
        sa.Column("reused_from", sa.Uuid()),
        sa.Column("finished_at", _TIME),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "seq", name=op.f("pk_run_items")),
        sa.CheckConstraint("state IN ('pending', 'running', 'done')", name=op.f("ck_run_items_state")),
        sa.CheckConstraint(
            "(state = 'running') = (leased_until IS NOT NULL)", name=op.f("ck_run_items_lease_while_running")
        ),
        sa.CheckConstraint("(state = 'done') = (outcome IS NOT NULL)", name=op.f("ck_run_items_outcome_when_done")),
        sa.CheckConstraint(
            "outcome = 'judged' OR (passed IS NULL AND score IS NULL AND p_fail IS NULL)",
            name=op.f("ck_run_items_number_only_when_judged"),
        ),
        postgresql_with={"fillfactor": "70"},
    )
    for state in ("pending", "running"):
        op.create_index(
            f"ix_run_items_{state}",
            "run_items",
            ["tenant_id", "run_id", "seq"],
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_index(
        "ix_run_items_unjudged",
        "run_items",
        ["tenant_id", "run_id", "outcome", "seq"],
        postgresql_where=sa.text("outcome <> 'judged'"),
    )
    op.create_table(
        "run_inputs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("input_digest", sa.Text()),
        sa.Column("draft", sa.JSON()),
        sa.Column("context", sa.JSON()),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "task_id", name=op.f("pk_run_inputs")),
    )


def _create_labels() -> None:
    op.create_table(
        "labels",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("labeller", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid()),
        sa.Column("task_id", sa.Text()),
        sa.Column("verdict_id", sa.Uuid()),
        sa.Column("passed", sa.Boolean()),
        sa.Column("criteria", JSONB(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_labels_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_labels")),
        sa.CheckConstraint("(run_id IS NULL) = (task_id IS NULL)", name=op.f("ck_labels_whole_item")),
        sa.CheckConstraint("run_id IS NOT NULL OR verdict_id IS NOT NULL", name=op.f("ck_labels_about_something")),
    )
    op.create_index(
        "ix_labels_run",
        "labels",
        ["tenant_id", "run_id", "task_id", "id"],
        postgresql_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_index(
        "ix_labels_verdict",
        "labels",
        ["tenant_id", "verdict_id", "id"],
        postgresql_where=sa.text("verdict_id IS NOT NULL"),
    )
