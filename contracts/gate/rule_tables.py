"""Tables of what operators set while the gate runs: its numbers, and bans."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class GateRules(SQLModel, table=True):
    """The one row with the gate's numbers and routes; while there is none, the settings hold."""

    __tablename__ = "gate_rules"

    id: int = Field(primary_key=True)
    numbers: dict[str, Any] = Field(sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    changed_by: str = Field(foreign_key="account.id")
    changed_at: datetime


class GateBan(SQLModel, table=True):
    """A network or an identity that the gate stops until a time. One row a target; the ledger has what was before."""

    __tablename__ = "gate_ban"

    target: str = Field(primary_key=True, description="A network in CIDR form, or the hash that stands for a visitor")
    id: str = Field(unique=True, description="Names this ban in the ledger; another one each time that the target is banned")
    reason: str
    ends_at: datetime = Field(index=True)
    set_by: str | None = Field(default=None, foreign_key="account.id", description="Empty: by a rule")
    set_at: datetime
    lifted_at: datetime | None = None
    changed_at: datetime = Field(index=True, description="What other processes find the news by")
