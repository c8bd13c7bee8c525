"""Loads a dataset's source into a version file that the engine reads.

Ordinals (dense uint32) stay with a record over every version and are never given twice, because deliveries name records by
them. Rows that are deleted, erased here or of people who object never enter the table that is served; they are counted.
"""

from __future__ import annotations

import glob
import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import zip_longest
from pathlib import Path

import duckdb
from sqlalchemy import func, select
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from contracts.datasets import lines, source, sync
from contracts.datasets.catalogue import Version, current_versions
from contracts.datasets.files import folder_of, lines_file, literal, quoted, settle, version_file
from contracts.datasets.loaded import SMALL, Loaded
from contracts.datasets.tables import DatasetVersion
from contracts.deliveries import queries
from contracts.deliveries.ordinals import Ordinals
from contracts.deliveries.service import Held, held, withdraw
from contracts.errors import refuse
from contracts.ledger.stage import Entry, record
from contracts.people.actor import SYSTEM, Actor
from contracts.settings import DatasetSettings, Settings
from contracts.store import epochs
from contracts.store.unit import Store, Unit

_KEPT = 2
_A_READ = 10_000
AFTER_SECONDS = 600.0
"""So long after its successor became current, a version's files go."""


def refresh(
    store: Store,
    settings: Settings,
    dataset_id: str,
    actor: Actor = SYSTEM,
    before_current: Callable[[str], object] | None = None,
    before_gone: Callable[[Version, Ordinals], object] | None = None,
) -> str:
    """Load the source into a new version, make it current, and return its name.

    `before_current` is called with the name once the file is there (to build pseudonyms), `before_gone` with the version before and
    those of its records that the new one lacks and somebody holds (to remember whom they are about). Everything slow happens outside the
    transaction; that one makes the version current, moves the epoch `grants`, tells holders of withdrawn records and writes
    the entry. `changed_meanwhile` where another refresh came first, `Misconfigured` where the source does not fit the
    settings, `not_found` for an unknown dataset. A crash at any point leaves the version before.
    """
    described = settings.datasets.get(dataset_id)
    if described is None:
        raise refuse("not_found", f"The settings have no dataset {dataset_id!r}.")
    with store.read() as session:
        base = current_versions(session.connection(), [dataset_id]).get(dataset_id)
        erased = queries.erased_of(session, dataset_id)
    make = build if described.engine == "duckdb" else sync.sync
    loaded = make(settings.home, dataset_id, described, base, erased, _fresh_name(store, dataset_id))
    if before_current is not None:
        before_current(loaded.version)
    with store.read() as session:
        # Holders of records that were erased here were told then.
        withdrawn = held(session, dataset_id, loaded.gone - queries.erased_of(session, dataset_id))
    if base is not None and before_gone is not None:
        before_gone(base, Ordinals().union(*withdrawn.contracts.values()))
    try:
        with store.write("refresh") as unit:
            _make_current(unit, actor, dataset_id, base, loaded, withdrawn)
    except IntegrityError as error:
        raise _overtaken(dataset_id) from error
    _discard_old(store, settings.home, dataset_id)
    return loaded.version


def build(home: Path, dataset_id: str, described: DatasetSettings, base: Version | None, erased: Ordinals, version: str) -> Loaded:
    """Write one version file, whole or not at all."""
    final = version_file(home, dataset_id, version)
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = final.with_suffix(".draft")
    drafted = draft.with_suffix(".lines.draft")
    base_file = None if base is None else version_file(home, dataset_id, base.version)
    try:
        with source.located(dataset_id, described, final.parent) as location, duckdb.connect(str(draft)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            source.read_into(connection, dataset_id, described, location)
            _give_ordinals(connection, base, base_file)
            _split(connection, described, erased)
            _count_withheld(connection, described)
            gone = _gone(connection, base)
            facts = _facts(connection)
            if described.lines:
                lines.write(connection, described, drafted)
            connection.execute("DROP TABLE source")
            connection.execute("CHECKPOINT")
            hashed = _source_hash(location)
        if described.lines:
            # Before the version itself: it is never there without its lines.
            settle(drafted, lines_file(final))
        settle(draft, final)
    except duckdb.Error as error:
        raise source.unloadable(dataset_id, error) from error
    finally:
        draft.unlink(missing_ok=True)
        draft.with_name(draft.name + ".wal").unlink(missing_ok=True)
        drafted.unlink(missing_ok=True)
    return Loaded(version, *facts, hashed, gone)


def ordinal_of(settings: Settings, version: Version, key: str) -> int | None:
    """The ordinal of a record's own key, also of one that is no longer served; None where it was never loaded."""
    described = settings.datasets[version.dataset]
    if described.engine != "duckdb":
        return sync.ordinal_of(version.dataset, described, key)
    with duckdb.connect(str(version_file(settings.home, version.dataset, version.version)), read_only=True) as connection:
        row = connection.execute("SELECT _ord FROM ordinal WHERE _key = ?", [key]).fetchone()
    return None if row is None else int(row[0])


def ordinals_of(settings: Settings, version: Version, keys: Sequence[str]) -> dict[str, int]:
    """As `ordinal_of`, of many keys in one look; those that were never loaded are left out."""
    described = settings.datasets[version.dataset]
    if described.engine != "duckdb":
        found = {key: sync.ordinal_of(version.dataset, described, key) for key in keys}
        return {key: ordinal for key, ordinal in found.items() if ordinal is not None}
    with duckdb.connect(str(version_file(settings.home, version.dataset, version.version)), read_only=True) as connection:
        query = "SELECT _key, _ord FROM ordinal WHERE _key IN (SELECT unnest(?::VARCHAR[]))"
        return {str(key): int(ordinal) for key, ordinal in connection.execute(query, [list(keys)]).fetchall()}


def keys_of(settings: Settings, version: Version, ordinals: Ordinals) -> list[str]:
    """The own keys of records, in the order of their ordinals."""
    described = settings.datasets[version.dataset]
    if described.engine != "duckdb":
        return sync.keys_of(version.dataset, described, ordinals)
    with duckdb.connect(str(version_file(settings.home, version.dataset, version.version)), read_only=True) as connection:
        query = "SELECT _key FROM ordinal WHERE _ord IN (SELECT unnest(?::UINTEGER[])) ORDER BY _ord"
        return [key for (key,) in connection.execute(query, [list(ordinals)]).fetchall()]


def every_key(settings: Settings, dataset_id: str, version: str) -> Iterator[tuple[str, int]]:
    """Every record that was ever loaded up to a version: its own key and its ordinal."""
    described = settings.datasets[dataset_id]
    if described.engine != "duckdb":
        yield from sync.every_key(dataset_id, described)
        return
    with duckdb.connect(str(version_file(settings.home, dataset_id, version)), read_only=True) as connection:
        found = connection.execute("SELECT _key, _ord FROM ordinal")
        while rows := found.fetchmany(_A_READ):
            yield from ((key, int(ordinal)) for key, ordinal in rows)


def _give_ordinals(connection: duckdb.DuckDBPyConnection, base: Version | None, base_file: Path | None) -> None:
    connection.execute("CREATE TABLE ordinal (_key VARCHAR, _ord UINTEGER)")
    first = 0
    if base is not None and base_file is not None:
        connection.execute(f"ATTACH {literal(str(base_file))} AS base (READ_ONLY)")
        connection.execute("INSERT INTO ordinal SELECT _key, _ord FROM base.ordinal ORDER BY _ord")
        first = base.ordinals
    # By time, so that one page's ordinals lie close together and pack into few bytes.
    connection.execute(
        "INSERT INTO ordinal SELECT _key, (? + row_number() OVER (ORDER BY _t, _key) - 1)::UINTEGER FROM source ANTI JOIN ordinal USING (_key)",
        [first],
    )


def _split(connection: duckdb.DuckDBPyConnection, described: DatasetSettings, erased: Ordinals) -> None:
    connection.execute("CREATE TEMP TABLE erased AS SELECT unnest(?::UINTEGER[]) AS _ord", [list(erased)])
    connection.execute(
        "CREATE TEMP TABLE sorted AS SELECT s.*, o._ord, CASE WHEN s._deleted OR o._ord IN (SELECT _ord FROM erased) THEN 'deleted'"
        " WHEN s._objects THEN 'objecting' END AS _reason FROM source s JOIN ordinal o USING (_key)"
    )
    names = ", ".join(quoted(name) for name in described.fields)
    connection.execute(
        f"CREATE TABLE record AS SELECT (row_number() OVER (ORDER BY _t, _ord) - 1)::UINTEGER AS _pos, _ord, _t, {names}"
        " FROM sorted WHERE _reason IS NULL ORDER BY _t, _ord"
    )


def _count_withheld(connection: duckdb.DuckDBPyConnection, described: DatasetSettings) -> None:
    """Counts by reason and by plain columns of few values: enough for a contract's rows, too little to name anyone."""
    plain = [name for name, field in described.fields.items() if field.field_class == "plain" and field.type in ("string", "boolean")]
    kept = [name for name in plain if _distinct(connection, name) <= SMALL]
    columns = ", ".join(["_reason", *[quoted(name) for name in kept]])
    connection.execute(
        f"CREATE TABLE withheld AS SELECT {columns}, count(*) AS _n FROM sorted WHERE _reason IS NOT NULL GROUP BY {columns}"
    )


def _distinct(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    return _number(connection, f"SELECT count(*) FROM (SELECT DISTINCT {quoted(name)} FROM sorted LIMIT {SMALL + 1})")


def _gone(connection: duckdb.DuckDBPyConnection, base: Version | None) -> Ordinals:
    if base is None:
        return Ordinals()
    return Ordinals(row[0] for row in connection.execute("SELECT _ord FROM base.record ANTI JOIN record USING (_ord)").fetchall())


def _facts(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int, int]:
    return (
        _number(connection, "SELECT count(*) FROM record"),
        _number(connection, "SELECT count(*) FROM sorted WHERE _reason = 'deleted'"),
        _number(connection, "SELECT count(*) FROM sorted WHERE _reason = 'objecting'"),
        _number(connection, "SELECT count(*) FROM ordinal"),
    )


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])


def _fresh_name(store: Store, dataset_id: str) -> str:
    with store.engine.connect() as connection:
        known = connection.execute(select(func.count()).where(col(DatasetVersion.dataset) == dataset_id)).scalar_one()
    # Two loaders at once must not write the same file.
    return f"v{known + 1}-{secrets.token_hex(3)}"


def _source_hash(pattern: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(pattern.parent.glob(pattern.name)):
        with file.open("rb") as handle:
            while block := handle.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _make_current(unit: Unit, actor: Actor, dataset_id: str, base: Version | None, loaded: Loaded, withdrawn: Held) -> None:
    epochs.bump(unit, "grants")
    row = DatasetVersion
    here = (col(row.dataset) == dataset_id, col(row.current))
    retired = unit.connection.execute(
        sql_update(row).where(*here, col(row.version) == (base.version if base else "")).values(current=False)
    )
    if retired.rowcount != (0 if base is None else 1):
        raise _overtaken(dataset_id)
    facts = {name: getattr(loaded, name) for name in ("version", "records", "deleted", "objecting", "ordinals", "source_sha256")}
    unit.session.add(DatasetVersion(dataset=dataset_id, loaded_at=unit.now, **facts))
    unit.session.flush()
    withdraw(unit, actor, withdrawn, "The record is no longer served by its source.")
    record(
        unit,
        Entry(
            event="dataset.refreshed",
            dataset=dataset_id,
            dataset_version=loaded.version,
            rows=loaded.records,
            organisation=actor.organisation_id,
            facts={**facts, "gone": len(loaded.gone)},
            personal={"account": actor.account_id},
        ),
    )


def _overtaken(dataset_id: str) -> Exception:
    return refuse("changed_meanwhile", f"Another refresh of {dataset_id} came first; run it again.")


def discard_old(store: Store, home: Path, after_seconds: float = AFTER_SECONDS) -> int:
    """Remove files of versions that no request can still be on; returns how many went. The recurring job `old versions`.

    A version is over for a while after the next became current: the longest that a request that began on it may take. What a process has
    still open lives on, without a name, until it is closed.
    """
    latest = store.clock.now() - timedelta(seconds=after_seconds)
    with store.engine.connect() as connection:
        table = DatasetVersion
        query = select(col(table.dataset), col(table.version), col(table.current), col(table.loaded_at))
        rows = connection.execute(query.order_by(col(table.dataset), col(table.loaded_at))).all()
    gone = 0
    for (dataset, version, current, _), following in zip_longest(rows, rows[1:]):
        if not current and following is not None and following[0] == dataset and following[3] <= latest:
            gone += _discard(home, dataset, version)
    return gone


def _discard_old(store: Store, home: Path, dataset_id: str) -> None:
    """As `discard_old`, at once, for all but the last version before the current one."""
    with store.engine.connect() as connection:
        query = select(col(DatasetVersion.version)).where(col(DatasetVersion.dataset) == dataset_id)
        versions = (
            connection.execute(query.order_by(col(DatasetVersion.current).desc(), col(DatasetVersion.loaded_at).desc())).scalars().all()
        )
    for version in versions[_KEPT:]:
        _discard(home, dataset_id, version)


def _discard(home: Path, dataset_id: str, version: str) -> int:
    found = list(folder_of(home, dataset_id).glob(f"{glob.escape(version)}.*"))
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)
