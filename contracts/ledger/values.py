"""Personal values beside the entries, sealed under the keys of those whom they are about.

Whose a value is: a field that names somebody (`NAMING`) is that person's own. All others of an entry (network, query, reason,
remark) are its account's; without an account its network's; without either the house's. So erasing a person takes along from
where the person came and what the person wrote, and leaves alone what concerns others. A network that stands under an account's
key is found by its own handle in a column beside.

Values are AES-256-GCM under the subject's key with the entry's id as associated data (NIST SP 800-38D), so that no row opens in
another's place. One row holds all values of one subject in one entry.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine, delete
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from contracts.errors import Misconfigured
from contracts.ledger.subjects import SubjectKeys, keys_in
from contracts.ledger.tables import STRETCH, LedgerEntry, PlainValue, SealedValues
from contracts.ledger.whose import of_any
from contracts.store.many import Insertion
from contracts.store.unit import Store

ACCOUNT, NETWORK = "account", "network"
NAMING = frozenset({ACCOUNT, "member", "to", "of", "given_by", "email", "person", "search"})
_WHOSE = NAMING | {NETWORK}
_NETWORK_ALONE = frozenset({NETWORK})
NOBODY = "-"
"""Stands for the house itself, where a value is about nobody who is known."""
NONCE = 12
_TOGETHER = 500
_A_RUN = 100
_SEALED = sql_select(col(SealedValues.entry_id), col(SealedValues.subject), col(SealedValues.sealed))
_KEEP = Insertion(SealedValues, "entry_id", "subject", "network", "sealed", "stretch")


class Kept(NamedTuple):
    """A personal value with the salt of its commitment."""

    value: str
    salt: bytes


class Draft(NamedTuple):
    """The values of one new entry, each with its salt."""

    entry_id: str
    personal: Mapping[str, str]
    salts: Mapping[str, bytes]


SealedRow = tuple[int, str, int, int | None, bytes]
"""What will be kept of a draft: its number among the drafts, its id, the handles of subject and network, and what is sealed."""


class Opened(NamedTuple):
    """The values that can be read of an entry. `broken` says that a row is there and its key as well, but that it does not open."""

    values: Mapping[str, Kept]
    broken: bool = False


NOTHING = Opened({})


_ELSEWHERE: list[Path] = []


def keep_keys_in(folder: Path) -> None:
    """Where this process keeps the keys of stores that were opened without a folder for them: tests make many such."""
    _ELSEWHERE[:] = [folder]


def keys_of(connection: Connection | Engine) -> SubjectKeys:
    """The keys that belong to a connection's database; `Misconfigured` where it was opened without saying where they lie."""
    folder: Path | None = connection.get_execution_options().get("licet_subjects") or next(iter(_ELSEWHERE), None)
    if folder is None:
        raise Misconfigured("setting subject_keys", "is not known to this store.", "Open the store with the folder of the settings.")
    return keys_in(folder)


def introduce(engine: Engine, personal: Iterable[Mapping[str, str]]) -> None:
    """Have the keys of all whom these values are about on the disk, for a caller that is about to take the store's write lock."""
    wanted = {
        value or NOBODY
        for each in personal
        if each
        for name, value in (each if NETWORK in each else {**each, NETWORK: NOBODY}).items()
        if name in _WHOSE
    }
    if wanted:
        keys_of(engine).sealing(wanted)


def seal(connection: Connection, drafts: Sequence[Draft]) -> list[SealedRow]:
    """Seal the values of new entries. The key of someone new reaches the disk here."""
    shared = [(number, draft, _by_subject(draft.personal)) for number, draft in enumerate(drafts) if draft.personal]
    if not shared:
        return []
    wanted = {draft.personal[NETWORK] for _, draft, _ in shared if NETWORK in draft.personal}
    sealing, rows = keys_of(connection).sealing(wanted.union(*(groups for _, _, groups in shared))), list[SealedRow]()
    nonces = drawn(NONCE, sum(len(groups) for _, _, groups in shared))
    for draft_number, (entry_id, personal, salts), groups in shared:
        for subject, names in groups.items():
            handle, cipher = sealing[subject]
            network = sealing[personal[NETWORK]].handle if NETWORK in names else None
            kept = sealed(cipher, entry_id, {name: Kept(personal[name], salts[name]) for name in names}, next(nonces))
            rows.append((draft_number, entry_id, handle, None if network == handle else network, kept))
    return rows


def keep(connection: Connection, rows: Iterable[SealedRow], places: Sequence[int]) -> None:
    """Store what was sealed, in the transaction of the entries; `places` are those of the drafts in the ledger."""
    _KEEP.execute(connection, [(*row, places[number] // STRETCH) for number, *row in rows])


def drawn(size: int, count: int) -> Iterator[bytes]:
    """Random bytes, so many times `size` of them: drawn at once, because each draw asks the kernel."""
    together = secrets.token_bytes(size * count)
    return (together[start : start + size] for start in range(0, len(together), size))


def sealed(cipher: AESGCM, entry_id: str, values: Mapping[str, Kept], nonce: bytes) -> bytes:
    """Values under a subject's key: the nonce, which is random, then the ciphertext with its tag."""
    plain = orjson.dumps({name: (kept.value, kept.salt.hex()) for name, kept in values.items()})
    return nonce + cipher.encrypt(nonce, plain, entry_id.encode())


def unsealed(cipher: AESGCM, entry_id: str, kept: bytes) -> dict[str, Kept] | None:
    """What was sealed; None where it was not sealed for this entry."""
    try:
        plain = cipher.decrypt(kept[:NONCE], kept[NONCE:], str(entry_id).encode())  # an edited id may be bytes
    except (InvalidTag, ValueError):  # ValueError: an edited row is too short to be sealed
        return None
    return {name: Kept(value, bytes.fromhex(salt)) for name, (value, salt) in orjson.loads(plain).items()}


def values_of(session: Session, entry_ids: Sequence[str]) -> dict[str, Opened]:
    """What can be read of each entry that has values left; those whose key is gone are left out, as erased."""
    found = dict[str, Opened]()
    keys = keys_of(session.connection()) if entry_ids else None
    for start in range(0, len(entry_ids), _TOGETHER):
        part, rows = entry_ids[start : start + _TOGETHER], defaultdict[str, list[tuple[int, bytes]]](list)
        for entry_id, subject, kept in session.connection().execute(_SEALED.where(col(SealedValues.entry_id).in_(part))):
            rows[entry_id].append((subject, kept))
        ciphers = keys.ciphers({subject for each in rows.values() for subject, _ in each}) if keys is not None else {}
        read = {entry_id: opened(entry_id, each, ciphers) for entry_id, each in rows.items()}
        found |= {entry_id: each for entry_id, each in read.items() if each.values or each.broken}
    return found


def opened(entry_id: str, rows: Iterable[tuple[int, bytes]], ciphers: Mapping[int, AESGCM]) -> Opened:
    """What can be read of one entry's rows, each a handle with what is sealed under it; those without a cipher count as erased."""
    values, broken = dict[str, Kept](), False
    for subject, kept in rows:
        cipher = ciphers.get(subject)
        if cipher is None:
            continue
        found = unsealed(cipher, entry_id, kept)
        if found is None:
            broken = True
        else:
            values = values | found if values else found
    return Opened(values, broken)


def entries_with(session: Session, text: str, most: int) -> list[str]:
    """Ids of entries that have a personal value which is exactly this text and names somebody or a network; newest first."""
    handles = keys_of(session.connection()).find(text)
    if not handles:
        return []
    found = select(LedgerEntry.id).where(col(LedgerEntry.id).in_(of_any(handles))).order_by(col(LedgerEntry.index).desc())
    return list(session.exec(found.limit(most)).all())


def seal_plain(store: Store) -> int:
    """Seal the values that stand in clear since before there were keys; returns how many entries had any. Harmless to repeat."""
    done = 0
    while True:
        with store.write("seal values") as unit:
            ids = unit.session.exec(select(PlainValue.entry_id).distinct().limit(_A_RUN)).all()
            rows = unit.session.exec(select(PlainValue).where(col(PlainValue.entry_id).in_(ids))).all()
            drafts = {entry_id: Draft(entry_id, {}, {}) for entry_id in ids}
            for row in rows:
                draft = drafts[row.entry_id]
                drafts[row.entry_id] = Draft(row.entry_id, {**draft.personal, row.field: row.value}, {**draft.salts, row.field: row.salt})
            place = dict(unit.session.exec(select(LedgerEntry.id, LedgerEntry.index).where(col(LedgerEntry.id).in_(ids))).all())
            keep(unit.connection, seal(unit.connection, list(drafts.values())), [place.get(each, 0) for each in drafts])
            unit.connection.execute(delete(PlainValue).where(col(PlainValue.entry_id).in_(ids)))
        done += len(ids)
        if len(ids) < _A_RUN:
            return done


def _by_subject(personal: Mapping[str, str]) -> dict[str, list[str]]:
    if personal.keys() == _NETWORK_ALONE:  # of most entries by far
        return {personal[NETWORK] or NOBODY: [NETWORK]}
    owner = personal.get(ACCOUNT) or personal.get(NETWORK) or NOBODY
    groups = dict[str, list[str]]()
    for name, value in personal.items():
        groups.setdefault(value if name in NAMING and value else owner, []).append(name)
    return groups
