"""Pseudonyms: HMAC-SHA-256 (RFC 2104) keyed per contract, so that two contracts cannot join what they hold.

A pseudonym is `ps_` and the first 128 bits in hex. The message is dataset, field and value, NUL between, so that equal values
of two fields differ. Tables are built per contract and version, aligned with the version's rows, and the engine joins them.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import structlog
from sqlmodel import select

from contracts.datasets import codes, sync
from contracts.datasets.catalogue import Catalogue, Dataset, current_versions
from contracts.datasets.files import codes_file, lines_file, literal, pseudonym_file, quoted, settle, version_file
from contracts.errors import Misconfigured, Refusal, Refused, refuse
from contracts.keys import KeyRing, Purpose, newest
from contracts.lifecycle.tables import Contract
from contracts.settings import Settings
from contracts.store.unit import Store
from contracts.terms.grant import compile_grant
from contracts.terms.model import DatasetTerms

log = structlog.get_logger()

PREFIX = "ps_"
_FORM = re.compile(PREFIX + r"[0-9a-f]{32}")
_BLOCK = 64
_building = threading.Lock()


def pseudonym(key: bytes, dataset: str, field: str, value: str) -> str:
    """The pseudonym of one value, as the tables hold it."""
    message = b"\0".join((dataset.encode(), field.encode(), value.encode()))
    return PREFIX + hmac.new(key, message, "sha256").hexdigest()[:32]


def is_pseudonym(text: str) -> bool:
    """Whether the text has a pseudonym's form."""
    return _FORM.fullmatch(text) is not None


def fields_of(dataset: Dataset, terms: DatasetTerms) -> tuple[str, ...]:
    """The contract's fields that leave as pseudonyms, in the dataset's order."""
    return tuple(name for name in dataset.fields if name in terms.fields and dataset.is_pseudonymised(name, terms))


def build_for(store: Store, keys: KeyRing, settings: Settings, contract_id: str) -> int:
    """Build the tables of one active contract for the current version of each of its datasets; returns how many were built.

    The handler of the outbox effect `contract.activated`. Tables that are there already stay; a contract that is not active
    gets none.
    """
    catalogue = Catalogue(settings, store)
    with store.read() as session:
        grant = compile_grant(keys, session, contract_id)
        if isinstance(grant, Refusal):
            return 0
        versions = current_versions(session.connection(), [each.dataset for each in grant.terms.datasets])
    built = 0
    for terms in grant.terms.datasets:
        dataset, version = catalogue.get(terms.dataset), versions.get(terms.dataset)
        if dataset is not None and version is not None:
            built += ensure(store, keys, settings.home, dataset, terms, version.version, contract_id)
    return built


def build_all(store: Store, keys: KeyRing, settings: Settings, dataset_id: str, version: str) -> int:
    """Build the tables of every active contract that names the dataset, for a version that is not current yet.

    Handed to `load.refresh` as `before_current`, so that no request after a refresh waits for it.
    """
    dataset, built = Catalogue(settings, store).get(dataset_id), 0
    with store.read() as session:
        active = session.exec(select(Contract.id).where(Contract.state == "active")).all()
    for contract_id in active:
        with store.read() as session:
            grant = compile_grant(keys, session, contract_id)
        terms = None if isinstance(grant, Refusal) else grant.terms.for_dataset(dataset_id)
        if dataset is not None and terms is not None:
            built += ensure(store, keys, settings.home, dataset, terms, version, contract_id)
    return built


def ensure(store: Store, keys: KeyRing, home: Path, dataset: Dataset, terms: DatasetTerms, version: str, contract_id: str) -> bool:
    """Build one contract's table for one version unless it is there; returns whether it was built.

    The file appears whole or not at all, and one that is there is never written again.
    """
    fields = fields_of(dataset, terms)
    final = pseudonym_file(home, dataset.id, version, contract_id, fields)
    if not fields or final.exists():
        return False
    # One builder at a time in this process; another process builds the same file with the same content.
    with _building:
        if final.exists():
            return False
        key = key_of(store, keys, contract_id)
        if dataset.settings.engine == "duckdb":
            build(version_file(home, dataset.id, version), final, key, dataset.id, fields)
        else:
            _build_beside(dataset, final, key, contract_id, fields)
    return True


def key_of(store: Store, keys: KeyRing, contract_id: str) -> bytes:
    """The contract's pseudonym key, made where there is none."""
    with store.read() as session:
        row = newest(session, Purpose.PSEUDONYM, contract_id)
    if row is None:
        with store.write("pseudonym key") as unit:
            row = keys.ensure(unit, Purpose.PSEUDONYM, contract_id)
    return keys.open(row)


def build(records: Path, final: Path, key: bytes, dataset: str, fields: Sequence[str]) -> None:
    """Write the pseudonyms of every row of a version file, in its order; `dataset_unavailable` where that cannot be read."""
    draft = final.with_suffix(f".{secrets.token_hex(3)}.draft")
    drafted = draft.with_suffix(".codes.draft")
    inner, outer = _pads(key)
    columns = ", ".join(f"{_hmac_of(dataset, field)} AS {quoted(field)}" for field in fields)
    try:
        with duckdb.connect(str(draft)) as connection:
            connection.execute("SET threads = 1")
            connection.execute(f"ATTACH {literal(str(records))} AS records (READ_ONLY)")
            query = f"CREATE TABLE pseudonym AS SELECT _pos, {columns} FROM records.record ORDER BY _pos"
            connection.execute(query, {"inner": inner, "outer": outer})
            connection.execute("CHECKPOINT")
            if lines_file(records).exists():
                codes.write(connection, fields, drafted)
                settle(drafted, codes_file(final))
        settle(draft, final)
    except duckdb.Error as error:
        log.error("pseudonyms.not_built", dataset=dataset, error=type(error).__name__)
        raise refuse("dataset_unavailable", "The dataset cannot be prepared for this contract now. Try again shortly.") from error
    finally:
        draft.unlink(missing_ok=True)
        draft.with_name(draft.name + ".wal").unlink(missing_ok=True)
        drafted.unlink(missing_ok=True)


def _build_beside(dataset: Dataset, final: Path, key: bytes, contract_id: str, fields: tuple[str, ...]) -> None:
    """Fill the dictionaries in the dataset's own database; the file, empty, says for which version that was done."""

    def by(field: str, value: object) -> str:
        return pseudonym(key, dataset.id, field, _as_text(value))

    try:
        try:
            sync.build_dictionaries(dataset.id, dataset.settings, contract_id, fields, by)
        except Refused:
            # Another process did it at the same time, and has ended: little or nothing is left to do.
            sync.build_dictionaries(dataset.id, dataset.settings, contract_id, fields, by)
        final.touch(mode=0o600)
    except (Misconfigured, Refused) as error:
        log.error("pseudonyms.not_built", dataset=dataset.id, error=type(error.__cause__).__name__)
        raise refuse("dataset_unavailable", "The dataset cannot be prepared for this contract now. Try again shortly.") from error


def _as_text(value: object) -> str:
    """A value as DuckDB writes it as text, so that a pseudonym is the same whatever reads the dataset."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
        return str(value).rstrip("0") if value.microsecond else str(value)
    return str(value)


def _hmac_of(dataset: str, field: str) -> str:
    """HMAC in SQL: SHA-256 over the outer pad and SHA-256 over the inner pad and the message (RFC 2104 section 2).

    Kept as 128-bit UUIDs, which take 16 bytes and compare as numbers; the engine writes them as `ps_` and hex.
    """
    prefix = literal(dataset) + " || chr(0) || " + literal(field) + " || chr(0)"
    message = f"encode({prefix} || {quoted(field)}::VARCHAR)"
    digest = f"sha256($outer::BLOB || unhex(sha256($inner::BLOB || {message})))"
    return f"left({digest}, 32)::UUID"


def _pads(key: bytes) -> tuple[bytes, bytes]:
    padded = key.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)
