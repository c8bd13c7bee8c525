"""Tables of how requests to /v1 ended: of everybody by the minute, of each contract by the day."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel


class HealthMinute(SQLModel, table=True):
    """Requests under all contracts in one minute, by how they ended; failures also where no contract was known yet. Kept a day."""

    __tablename__ = "health_minute"

    minute: datetime = Field(primary_key=True)
    answered: int = 0
    refused: int = 0
    failed: int = 0


class HealthDay(SQLModel, table=True):
    """Requests under one contract on one day of the platform's time zone, by how they ended. Kept a year."""

    __tablename__ = "health_day"

    contract_id: str = Field(primary_key=True)
    day: date = Field(primary_key=True, index=True)
    answered: int = 0
    refused: int = 0
    failed: int = 0
