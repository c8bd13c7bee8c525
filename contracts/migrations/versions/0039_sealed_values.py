"""personal values of the ledger are sealed under keys of those whom they are about; `licet migrate` seals those that are there"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0039"
down_revision = "0040"
branch_labels = None
depends_on = None

_PLAIN = ("entry_id", "field", "value", "salt")


def upgrade() -> None:
    text, names = sqlmodel.sql.sqltypes.AutoString(), ", ".join(_PLAIN)
    columns = [sa.Column(name, sa.LargeBinary() if name == "salt" else text, nullable=False) for name in _PLAIN]
    op.create_table("ledger_plain_value", *columns, sa.PrimaryKeyConstraint("entry_id", "field"))
    op.execute(f"INSERT INTO ledger_plain_value ({names}) SELECT {names} FROM ledger_value")
    op.drop_table("ledger_value")
    op.create_table(
        "ledger_value",
        sa.Column("entry_id", text, nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("network", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "subject"),
    )
    op.create_index("ix_ledger_value_subject", "ledger_value", ["subject"])
    op.create_index("ix_ledger_value_network", "ledger_value", ["network"])


def downgrade() -> None:
    raise NotImplementedError("what is sealed is not written in clear again")
