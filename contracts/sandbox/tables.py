"""Table of sandbox credentials."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel


class SandboxClient(SQLModel, table=True):
    """An OAuth client that reads invented rows. It belongs to an organisation and to no contract; the secret is kept as SHA-256.

    A table of its own: nothing that goes from a contract to its credentials, or from a credential to its contract, meets one.
    """

    __tablename__ = "sandbox_client"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    name: str
    secret_sha256: str
    created_by: str = Field(foreign_key="account.id")
    created_at: datetime
    last_day: date = Field(description="In the platform's time zone")
    rotated_at: datetime | None = None
    tokens_since: datetime | None = Field(default=None, description="Tokens issued up to then are over, as the secret is that they came by")
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    last_network: str = Field(default="", description="The network prefix of the last use; written later, by a job")
