"""The records that are about one person, found by the person's own id in the source or by another name that the dataset's settings give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
from sqlalchemy import Connection, and_, or_, select

from contracts.datasets.catalogue import Version
from contracts.datasets.files import quoted, version_file
from contracts.datasets.place import Place
from contracts.datasets.sync import opened
from contracts.datasets.values import Value, read
from contracts.deliveries.ordinals import Ordinals
from contracts.settings import DatasetSettings, Settings

MOST_PEOPLE = 20
"""So many people of one name are told apart; who has more of one name is asked for an id."""
_BATCH = 5_000


def names_of(described: DatasetSettings, site: str, typed: str) -> list[str]:
    """What somebody may be called who is asked for: as typed, with or without the @ of a handle, and what the address of a profile names."""
    found = [typed, typed[1:] if typed.startswith("@") else f"@{typed}"]
    if described.profile is not None:
        before, after = re.split(r"\{[^{}]*\}", described.profile)
        page = re.compile(rf"(?:{re.escape(site.rstrip('/'))})?{re.escape(before)}([^/?#]+){re.escape(after)}/?(?:[?#].*)?")
        found += [match[1]] if (match := page.fullmatch(typed)) else []
    return [each for each in found if each]


def people_of(settings: Settings, version: Version, typed: str) -> dict[str, Ordinals]:
    """Whoever is meant, by their own id as text, with their records in a version of a dataset; at most 20 people.

    A record that the source took away before that version names nobody any more (`contracts.datasets.remembered` knows those that
    left). `Misconfigured` where the database of a dataset that is read in place fails.
    """
    described = settings.datasets[version.dataset]
    wanted = _wanted(described, names_of(described, settings.platform.site, typed))
    if described.subject is None or not wanted:
        return {}
    if described.engine != "duckdb":
        with opened(version.dataset, described) as (place, connection):
            return _in_place(place, connection, described.subject, wanted)
    with duckdb.connect(str(version_file(settings.home, version.dataset, version.version)), read_only=True) as connection:
        return _loaded(connection, described.subject, wanted)


def names_in(settings: Settings, version: Version, ordinals: Ordinals) -> Iterator[tuple[int, str, list[str]]]:
    """Of each of the records that the version has: its ordinal, the person's own id, and every name of theirs, all as text."""
    described = settings.datasets[version.dataset]
    if described.subject is None or not ordinals:
        return
    fields = [described.subject, *described.found_by]
    for ordinal, person, *others in _values(settings, version, described, fields, ordinals):
        if person is not None:
            yield ordinal, str(person), [str(each) for each in dict.fromkeys((person, *others)) if each is not None]


def _loaded(connection: duckdb.DuckDBPyConnection, subject: str, wanted: Sequence[tuple[str, Value]]) -> dict[str, Ordinals]:
    named = " OR ".join(f"{quoted(field)} = ?" for field, _ in wanted)
    people = f"SELECT DISTINCT {quoted(subject)} FROM record WHERE ({named}) AND {quoted(subject)} IS NOT NULL LIMIT {MOST_PEOPLE}"
    query = f"SELECT {quoted(subject)}::VARCHAR, _ord FROM record WHERE {quoted(subject)} IN ({people})"
    found = dict[str, Ordinals]()
    for person, ordinal in connection.execute(query, [value for _, value in wanted]).fetchall():
        found.setdefault(person, Ordinals()).add(ordinal)
    return found


def _in_place(place: Place, connection: Connection, subject: str, wanted: Sequence[tuple[str, Value]]) -> dict[str, Ordinals]:
    numbers, person = place.ordinals, place.value(subject)
    named = or_(*(place.value(field) == value for field, value in wanted))
    people = connection.execute(select(person).distinct().where(named, person.is_not(None)).limit(MOST_PEOPLE)).scalars().all()
    joined = place.rows.join(numbers, and_(numbers.c["_key"] == place.key))
    found = dict[str, Ordinals]()
    for each, ordinal in connection.execute(select(person, numbers.c["_ord"]).select_from(joined).where(person.in_(people))):
        found.setdefault(str(each), Ordinals()).add(ordinal)
    return found


def _wanted(described: DatasetSettings, names: Sequence[str]) -> list[tuple[str, Value]]:
    """Fields and the values to look for in them; a name that a field's type cannot hold is in none of its rows."""
    fields = [] if described.subject is None else [described.subject, *described.found_by]
    return [(field, value) for field in fields for name in names if (value := _value(described, field, name)) is not None]


def _value(described: DatasetSettings, field: str, name: str) -> Value | None:
    try:
        return read(described.fields[field].type, name)
    except ValueError:
        return None


def _values(settings: Settings, version: Version, described: DatasetSettings, fields: Sequence[str], ordinals: Ordinals) -> Iterator[Any]:
    listed = list(ordinals)
    if described.engine == "duckdb":
        columns = ", ".join(quoted(each) for each in fields)
        with duckdb.connect(str(version_file(settings.home, version.dataset, version.version)), read_only=True) as connection:
            query = f"SELECT _ord, {columns} FROM record WHERE _ord IN (SELECT unnest(?::UINTEGER[])) ORDER BY _ord"
            yield from connection.execute(query, [listed]).fetchall()
        return
    with opened(version.dataset, described) as (place, there):
        numbers = place.ordinals
        joined = place.rows.join(numbers, and_(numbers.c["_key"] == place.key))
        query_of = select(numbers.c["_ord"], *(place.value(each) for each in fields)).select_from(joined).order_by(numbers.c["_ord"])
        for start in range(0, len(listed), _BATCH):
            yield from there.execute(query_of.where(numbers.c["_ord"].in_(listed[start : start + _BATCH]))).all()
