"""Staging: how anything in the house enters the ledger, in the transaction that did it.

The transaction takes the next places of the tree from one counter and writes its leaves there; the sequencer hashes them in later.

A leaf is canonical JSON (sorted keys, no spaces, UTF-8, no floats) with version, node, node number and 16 random bytes, so that
nobody guesses an entry from its hash. Personal values stand in it only as salted commitments; value and salt lie beside it, sealed
(`contracts.ledger.values`), where they can be erased without hurting a proof.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, text, update
from sqlmodel import col

from contracts.clock import rfc3339
from contracts.ids import new_id, new_ids
from contracts.ledger.events import EVENTS
from contracts.ledger.tables import EntryCounter, LedgerEntry, NodeCounter
from contracts.ledger.values import Draft, drawn, keep, seal
from contracts.store.driver import Ready
from contracts.store.many import Insertion
from contracts.store.unit import Unit

LEAF_VERSION = 1
MAX_LEAF_BYTES = 65_535
NONCE_BYTES = 16


class Entry(NamedTuple):
    """What happened. Empty fields are left out of the leaf. A tuple, because each request makes one: a frozen dataclass takes twice as long.

    `subject` is the id of the thing concerned; `decision` is done, allow or refuse; `rule` the code that decided. `facts` holds
    further values that are not personal. `personal` holds values that are (account, network, filter, remark, search text).
    """

    event: str
    decision: str = "done"
    rule: str = ""
    subject: str = ""
    organisation: str = ""
    contract: str = ""
    contract_version: int = 0
    contract_hash: str = ""
    credential: str = ""
    credential_kind: str = ""
    purpose: str = ""
    dataset: str = ""
    dataset_version: str = ""
    fields: Sequence[str] = ()
    filter_shape: Sequence[str] = ()
    records_hash: str = ""
    facts: Mapping[str, Any] = MappingProxyType({})
    rows: int | None = None
    bytes: int | None = None
    new_records: int | None = None
    quota_before: int | None = None
    quota_after: int | None = None
    personal: Mapping[str, str] = MappingProxyType({})


# Up to the counts, a field without a value is not told; a count of nothing is. Personal values come last, and are never told.
_FIRST_COUNT = Entry._fields.index("rows")
_TEXTS, _COUNTS = Entry._fields[:_FIRST_COUNT], Entry._fields[_FIRST_COUNT:-1]

# Built once: building a statement costs more than running it.
_ENTRIES = Insertion(LedgerEntry, "index", "id", "leaf")
_COUNTED = Ready(
    update(NodeCounter)
    .where(col(NodeCounter.node) == bindparam("of_node"))
    .values(last=col(NodeCounter.last) + bindparam("count"))
    .returning(col(NodeCounter.last)),
    *("of_node", "count"),
)
_FIRST = text("INSERT INTO ledger_node_counter (node, last) VALUES (:node, 0) ON CONFLICT DO NOTHING")
_PLACED = Ready(
    update(EntryCounter).values(written=col(EntryCounter.written) + bindparam("count")).returning(col(EntryCounter.written)), "count"
)


def record(unit: Unit, entry: Entry) -> str:
    """Stage one entry with all others of its unit of work, at its end; returns its id. ValueError for an event that is not listed."""
    _check(entry)
    entry_id = new_id("ent")
    unit.at_the_end(_stage_all, (entry_id, entry))
    return entry_id


def _stage_all(unit: Unit, made: Sequence[tuple[str, Entry]]) -> None:
    stage(unit.connection, unit.node, unit.now, [entry for _, entry in made], [entry_id for entry_id, _ in made])


def stage(connection: Connection, node: str, now: datetime, entries: Sequence[Entry], ids: Sequence[str] = ()) -> Sequence[str]:
    """Stage entries in a transaction that the caller commits, under ids given or made here; returns the ids in order.

    Takes the counters' rows until that commit, so call it last: they are what keeps numbers and places without gaps.
    """
    ids = ids or new_ids("ent", len(entries))
    write_leaves(connection, node, now, entries, ids)
    return ids


def write_leaves(connection: Connection, node: str, now: datetime, entries: Sequence[Entry], ids: Sequence[str]) -> list[bytes]:
    """As `stage`; returns the leaves in order."""
    if not entries:
        return []
    at, rows = rfc3339(now), []
    nonces = drawn(NONCE_BYTES, sum(1 + len(entry.personal) for entry in entries))
    drafts = [
        Draft(each, entry.personal, dict(zip(entry.personal, nonces, strict=False))) for each, entry in zip(ids, entries, strict=True)
    ]
    # Before the counters are taken: the key of someone new has to reach the disk.
    values = seal(connection, drafts)
    number, index = _numbered(connection, node, len(entries)), _placed(connection, len(entries))
    keep(connection, values, range(index, index + len(entries)))
    for offset, (entry, draft) in enumerate(zip(entries, drafts, strict=True)):
        leaf = leaf_bytes(entry, draft.entry_id, node, number + offset, at, draft.salts, next(nonces))
        rows.append((index + offset, draft.entry_id, leaf))
    _ENTRIES.execute(connection, rows)
    return [leaf for _, _, leaf in rows]


def commitment(name: str, salt: bytes, value: str) -> str:
    """SHA-256 over "licet/value/v1", the field's name, the salt and the value, NUL between; in hex."""
    return hashlib.sha256(b"\0".join((b"licet/value/v1", name.encode(), salt, value.encode()))).hexdigest()


def leaf_bytes(entry: Entry, entry_id: str, node: str, number: int, at: str, salts: Mapping[str, bytes], nonce: bytes) -> bytes:
    """The canonical leaf, of a moment in RFC 3339. Raises ValueError for an event that `EVENTS` does not list and for a leaf above 65,535 bytes."""
    _check(entry)
    leaf: dict[str, Any] = {name: value for name, value in zip(_TEXTS, entry, strict=False) if value}
    leaf |= {name: value for name, value in zip(_COUNTS, entry[_FIRST_COUNT:], strict=False) if value is not None}
    leaf |= {"v": LEAF_VERSION, "id": entry_id, "at": at, "node": node, "n": number}
    leaf["nonce"] = b2a_base64(nonce, newline=False).decode()
    if entry.personal:
        leaf["commitments"] = {name: commitment(name, salts[name], value) for name, value in entry.personal.items()}
    encoded = canonical(leaf)
    if len(encoded) > MAX_LEAF_BYTES:
        raise ValueError(f"leaf of {entry.event} has {len(encoded)} bytes; hash large facts before staging")
    return encoded


def canonical(value: Any) -> bytes:
    """Canonical JSON: keys sorted, no spaces, UTF-8; what JSON itself does not have is refused, because it has no one form."""
    return orjson.dumps(value, _unwrapped, _CANONICAL)


def _unwrapped(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def _check(entry: Entry) -> None:
    if entry.event not in EVENTS:
        raise ValueError(f"event {entry.event!r} is not listed in contracts.ledger.events")


def _numbered(connection: Connection, node: str, count: int) -> int:
    """The first of the node's next numbers, which begin at 1."""
    found = _COUNTED.run(connection, node, count).fetchone()
    if found is None:
        # Of several that begin at once one makes the row; the others wait here until it has.
        connection.execute(_FIRST, {"node": node})
        found = _COUNTED.run(connection, node, count).fetchone()
    return int(found[0]) - count + 1


def _placed(connection: Connection, count: int) -> int:
    """The first of the next places in the tree, which begin at 0."""
    return int(_PLACED.run(connection, count).fetchone()[0]) - count
