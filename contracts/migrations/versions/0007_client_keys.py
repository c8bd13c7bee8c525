"""client keys and proofs: how clients prove themselves, and what may be used once"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spent_proof",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("ends_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("spent_proof") as batch_op:
        batch_op.create_index(batch_op.f("ix_spent_proof_ends_at"), ["ends_at"], unique=False)
    with op.batch_alter_table("client") as batch_op:
        batch_op.add_column(sa.Column("jwks", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(sa.Column("jwks_uri", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("dpop_bound", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("client") as batch_op:
        for name in ("dpop_bound", "jwks_uri", "jwks"):
            batch_op.drop_column(name)
    op.drop_table("spent_proof")
