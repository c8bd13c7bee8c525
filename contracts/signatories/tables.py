"""Table of requests to sign: whom the lead named to bind the organisation, and how far that has come."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class SigningRequest(SQLModel, table=True):
    """One person asked to sign one contract. Open until the contract is signed or the lead takes it back; one is open at a time."""

    __tablename__ = "signing_request"

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    name: str
    email: str
    named_by: str = Field(foreign_key="account.id")
    link_id: str = Field(foreign_key="one_time_link.id", unique=True, description="The newest link that went to the person")
    created_at: datetime
    reminded_at: datetime | None = None
    reminders: int = 0
    accepted_by: str | None = Field(default=None, foreign_key="account.id", description="The account with which the person came")
    accepted_at: datetime | None = None
    signed_at: datetime | None = None
    withdrawn_at: datetime | None = None
