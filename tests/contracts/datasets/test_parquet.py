"""CSV to Parquet."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from contracts.datasets.parquet import csv_to_parquet

COLUMNS = {"id": "VARCHAR", "text": "VARCHAR", "likes": "INTEGER"}


def test_rows_keep_their_order_types_and_awkward_text(tmp_path: Path) -> None:
    source, target = tmp_path / "a.csv", tmp_path / "a.parquet"
    source.write_text('id,text,likes\n007,"He said ""no"", twice\nand left",3\n2,Łódź,0\n', encoding="utf-8")
    csv_to_parquet(source, target, COLUMNS)
    with duckdb.connect(":memory:") as connection:
        found = connection.execute("SELECT * FROM read_parquet(?)", [str(target)]).fetchall()
    assert found == [("007", 'He said "no", twice\nand left', 3), ("2", "Łódź", 0)]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.csv", "a.parquet"]


def test_a_value_of_another_type_leaves_no_target(tmp_path: Path) -> None:
    source, target = tmp_path / "a.csv", tmp_path / "a.parquet"
    source.write_text("id,text,likes\n1,a,many\n", encoding="utf-8")
    with pytest.raises(duckdb.Error):
        csv_to_parquet(source, target, COLUMNS)
    assert not target.exists()
