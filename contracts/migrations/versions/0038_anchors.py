"""who outside holds checkpoints of the ledger, and the logs that were closed"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0038"
down_revision = "0042"
branch_labels = None
depends_on = None

_text = sqlmodel.sql.sqltypes.AutoString()
_moment = sqlmodel.sql.sqltypes.UTCDateTime()
_size = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ledger_witness",
        sa.Column("origin", _text, nullable=False),
        sa.Column("key", _text, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", _moment, nullable=False),
        sa.Column("problem", _text, nullable=False),
        sa.Column("problem_since", _moment, nullable=True),
        sa.Column("refuses", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "key"),
    )
    op.create_table(
        "ledger_cosignature",
        sa.Column("size", _size, nullable=False),
        sa.Column("key", _text, nullable=False),
        sa.Column("line", _text, nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("size", "key"),
    )
    op.create_table(
        "ledger_stamp",
        sa.Column("size", _size, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("by", _text, nullable=False),
        sa.Column("at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "ledger_log",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("origin", _text, nullable=False),
        sa.Column("key", _text, nullable=False),
        sa.Column("opened_at", _moment, nullable=False),
        sa.Column("closed_at", _moment, nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("closing", _text, nullable=False),
        sa.Column("why", _text, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("origin"),
    )


def downgrade() -> None:
    for table in ("ledger_log", "ledger_stamp", "ledger_cosignature", "ledger_witness"):
        op.drop_table(table)
