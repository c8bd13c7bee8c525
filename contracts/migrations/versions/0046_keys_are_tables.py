"""on SQLite the key of values and of issued tokens is the table itself; of networks only those beside a subject are indexed"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0046"
down_revision = "0043"
branch_labels = None
depends_on = None

_text = sqlmodel.sql.sqltypes.AutoString()
_beside = sa.text("network IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_ledger_value_network", "ledger_value")
    if op.get_bind().dialect.name == "sqlite":
        _without_row_numbers()
    op.create_index("ix_ledger_value_network", "ledger_value", ["network"], sqlite_where=_beside, postgresql_where=_beside)


def _without_row_numbers() -> None:
    for table, index in (("ledger_value", "subject"), ("issued_token", "ends_at")):
        op.drop_index(f"ix_{table}_{index}", table)
        op.rename_table(table, f"{table}_before")
    op.create_table(
        "ledger_value",
        sa.Column("entry_id", _text, nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("network", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "subject"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issued_token",
        sa.Column("jti", _text, nullable=False),
        sa.Column("signed_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("jti"),
        sqlite_with_rowid=False,
    )
    for table, index, columns in (
        ("ledger_value", "subject", "entry_id, subject, network, sealed"),
        ("issued_token", "ends_at", "jti, signed_sha256, ends_at"),
    ):
        op.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_before")
        op.drop_table(f"{table}_before")
        op.create_index(f"ix_{table}_{index}", table, [index])


def downgrade() -> None:
    raise NotImplementedError("the tables hold the same either way")
