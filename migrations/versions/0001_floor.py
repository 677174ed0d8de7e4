"""Tenants, keys, verdicts, pairwise judgements and idempotency keys.

Revision 0001, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)

# A row of ``verdicts`` may be deleted only by the erasure of its run, which names the run in a setting of its own
# transaction: SELECT set_config('presend.erasing_run', '<run id>', true). Nothing may be updated or truncated.
_APPEND_ONLY = """
CREATE FUNCTION presend_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' AND TG_TABLE_NAME = 'verdicts' THEN
    IF OLD.run_id::text = current_setting('presend.erasing_run', true) THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION '% is append-only; % is refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END
$$
"""


def upgrade() -> None:
    """Make the tables and the triggers."""
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("name", name=op.f("uq_tenants_name")),
    )
    _create_api_keys()
    _create_verdicts()
    _create_pairwise()
    _create_idempotency_keys()
    op.execute(_APPEND_ONLY)
    for table in ("verdicts", "pairwise"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION presend_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION presend_append_only()"
        )


def downgrade() -> None:
    """Drop everything."""
    for table in ("idempotency_keys", "pairwise", "verdicts", "api_keys", "tenants"):
        op.drop_table(table)
    op.execute("DROP FUNCTION presend_append_only()")


def _tenant(table: str) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    return (
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(f"fk_{table}_tenant_id_tenants")),
    )


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        *_tenant("api_keys"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("last_used_at", _TIME),
        sa.Column("revoked_at", _TIME),
        sa.CheckConstraint("slot IN (1, 2)", name=op.f("ck_api_keys_slot")),
        sa.CheckConstraint("octet_length(secret_sha256) = 32", name=op.f("ck_api_keys_secret_sha256")),
        sa.CheckConstraint("cardinality(scopes) > 0", name=op.f("ck_api_keys_scopes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index(
        "uq_api_keys_live_name_slot",
        "api_keys",
        ["tenant_id", "name", "slot"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def _create_verdicts() -> None:
    op.create_table(
        "verdicts",
        *_tenant("verdicts"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid()),
        sa.Column("task_id", sa.Text()),
        sa.Column("judge_digest", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("action", sa.Text()),
        sa.Column("decision_source", sa.Text()),
        sa.Column("bypass", sa.Text()),
        sa.Column("passed", sa.Boolean()),
        sa.Column("score", sa.Double()),
        sa.Column("p_fail", sa.Double()),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("failed_criteria", ARRAY(sa.Text()), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("draft", sa.JSON()),
        sa.Column("context", sa.JSON()),
        sa.Column("raw_output", sa.Text()),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_verdicts")),
        sa.CheckConstraint("kind IN ('verdict', 'gate')", name=op.f("ck_verdicts_kind")),
        sa.CheckConstraint(
            "outcome = 'judged' OR (passed IS NULL AND score IS NULL AND p_fail IS NULL)",
            name=op.f("ck_verdicts_number_only_when_judged"),
        ),
    )
    where = {
        "ix_verdicts_run": (["tenant_id", "run_id", "id"], "run_id IS NOT NULL"),
        "ix_verdicts_action": (["tenant_id", "action", "id"], "action IS NOT NULL"),
        "ix_verdicts_reuse": (["tenant_id", "input_digest", "judge_digest"], "outcome = 'judged'"),
    }
    for name, (columns, predicate) in where.items():
        op.create_index(name, "verdicts", columns, postgresql_where=sa.text(predicate))
    op.create_index("ix_verdicts_outcome", "verdicts", ["tenant_id", "outcome", "id"])
    op.create_index(
        "ix_verdicts_failed_criteria",
        "verdicts",
        ["failed_criteria"],
        postgresql_using="gin",
        postgresql_where=sa.text("failed_criteria <> '{}'"),
    )


def _create_pairwise() -> None:
    op.create_table(
        "pairwise",
        *_tenant("pairwise"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("judge_digest", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("winner", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("draft_a", sa.JSON()),
        sa.Column("draft_b", sa.JSON()),
        sa.Column("context", sa.JSON()),
        sa.Column("raw_outputs", ARRAY(sa.Text())),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pairwise")),
    )


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        *_tenant("idempotency_keys"),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("leased_until", _TIME, nullable=False),
        sa.Column("status", sa.SmallInteger()),
        sa.Column("headers", sa.JSON()),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("created_at", _TIME, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "route", "key", name=op.f("pk_idempotency_keys")),
        sa.CheckConstraint("octet_length(body_sha256) = 32", name=op.f("ck_idempotency_keys_body_sha256")),
        sa.CheckConstraint("(status IS NULL) = (body IS NULL)", name=op.f("ck_idempotency_keys_whole_response")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
