"""Column types that behave alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Integer, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine


def json_type() -> TypeEngine[Any]:
    """JSON text on SQLite, JSONB on PostgreSQL."""
    return JSON().with_variant(JSONB(), "postgresql")


class Octets(LargeBinary):
    """Bytes. SQLite keeps text where someone edited the row with text functions: it is read as its bytes, so that whoever
    checks the row says what is wrong with it instead of failing on it.
    """

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], bytes | None]:
        """None stays None, text becomes its UTF-8."""
        return lambda stored: None if stored is None else octets(stored)


def octets(stored: Any) -> bytes:
    """What a driver gives of a column of bytes."""
    return stored.encode() if isinstance(stored, str) else bytes(stored)


def big_key() -> TypeEngine[Any]:
    """A 64-bit key; on SQLite the plain integer that is the row's own number, which saves an index."""
    return BigInteger().with_variant(Integer(), "sqlite")
