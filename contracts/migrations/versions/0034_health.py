"""how requests to /v1 ended, by minute and by contract and day"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0034"
down_revision = "0032c"
branch_labels = None
depends_on = None

_ENDS = ("answered", "refused", "failed")


def upgrade() -> None:
    op.create_table(
        "health_minute",
        sa.Column("minute", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        *(sa.Column(each, sa.Integer(), nullable=False) for each in _ENDS),
        sa.PrimaryKeyConstraint("minute"),
    )
    op.create_table(
        "health_day",
        sa.Column("contract_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(each, sa.Integer(), nullable=False) for each in _ENDS),
        sa.PrimaryKeyConstraint("contract_id", "day"),
    )
    op.create_index("ix_health_day_day", "health_day", ["day"])


def downgrade() -> None:
    op.drop_table("health_day")
    op.drop_table("health_minute")
