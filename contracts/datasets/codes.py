"""A contract's pseudonyms of one version as plain bytes: 16 for each pseudonymised field of each record, in the version's order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from contracts.datasets.files import quoted

DIGITS = 32
"""Hexadecimal digits of one code."""
NO_CODE = "0" * DIGITS
"""Stands for a field without a value; no HMAC comes out as it in practice (one in 2^128)."""

_AT_ONCE = 10_000


def write(connection: duckdb.DuckDBPyConnection, fields: Sequence[str], target: Path) -> None:
    """Write the codes of the connection's table `pseudonym`."""
    codes = " || ".join(f"coalesce(replace({quoted(name)}::VARCHAR, '-', ''), '{NO_CODE}')" for name in fields)
    made = connection.execute(
        f"SELECT string_agg({codes}, '' ORDER BY _pos) FROM pseudonym GROUP BY _pos // {_AT_ONCE} ORDER BY _pos // {_AT_ONCE}"
    )
    with target.open("wb") as file:
        while some := made.fetchmany(50):
            file.writelines(bytes.fromhex(text) for (text,) in some)
