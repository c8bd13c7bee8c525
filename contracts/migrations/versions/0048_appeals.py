"""appeals against decisions of the gate, and the mark that leads from a decision to the sums of stops"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0048"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
    op.create_table(
        "appeal",
        sa.Column("id", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decision", text, nullable=False),
        sa.Column("decided_at", moment, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("effect", text, nullable=False),
        sa.Column("mark", text, nullable=False),
        sa.Column("email", text, nullable=False),
        sa.Column("text", text, nullable=False),
        sa.Column("network", text, nullable=False),
        sa.Column("link_id", text, nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("answered_by", text, nullable=True),
        sa.Column("answered_at", moment, nullable=True),
        sa.Column("words", text, nullable=False),
        sa.ForeignKeyConstraint(["answered_by"], ["account.id"]),
        sa.ForeignKeyConstraint(["link_id"], ["one_time_link.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("decision"),
        sa.UniqueConstraint("link_id"),
    )
    for name in ("state", "mark", "made_at"):
        op.create_index(op.f(f"ix_appeal_{name}"), "appeal", [name])
    op.add_column("gate_stop", sa.Column("mark", text, nullable=False, server_default=""))
    op.create_index(op.f("ix_gate_stop_mark"), "gate_stop", ["mark"])


def downgrade() -> None:
    op.drop_index(op.f("ix_gate_stop_mark"), "gate_stop")
    op.drop_column("gate_stop", "mark")
    op.drop_table("appeal")
