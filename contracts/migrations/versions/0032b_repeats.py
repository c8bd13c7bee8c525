"""answers that may be fetched again free"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0032b"
down_revision = "0032"
branch_labels = None
depends_on = None

_text = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    op.create_table(
        "quota_repeat",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", _text, nullable=False),
        sa.Column("ends_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    with op.batch_alter_table("quota_repeat") as batch_op:
        batch_op.create_index(batch_op.f("ix_quota_repeat_ends_at"), ["ends_at"], unique=False)
    op.add_column("delivery", sa.Column("free", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("delivery") as batch_op:
        batch_op.drop_column("free")
    op.drop_table("quota_repeat")
