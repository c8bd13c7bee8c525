"""kinds of entries with their words, and how many of each there were on a day, for search"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0041b"
down_revision = "0038"
branch_labels = None
depends_on = None

_text = sqlmodel.sql.sqltypes.AutoString()
_big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_index("ix_ledger_search_credential_id", "ledger_search", ["credential_id"])
    op.create_table(
        "entry_kind",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, _text, nullable=False) for name in ("event", "decision", "rule", "organisation_id", "contract_id")),
        *(sa.Column(name, _text, nullable=False) for name in ("dataset", "purpose", "fields")),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("told"),
    )
    op.create_table(
        "entry_kind_word",
        sa.Column("word", _text, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("word", "kind"),
    )
    op.create_table(
        "entry_kind_of",
        sa.Column("index", _big, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("index"),
    )
    op.create_index("ix_entry_kind_of_kind", "entry_kind_of", ["kind", "index"])
    op.create_table(
        "entry_kind_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "kind"),
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_search_credential_id", "ledger_search")
    for name in ("entry_kind_day", "entry_kind_of", "entry_kind_word", "entry_kind"):
        op.drop_table(name)
