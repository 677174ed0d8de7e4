"""The tables, as Alembic compares them and the queries of this package use them. Private to ``app.db``.

Every row belongs to a tenant, and where rows are many the tenant leads the primary key: no query can reach a row by
its id alone. ``verdicts`` and ``pairwise`` are append-only; triggers that the migrations make see to it. What was
judged (``draft``, ``context``) is ``json``, kept byte for byte, key order included; what is filtered on has a column of
its own.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Boolean

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Time = DateTime(timezone=True)

tenants = Table(
    "tenants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", _Time, nullable=False, server_default=func.now()),
)

# ``slot`` with its unique index is the rule "at most two live keys of one name" where no race can pass it.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("slot", SmallInteger, nullable=False),
    Column("created_at", _Time, nullable=False, server_default=func.now()),
    Column("last_used_at", _Time),
    Column("revoked_at", _Time),
    CheckConstraint("slot IN (1, 2)", name="slot"),
    CheckConstraint("octet_length(secret_sha256) = 32", name="secret_sha256"),
    CheckConstraint("cardinality(scopes) > 0", name="scopes"),
    Index(
        "uq_api_keys_live_name_slot",
        "tenant_id",
        "name",
        "slot",
        unique=True,
        postgresql_where=text("revoked_at IS NULL"),
    ),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    Column("id", Uuid, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("kind", Text, nullable=False),
    Column("run_id", Uuid),
    Column("task_id", Text),
    Column("judge_digest", Text, nullable=False),
    Column("input_digest", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("action", Text),
    Column("decision_source", Text),
    Column("bypass", Text),
    Column("passed", Boolean),
    Column("score", Double),
    Column("p_fail", Double),
    Column("abstained", Boolean, nullable=False),
    Column("failed_criteria", ARRAY(Text), nullable=False),
    Column("latency_ms", Double, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("draft", JSON),
    Column("context", JSON),
    Column("raw_output", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
    CheckConstraint("kind IN ('verdict', 'gate')", name="kind"),
    CheckConstraint(
        "outcome = 'judged' OR (passed IS NULL AND score IS NULL AND p_fail IS NULL)",
        name="number_only_when_judged",
    ),
    Index("ix_verdicts_run", "tenant_id", "run_id", "id", postgresql_where=text("run_id IS NOT NULL")),
    Index("ix_verdicts_action", "tenant_id", "action", "id", postgresql_where=text("action IS NOT NULL")),
    Index("ix_verdicts_outcome", "tenant_id", "outcome", "id"),
    Index(
        "ix_verdicts_reuse",
        "tenant_id",
        "input_digest",
        "judge_digest",
        postgresql_where=text("outcome = 'judged'"),
    ),
    Index(
        "ix_verdicts_failed_criteria",
        "failed_criteria",
        postgresql_using="gin",
        postgresql_where=text("failed_criteria <> '{}'"),
    ),
)

pairwise = Table(
    "pairwise",
    metadata,
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    Column("id", Uuid, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("judge_digest", Text, nullable=False),
    Column("input_digest", Text),
    Column("outcome", Text, nullable=False),
    Column("winner", Text),
    Column("decided_by", Text),
    Column("latency_ms", Double, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("draft_a", JSON),
    Column("draft_b", JSON),
    Column("context", JSON),
    Column("raw_outputs", ARRAY(Text)),
    PrimaryKeyConstraint("tenant_id", "id"),
)

# A row with a status is a stored response; without one it is a lease.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    Column("route", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body_sha256", LargeBinary, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("leased_until", _Time, nullable=False),
    Column("status", SmallInteger),
    Column("headers", JSON(none_as_null=True)),
    Column("body", LargeBinary),
    Column("created_at", _Time, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("tenant_id", "route", "key"),
    CheckConstraint("octet_length(body_sha256) = 32", name="body_sha256"),
    CheckConstraint("(status IS NULL) = (body IS NULL)", name="whole_response"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
