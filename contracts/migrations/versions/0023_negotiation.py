"""negotiation: what partners ask to change, versions that were offered, and own clauses that staff confirmed"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counter_offer",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("contract_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wishes", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("made_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("made_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("outcome", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("answer", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("answered_by", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("answered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["account.id"]),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"]),
        sa.ForeignKeyConstraint(["made_by"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("counter_offer") as batch_op:
        batch_op.create_index(batch_op.f("ix_counter_offer_contract_id"), ["contract_id"], unique=False)
    op.create_table(
        "clause_confirmation",
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("clause", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("term", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("confirmed_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("confirmed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["confirmed_by"], ["account.id"]),
        sa.PrimaryKeyConstraint("sha256"),
    )
    with op.batch_alter_table("contract") as batch_op:
        batch_op.add_column(sa.Column("countered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    with op.batch_alter_table("contract_version") as batch_op:
        for name in ("made_by", "note"):
            batch_op.add_column(sa.Column(name, sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=""))
        batch_op.add_column(
            sa.Column("passages", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False, server_default=sa.text("'{}'"))
        )
        batch_op.add_column(sa.Column("offered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    # Until now a contract had one version, which the partner saw when the contract was offered.
    op.execute("UPDATE contract_version SET offered_at = (SELECT offered_at FROM contract WHERE contract.id = contract_version.contract_id)")


def downgrade() -> None:
    with op.batch_alter_table("contract_version") as batch_op:
        for name in ("offered_at", "passages", "note", "made_by"):
            batch_op.drop_column(name)
    with op.batch_alter_table("contract") as batch_op:
        batch_op.drop_column("countered_at")
    op.drop_table("clause_confirmation")
    op.drop_table("counter_offer")
