"""Tables of anchors: how each witness stands to our log, and what outsiders signed of which checkpoint."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets, big_key


class LogWitness(SQLModel, table=True):
    """How a witness stands to a log of ours. `problem` is what the last request brought, empty where it was cosigned."""

    __tablename__ = "ledger_witness"

    origin: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    size: int = Field(default=0, sa_type=BigInteger)
    asked_at: datetime
    problem: str = ""
    problem_since: datetime | None = None
    refuses: bool = Field(default=False, description="Whether the problem is that it cosigned another history than ours.")


class CheckpointCosignature(SQLModel, table=True):
    """A witness's signature line over one of our checkpoints; `at` is the time by the witness's clock, which the line holds."""

    __tablename__ = "ledger_cosignature"

    size: int = Field(primary_key=True, sa_type=big_key)  # type: ignore[call-overload]  # a factory of the type is accepted
    key: str = Field(primary_key=True)
    line: str
    at: datetime


class CheckpointStamp(SQLModel, table=True):
    """An authority's time-stamp (an RFC 3161 token in DER) over one of our checkpoints; `at` is the time that it holds."""

    __tablename__ = "ledger_stamp"

    size: int = Field(primary_key=True, sa_type=big_key)  # type: ignore[call-overload]  # as above
    token: bytes = Field(sa_type=Octets)
    by: str
    at: datetime


class Log(SQLModel, table=True):
    """One log of ours after another; there is no row before the first was closed. `closing` is its last checkpoint that counts."""

    __tablename__ = "ledger_log"

    number: int = Field(primary_key=True)
    origin: str = Field(unique=True)
    key: str
    opened_at: datetime
    closed_at: datetime | None = None
    size: int = Field(default=0, sa_type=BigInteger)
    closing: str = ""
    why: str = ""
