"""A dataset that is read where it lies: its table, and ours beside it in the same database.

Ours are the numbers of records (`ordinal`: key and ordinal) and, for each contract and field, a dictionary of pseudonyms. They are made
and filled by a refresh and by the building of pseudonyms; reading joins them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Double,
    Engine,
    Float,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    and_,
    cast,
    column,
    false,
    func,
    inspect,
    not_,
    table,
    text,
    true,
)
from sqlalchemy.schema import CreateSchema
from sqlalchemy.sql.selectable import NamedFromClause
from sqlalchemy.types import TypeEngine

from contracts.datasets import database, source
from contracts.errors import Misconfigured
from contracts.settings import DatasetSettings

_KINDS: Mapping[str, TypeEngine[Any]] = {
    "string": Text(),
    "integer": BigInteger(),
    "number": Double(),
    "boolean": Boolean(),
    "timestamp": DateTime(),
    "date": Date(),
}
# What a column may be for a field of this type: as it is, and what is cast to it.
_FITS: Mapping[str, tuple[type[TypeEngine[Any]], ...]] = {
    "string": (String,),
    "integer": (Integer,),
    "number": (Float,),
    "boolean": (Boolean,),
    "timestamp": (DateTime,),
    "date": (Date,),
}
_CAST: Mapping[str, tuple[type[TypeEngine[Any]], ...]] = {"string": (TypeEngine,), "number": (Numeric, Integer)}


class Place:
    """The table of one dataset and the tables beside it. What the table's columns are is looked up once."""

    def __init__(self, dataset_id: str, described: DatasetSettings, engine: Engine) -> None:
        self.dataset, self.described, self.engine = dataset_id, described, engine
        fallback = "licet" if engine.dialect.name == "postgresql" else None
        self.schema = described.beside or fallback

    @cached_property
    def types(self) -> Mapping[str, TypeEngine[Any]]:
        """The types of the source's columns; `Misconfigured` for a column that is missing."""
        with self.engine.connect() as connection:
            known = database.column_types(connection, self.dataset, self.described)
        database.check_columns(self.dataset, self.described.table, source.wanted(self.described), list(known))
        return known

    @cached_property
    def rows(self) -> NamedFromClause:
        """The dataset's table as `r`, its columns in the types of the fields."""
        kinds: dict[str, TypeEngine[Any]] = dict(self.types)
        for name, facts in self.described.fields.items():
            if isinstance(kinds[facts.column or name], _FITS[facts.type]):
                kinds[facts.column or name] = _KINDS[facts.type]
        kinds |= {mark: Boolean() for mark in (self.described.deleted, self.described.objects) if mark is not None}
        schema, _, name = self.described.table.rpartition(".")
        return table(name, *[column(each, kind) for each, kind in kinds.items()], schema=schema or None).alias("r")

    def value(self, field: str) -> ColumnElement[Any]:
        """A field of a row in its declared type; `Misconfigured` where its column has one that cannot become it."""
        facts = self.described.fields[field]
        name, kind = facts.column or field, facts.type
        have = self.types[name]
        if isinstance(have, _FITS[kind]):
            return self.rows.c[name]
        if isinstance(have, _CAST.get(kind, ())):
            return cast(self.rows.c[name], _KINDS[kind])
        said = f"the column {name} is {have!r}, and the field {field} is a {kind}."
        raise Misconfigured(f"dataset {self.dataset}", said, "Correct the field's type, or name a view that converts it.")

    def check(self) -> None:
        """`Misconfigured` for the first field whose column is missing or cannot become it."""
        for field in self.described.fields:
            self.value(field)

    @property
    def key(self) -> ColumnElement[Any]:
        """A row's own key."""
        return self.value(self.described.key)

    @property
    def time(self) -> ColumnElement[Any] | None:
        """What rows are in the order of; None where ordinals alone order them."""
        return None if self.described.time is None else self.value(self.described.time)

    @property
    def served(self) -> ColumnElement[bool]:
        """Rows that the source neither marks as deleted nor as objecting, and that have a place in the order."""
        timed = true() if self.time is None else self.time.is_not(None)
        return and_(not_(self.marked(self.described.deleted)), not_(self.marked(self.described.objects)), timed)

    def marked(self, mark: str | None) -> ColumnElement[bool]:
        """Rows with a mark of the source; none where it has none."""
        return false() if mark is None else func.coalesce(self.rows.c[mark], false())

    @cached_property
    def ordinals(self) -> Table:
        """The numbers of records, by key."""
        kind = _KINDS[self.described.fields[self.described.key].type]
        return self._beside(
            "ordinal",
            Column("_key", kind, primary_key=True, autoincrement=False),
            Column("_ord", BigInteger(), unique=True, nullable=False),
        )

    def dictionary(self, contract_id: str, field: str) -> Table:
        """The pseudonyms of one contract for the values of one field."""
        kind = _KINDS[self.described.fields[field].type]
        return self._beside(
            f"pseudonym_{contract_id}_{field}",
            Column("value", kind, primary_key=True, autoincrement=False),
            Column("pseudonym", String(40), unique=True, nullable=False),
        )

    def survey(self, connection: Connection, filled: Table) -> None:
        """Let PostgreSQL count what was just filled; until it does so by itself, it plans pages for an empty table."""
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"ANALYZE {connection.dialect.identifier_preparer.format_table(filled)}"))

    def ensure(self, connection: Connection, table: Table) -> None:
        """Make a table of ours, and their schema, where it is not there."""
        if self.schema is not None and not inspect(connection).has_schema(self.schema):
            connection.execute(CreateSchema(self.schema))
        table.create(connection, checkfirst=True)

    def _beside(self, name: str, *columns: Column[Any]) -> Table:
        # Names of tables may be 63 characters at most, and ids of datasets 64.
        told = hashlib.sha256(f"{self.dataset}/{name}".encode()).hexdigest()[:16]
        return Table(f"licet_{name.partition('_')[0]}_{told}", MetaData(schema=self.schema), *columns)
