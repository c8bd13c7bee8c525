"""Column types that behave alike on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine


def json_type() -> TypeEngine[Any]:
    """JSON text on SQLite, JSONB on PostgreSQL."""
    return JSON().with_variant(JSONB(), "postgresql")


def big_key() -> TypeEngine[Any]:
    """A 64-bit key; on SQLite the plain integer that is the row's own number, which saves an index."""
    return BigInteger().with_variant(Integer(), "sqlite")
