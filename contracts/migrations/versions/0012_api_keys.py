"""api keys: a kind of credential, datasets that one is held to, why it was revoked, and secrets found by their hash"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = (
    lambda: sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default="oauth_client"),
    lambda: sa.Column("datasets", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False, server_default="[]"),
    lambda: sa.Column("revoked_why", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=""),
)


def upgrade() -> None:
    with op.batch_alter_table("client") as batch_op:
        for column in _COLUMNS:
            batch_op.add_column(column())
        batch_op.create_index(batch_op.f("ix_client_secret_sha256"), ["secret_sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_client_earlier_sha256"), ["earlier_sha256"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("client") as batch_op:
        batch_op.drop_index(batch_op.f("ix_client_earlier_sha256"))
        batch_op.drop_index(batch_op.f("ix_client_secret_sha256"))
        for name in ("revoked_why", "datasets", "kind"):
            batch_op.drop_column(name)
