"""Tables of the policies that two people confirmed, and of what waits for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from contracts.store.columns import json_type


class ConfirmedPolicy(SQLModel, table=True):
    """What of a subject's settings holds: a dataset's id after "dataset:", or "gate" or "contracts"."""

    __tablename__ = "confirmed_policy"

    subject: str = Field(primary_key=True)
    policy: dict[str, Any] = Field(sa_type=json_type)  # type: ignore[call-overload]  # a factory of the type is accepted
    confirmed_at: datetime


class PolicyChange(SQLModel, table=True):
    """A wider policy that stands in the settings and waits for two people. `state` is written by `policies.service` alone."""

    __tablename__ = "policy_change"

    id: str = Field(primary_key=True)
    subject: str = Field(index=True)
    state: str = Field(index=True)
    revision: int = Field(default=1, description="Rises with each change; a stale page is refused")
    wanted: dict[str, Any] = Field(sa_type=json_type)  # type: ignore[call-overload]  # as above
    wanted_sha256: str
    found_at: datetime
    first_by: str | None = Field(default=None, foreign_key="account.id")
    first_at: datetime | None = None
    decided_by: str | None = Field(default=None, foreign_key="account.id")
    decided_at: datetime | None = None
    reason: str = ""
