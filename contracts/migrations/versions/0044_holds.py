"""holds on entries, erasures that wait for them, and runs of retention"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0044"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment, json = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime(), sa.JSON().with_variant(JSONB(), "postgresql")
    accounts = ("owner_id", "proposed_by", "confirmed_by", "lift_asked_by", "lifted_by")
    op.create_table(
        "hold",
        sa.Column("id", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("scope", text, nullable=False),
        sa.Column("handles", json, nullable=False),
        sa.Column("partner_id", text, nullable=False),
        sa.Column("contract_id", text, nullable=False),
        sa.Column("since", moment, nullable=True),
        sa.Column("until", moment, nullable=True),
        sa.Column("ground", text, nullable=False),
        sa.Column("owner_id", text, nullable=False),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("entry_id", text, nullable=False),
        sa.Column("proposed_by", text, nullable=False),
        sa.Column("proposed_at", moment, nullable=False),
        sa.Column("confirmed_by", text, nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("lift_asked_by", text, nullable=True),
        sa.Column("lift_reason", text, nullable=False),
        sa.Column("lifted_by", text, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("passed", sa.BigInteger(), nullable=True),
        *(sa.ForeignKeyConstraint([name], ["account.id"]) for name in accounts),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_hold_state"), "hold", ["state"])
    op.create_index(op.f("ix_hold_ends_at"), "hold", ["ends_at"])
    op.create_table(
        "waiting_erasure",
        sa.Column("id", text, nullable=False),
        sa.Column("handles", json, nullable=False),
        sa.Column("hold_id", text, nullable=False),
        sa.Column("asked_by", text, nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("entry_id", text, nullable=False),
        sa.Column("done_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_waiting_erasure_done_at"), "waiting_erasure", ["done_at"])
    op.create_table(
        "retention_place",
        sa.Column("kind", text, nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )
    op.create_table(
        "retention_run",
        sa.Column("id", text, nullable=False),
        sa.Column("planned_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("policy", json, nullable=False),
        sa.Column("plan", json, nullable=False),
        sa.Column("entry_id", text, nullable=False),
        sa.Column("done_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_retention_run_done_at"), "retention_run", ["done_at"])


def downgrade() -> None:
    for table in ("retention_run", "retention_place", "waiting_erasure", "hold"):
        op.drop_table(table)
