"""Tables of holds: the holds, and erasures that wait for one to end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class Hold(SQLModel, table=True):
    """Entries that must stay as they are until a day. `state` is written by `holds.service` alone, by its table.

    Of a person only the handles of their keys stand here, which name nobody; who it is stands beside the entry of the proposal, sealed.
    """

    __tablename__ = "hold"

    id: str = Field(primary_key=True)
    state: str = Field(index=True)
    revision: int = Field(default=1, description="Rises with each change; a stale page is refused")
    scope: str = Field(description="contracts.holds.states.Scope")
    handles: list[int] = Field(default_factory=list, sa_type=json_type, description="Handles of a person's keys")  # type: ignore[call-overload]  # a factory of the type is accepted
    partner_id: str = ""
    contract_id: str = ""
    since: datetime | None = Field(default=None, description="Of a period: its first moment")
    until: datetime | None = Field(default=None, description="Of a period: the first moment behind it")
    ground: str
    owner_id: str = Field(foreign_key="account.id", description="Who answers for it")
    ends_at: datetime = Field(index=True)
    entry_id: str = Field(description="The entry of the proposal")
    proposed_by: str = Field(foreign_key="account.id")
    proposed_at: datetime
    confirmed_by: str | None = Field(default=None, foreign_key="account.id")
    confirmed_at: datetime | None = None
    lift_asked_by: str | None = Field(default=None, foreign_key="account.id")
    lift_reason: str = ""
    lifted_by: str | None = Field(default=None, foreign_key="account.id")
    ended_at: datetime | None = Field(default=None, description="When it was declined, lifted or ended")
    passed: int | None = Field(default=None, sa_type=BigInteger, description="The first entry that retention left as it is because of it")


class WaitingErasure(SQLModel, table=True):
    """An erasure that was asked for while a hold kept some of the values; it is done by itself when no hold does any more."""

    __tablename__ = "waiting_erasure"

    id: str = Field(primary_key=True)
    handles: list[int] = Field(default_factory=list, sa_type=json_type)  # type: ignore[call-overload]  # as above
    hold_id: str = Field(foreign_key="hold.id", description="The hold that it met first")
    asked_by: str
    asked_at: datetime
    entry_id: str = Field(default="", description="The entry that it was done, written right before it is")
    done_at: datetime | None = Field(default=None, index=True)
