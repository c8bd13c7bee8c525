"""deliveries by part, day and contract, for questions about who holds what"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_text = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    op.create_table(
        "delivery_fold",
        sa.Column("dataset", _text, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("contract_id", _text, nullable=False),
        sa.Column("ordinals", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "part", "day", "contract_id"),
    )
    op.create_index("ix_delivery_fold_contract", "delivery_fold", ["contract_id", "day"])
    op.drop_index("ix_delivery_range", "delivery")
    op.drop_index("ix_delivery_at", "delivery")


def downgrade() -> None:
    op.create_index("ix_delivery_at", "delivery", ["at"])
    op.create_index("ix_delivery_range", "delivery", ["dataset", "lowest", "highest"])
    op.drop_index("ix_delivery_fold_contract", "delivery_fold")
    op.drop_table("delivery_fold")
