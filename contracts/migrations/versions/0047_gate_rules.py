"""the gate's numbers as operators set them, and bans"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0047"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment, json = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime(), sa.JSON().with_variant(JSONB(), "postgresql")
    op.create_table(
        "gate_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("numbers", json, nullable=False),
        sa.Column("changed_by", text, nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "gate_ban",
        sa.Column("target", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("set_by", text, nullable=True),
        sa.Column("set_at", moment, nullable=False),
        sa.Column("lifted_at", moment, nullable=True),
        sa.Column("changed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["set_by"], ["account.id"]),
        sa.PrimaryKeyConstraint("target"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(op.f("ix_gate_ban_ends_at"), "gate_ban", ["ends_at"])
    op.create_index(op.f("ix_gate_ban_changed_at"), "gate_ban", ["changed_at"])


def downgrade() -> None:
    for table in ("gate_ban", "gate_rules"):
        op.drop_table(table)
