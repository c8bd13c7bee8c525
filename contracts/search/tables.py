"""Tables of the search: kinds of entries with their words, the kind of each entry, and how many of each there were on a day.

Everything here is made out of the leaves by a job and says nothing that they do not say. A kind holds no personal value.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets, big_key


class EntryKind(SQLModel, table=True):
    """All that entries have in common which differ only in who, when, how much and about which thing.

    `told` is SHA-256 over the canonical JSON of the columns, so that each kind is there once. `fields` are parted by spaces.
    """

    __tablename__ = "entry_kind"

    id: int | None = Field(default=None, primary_key=True)
    told: bytes = Field(sa_type=Octets, unique=True)
    event: str
    decision: str
    rule: str
    organisation_id: str
    contract_id: str
    dataset: str
    purpose: str
    fields: str


class KindWord(SQLModel, table=True):
    """A word of a kind in lower case: of what happened, the rule, purpose, dataset, fields, partner and contract."""

    __tablename__ = "entry_kind_word"

    word: str = Field(primary_key=True)
    kind: int = Field(primary_key=True)


class KindOfEntry(SQLModel, table=True):
    """The kind of one entry of the tree."""

    __tablename__ = "entry_kind_of"
    __table_args__ = (Index("ix_entry_kind_of_kind", "kind", "index"),)

    index: int = Field(primary_key=True, sa_type=big_key)  # type: ignore[call-overload]  # a factory of the type is accepted
    kind: int


class KindDay(SQLModel, table=True):
    """Entries of one kind on one day of UTC: how many, the records that they brought, and the first and last place in the tree."""

    __tablename__ = "entry_kind_day"

    day: date = Field(primary_key=True)
    kind: int = Field(primary_key=True)
    entries: int
    records: int = Field(sa_type=BigInteger)
    first: int = Field(sa_type=BigInteger)
    last: int = Field(sa_type=BigInteger)
