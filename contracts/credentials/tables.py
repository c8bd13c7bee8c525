"""Tables of credentials."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class Client(SQLModel, table=True):
    """An OAuth client of one contract; `id` is its client_id. The secret is kept as SHA-256 and shown once."""

    __tablename__ = "client"

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    name: str
    audience: str = Field(description="api: reads records; site: fetches the main site through the gate")
    scopes: list[str] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    secret_sha256: str
    created_by: str = Field(foreign_key="account.id")
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class KeptToken(SQLModel, table=True):
    """An access token that was issued, kept until it has ended: a token that is not here was signed by someone else."""

    __tablename__ = "issued_token"

    jti: str = Field(primary_key=True)
    signed_sha256: bytes = Field(description="Over the text that was signed, so that no other claims pass under the same jti")
    ends_at: datetime = Field(index=True)


class DeniedToken(SQLModel, table=True):
    """An access token, or every token of one family, that was revoked before its end. Swept once it would have ended anyway."""

    __tablename__ = "denied_token"

    id: str = Field(primary_key=True, description="The jti of a token, or the id of a family")
    contract_id: str = Field(foreign_key="contract.id", index=True)
    denied_at: datetime
    ends_at: datetime = Field(index=True)
