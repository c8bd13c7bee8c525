"""Table of incidents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class Incident(SQLModel, table=True):
    """A case: scraping found, a contract broken, or the house's own evidence hurt."""

    __tablename__ = "incident"

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    title: str
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    contract_id: str | None = Field(default=None, index=True)
    opened_at: datetime
    closed_at: datetime | None = None
