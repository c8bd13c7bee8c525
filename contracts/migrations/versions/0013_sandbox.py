"""sandbox credentials: a table of their own, and tokens revoked early that are under no contract"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0013"
down_revision = "0015"
branch_labels = None
depends_on = None

_text, _moment = sqlmodel.sql.sqltypes.AutoString(), sqlmodel.sql.sqltypes.UTCDateTime()
# Neither store was told a name for the key; this is what PostgreSQL called it, and what SQLite is told while it is dropped.
_NAMING = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}
_KEY = "denied_token_contract_id_fkey"


def upgrade() -> None:
    op.create_table(
        "sandbox_client",
        *(sa.Column(name, _text, nullable=False) for name in ("id", "organisation_id", "name", "secret_sha256", "created_by")),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        *(sa.Column(name, _moment, nullable=True) for name in ("rotated_at", "tokens_since", "revoked_at", "last_used_at")),
        sa.Column("last_network", _text, nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"]),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("sandbox_client") as batch_op:
        batch_op.create_index(batch_op.f("ix_sandbox_client_organisation_id"), ["organisation_id"], unique=False)
    with op.batch_alter_table("denied_token", naming_convention=_NAMING) as batch_op:
        batch_op.drop_constraint(_KEY, type_="foreignkey")


def downgrade() -> None:
    with op.batch_alter_table("denied_token", naming_convention=_NAMING) as batch_op:
        batch_op.create_foreign_key(_KEY, "contract", ["contract_id"], ["id"])
    op.drop_table("sandbox_client")
