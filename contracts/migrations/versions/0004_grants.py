"""grants: what people allow programs, and tokens revoked before their end"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0001"
branch_labels = None
depends_on = None

_json = sa.JSON().with_variant(JSONB(), "postgresql")
_text = sqlmodel.sql.sqltypes.AutoString()
_moment = sqlmodel.sql.sqltypes.UTCDateTime()


def upgrade() -> None:
    with op.batch_alter_table("client") as batch_op:
        batch_op.add_column(sa.Column("auth_method", _text, nullable=False, server_default="client_secret"))
        batch_op.add_column(sa.Column("grant_types", _json, nullable=False, server_default='["client_credentials"]'))
        batch_op.add_column(sa.Column("redirect_uris", _json, nullable=False, server_default="[]"))
    _denied()
    _authorization()
    _families()


def downgrade() -> None:
    for table in ("refresh_token", "token_family", "authorization", "denied_token"):
        op.drop_table(table)
    with op.batch_alter_table("client") as batch_op:
        for column in ("auth_method", "grant_types", "redirect_uris"):
            batch_op.drop_column(column)


def _denied() -> None:
    op.create_table(
        "denied_token",
        sa.Column("id", _text, nullable=False),
        sa.Column("contract_id", _text, nullable=False),
        sa.Column("denied_at", _moment, nullable=False),
        sa.Column("ends_at", _moment, nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("denied_token", "contract_id", "ends_at")


def _authorization() -> None:
    op.create_table(
        "authorization",
        *(sa.Column(name, _text, nullable=False) for name in ("id", "client_id", "contract_id", "organisation_id", "redirect_uri")),
        *(sa.Column(name, _text, nullable=False) for name in ("state", "scope", "code_challenge")),
        *(sa.Column(name, _moment, nullable=False) for name in ("created_at", "expires_at")),
        sa.Column("account_id", _text, nullable=True),
        sa.Column("decision", _text, nullable=False),
        sa.Column("code_sha256", _text, nullable=True),
        sa.Column("spent_at", _moment, nullable=True),
        sa.Column("family_id", _text, nullable=True),
        *(sa.ForeignKeyConstraint([f"{table}_id"], [f"{table}.id"]) for table in ("account", "client", "contract", "organisation")),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("authorization", "client_id", "expires_at")
    with op.batch_alter_table("authorization") as batch_op:
        batch_op.create_index(batch_op.f("ix_authorization_code_sha256"), ["code_sha256"], unique=True)


def _families() -> None:
    op.create_table(
        "token_family",
        *(sa.Column(name, _text, nullable=False) for name in ("id", "client_id", "contract_id", "organisation_id", "account_id", "scope")),
        *(sa.Column(name, _moment, nullable=False) for name in ("created_at", "expires_at")),
        sa.Column("revoked_at", _moment, nullable=True),
        *(sa.ForeignKeyConstraint([f"{table}_id"], [f"{table}.id"]) for table in ("account", "client", "contract", "organisation")),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("token_family", "client_id", "contract_id", "account_id", "expires_at")
    op.create_table(
        "refresh_token",
        sa.Column("id", _text, nullable=False),
        sa.Column("family_id", _text, nullable=False),
        sa.Column("issued_at", _moment, nullable=False),
        sa.Column("spent_at", _moment, nullable=True),
        sa.ForeignKeyConstraint(["family_id"], ["token_family.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("refresh_token", "family_id")


def _index(table: str, *columns: str) -> None:
    with op.batch_alter_table(table) as batch_op:
        for column in columns:
            batch_op.create_index(batch_op.f(f"ix_{table}_{column}"), [column], unique=False)
