"""the token that a program registered itself with"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Programs that registered before have none: their entries in the ledger say which it was.
    with op.batch_alter_table("client") as batch_op:
        batch_op.add_column(sa.Column("registered_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("client") as batch_op:
        batch_op.drop_column("registered_by")
