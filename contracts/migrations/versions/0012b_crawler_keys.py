"""crawler keys: which key of a crawler stands for which contract"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0012b"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crawler_key",
        *(
            sa.Column(name, sqlmodel.sql.sqltypes.AutoString(), nullable=False)
            for name in ("id", "contract_id", "organisation_id", "name", "thumbprint", "x", "directory_url")
        ),
        sa.Column("live_thumbprint", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("nonce", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("nonce_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("created_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("proved_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("revoked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"]),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("live_thumbprint"),
    )
    op.create_index(op.f("ix_crawler_key_contract_id"), "crawler_key", ["contract_id"], unique=False)


def downgrade() -> None:
    op.drop_table("crawler_key")
