"""credentials: bounds, rotation and last use of a client"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0007"
branch_labels = None
depends_on = None

_json = sa.JSON().with_variant(JSONB(), "postgresql")
_text = sqlmodel.sql.sqltypes.AutoString()
_moment = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    with op.batch_alter_table("client") as batch_op:
        batch_op.add_column(sa.Column("last_network", _text, nullable=False, server_default=""))
        batch_op.add_column(sa.Column("networks", _json, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("last_day", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("earlier_sha256", _text, nullable=False, server_default=""))
        for moment in ("rotated_at", "earlier_until", "tokens_since"):
            batch_op.add_column(sa.Column(moment, _moment, nullable=True))
    op.create_table(
        "credential_day",
        sa.Column("credential_id", _text, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("credential_id", "day"),
    )
    op.create_table(
        "ledger_followed",
        sa.Column("name", _text, nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("ledger_followed")
    op.drop_table("credential_day")
    with op.batch_alter_table("client") as batch_op:
        for column in ("tokens_since", "earlier_until", "rotated_at", "earlier_sha256", "last_day", "networks", "last_network"):
            batch_op.drop_column(column)
