"""Harms a copy of a ledger on purpose, to show that verification notices. The original is only read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Tampered:
    """What was done: byte `offset` of the leaf of one entry, before and after."""

    copy: Path
    index: int
    entry_id: str
    offset: int
    before: int
    after: int


def tamper_copy(database: Path, copy: Path, index: int | None = None) -> Tampered:
    """Copy an SQLite database while it is in use, and change one byte of one stored entry in the copy.

    `index` is the entry's place in the tree; by default the middle of the ledger. Raises `Misconfigured` where there is no
    database, no such entry, or where the copy would overwrite a file.
    """
    if not database.exists():
        raise Misconfigured("database", f"{database} is not there.", "Start the demo once; only an SQLite ledger can be copied so.")
    if copy.exists():
        raise Misconfigured("copy", f"{copy} is there already.", "Name another file.")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        return _change(target, copy, index)


def _change(target: sqlite3.Connection, copy: Path, index: int | None) -> Tampered:
    size = target.execute("SELECT count(*) FROM ledger_entry").fetchone()[0]
    place = size // 2 if index is None else index
    row = target.execute('SELECT id, leaf FROM ledger_entry WHERE "index" = ?', (place,)).fetchone()
    if row is None:
        raise Misconfigured("entry", f"the ledger of {size} entries has none at {place}.", "Name a smaller number.")
    entry_id, leaf = row
    offset = leaf.index(b'"at":"') + 9
    changed = bytes([leaf[offset] ^ 1])
    target.execute('UPDATE ledger_entry SET leaf = ? WHERE "index" = ?', (leaf[:offset] + changed + leaf[offset + 1 :], place))
    target.commit()
    return Tampered(copy, place, entry_id, offset, leaf[offset], changed[0])
