"""Tables of the gate: its mode, counts by the minute, and whom it stopped or would have stopped."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel


class GateState(SQLModel, table=True):
    """The one row with the gate's mode; while there is none, the setting `gate.mode` holds."""

    __tablename__ = "gate_state"

    id: int = Field(primary_key=True)
    mode: str = Field(description="shadow or enforce")
    changed_by: str | None = Field(default=None, foreign_key="account.id", description="Empty: by the `licet` command")
    changed_at: datetime


class GateCount(SQLModel, table=True):
    """Requests of one minute by outcome (`contracts.gate.tally.OUTCOMES`)."""

    __tablename__ = "gate_count"

    minute: datetime = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    requests: int = 0


class GateStop(SQLModel, table=True):
    """One identity stopped (or, in shadow, not stopped) for one reason on one day.

    Keeps the network's prefix and the agent's label, never the address or the whole user agent.
    """

    __tablename__ = "gate_stop"

    day: date = Field(primary_key=True)
    identity: str = Field(primary_key=True, description="Hash of network and user agent or of the network alone, or the contract's id")
    reason: str = Field(primary_key=True, description="contracts.gate.reasons.REASONS")
    effect: str = Field(primary_key=True, description="stopped or would_stop")
    network: str = ""
    agent: str = ""
    contract_id: str = Field(default="", index=True)
    requests: int = 0
    pages: int = Field(default=0, description="Most distinct pages within an hour when it was stopped")
    first_at: datetime
    last_at: datetime = Field(index=True)
    last_decision: str = ""
    mark: str = Field(default="", index=True, description="contracts.gate.naming.mark_of the identity: leads here from a decision's id")
