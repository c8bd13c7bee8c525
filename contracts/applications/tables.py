"""Tables of applications."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class Application(SQLModel, table=True):
    """A request for access, per project. `state` is written by `applications.core` alone, by its table."""

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
    decision_code: str = Field(default="", description="A code of contracts.applications.reasons")
    decision_reason: str = ""
    changed_at: datetime | None = Field(default=None, description="When the applicant last wrote in it")
    answer_by: date | None = Field(default=None, description="Until when a returned one may be handed in again")
    days_left: int = Field(default=0, description="Working days that were left to decide when it was returned")
    reminded: str = Field(default="", description="Which reminder of its present clock went out: soon or late")
    handler: str | None = Field(default=None, foreign_key="account.id", description="Who deals with it")
    checked_at: datetime | None = Field(default=None, description="When it was found complete, as it is now")
    checked_by: str | None = Field(default=None, foreign_key="account.id")
    basis: str = Field(default="", description="The lawful basis, a code of contracts.applications.reasons")
    basis_content: str = Field(default="", description="SHA-256 of the content for which compliance confirmed the basis")
    basis_by: str | None = Field(default=None, foreign_key="account.id")
    appealed_at: datetime | None = None
    declined_by: str | None = Field(default=None, foreign_key="account.id", description="Who declined it before an independent review")


class Submission(SQLModel, table=True):
    """What was handed in, each time: rows are added and never changed, so that what became different can be shown."""

    __tablename__ = "application_submission"
    __table_args__ = (UniqueConstraint("application_id", "number"),)

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id", index=True)
    number: int
    content: dict[str, Any] = Field(default_factory=dict, sa_type=json_type)  # type: ignore[call-overload]  # as above
    content_sha256: str
    submitted_by: str = Field(foreign_key="account.id")
    at: datetime


class Note(SQLModel, table=True):
    """What somebody said about an application: a remark, or the words that go with a step. The applicant reads shared ones alone."""

    __tablename__ = "application_note"

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id", index=True)
    account_id: str = Field(foreign_key="account.id")
    kind: str = Field(description="remark, or the command that it goes with")
    shared: bool
    code: str = ""
    text: str
    at: datetime


class Reviewer(SQLModel, table=True):
    """A member of staff who was asked to look at an application, or who stepped back from it."""

    __tablename__ = "application_reviewer"
    __table_args__ = (UniqueConstraint("application_id", "account_id"),)

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id", index=True)
    account_id: str = Field(foreign_key="account.id")
    part: str = Field(description="asked, answered, released or recused")
    at: datetime
