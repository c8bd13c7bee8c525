"""Tables of quotas."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets


class QuotaDay(SQLModel, table=True):
    """Records, and their bytes, that left under one contract on one day of the platform's time zone.

    Moved by `access` and by the gate's meter alone, in the transaction of the entries.
    """

    __tablename__ = "quota_day"

    contract_id: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    used: int = Field(default=0, sa_type=BigInteger)
    bytes: int = Field(default=0, sa_type=BigInteger)


class QuotaDistinct(SQLModel, table=True):
    """How many different records left under one version of a contract that caps them; the row is there once they are all known."""

    __tablename__ = "quota_distinct"

    contract_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    used: int = Field(default=0, sa_type=BigInteger)


class QuotaSeen(SQLModel, table=True):
    """Which records those are: a roaring bitmap for each 65,536 ordinals of a dataset. Moved as `QuotaDay` is."""

    __tablename__ = "quota_seen"

    contract_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    dataset: str = Field(primary_key=True)
    part: int = Field(primary_key=True)
    ordinals: bytes = Field(sa_type=Octets)


class QuotaRepeat(SQLModel, table=True):
    """An answer that may be fetched again free until `ends_at`. Only `access` writes it."""

    __tablename__ = "quota_repeat"

    digest: bytes = Field(primary_key=True, sa_type=Octets)
    entry_id: str
    ends_at: datetime = Field(index=True)


class QuotaAlert(SQLModel, table=True):
    """That a contract's people were told of a part of a quota: of a day, or of the period that begins with `since`."""

    __tablename__ = "quota_alert"

    contract_id: str = Field(primary_key=True)
    term: str = Field(primary_key=True)
    since: date = Field(primary_key=True)
    limit: int = Field(primary_key=True, sa_type=BigInteger)
    percent: int = Field(primary_key=True)
    used: int = Field(sa_type=BigInteger)
    told_at: datetime
