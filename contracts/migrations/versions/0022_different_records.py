"""which records left under a contract that caps different ones"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0022"
down_revision = "0019b"
branch_labels = None
depends_on = None

_text = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    op.create_table(
        "quota_distinct",
        sa.Column("contract_id", _text, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "version"),
    )
    op.create_table(
        "quota_seen",
        sa.Column("contract_id", _text, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("dataset", _text, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("ordinals", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "version", "dataset", "part"),
    )


def downgrade() -> None:
    op.drop_table("quota_seen")
    op.drop_table("quota_distinct")
