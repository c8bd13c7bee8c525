"""Tables of credentials."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class Client(SQLModel, table=True):
    """A credential of one contract: an OAuth client, whose `id` is its client_id, or an API key.

    The secret is kept as SHA-256 and shown once.
    """

    __tablename__ = "client"

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    name: str
    kind: str = Field(default="oauth_client", description="oauth_client, or api_key: a secret that is sent with each request")
    audience: str = Field(description="api: reads records; site: fetches the main site through the gate")
    scopes: list[str] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    secret_sha256: str = Field(index=True)
    auth_method: str = Field(
        default="client_secret", description="client_secret (Basic or in the body), private_key_jwt, none; bearer for a key"
    )
    grant_types: list[str] = Field(default_factory=lambda: ["client_credentials"], sa_type=json_type)  # type: ignore[call-overload]  # as above
    redirect_uris: list[str] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # as above
    jwks: dict[str, Any] | None = Field(default=None, sa_type=json_type)  # type: ignore[call-overload]  # as above
    jwks_uri: str = Field(default="", description="Where its keys are, instead of jwks")
    dpop_bound: bool = Field(default=False, description="Its tokens must be bound to a key of its own")
    registration_sha256: str = Field(default="", description="Of the token that a program which registered itself manages itself with")
    registered_by: str = Field(default="", description="The token that such a program registered itself with, by its id")
    registered_method: str = Field(default="", description="How such a program said that it proves itself, in the words of RFC 7591")
    created_by: str = Field(foreign_key="account.id")
    created_at: datetime
    revoked_at: datetime | None = None
    revoked_why: str = Field(
        default="",
        description="leaked where somebody reported the secret, withdrawn where the program ended itself; empty where people ended it",
    )
    last_used_at: datetime | None = None
    last_network: str = Field(default="", description="The network prefix of the last use; written later, by a job")
    networks: list[str] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # as above
    last_day: date | None = Field(default=None, description="In the platform's time zone; none for the contract's own")
    datasets: list[str] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # as above
    rotated_at: datetime | None = None
    earlier_sha256: str = Field(
        default="", index=True, description="The secret before the last rotation, which works until `earlier_until`"
    )
    earlier_until: datetime | None = None
    tokens_since: datetime | None = Field(default=None, description="Tokens issued up to then are over, as the secret is that they came by")


class RegistrationToken(SQLModel, table=True):
    """What lets programs register themselves under one contract: kept as SHA-256, good for some programs and some days."""

    __tablename__ = "registration_token"

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    token_sha256: str = Field(unique=True, index=True)
    uses_left: int
    created_by: str = Field(foreign_key="account.id")
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


class CredentialDay(SQLModel, table=True):
    """What one credential was used for on one day of the platform's time zone."""

    __tablename__ = "credential_day"

    credential_id: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    requests: int = Field(default=0, sa_type=BigInteger)
    records: int = Field(default=0, sa_type=BigInteger)


class Followed(SQLModel, table=True):
    """How far one follower has read the ledger: the index of the entry that it reads next."""

    __tablename__ = "ledger_followed"

    name: str = Field(primary_key=True)
    next: int = Field(default=0, sa_type=BigInteger)


class KeptToken(SQLModel, table=True):
    """An access token that was issued, kept until it has ended: a token that is not here was signed by someone else."""

    __tablename__ = "issued_token"
    # Each token writes here: on SQLite the key is the table itself.
    __table_args__ = {"sqlite_with_rowid": False}

    jti: str = Field(primary_key=True)
    signed_sha256: bytes = Field(description="Over the text that was signed, so that no other claims pass under the same jti")
    ends_at: datetime = Field(index=True)


class SpentProof(SQLModel, table=True):
    """A client assertion or DPoP proof that was used; kept until its time alone would refuse it."""

    __tablename__ = "spent_proof"

    id: str = Field(primary_key=True, description="SHA-256 of kind, owner and jti")
    ends_at: datetime = Field(index=True)


class DeniedToken(SQLModel, table=True):
    """An access token, or every token of one family, that was revoked before its end. Swept once it would have ended anyway."""

    __tablename__ = "denied_token"

    id: str = Field(primary_key=True, description="The jti of a token, or the id of a family")
    contract_id: str = Field(index=True, description="A contract's, or what a sandbox has in its place")
    denied_at: datetime
    ends_at: datetime = Field(index=True)


class Authorization(SQLModel, table=True):
    """A person's answer to a program that asks to read under a contract: asked, decided, and its code redeemed, each at most once."""

    __tablename__ = "authorization"

    id: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="client.id", index=True)
    contract_id: str = Field(foreign_key="contract.id")
    organisation_id: str = Field(foreign_key="organisation.id")
    redirect_uri: str
    state: str = ""
    scope: str
    code_challenge: str
    dpop_jkt: str = Field(default="", description="The key that the code is bound to, by its thumbprint (RFC 9449 section 10)")
    created_at: datetime
    expires_at: datetime = Field(index=True)
    account_id: str | None = Field(default=None, foreign_key="account.id")
    decision: str = Field(default="", description="allow, deny, or empty while nobody decided")
    code_sha256: str | None = Field(default=None, unique=True, index=True)
    spent_at: datetime | None = None
    family_id: str | None = None
    details: list[dict[str, Any]] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # as above


class PushedRequest(SQLModel, table=True):
    """An authorization request that a client sent ahead, for one use by that client within a minute and a half (RFC 9126)."""

    __tablename__ = "pushed_request"

    id: str = Field(primary_key=True, description="SHA-256 of the request_uri")
    client_id: str = Field(foreign_key="client.id", index=True)
    asked: list[list[str]] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # as above
    expires_at: datetime = Field(index=True)


class TokenFamily(SQLModel, table=True):
    """Every token that comes from one consent of one person; they end together."""

    __tablename__ = "token_family"

    id: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="client.id", index=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    account_id: str = Field(foreign_key="account.id", index=True)
    scope: str
    dpop_jkt: str = Field(default="", description="The key that a public client's refresh tokens are bound to (RFC 9449 section 5)")
    created_at: datetime
    expires_at: datetime = Field(index=True)
    revoked_at: datetime | None = None
    details: list[dict[str, Any]] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # as above


class RefreshToken(SQLModel, table=True):
    """One refresh token, kept as SHA-256; good once."""

    __tablename__ = "refresh_token"

    id: str = Field(primary_key=True)
    family_id: str = Field(foreign_key="token_family.id", index=True)
    issued_at: datetime
    spent_at: datetime | None = None
