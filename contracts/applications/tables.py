"""Tables of applications."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class Application(SQLModel, table=True):
    """A request for access, per project. `state` is written by `applications.service` alone, by its table."""

    __tablename__ = "application"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    created_by: str = Field(foreign_key="account.id")
    state: str = Field(index=True)
    revision: int = Field(default=1, description="Rises with each change; a stale page is refused")
    dataset: str
    project: str = Field(default="", description="The project's title")
    kind: str = Field(default="research", description="A kind of contracts.forms.kinds")
    purpose: str = Field(default="", description="A code of contracts.terms.purposes")
    purpose_text: str = ""
    fields: list[str] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    rows: dict[str, Any] = Field(default_factory=dict, sa_type=json_type)  # type: ignore[call-overload]  # as above
    evidence: list[dict[str, str]] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # as above
    crawl: bool = Field(default=False, description="Whether fetching the main site is asked for as well")
    form: str | None = Field(default=None, description="SHA-256 of the form_version that it began with; none before forms were data")
    answers: dict[str, Any] = Field(default_factory=dict, sa_type=json_type)  # type: ignore[call-overload]  # as above
    starts: date | None = None
    ends: date | None = None
    created_at: datetime
    submitted_at: datetime | None = None
    decide_by: date | None = None
    decided_at: datetime | None = None
    decided_by: str | None = Field(default=None, foreign_key="account.id")
    decision_reason: str = ""
