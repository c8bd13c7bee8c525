"""details of authorization requests, and requests that were pushed ahead"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0014"
branch_labels = None
depends_on = None

_json = sa.JSON().with_variant(JSONB(), "postgresql")
_text = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    for table in ("authorization", "token_family"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("details", _json, nullable=False, server_default="[]"))
    op.create_table(
        "pushed_request",
        sa.Column("id", _text, nullable=False),
        sa.Column("client_id", _text, nullable=False),
        sa.Column("asked", _json, nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("pushed_request") as batch_op:
        for column in ("client_id", "expires_at"):
            batch_op.create_index(batch_op.f(f"ix_pushed_request_{column}"), [column], unique=False)


def downgrade() -> None:
    op.drop_table("pushed_request")
    for table in ("token_family", "authorization"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("details")
