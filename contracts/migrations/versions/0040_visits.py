"""visits of auditors from outside"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0040"
down_revision = "0041b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
    op.create_table(
        "audit_visit",
        sa.Column("id", text, nullable=False),
        sa.Column("organisation_id", text, nullable=False),
        sa.Column("email", text, nullable=False),
        sa.Column("slice", text, nullable=False),
        sa.Column("partner_id", text, nullable=False),
        sa.Column("since", moment, nullable=True),
        sa.Column("until", moment, nullable=True),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.Column("contracts", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("opened_by", text, nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["opened_by"], ["account.id"]),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_audit_visit_ends_at"), "audit_visit", ["ends_at"])
    op.create_index(op.f("ix_audit_visit_organisation_id"), "audit_visit", ["organisation_id"])


def downgrade() -> None:
    op.drop_table("audit_visit")
