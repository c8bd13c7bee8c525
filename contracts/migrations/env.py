"""Alembic's environment: the schema is what `contracts.tables` knows, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

import contracts.tables  # noqa: F401 - knows every table
from contracts.settings import load
from contracts.store.engine import open_engine


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Write SQLModel's and PostgreSQL's types so that the script imports what it names."""
    if kind != "type":
        return False
    name = type(item).__name__
    if type(item).__module__.startswith("sqlmodel"):
        autogen_context.imports.add("import sqlmodel.sql.sqltypes")
        return f"{type(item).__module__}.{name}()" if name != "AutoString" else "sqlmodel.sql.sqltypes.AutoString()"
    if name == "JSON":
        autogen_context.imports.add("from sqlalchemy.dialects.postgresql import JSONB")
        return 'sa.JSON().with_variant(JSONB(), "postgresql")'
    return False


def migrate(connection: Connection) -> None:
    """Run the migrations on a connection that is already open."""
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True, render_item=render_item)
    with context.begin_transaction():
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    migrate(handed)
else:
    engine = open_engine(load().database_url)
    with engine.connect() as opened:
        migrate(opened)
        opened.commit()
