"""The table of the people whom a project names."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class ProjectMember(SQLModel, table=True):
    """A person on a project, which is an application and the contract that came of it. `state` is written by `members.service` alone.

    Rows that ended stay: a person who is named again gets another. What was accepted is the text of one version, by its hash; another
    version has to be accepted anew.
    """

    __tablename__ = "project_member"

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    state: str = Field(index=True)
    email: str = Field(index=True, description="In the form that is kept")
    name: str = Field(description="As the lead wrote it; the account's own name counts once there is one")
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True)
    later: bool = Field(description="Named after the application was handed in, so that staff have not seen the name with it")
    position: str = Field(default="", description="What the person is in the organisation, in their own words")
    affiliation: str = Field(default="", description="contracts.members.affiliation.Shown, as of the confirmation")
    invited_by: str = Field(foreign_key="account.id")
    invited_at: datetime
    confirmed_at: datetime | None = None
    reviewed_by: str | None = Field(default=None, foreign_key="account.id")
    reviewed_at: datetime | None = None
    review_reason: str = ""
    accepted_at: datetime | None = None
    accepted_version: int = 0
    accepted_sha256: str = Field(default="", description="Of the contract's text that the person accepted")
    told_sha256: str = Field(default="", description="Of the text that the person was asked by mail to accept")
    ended_at: datetime | None = None
