"""who was told how much of a quota is used"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0032c"
down_revision = "0032b"
branch_labels = None
depends_on = None

_text = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    op.create_table(
        "quota_alert",
        sa.Column("contract_id", _text, nullable=False),
        sa.Column("term", _text, nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "term", "since", "limit", "percent"),
    )


def downgrade() -> None:
    op.drop_table("quota_alert")
