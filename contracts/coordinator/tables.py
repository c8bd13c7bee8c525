"""The table of Coordinators' reasoned requests."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel


class ReasonedRequest(SQLModel, table=True):
    """A request under Art. 40(4) of Regulation (EU) 2022/2065, as it was received. `state` is written by `coordinator.service` alone."""

    __tablename__ = "reasoned_request"

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id", unique=True, index=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    state: str = Field(index=True)
    revision: int = Field(default=1, description="Rises with each change; a stale page is refused")
    coordinator: str = Field(description="The Digital Services Coordinator of establishment that sent it")
    reference: str = Field(description="Its own reference of the request")
    received_on: date
    amend_by: date = Field(description="The last day on which an amendment may be asked for: 15 days after receipt")
    text: str = Field(description="The request's words, as received")
    text_sha256: str
    modalities: str = Field(default="", description="The access modalities that it names")
    retention_days: int | None = Field(default=None, description="Days that records may be kept, where the request says so")
    erasure_hours: int | None = Field(default=None, description="Hours within which erasures are carried out, where the request says so")
    entered_by: str = Field(foreign_key="account.id")
    entered_at: datetime
    ground: str = Field(default="", description="contracts.coordinator.grounds.Ground of an amendment that was asked for")
    amendment: str = Field(default="", description="Why, and which other data or means would do")
    asked_by: str | None = Field(default=None, foreign_key="account.id")
    asked_on: date | None = None
    answer: str = Field(default="", description="The Coordinator's answer to the amendment, as received")
    answered_at: datetime | None = None
