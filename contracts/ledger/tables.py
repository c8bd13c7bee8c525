"""Tables of the ledger: entries in their places, the tiles of the tree, checkpoints, and erasable values."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets, big_key

STRETCH = 1024
_BESIDE = text("network IS NOT NULL")


class LedgerEntry(SQLModel, table=True):
    """An entry: the exact leaf in its place of the tree, written by the transaction that did what it tells.

    It waits for the tree while its index is not below the size of the head; it is durable and answered for all the same.
    """

    __tablename__ = "ledger_entry"

    index: int = Field(primary_key=True, sa_type=big_key)  # type: ignore[call-overload]  # a factory of the type is accepted
    id: str = Field(unique=True, index=True)
    leaf: bytes = Field(sa_type=Octets)


class EntryCounter(SQLModel, table=True):
    """The one row that gives places: how many entries were ever written.

    Whoever writes entries takes it until the commit, so places have no gap and stand in the order of the commits.
    """

    __tablename__ = "ledger_counter"

    id: int = Field(primary_key=True)
    written: int = Field(default=0, sa_type=BigInteger)


class LedgerTile(SQLModel, table=True):
    """Up to 256 hashes of one level of the tree, as C2SP tlog-tiles cuts it; full tiles never change."""

    __tablename__ = "ledger_tile"

    level: int = Field(primary_key=True)
    index: int = Field(primary_key=True, sa_type=BigInteger)
    hashes: bytes = Field(sa_type=Octets)


class LedgerHead(SQLModel, table=True):
    """The one row that fences sequencers: size and root after the last integration."""

    __tablename__ = "ledger_head"

    id: int = Field(primary_key=True)
    size: int = Field(default=0, sa_type=BigInteger)
    root: bytes = Field(default=b"", sa_type=Octets)


class Checkpoint(SQLModel, table=True):
    """A signed note over one size and root."""

    __tablename__ = "ledger_checkpoint"

    size: int = Field(primary_key=True, sa_type=big_key)  # type: ignore[call-overload]  # as above
    root: bytes = Field(sa_type=Octets)
    note: str
    made_at: datetime


class NodeCounter(SQLModel, table=True):
    """How many entries a node has staged; moved in the transaction that stages, so it has no gaps."""

    __tablename__ = "ledger_node_counter"

    node: str = Field(primary_key=True)
    last: int = Field(default=0, sa_type=BigInteger)


class SealedValues(SQLModel, table=True):
    """The personal values of one subject in one entry, with the salts of their commitments; erasing the row leaves every proof valid.

    `subject` and `network` are handles (`contracts.ledger.subjects`): the database cannot say whose they are, nor open `sealed`.
    `stretch` is which `STRETCH` places of the ledger the entry stands in; `contracts.ledger.whose` finds handles stretch by stretch.
    """

    __tablename__ = "ledger_value"
    # Each entry writes here: on SQLite the key is the table itself, only networks that stand beside a subject are indexed, and what
    # is written together stands together in both indexes: a handle alone would bring each entry to a page of its own.
    __table_args__ = (
        Index("ix_ledger_value_subject", "stretch", "subject"),
        Index("ix_ledger_value_network", "stretch", "network", sqlite_where=_BESIDE, postgresql_where=_BESIDE),
        {"sqlite_with_rowid": False},
    )

    entry_id: str = Field(primary_key=True)
    subject: int = Field(primary_key=True, sa_type=BigInteger)
    network: int | None = Field(default=None, sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Octets)
    stretch: int = Field(sa_type=BigInteger)


class PlainValue(SQLModel, table=True):
    """A personal value as it was kept before there were keys of subjects; `licet migrate` seals what it finds here."""

    __tablename__ = "ledger_plain_value"

    entry_id: str = Field(primary_key=True)
    field: str = Field(primary_key=True)
    value: str
    salt: bytes = Field(sa_type=Octets)
