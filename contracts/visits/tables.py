"""Tables of visits."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets, json_type


class AuditVisit(SQLModel, table=True):
    """What an auditor from outside may read, and until when.

    A slice is a partner's entries, a period's, or those of one person's records; of a person nothing is kept but the places of the
    entries, found when the visit was opened, so that the row names nobody.
    """

    __tablename__ = "audit_visit"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True, description="The authority, as an organisation of its own")
    email: str = Field(description="To whom the invitation went")
    slice: str = Field(description="contracts.visits.decide.Slice")
    partner_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    places: bytes = Field(default=b"", sa_type=Octets, description="Indexes of entries as a packed set; of a person's slice alone")
    contracts: list[str] = Field(default_factory=list, sa_type=json_type, description="Contracts that hold the person's records")  # type: ignore[call-overload]  # a factory of the type is accepted
    opened_by: str = Field(foreign_key="account.id")
    opened_at: datetime
    ends_at: datetime = Field(index=True)
    ended_at: datetime | None = None
