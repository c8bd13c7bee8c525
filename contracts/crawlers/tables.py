"""Table of crawler keys."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class CrawlerKey(SQLModel, table=True):
    """A key that a partner's crawler signs its requests with (Web Bot Auth), for one contract; good once it was proved."""

    __tablename__ = "crawler_key"

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    name: str
    thumbprint: str = Field(description="RFC 7638, as signatures name the key")
    x: str = Field(description="The public key, Ed25519, base64url")
    directory_url: str = Field(default="", description="The directory that it came from")
    live_thumbprint: str | None = Field(default=None, unique=True, description="The thumbprint while the key is proved and not revoked")
    nonce: str = Field(description="What the key signs to prove that the partner has it")
    nonce_until: datetime
    created_by: str = Field(foreign_key="account.id")
    created_at: datetime
    proved_at: datetime | None = None
    revoked_at: datetime | None = None
