"""The table of appeals."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class Appeal(SQLModel, table=True):
    """What a person objected to a decision of the gate. `state` is written by `appeals.service` alone, by its table.

    What the decision's id says is kept here, so that it can be answered after the gate has forgotten the decision.
    """

    __tablename__ = "appeal"

    id: str = Field(primary_key=True)
    state: str = Field(index=True, description="contracts.appeals.states.State")
    revision: int = Field(default=1, description="Rises with each change; a stale page is refused")
    decision: str = Field(unique=True, description="The decision's id")
    decided_at: datetime
    reason: str = Field(description="contracts.gate.reasons.REASONS")
    effect: str = Field(description="contracts.gate.naming.EFFECTS")
    mark: str = Field(index=True, description="contracts.gate.naming.mark_of whoever was stopped")
    email: str
    text: str
    network: str = Field(default="", description="Prefix of the address that the form was sent from")
    link_id: str = Field(foreign_key="one_time_link.id", unique=True, description="The link by which the person sees how it stands")
    made_at: datetime = Field(index=True)
    answered_by: str | None = Field(default=None, foreign_key="account.id")
    answered_at: datetime | None = None
    words: str = Field(default="", description="The answer that the person read")
