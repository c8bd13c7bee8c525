"""what entries of a kind there were is kept by kind and then by day, so that a question for few kinds reads only theirs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0047"
branch_labels = None
depends_on = None

_COLUMNS = "kind, day, entries, records, first, last"


def upgrade() -> None:
    op.rename_table("entry_kind_day", "entry_kind_day_before")
    op.create_table(
        "entry_kind_day",
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "day", name="pk_entry_kind_day"),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO entry_kind_day ({_COLUMNS}) SELECT {_COLUMNS} FROM entry_kind_day_before ORDER BY kind, day")
    op.drop_table("entry_kind_day_before")


def downgrade() -> None:
    raise NotImplementedError("the table holds the same either way")
