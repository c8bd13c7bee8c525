"""sender constraint: codes and refresh tokens that are bound to a key"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0010"
down_revision = "0003"
branch_labels = None
depends_on = None

BOUND = ("authorization", "token_family")


def upgrade() -> None:
    for table in BOUND:
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("dpop_jkt", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=""))


def downgrade() -> None:
    for table in BOUND:
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("dpop_jkt")
