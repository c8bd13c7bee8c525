"""directories of crawlers' keys"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0049"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
    op.create_table(
        "crawler_directory",
        sa.Column("id", text, nullable=False),
        sa.Column("contract_id", text, nullable=False),
        sa.Column("keys", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("fetched_at", moment, nullable=True),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("problem", text, nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_crawler_directory_contract_id"), "crawler_directory", ["contract_id"])


def downgrade() -> None:
    op.drop_table("crawler_directory")
