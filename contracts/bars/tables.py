"""Tables of bars."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class Bar(SQLModel, table=True):
    """An organisation, person or project that the platform deals with no more. `state` is written by `bars.service` alone, by its table."""

    __tablename__ = "bar"

    id: str = Field(primary_key=True)
    state: str = Field(index=True)
    revision: int = Field(default=1, description="Rises with each change; a stale page is refused")
    scope: str = Field(description="contracts.bars.states.Scope")
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True, description="The person, where one is barred")
    application_id: str | None = Field(default=None, foreign_key="application.id", description="The application of a barred project")
    name: str = Field(description="The name of the organisation, person or project when it was barred")
    name_key: str = Field(index=True, description="The name without case, blanks and marks, to know it again")
    domains: list[str] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    reason: str
    made_by: str = Field(foreign_key="account.id")
    made_at: datetime
    lift_asked_by: str | None = Field(default=None, foreign_key="account.id")
    lift_reason: str = ""
    lifted_by: str | None = Field(default=None, foreign_key="account.id")
    lifted_at: datetime | None = None
