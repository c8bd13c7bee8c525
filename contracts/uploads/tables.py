"""The table of documents that were handed in with applications."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class Evidence(SQLModel, table=True):
    """One document. Its bytes lie in a file under home that is named by their hash and this id; a removed one's row stays."""

    __tablename__ = "evidence"

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    kind: str = Field(description="A code of contracts.uploads.kinds")
    name: str = Field(description="As the person's own machine called it; no path")
    media_type: str = Field(description="By what the bytes are, not by the name")
    size: int = Field(sa_type=BigInteger, description="Bytes")
    sha256: str
    added_by: str = Field(foreign_key="account.id")
    added_at: datetime
    removed_at: datetime | None = None
