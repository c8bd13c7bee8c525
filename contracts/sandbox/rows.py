"""Rows of the sandbox: made from a dataset's description in the settings and from nothing else.

No record is read, counted or looked at to make them: whoever reads a sandbox learns what the public catalogue says. The same
description makes the same rows in every process, so that pages and cursors agree; another description makes another version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from contracts.datasets.catalogue import Dataset, Version
from contracts.datasets.values import Value, read
from contracts.sections import FieldSettings

COUNT = 400
"""Rows of each dataset: four pages of the usual size, and part of one of the largest."""
PEOPLE = 40
"""So that a person has several records, as in life."""

_FIRST = datetime(2026, 1, 1)  # noqa: DTZ001 - values of fields carry no zone: they are in UTC
_STEP = timedelta(minutes=97)
_SPAN_DAYS = 180
_MADE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One invented row. `time` orders rows as a version's do, `ordinal` is its number."""

    ordinal: int
    time: int
    values: dict[str, Value]


def rows_of(dataset: Dataset) -> tuple[Row, ...]:
    """All rows, in the order of answers. Fields that leave as pseudonyms hold a text that only its pseudonym is made from."""
    return tuple(Row(number, number, {name: _value(dataset, name, number) for name in dataset.fields}) for number in range(COUNT))


def version_of(dataset: Dataset) -> Version:
    """What stands for the dataset's current version; its name is one that no loaded version has."""
    told = [(name, field.type, field.field_class, tuple(field.examples)) for name, field in dataset.fields.items()]
    settings = dataset.settings
    shape = repr((dataset.id, settings.key, settings.time, settings.subject, told, COUNT))
    name = f"sandbox-{hashlib.sha256(shape.encode()).hexdigest()[:12]}"
    return Version(dataset.id, name, COUNT, 0, 0, COUNT, _MADE)


def _value(dataset: Dataset, name: str, number: int) -> Value:
    field, drawn = dataset.fields[name], _drawn(dataset.id, name, number)
    if dataset.is_pseudonymised(name):
        whole = name == dataset.settings.key or field.field_class == "key"
        return f"{name}-{number if whole else drawn % PEOPLE}"
    if name == dataset.settings.time:
        return _in_order(field, number)
    return _MAKERS[field.type](field, name, drawn)


def _in_order(field: FieldSettings, number: int) -> Value:
    """The time field: later in each row, so that rows are in the order of answers as they are made."""
    moment = _FIRST + number * _STEP
    return moment if field.type == "timestamp" else moment.date() if field.type == "date" else number


def _drawn(*parts: object) -> int:
    """A number that looks drawn and is the same everywhere."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[:6], "big")


def _string(field: FieldSettings, name: str, drawn: int) -> Value:
    return field.examples[drawn % len(field.examples)] if field.examples else f"{name}-{drawn % 12 + 1}"


def _integer(field: FieldSettings, _name: str, drawn: int) -> Value:
    known = [value for value in _examples(field) if isinstance(value, int)]
    low, high = (min(known), max(known)) if known else (0, 999)
    return low + drawn % (high - low + 1)


def _number(field: FieldSettings, _name: str, drawn: int) -> Value:
    known = [value for value in _examples(field) if isinstance(value, float)]
    low, high = (min(known), max(known)) if known else (0.0, 100.0)
    return round(low + (high - low) * (drawn % 1_000) / 999, 2)


def _boolean(_field: FieldSettings, _name: str, drawn: int) -> Value:
    return drawn % 2 == 0


def _timestamp(_field: FieldSettings, _name: str, drawn: int) -> Value:
    return _FIRST + timedelta(seconds=drawn % (_SPAN_DAYS * 86_400))


def _date(_field: FieldSettings, _name: str, drawn: int) -> date:
    return (_FIRST + timedelta(days=drawn % _SPAN_DAYS)).date()


def _examples(field: FieldSettings) -> list[Value]:
    """The examples in the field's type; those that are none of it make no row worse."""
    found = []
    for text in field.examples:
        try:
            found.append(read(field.type, text))
        except ValueError:
            continue
    return found


_MAKERS = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "date": _date,
}
