"""Tables of retention: how far each kind of values was looked at, and the runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class RetentionPlace(SQLModel, table=True):
    """The first entry whose values of a kind were not looked at yet; a hold that ends moves it back to what it kept."""

    __tablename__ = "retention_place"

    kind: str = Field(primary_key=True, description="contracts.retention.policy.Kind")
    next: int = Field(default=0, sa_type=BigInteger)


class RetentionRun(SQLModel, table=True):
    """One run: planned and shown a day ahead, then an entry of the ledger, then done. Exactly one is not done."""

    __tablename__ = "retention_run"

    id: str = Field(primary_key=True)
    planned_at: datetime
    due_at: datetime
    policy: dict[str, Any] = Field(default_factory=dict, sa_type=json_type, description="The periods that it was planned by")  # type: ignore[call-overload]  # a factory of the type is accepted
    plan: dict[str, Any] = Field(default_factory=dict, sa_type=json_type, description="contracts.retention.plan.Plan")  # type: ignore[call-overload]  # as above
    entry_id: str = Field(
        default="", description="The entry that tells of it; empty while it is planned, and where there was nothing to do"
    )
    done_at: datetime | None = Field(default=None, index=True)
