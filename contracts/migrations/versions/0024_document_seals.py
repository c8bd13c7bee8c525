"""certificates of the platform's seal, and how a document was sealed"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0024"
down_revision = "0025b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signing_certificate",
        sa.Column("key_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["key.id"], name=op.f("fk_signing_certificate_key_id_key")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_signing_certificate")),
        sa.UniqueConstraint("sha256", name=op.f("uq_signing_certificate_sha256")),
    )
    # Documents made before carry no seal, which their empty profile says.
    with op.batch_alter_table("signed_document") as batch_op:
        batch_op.add_column(sa.Column("profile", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("certificate_sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("signed_document") as batch_op:
        batch_op.drop_column("certificate_sha256")
        batch_op.drop_column("profile")
    op.drop_table("signing_certificate")
