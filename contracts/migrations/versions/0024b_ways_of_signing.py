"""who is asked to sign, and how a signature was given"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0024b"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString
    moment = sqlmodel.sql.sqltypes.UTCDateTime
    op.create_table(
        "signing_request",
        sa.Column("id", text(), nullable=False),
        sa.Column("contract_id", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("email", text(), nullable=False),
        sa.Column("named_by", text(), nullable=False),
        sa.Column("link_id", text(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("reminded_at", moment(), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("accepted_by", text(), nullable=True),
        sa.Column("accepted_at", moment(), nullable=True),
        sa.Column("signed_at", moment(), nullable=True),
        sa.Column("withdrawn_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(["accepted_by"], ["account.id"], name=op.f("fk_signing_request_accepted_by_account")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_signing_request_contract_id_contract")),
        sa.ForeignKeyConstraint(["link_id"], ["one_time_link.id"], name=op.f("fk_signing_request_link_id_one_time_link")),
        sa.ForeignKeyConstraint(["named_by"], ["account.id"], name=op.f("fk_signing_request_named_by_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_request")),
        sa.UniqueConstraint("link_id", name=op.f("uq_signing_request_link_id")),
    )
    op.create_index(op.f("ix_signing_request_contract_id"), "signing_request", ["contract_id"])
    # Every signature so far was given in an account, and nobody was asked what lets them sign.
    with op.batch_alter_table("signature") as batch_op:
        batch_op.add_column(sa.Column("method", text(), nullable=False, server_default="account"))
        for name in ("authority", "file_sha256", "file_type"):
            batch_op.add_column(sa.Column(name, text(), nullable=False, server_default=""))
    with op.batch_alter_table("contract") as batch_op:
        batch_op.add_column(sa.Column("compared_by", text(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_contract_compared_by_account"), "account", ["compared_by"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("contract") as batch_op:
        batch_op.drop_constraint(op.f("fk_contract_compared_by_account"), type_="foreignkey")
        batch_op.drop_column("compared_by")
    with op.batch_alter_table("signature") as batch_op:
        for name in ("file_type", "file_sha256", "authority", "method"):
            batch_op.drop_column(name)
    op.drop_index(op.f("ix_signing_request_contract_id"), "signing_request")
    op.drop_table("signing_request")
