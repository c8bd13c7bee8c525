"""Exports of the ledger: an archive that a stranger checks with one file and the ledger's public key.

What vouches for it, in this order:
1. an entry of the ledger (`ledger.exported`) is durable and in the signed tree before the first byte leaves; it names a key that
   was made for this export alone, and the archive carries its proof;
2. that key signs the manifest: what was asked, how many entries, from where to where, and each file's SHA-256. The key is then
   thrown away, so nobody signs another manifest for the same entry;
3. `entries.jsonl` has every leaf byte for byte, and `entries.proof` what lies between them, so that all of them are proved to
   stand at their places in the tree that the same checkpoint signs.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import contracts.ledger
from contracts.clock import rfc3339
from contracts.errors import refuse
from contracts.ledger import note
from contracts.ledger.exports.archive import Archive
from contracts.ledger.exports.between import between
from contracts.ledger.exports.formats import Csv, Ocsf, Parquet, Writer
from contracts.ledger.projection import read_leaf
from contracts.ledger.proofs import Proof, proof_of
from contracts.ledger.queries import Search, indexes, leaves
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.service import asked_words, note_export
from contracts.ledger.source import StoredTiles
from contracts.ledger.stage import canonical
from contracts.people.actor import Actor
from contracts.store.unit import Store

FORMATS = {
    "csv": "CSV, for spreadsheets",
    "jsonl": "JSONL alone, the entries as they are",
    "parquet": "Parquet, for data tools",
    "ocsf": "OCSF 1.7.0, for security monitoring",
}
MANIFEST = "licet-export/v1"
CHUNK = 500
_PART = 1 << 16
_TRIES, _PAUSE = 50, 0.1
CHECKER = Path(contracts.ledger.__file__).with_name("verify_licet.py")
GUIDE = Path(__file__).with_name("guide.txt")


@dataclass(frozen=True, slots=True)
class Export:
    """An export that is recorded and may be sent: what was asked, which entries (8 bytes each), and what vouches for them."""

    entry_id: str
    form: str
    made_at: datetime
    asked: Mapping[str, str]
    indexes: Sequence[int]
    proof: Proof
    key: Ed25519PrivateKey
    origin: str
    platform: str


@dataclass(slots=True)
class _Sent:
    """What went into entries.jsonl so far."""

    count: int = 0
    first: int | None = None
    last: int | None = None
    upto: int = field(default=0)


def prepare(store: Store, sequencer: Sequencer, actor: Actor, wanted: Search, form: str, platform: str) -> Export:
    """Find the entries of a search, record the export and wait until that entry is in the signed tree, which takes under a second.

    Raises Refused: `invalid_input` for an unknown format, `store_unavailable` where the entry does not get into the tree.
    """
    sequencer.integrate()  # search is behind the tree by a moment, an export is not
    with store.read() as session:
        found = array("q", indexes(session, wanted))
    return of_indexes(store, sequencer, actor, asked_words(wanted), found, form, platform)


def of_indexes(
    store: Store, sequencer: Sequencer, actor: Actor, asked: Mapping[str, str], found: Sequence[int], form: str, platform: str
) -> Export:
    """As `prepare`, of entries that were found otherwise; their indexes ascend."""
    if form not in FORMATS:
        raise refuse("invalid_input", f"There is no such format. Choose one of {', '.join(FORMATS)}.")
    key, origin = Ed25519PrivateKey.generate(), sequencer.origin
    vkey = note.verifier_of(f"{origin}/export", key).vkey()
    with store.write("ledger export") as unit:
        entry_id, made_at = note_export(unit, actor, asked, len(found), form, vkey), unit.now
    proof = _proved(store, sequencer, entry_id)
    return Export(entry_id, form, made_at, asked, found, proof, key, origin, platform)


def stream(store: Store, export: Export, more: Iterable[tuple[str, Iterable[bytes]]] = (), guide: Path = GUIDE) -> Iterator[bytes]:
    """The archive, part by part; `more` are further files. Holds one chunk of entries in memory; what else is made waits on disk."""
    archive, sent = Archive(export.made_at), _Sent()
    with ExitStack() as open_files:
        between_file, other = (open_files.enter_context(TemporaryFile()) for _ in range(2))
        writer = _writer(export, other)
        yield from archive.put("GUIDE.txt", [_guide(export, guide)])
        yield from archive.put("entries.jsonl", _lines(store, export, between_file, writer, sent))
        yield from archive.put("entries.proof", _read(between_file))
        if writer is not None:
            writer.end()
            yield from archive.put(writer.name, _read(other))
    for name, content in more:
        yield from archive.put(name, content)
    yield from archive.put("verify_licet.py", [CHECKER.read_bytes()])
    manifest = _manifest(export, sent, archive)
    yield from archive.put("manifest.note", [manifest.encode()])
    yield from archive.put("export.tlog-proof", [export.proof.text().encode()])
    yield archive.end()


def _proved(store: Store, sequencer: Sequencer, entry_id: str) -> Proof:
    """The proof of the export's own entry; the tree that it leads to is that of the whole export."""
    for _ in range(_TRIES):
        sequencer.integrate()
        with store.read() as session:
            proof = proof_of(session, entry_id)
        if isinstance(proof, Proof):
            return proof
        time.sleep(_PAUSE)
    raise refuse("store_unavailable", "The export was recorded, but its entry is not in the tree yet. Try again in a minute.")


def _writer(export: Export, file: IO[bytes]) -> Writer | None:
    match export.form:
        case "csv":
            return Csv(file)
        case "parquet":
            return Parquet(file)
        case "ocsf":
            return Ocsf(file, export.origin, export.platform)
    return None


def _lines(store: Store, export: Export, gaps: IO[bytes], writer: Writer | None, sent: _Sent) -> Iterator[bytes]:
    """`{"index":N,"entry":LEAF}` a line, the leaf byte for byte; what lies between goes to `gaps`."""
    for start in range(0, len(export.indexes), CHUNK):
        with store.read() as session:
            source, rows = StoredTiles(session), leaves(session, export.indexes[start : start + CHUNK])
            for index, _ in rows:
                gaps.write(b"".join(note.base64_line(each) for each in between(source, sent.upto, index)))
                sent.upto = index + 1
        for index, leaf in rows:
            if writer is not None:
                writer.add(index, leaf, read_leaf(leaf))
            sent.count, sent.first, sent.last = sent.count + 1, index if sent.first is None else sent.first, index
        yield b"".join(b'{"index":%d,"entry":%b}\n' % row for row in rows)
    with store.read() as session:
        gaps.write(b"".join(note.base64_line(each) for each in between(StoredTiles(session), sent.upto, export.proof.size)))


def _read(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while part := file.read(_PART):
        yield part


def _manifest(export: Export, sent: _Sent, archive: Archive) -> str:
    told = {
        "v": 1,
        "platform": export.platform,
        "log": export.origin,
        "made_at": rfc3339(export.made_at),
        "entry": export.entry_id,
        "query": dict(export.asked),
        "format": export.form,
        "order": "index, ascending",
        "count": sent.count,
        "first": sent.first,
        "last": sent.last,
        "size": export.proof.size,
        "files": archive.files,
    }
    return note.sign(f"{MANIFEST}\n{canonical(told).decode()}\n", f"{export.origin}/export", export.key)


def _guide(export: Export, guide: Path) -> bytes:
    text = guide.read_text(encoding="utf-8")
    return text.format(platform=export.platform, origin=export.origin, made_at=rfc3339(export.made_at), entry=export.entry_id).encode()
