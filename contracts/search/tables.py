"""Tables of the search: kinds of entries with their words, the kind of each entry, and how many of each there were on a day.

Everything here is made out of the leaves by a job and says nothing that they do not say. A kind holds no personal value.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, text
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets, big_key

_NAMED = text("subject IS NOT NULL")


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
    organisation_id: str = Field(index=True)
    contract_id: str = Field(index=True)
    dataset: str
    credential_id: str = Field(index=True)
    purpose: str
    fields: str


class KindWord(SQLModel, table=True):
    """A word of a kind in lower case: of what happened, the rule, purpose, dataset, fields, partner and contract."""

    __tablename__ = "entry_kind_word"

    word: str = Field(primary_key=True)
    kind: int = Field(primary_key=True)


class SearchedEntry(SQLModel, table=True):
    """What search knows of an entry of the tree: its kind, its moment, and the thing that it is about where there is one."""

    __tablename__ = "ledger_search"
    __table_args__ = (
        Index("ix_ledger_search_kind", "kind", "index"),
        Index("ix_ledger_search_subject", "subject", sqlite_where=_NAMED, postgresql_where=_NAMED),
    )

    index: int = Field(primary_key=True, sa_type=big_key)  # type: ignore[call-overload]  # a factory of the type is accepted
    kind: int
    at: datetime
    subject: str | None = None


class KindDay(SQLModel, table=True):
    """Entries of one kind on one day of UTC: how many, the records that they brought, and the first and last place in the tree."""

    __tablename__ = "entry_kind_day"
    # By kind first: most questions ask for few kinds, and then read only these.
    __table_args__ = (PrimaryKeyConstraint("kind", "day", name="pk_entry_kind_day"), {"sqlite_with_rowid": False})

    kind: int
    day: date
    entries: int
    records: int = Field(sa_type=BigInteger)
    first: int = Field(sa_type=BigInteger)
    last: int = Field(sa_type=BigInteger)
