"""bytes of a quota day"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of days before this there is nothing to count: no contract could cap bytes.
    op.add_column("quota_day", sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("quota_day", "bytes", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("quota_day") as table:
        table.drop_column("bytes")
