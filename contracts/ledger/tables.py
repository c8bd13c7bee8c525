"""Tables of the ledger: what waits, what is integrated, the tiles of the tree, checkpoints, and erasable values."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from contracts.store.columns import Octets, big_key


class StagedEntry(SQLModel, table=True):
    """An entry that is durable and answered for but not yet in the tree; the sequencer takes all of them."""

    __tablename__ = "ledger_staged"

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True, index=True)
    leaf: bytes = Field(sa_type=Octets)
    staged_at: datetime


class LedgerEntry(SQLModel, table=True):
    """An integrated entry: the exact leaf bytes, and columns copied from them for search."""

    __tablename__ = "ledger_entry"

    index: int = Field(primary_key=True, sa_type=big_key)  # type: ignore[call-overload]  # a factory of the type is accepted
    id: str = Field(unique=True, index=True)
    leaf: bytes = Field(sa_type=Octets)
    leaf_hash: bytes = Field(sa_type=Octets)
    at: datetime = Field(index=True)
    event: str = Field(index=True)
    decision: str = Field(index=True)
    rule: str = ""
    organisation_id: str = Field(default="", index=True)
    contract_id: str = Field(default="", index=True)
    dataset: str = Field(default="", index=True)
    credential_id: str = ""
    subject: str = Field(default="", index=True)


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


class PersonalValue(SQLModel, table=True):
    """A personal value of an entry with the salt of its commitment; erasing the row leaves every proof valid."""

    __tablename__ = "ledger_value"

    entry_id: str = Field(primary_key=True)
    field: str = Field(primary_key=True)
    value: str
    salt: bytes = Field(sa_type=Octets)
