"""Tables of crawler keys and of the directories that list them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


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


class CrawlerDirectory(SQLModel, table=True):
    """A key set that one contract proved keys of, and what it publishes; looked at again every ten minutes."""

    __tablename__ = "crawler_directory"

    id: str = Field(primary_key=True, description="Its address, normalised and without query")
    contract_id: str = Field(foreign_key="contract.id", index=True)
    keys: dict[str, Any] = Field(default_factory=dict, sa_type=json_type, description="Usable public JWKs by thumbprint")  # type: ignore[call-overload]  # a factory of the type is accepted
    fetched_at: datetime | None = Field(default=None, description="When `keys` were answered; empty: never yet, so proved keys count")
    next_at: datetime
    problem: str = Field(default="", description="Why the last look failed")
