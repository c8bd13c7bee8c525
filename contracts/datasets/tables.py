"""Table of dataset versions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel


class DatasetVersion(SQLModel, table=True):
    """One loading of a dataset. One version of a dataset is current; it changes under the epoch `grants`.

    `version` names the file; it is never used twice. `records` are served, the others are counted only. `ordinals` is how many
    ordinals were ever given, so that none is given twice. `source_sha256` is over the source's bytes.
    """

    __tablename__ = "dataset_version"
    __table_args__ = (
        # Two loaders at once cannot both make their version current.
        Index("ix_dataset_one_current", "dataset", unique=True, sqlite_where=text("current"), postgresql_where=text("current")),
    )

    dataset: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    current: bool = True
    records: int = Field(sa_type=BigInteger)
    deleted: int = Field(default=0, description="Rows that the source marks as deleted, or that were erased here")
    objecting: int = Field(default=0, description="Rows of people who object to sharing")
    ordinals: int = Field(sa_type=BigInteger)
    source_sha256: str
    loaded_at: datetime
