"""Refreshing a dataset that is read where it lies: new records get numbers, and it is noted which ones are there.

Nothing is copied. The table of numbers is written in one transaction of the dataset's own database; a version becomes current afterwards,
in ours. A crash between them leaves numbers that no version has yet, which the next refresh keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, inspect, not_, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from contracts.datasets import database
from contracts.datasets.catalogue import Version
from contracts.datasets.loaded import SMALL, Loaded
from contracts.datasets.place import Place
from contracts.datasets.synced import Synced, file_of, read_synced, write_synced
from contracts.datasets.values import Value, read
from contracts.deliveries.ordinals import Ordinals, fingerprint, pack
from contracts.errors import Misconfigured, refuse
from contracts.settings import DatasetSettings

_BATCH = 5_000

# Field and value to pseudonym.
Pseudonyms = Callable[[str, Any], str]


@contextmanager
def opened(dataset_id: str, described: DatasetSettings) -> Iterator[tuple[Place, Connection]]:
    """The dataset's place and one transaction of its database, which may write our tables there.

    `Misconfigured` where the database fails, `changed_meanwhile` where another refresh gave the same numbers.
    """
    engine = database.open_database(dataset_id, described, writes=True)
    try:
        place = Place(dataset_id, described, engine)
        with engine.begin() as connection:
            yield place, connection
    except IntegrityError as error:
        raise refuse("changed_meanwhile", f"Another refresh of {dataset_id} came first; run it again.") from error
    except SQLAlchemyError as error:
        raise database.unreadable(dataset_id, error) from error
    finally:
        engine.dispose()


def sync(home: Path, dataset_id: str, described: DatasetSettings, base: Version | None, erased: Ordinals, version: str) -> Loaded:
    """Number what is new and note what is served; `source_sha256` is over the set of those ordinals, as there are no bytes to hash.

    `Misconfigured` where a key or a time is missing or a key is there twice, and where numbers that were given are gone.
    """
    before = _before(home, base)
    with opened(dataset_id, described) as (place, connection):
        place.check()
        place.ensure(connection, place.ordinals)
        _check(place, connection)
        given = _number_new(place, connection, 0 if base is None else base.ordinals)
        place.survey(connection, place.ordinals)
        marked = _ordinals(place, connection, place.marked(described.deleted))
        objects = _ordinals(place, connection, place.marked(described.objects))
        there = _ordinals(place, connection, place.served)
        kept = frozenset(_of_few_values(place, connection))
    served, deleted = there - erased, marked | (erased & (there | objects))
    write_synced(home, dataset_id, version, Synced(served, Ordinals(erased), kept))
    return Loaded(version, len(served), len(deleted), len(objects - deleted), given, fingerprint(pack(served)), before - served)


@dataclass(frozen=True, slots=True)
class Found:
    """A table that is read in place: its rows, how many of them have numbers and so may be served, and fields that each page looks for
    and no index begins with.
    """

    rows: int
    numbered: int
    unindexed: tuple[str, ...]


def found(dataset_id: str, described: DatasetSettings) -> Found:
    """What stands there now, by a session that writes nothing; `Misconfigured` where a refresh would stop at its columns. Views have no indexes of their own."""
    with database.reading(dataset_id, described) as connection:
        place, look = Place(dataset_id, described, connection.engine), inspect(connection)
        place.check()
        rows, numbered, missing = database.count(connection, described), 0, tuple[str, ...]()
        if look.has_table(place.ordinals.name, place.schema):
            joined = place.rows.join(place.ordinals, place.ordinals.c["_key"] == place.key)
            numbered = int(connection.execute(select(func.count()).select_from(joined)).scalar_one())
        schema, _, name = described.table.rpartition(".")
        if look.has_table(name, schema or None) and name in look.get_table_names(schema or None):
            leading: list[Sequence[str | None]] = [look.get_pk_constraint(name, schema or None)["constrained_columns"][:1]]
            leading += [index["column_names"][:1] for index in look.get_indexes(name, schema or None)]
            first = {column for each in leading for column in each}
            wanted = dict.fromkeys(each for each in (described.time, described.key) if each is not None)
            missing = tuple(each for each in wanted if (described.fields[each].column or each) not in first)
    return Found(rows, numbered, missing)


def build_dictionaries(dataset_id: str, described: DatasetSettings, contract_id: str, fields: tuple[str, ...], by: Pseudonyms) -> None:
    """Bring one contract's dictionaries up to the source: values that are new get pseudonyms, those that are gone go."""
    with opened(dataset_id, described) as (place, connection):
        for field in fields:
            made, value = place.dictionary(contract_id, field), place.value(field)
            place.ensure(connection, made)
            connection.execute(delete(made).where(not_(exists(select(1).select_from(place.rows).where(value == made.c.value)))))
            known = exists(select(1).select_from(made).where(made.c.value == value))
            new = select(value.label("value")).select_from(place.rows).where(value.is_not(None), not_(known)).distinct()
            for batch in connection.execute(new.execution_options(yield_per=_BATCH)).scalars().partitions():
                connection.execute(insert(made), [{"value": each, "pseudonym": by(field, each)} for each in batch])
            place.survey(connection, made)


def ordinal_of(dataset_id: str, described: DatasetSettings, key: str) -> int | None:
    """The ordinal of a record's own key; None where it was never numbered."""
    with opened(dataset_id, described) as (place, connection):
        numbers = place.ordinals
        found = connection.execute(select(numbers.c["_ord"]).where(numbers.c["_key"] == _typed(described, key))).scalar()
    return None if found is None else int(found)


def keys_of(dataset_id: str, described: DatasetSettings, ordinals: Ordinals) -> list[str]:
    """The own keys of records, in the order of their ordinals."""
    listed, found = list(ordinals), []
    with opened(dataset_id, described) as (place, connection):
        number = place.ordinals.c["_ord"]
        for start in range(0, len(listed), _BATCH):
            query = select(place.ordinals.c["_key"]).where(number.in_(listed[start : start + _BATCH])).order_by(number)
            found += [str(key) for key in connection.execute(query).scalars()]
    return found


def every_key(dataset_id: str, described: DatasetSettings) -> Iterator[tuple[str, int]]:
    """Every record that was ever numbered: its own key and its ordinal."""
    with opened(dataset_id, described) as (place, connection):
        query = select(place.ordinals.c["_key"], place.ordinals.c["_ord"]).execution_options(yield_per=_BATCH)
        yield from ((str(key), int(ordinal)) for key, ordinal in connection.execute(query))


def _before(home: Path, base: Version | None) -> Ordinals:
    if base is None:
        return Ordinals()
    if not file_of(home, base.dataset, base.version).exists():
        raise Misconfigured(
            f"dataset {base.dataset}",
            "was loaded by another engine, whose numbers of records this one does not have.",
            "Give it another id, or its former engine back.",
        )
    return read_synced(home, base.dataset, base.version).served


def _check(place: Place, connection: Connection) -> None:
    key, time, named = place.key, place.time, f"dataset {place.dataset}"
    if connection.execute(select(1).select_from(place.rows).where(key.is_(None)).limit(1)).first():
        raise Misconfigured(named, f"a row has no {place.described.key}.", "Every record needs its key.")
    if connection.execute(select(1).select_from(place.rows).group_by(key).having(func.count() > 1).limit(1)).first():
        raise Misconfigured(named, f"two rows have the same {place.described.key}.", "Name a field that is unique as key.")
    if time is not None and connection.execute(select(1).select_from(place.rows).where(time.is_(None)).limit(1)).first():
        raise Misconfigured(named, f"a row has no {place.described.time}.", "Read in place, every record needs its time.")


def _number_new(place: Place, connection: Connection, given: int) -> int:
    """Number the keys that have none, in order of time; returns how many numbers were ever given."""
    numbers = place.ordinals
    highest = connection.execute(select(func.max(numbers.c["_ord"]))).scalar()
    first = 0 if highest is None else int(highest) + 1
    if first < given:
        said = f"has given {given:,} numbers to records, and its table of numbers holds fewer."
        raise Misconfigured(f"dataset {place.dataset}", said, "Put that table back from its backup, or give the dataset another id.")
    order = [place.key] if place.time is None else [place.time, place.key]
    number = (func.row_number().over(order_by=order) + (first - 1)).label("_ord")
    known = exists(select(1).select_from(numbers).where(numbers.c["_key"] == place.key))
    new = select(place.key.label("_key"), number).select_from(place.rows).where(not_(known))
    connection.execute(insert(numbers).from_select(["_key", "_ord"], new))
    return int(connection.execute(select(func.coalesce(func.max(numbers.c["_ord"]), -1))).scalar_one()) + 1


def _ordinals(place: Place, connection: Connection, condition: ColumnElement[bool]) -> Ordinals:
    numbers = place.ordinals
    joined = place.rows.join(numbers, and_(numbers.c["_key"] == place.key))
    query = select(numbers.c["_ord"]).select_from(joined).where(condition)
    found = Ordinals()
    for batch in connection.execute(query.execution_options(yield_per=_BATCH)).scalars().partitions():
        found.update(batch)
    return found


def _of_few_values(place: Place, connection: Connection) -> Iterator[str]:
    for name, field in place.described.fields.items():
        if field.field_class == "plain" and field.type in ("string", "boolean"):
            values = select(place.value(name).label("v")).select_from(place.rows).distinct().limit(SMALL + 1).subquery()
            if connection.execute(select(func.count()).select_from(values)).scalar_one() <= SMALL:
                yield name


def _typed(described: DatasetSettings, key: str) -> Value | None:
    try:
        return read(described.fields[described.key].type, key)
    except ValueError:
        return None
