"""The records that are about one person, by the person's own id in the source."""

from __future__ import annotations

import duckdb
from sqlalchemy import and_, select

from contracts.datasets.catalogue import Version
from contracts.datasets.files import quoted, version_file
from contracts.datasets.sync import opened
from contracts.datasets.values import Value, read
from contracts.deliveries.ordinals import Ordinals
from contracts.settings import DatasetSettings, Settings


def ordinals_of(settings: Settings, version: Version, person: str) -> Ordinals:
    """The person's records in a version of a dataset; none where it names no persons.

    A record that the source took away before that version names nobody any more and is not found; who holds it is asked by its own
    id. `Misconfigured` where the database of a dataset that is read in place fails.
    """
    described = settings.datasets[version.dataset]
    value = _value(described, person)
    if described.subject is None or value is None:
        return Ordinals()
    if described.engine != "duckdb":
        return _in_place(version.dataset, described, described.subject, value)
    query = f"SELECT _ord FROM record WHERE {quoted(described.subject)} = ?"
    with duckdb.connect(str(version_file(settings.home, version.dataset, version.version)), read_only=True) as connection:
        return Ordinals(row[0] for row in connection.execute(query, [value]).fetchall())


def _in_place(dataset: str, described: DatasetSettings, subject: str, value: Value) -> Ordinals:
    with opened(dataset, described) as (place, connection):
        numbers = place.ordinals
        joined = place.rows.join(numbers, and_(numbers.c["_key"] == place.key))
        query = select(numbers.c["_ord"]).select_from(joined).where(place.value(subject) == value)
        return Ordinals(connection.execute(query).scalars().all())


def _value(described: DatasetSettings, person: str) -> Value | None:
    if described.subject is None:
        return None
    try:
        return read(described.fields[described.subject].type, person)
    except ValueError:
        return None
