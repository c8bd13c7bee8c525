"""Table of record quotas."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class QuotaDay(SQLModel, table=True):
    """Records that left under one contract on one day of the platform's time zone; only `access` moves it."""

    __tablename__ = "quota_day"

    contract_id: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    used: int = Field(default=0, sa_type=BigInteger)
