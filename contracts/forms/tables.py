"""Tables of forms."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class FormVersion(SQLModel, table=True):
    """A form that an application began with: never changed, and named by the SHA-256 of its JSON."""

    __tablename__ = "form_version"

    sha256: str = Field(primary_key=True)
    kind: str
    dataset: str
    content: str = Field(description="Canonical JSON of contracts.forms.model.Form")
    created_at: datetime


class SectionAsked(SQLModel, table=True):
    """A section of a draft that a colleague was asked to fill in. While it is open, nobody else writes that section."""

    __tablename__ = "section_asked"

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id", index=True)
    section: str
    colleague: str = Field(foreign_key="account.id", index=True)
    asked_by: str = Field(foreign_key="account.id")
    asked_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = Field(default=None, description="When it was taken back")
