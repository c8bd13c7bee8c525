"""one table for all that search knows of an entry; what was copied is made anew out of the leaves, by the job that follows the tree"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0043"
down_revision = "0044"
branch_labels = None
depends_on = None

_text = sqlmodel.sql.sqltypes.AutoString()
_big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_named = sa.text("subject IS NOT NULL")


def upgrade() -> None:
    for name in ("ledger_search", "entry_kind_of", "entry_kind_word", "entry_kind_day", "entry_kind"):
        op.drop_table(name)
    op.execute("DELETE FROM ledger_followed WHERE name = 'entry kinds'")
    op.create_table(
        "entry_kind",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, _text, nullable=False) for name in ("event", "decision", "rule", "organisation_id", "contract_id")),
        *(sa.Column(name, _text, nullable=False) for name in ("dataset", "credential_id", "purpose", "fields")),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("told"),
    )
    for name in ("organisation_id", "contract_id", "credential_id"):
        op.create_index(f"ix_entry_kind_{name}", "entry_kind", [name])
    op.create_table(
        "entry_kind_word",
        sa.Column("word", _text, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("word", "kind"),
    )
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
    op.create_table(
        "ledger_search",
        sa.Column("index", _big, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("subject", _text, nullable=True),
        sa.PrimaryKeyConstraint("index"),
    )
    op.create_index("ix_ledger_search_kind", "ledger_search", ["kind", "index"])
    op.create_index("ix_ledger_search_subject", "ledger_search", ["subject"], sqlite_where=_named, postgresql_where=_named)


def downgrade() -> None:
    raise NotImplementedError("what search knew before is not kept")
