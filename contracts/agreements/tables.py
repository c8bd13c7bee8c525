"""Table of agreements that were signed before Licet, on their way in."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets


class Agreement(SQLModel, table=True):
    """One agreement as the operator brought it, exact to the byte. `state` is written by `agreements.service` alone, by its table."""

    __tablename__ = "agreement"

    id: str = Field(primary_key=True)
    state: str = Field(index=True)
    revision: int = Field(default=1, description="Rises with each change; a stale page is refused")
    organisation: str
    organisation_kind: str = Field(description="university, company, public body, other")
    country: str = Field(description="ISO 3166-1 alpha-2")
    contact_name: str
    contact_email: str = Field(index=True)
    title: str
    kind: str = Field(description="The kind of contract that it becomes")
    terms_json: str
    terms_sha256: str
    pdf: bytes = Field(sa_type=Octets)
    pdf_sha256: str = Field(index=True)
    staged_at: datetime
    confirmed_by: str | None = Field(default=None, foreign_key="account.id")
    confirmed_at: datetime | None = None
    settled_by: str | None = Field(default=None, foreign_key="account.id", description="Who confirmed it a second time, or rejected it")
    settled_at: datetime | None = None
    rejection: str = ""
    contract_id: str | None = Field(default=None, foreign_key="contract.id")
