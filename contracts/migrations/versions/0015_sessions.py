"""sessions that can be listed, identities at institutions, hand-overs of leadership"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = "0015"
down_revision = "0010"
branch_labels = None
depends_on = None

_NEW = ("method", "browser", "network", "last_seen_at", "ref")


def upgrade() -> None:
    # Sessions last twelve hours at most and the new columns have no honest value for old ones: people sign in once more.
    op.execute("DELETE FROM sign_in_session")
    with op.batch_alter_table("sign_in_session") as batch_op:
        for name in ("ref", "network", "browser", "method"):
            batch_op.add_column(sa.Column(name, AutoString(), nullable=False))
        batch_op.add_column(sa.Column("last_seen_at", UTCDateTime(), nullable=False))
        batch_op.create_index(batch_op.f("ix_sign_in_session_ref"), ["ref"], unique=True)
    op.create_table(
        "identity",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("account_id", AutoString(), nullable=False),
        sa.Column("issuer", AutoString(), nullable=False),
        sa.Column("subject", AutoString(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("last_used_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issuer", "account_id"),
        sa.UniqueConstraint("issuer", "subject"),
    )
    with op.batch_alter_table("identity") as batch_op:
        batch_op.create_index(batch_op.f("ix_identity_account_id"), ["account_id"], unique=False)
    op.create_table(
        "hand_over",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("organisation_id", AutoString(), nullable=False),
        sa.Column("state", AutoString(), nullable=False),
        sa.Column("asked_by", AutoString(), nullable=False),
        sa.Column("named", AutoString(), nullable=False),
        sa.Column("reason", AutoString(), nullable=False),
        sa.Column("decided_by", AutoString(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["account.id"]),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"]),
        sa.ForeignKeyConstraint(["named"], ["account.id"]),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("hand_over") as batch_op:
        batch_op.create_index(batch_op.f("ix_hand_over_organisation_id"), ["organisation_id"], unique=False)


def downgrade() -> None:
    op.drop_table("hand_over")
    op.drop_table("identity")
    with op.batch_alter_table("sign_in_session") as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_session_ref"))
        for name in _NEW:
            batch_op.drop_column(name)
