"""Table of questions that were answered without records."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class QuestionCount(SQLModel, table=True):
    """How many questions of one kind were answered under a contract since a day; only `aggregates.settle` moves it."""

    __tablename__ = "question_count"

    contract_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True, description="aggregate, since the contract's first day; estimate, on one day")
    since: date = Field(primary_key=True)
    used: int = Field(default=0, sa_type=BigInteger)
