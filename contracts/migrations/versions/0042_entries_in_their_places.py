"""entries are written into their places of the tree at once; what search knows of them stands beside

Entries that wait move to the end of the ledger in their order, and what is copied from leaves into a table of its own.
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_COPIED = ("at", "event", "decision", "rule", "organisation_id", "contract_id", "dataset", "credential_id", "subject")
_INDEXED = ("at", "event", "decision", "organisation_id", "contract_id", "dataset", "subject")
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _columns() -> list[sa.Column[object]]:
    text = sqlmodel.sql.sqltypes.AutoString()
    return [sa.Column(name, sqlmodel.sql.sqltypes.UTCDateTime() if name == "at" else text, nullable=False) for name in _COPIED]


def upgrade() -> None:
    op.create_table(
        "ledger_search",
        sa.Column("index", _BIG, nullable=False),
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        *_columns(),
        sa.PrimaryKeyConstraint("index"),
    )
    names = ", ".join(('"index"', "id", *_COPIED))
    op.execute(f"INSERT INTO ledger_search ({names}) SELECT {names} FROM ledger_entry")
    op.create_index("ix_ledger_search_id", "ledger_search", ["id"], unique=True)
    for name in _INDEXED:
        op.create_index(f"ix_ledger_search_{name}", "ledger_search", [name])
        op.drop_index(f"ix_ledger_entry_{name}", "ledger_entry")
    with op.batch_alter_table("ledger_entry") as table:
        for name in ("leaf_hash", *_COPIED):
            table.drop_column(name)
    op.execute(
        'INSERT INTO ledger_entry ("index", id, leaf) SELECT (SELECT count(*) FROM ledger_entry) + row_number() OVER (ORDER BY seq) - 1,'
        " id, leaf FROM ledger_staged"
    )
    op.drop_table("ledger_staged")
    op.create_table(
        "ledger_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("written", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO ledger_counter (id, written) SELECT 1, count(*) FROM ledger_entry")


def downgrade() -> None:
    raise NotImplementedError("what waits for the tree has its place in it already")
