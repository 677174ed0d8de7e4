"""Which tasks of a run have which value of a field, as bits: what comparisons of runs count with.

Revision 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BIT

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. It is filled when statistics are asked for."""
    op.create_table(
        "run_marks",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("clustered", sa.Boolean(), nullable=False),
        sa.Column("labels", ARRAY(sa.Text())),
        sa.Column("marks", ARRAY(BIT(varying=True))),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "field", name=op.f("pk_run_marks")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["runs.tenant_id", "runs.id"],
            name=op.f("fk_run_marks_tenant_id_run_id_runs"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("cardinality(labels) = cardinality(marks)", name=op.f("ck_run_marks_label_for_each_mark")),
    )
    # Half of the bits are noise to a compressor; a compressed mark would be unpacked for every comparison.
    op.execute("ALTER TABLE run_marks ALTER COLUMN marks SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Drop the table; nothing is lost that the items do not hold."""
    op.drop_table("run_marks")
