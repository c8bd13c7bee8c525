"""values stand by stretches of the ledger in their indexes, so that what is written together stands together"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_STRETCH = 1024
_beside = sa.text("network IS NOT NULL")


def upgrade() -> None:
    for index in ("ix_ledger_value_subject", "ix_ledger_value_network"):
        op.drop_index(index, "ledger_value")
    if op.get_bind().dialect.name == "sqlite":
        _anew()
    else:
        op.add_column("ledger_value", sa.Column("stretch", sa.BigInteger(), nullable=False, server_default="0"))
        op.alter_column("ledger_value", "stretch", server_default=None)
        op.execute(f'UPDATE ledger_value SET stretch = e."index" / {_STRETCH} FROM ledger_entry e WHERE e.id = ledger_value.entry_id')
    op.create_index("ix_ledger_value_subject", "ledger_value", ["stretch", "subject"])
    op.create_index("ix_ledger_value_network", "ledger_value", ["stretch", "network"], sqlite_where=_beside, postgresql_where=_beside)


def _anew() -> None:
    """A copy costs SQLite less than a column that is filled afterwards."""
    op.rename_table("ledger_value", "ledger_value_before")
    op.create_table(
        "ledger_value",
        sa.Column("entry_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("network", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("stretch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "subject"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO ledger_value (entry_id, subject, network, sealed, stretch)"
        f' SELECT v.entry_id, v.subject, v.network, v.sealed, coalesce(e."index", 0) / {_STRETCH}'
        " FROM ledger_value_before v LEFT JOIN ledger_entry e ON e.id = v.entry_id ORDER BY v.entry_id, v.subject"
    )
    op.drop_table("ledger_value_before")


def downgrade() -> None:
    raise NotImplementedError("the table holds the same either way")
