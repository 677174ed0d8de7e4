"""Tables of runs, their items and human labels, on the metadata of ``models``. Private to ``app.db``.

What is asked for again and again is kept apart from what is large: ``run_items`` is the narrow queue, where the item is
the job; ``run_inputs`` holds each draft once and is never rewritten while a worker moves its item. The counters of
``runs`` are kept by triggers that the migrations make, in the transaction that moves the items, so that they equal the
rows whoever moved them; the same trigger completes a run with its last item.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB
from sqlalchemy.types import Boolean

from app.db.models import metadata
from app.schemas import Outcome

__all__ = ["COUNTERS", "OUTCOME_COUNTERS", "labels", "metadata", "run_inputs", "run_items", "run_marks", "runs"]

_Time = DateTime(timezone=True)
OUTCOME_COUNTERS = tuple(outcome.value for outcome in Outcome)
COUNTERS = ("total", "pending", "running", *OUTCOME_COUNTERS, "passed", "failed", "reused")
"""Columns ``n_<name>`` of ``runs``. ``total`` is the sum of ``pending``, ``running`` and the outcomes."""

runs = Table(
    "runs",
    metadata,
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("kind", Text),
    Column("status", Text, nullable=False),
    Column("erasing", Boolean, nullable=False, server_default=text("false")),
    Column("rubric_name", Text, nullable=False),
    Column("rubric_version", Text, nullable=False),
    Column("judge", JSONB(none_as_null=True)),
    Column("judge_digests", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("task_set_sum", LargeBinary),
    Column("tags", JSONB, nullable=False),
    Column("reuse", Boolean, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("started_at", _Time),
    Column("closed_at", _Time),
    Column("finished_at", _Time),
    *(Column(f"n_{name}", Integer, nullable=False, server_default=text("0")) for name in COUNTERS),
    PrimaryKeyConstraint("tenant_id", "id"),
    CheckConstraint("status IN ('open', 'running', 'completed', 'cancelled')", name="status"),
    CheckConstraint("kind IN ('judged', 'scored')", name="kind"),
    CheckConstraint("octet_length(task_set_sum) = 32", name="task_set_sum"),
    Index("ix_runs_active", "tenant_id", "id", postgresql_where=text("status IN ('open', 'running')")),
    Index("ix_runs_system", "tenant_id", "system", "id"),
    Index("ix_runs_status", "tenant_id", "status", "id"),
    postgresql_with={"fillfactor": "50"},
)

run_items = Table(
    "run_items",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("category", Text),
    Column("cluster", Text),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("failures", SmallInteger, nullable=False, server_default=text("0")),
    Column("due_at", _Time, nullable=False, server_default=func.now()),
    Column("leased_until", _Time),
    Column("outcome", Text),
    Column("passed", Boolean),
    Column("score", Double),
    Column("p_fail", Double),
    Column("detail", Text),
    Column("verdict_id", Uuid),
    Column("reused_from", Uuid),
    Column("finished_at", _Time),
    PrimaryKeyConstraint("tenant_id", "run_id", "seq"),
    CheckConstraint("state IN ('pending', 'running', 'done')", name="state"),
    CheckConstraint("(state = 'running') = (leased_until IS NOT NULL)", name="lease_while_running"),
    CheckConstraint("(state = 'done') = (outcome IS NOT NULL)", name="outcome_when_done"),
    CheckConstraint(
        "outcome = 'judged' OR (passed IS NULL AND score IS NULL AND p_fail IS NULL)",
        name="number_only_when_judged",
    ),
    Index("ix_run_items_pending", "tenant_id", "run_id", "seq", postgresql_where=text("state = 'pending'")),
    Index("ix_run_items_running", "tenant_id", "run_id", "seq", postgresql_where=text("state = 'running'")),
    Index(
        "ix_run_items_unjudged",
        "tenant_id",
        "run_id",
        "outcome",
        "seq",
        postgresql_where=text("outcome <> 'judged'"),
    ),
    postgresql_with={"fillfactor": "70"},
)

run_inputs = Table(
    "run_inputs",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("input_digest", Text),
    Column("draft", JSON),
    Column("context", JSON),
    PrimaryKeyConstraint("tenant_id", "run_id", "task_id"),
)

labels = Table(
    "labels",
    metadata,
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    Column("id", Uuid, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("labeller", Text, nullable=False),
    Column("run_id", Uuid),
    Column("task_id", Text),
    Column("verdict_id", Uuid),
    Column("passed", Boolean),
    Column("criteria", JSONB, nullable=False),
    Column("note", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
    CheckConstraint("(run_id IS NULL) = (task_id IS NULL)", name="whole_item"),
    CheckConstraint("run_id IS NOT NULL OR verdict_id IS NOT NULL", name="about_something"),
    Index("ix_labels_run", "tenant_id", "run_id", "task_id", "id", postgresql_where=text("run_id IS NOT NULL")),
    Index("ix_labels_verdict", "tenant_id", "verdict_id", "id", postgresql_where=text("verdict_id IS NOT NULL")),
)

# Derived from the items and made again at any time: for one field, which tasks of a run have which value, as bits in
# the order of task ids. ``items`` says for how many items it was made; ``labels`` is null where there are too many.
run_marks = Table(
    "run_marks",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("field", Text, nullable=False),
    Column("items", Integer, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("clustered", Boolean, nullable=False),
    Column("labels", ARRAY(Text)),
    Column("marks", ARRAY(BIT(varying=True))),
    PrimaryKeyConstraint("tenant_id", "run_id", "field"),
    ForeignKeyConstraint(["tenant_id", "run_id"], ["runs.tenant_id", "runs.id"], ondelete="CASCADE"),
    CheckConstraint("cardinality(labels) = cardinality(marks)", name="label_for_each_mark"),
)
