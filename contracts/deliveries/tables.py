"""Tables of deliveries: which records went to whom, which are erased, and who was told.

Records are named by ordinals: dense numbers of a dataset that stay with a record over every version and are never reused. Sets
of ordinals are roaring bitmaps in the portable format (RoaringFormatSpec).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets

EVER = date.min
"""The day under which everything stands that a contract ever received of a part."""


class Delivery(SQLModel, table=True):
    """The records that left with one entry. Has no foreign keys: it must outlive whatever happens to other rows."""

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_contract", "contract_id", "at"),)

    entry_id: str = Field(primary_key=True)
    contract_id: str
    dataset: str
    version: str
    ordinals: bytes
    lowest: int = Field(sa_type=BigInteger)
    highest: int = Field(sa_type=BigInteger)
    count: int
    free: bool = Field(default=False, description="Whether it repeated an earlier one and took nothing from a quota")
    at: datetime


class DeliveryFold(SQLModel, table=True):
    """The records of one part of a dataset (65,536 ordinals) that a contract received on one day of UTC, or ever (`EVER`).

    Made out of the deliveries by a job, so that a question opens few sets; nothing stands here alone. Written only by `fold`.
    """

    __tablename__ = "delivery_fold"
    __table_args__ = (Index("ix_delivery_fold_contract", "contract_id", "day"),)

    dataset: str = Field(primary_key=True)
    part: int = Field(primary_key=True)
    day: date = Field(primary_key=True)
    contract_id: str = Field(primary_key=True)
    ordinals: bytes = Field(sa_type=Octets)


class ErasedRecord(SQLModel, table=True):
    """A record that is never served again, whatever the source says."""

    __tablename__ = "erased_record"

    dataset: str = Field(primary_key=True)
    ordinal: int = Field(primary_key=True, sa_type=BigInteger)
    erasure_id: str = Field(index=True)
    reason: str
    erased_by: str
    erased_at: datetime


class PersonMark(SQLModel, table=True):
    """That a record which is served no more was about somebody, told by a keyed hash of a name of theirs (`contracts.datasets.remembered`).

    `person` is the mark of the person's own id, so that every name leads to all of their records. The key is outside the database.
    """

    __tablename__ = "person_mark"

    dataset: str = Field(primary_key=True)
    mark: bytes = Field(primary_key=True, sa_type=Octets)
    ordinal: int = Field(primary_key=True, sa_type=BigInteger)
    person: bytes = Field(sa_type=Octets)


class ErasureNotice(SQLModel, table=True):
    """The duty of one contract to delete records that it holds."""

    __tablename__ = "erasure_notice"

    id: str = Field(primary_key=True)
    erasure_id: str = Field(index=True)
    contract_id: str = Field(index=True)
    dataset: str
    ordinals: bytes
    count: int
    reason: str
    made_at: datetime
    due_at: datetime | None = Field(default=None, description="When the contract's erasure hours end; none where it sets none")
    told_at: datetime | None = Field(default=None, description="When the mails to the contract's people were asked for")
