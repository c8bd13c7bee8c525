"""Making Parquet files, for the demo's data and for tests of loading."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb


def csv_to_parquet(source: Path, target: Path, columns: Mapping[str, str]) -> None:
    """Write the CSV file (UTF-8, comma, double quotes, one header line) as Parquet, rows in the same order.

    `columns` gives each column's DuckDB type, in the file's order. The target appears only when it is whole. Raises
    `duckdb.Error` where a value does not fit its type.
    """
    unfinished = target.with_name(target.name + ".part")
    with duckdb.connect(":memory:") as connection:
        rows = connection.read_csv(
            str(source), header=True, columns=dict(columns), sep=",", quotechar='"', escapechar='"', auto_detect=False
        )
        rows.write_parquet(str(unfinished), compression="zstd")
    unfinished.replace(target)
