"""The forms of streams: what is written is read again by others' readers, and no spreadsheet runs any of it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import polars
import pyarrow
import pytest

from contracts.access.formats import End, Format, writer_of
from contracts.datasets.plan import Column

COLUMNS = (
    Column("who", "integer", pseudonym=True),
    Column("text", "string"),
    Column("likes", "integer"),
    Column("score", "number"),
    Column("edited", "boolean"),
    Column("at", "timestamp"),
    Column("day", "date"),
)
ROW = {
    "who": "ps_1",
    "text": "a",
    "likes": 2**53 + 1,
    "score": 0.25,
    "edited": True,
    "at": "2026-01-31T10:20:30.000040Z",
    "day": "2026-01-31",
}
EMPTY = dict.fromkeys(ROW)
END = End("complete", "These are all.", "", 2, ("ent_1",), b'{"rows":{},"fields":[]}')
LEFT = {"records_per_day": {"limit": 2, "left": 0}}
CUT = End("quota_exhausted", 'The day\'s "records" are used up.', "abc", 2, ("ent_1", "ent_2"), b'{"rows":{},"fields":[]}', LEFT)


def written(form: str, rows: list[dict[str, Any]], end: End = END, columns: tuple[Column, ...] = COLUMNS) -> bytes:
    """A stream of one chunk a row."""
    writer: Format = writer_of(form, columns)
    return b"".join([writer.head(), *(writer.records([json.dumps(row, ensure_ascii=False)]) for row in rows), writer.tail(end)])


def read_csv(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def test_ndjson_holds_a_record_a_line_and_how_it_ended() -> None:
    lines = written("ndjson", [ROW, EMPTY], CUT).decode().splitlines()
    told = {"reason": "quota_exhausted", "sentence": CUT.sentence, "next": "abc", "records": 2, "withheld": {"rows": {}, "fields": []}}
    assert list(map(json.loads, lines)) == [ROW, EMPTY, {"_end": {**told, "entries": ["ent_1", "ent_2"], "quotas": LEFT}}]


def test_csv_is_read_by_the_standard_library_and_says_why_it_was_cut() -> None:
    named, told = list(ROW), ["ps_1", "a", str(2**53 + 1), "0.25", "true", ROW["at"], ROW["day"]]
    assert read_csv(written("csv", [ROW, EMPTY])) == [named, told, [""] * 7]
    assert read_csv(written("csv", [ROW], CUT)) == [named, told, ['# The day\'s "records" are used up. cursor=abc']]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        'say "hi"',
        "a,b",
        "a;b",
        "line\nbreak",
        "line\r\nbreak",
        "cr\rcr",
        '"',
        '""',
        '",',
        "\\",
        "ünï 😀",
        "tab\tin",
        "a\u2028b",
        "''",
        "#",
    ],
)
def test_a_text_of_csv_is_the_text_that_it_was(text: str) -> None:
    only = (Column("text", "string"),)
    assert read_csv(written("csv", [{"text": text}, {"text": None}], columns=only)) == [["text"], [text], [""]]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", " =", "\u00a0@"])
def test_a_text_that_a_spreadsheet_would_run_is_text_there(begin: str) -> None:
    text = f"{begin}cmd|' /C calc'!A0"
    only = (Column("text", "string"),)
    assert read_csv(written("csv", [{"text": text}], columns=only)) == [["text"], [f"'{text}"]]


def test_numbers_below_nought_stay_numbers_in_csv() -> None:
    assert written("csv", [{"likes": -5}], columns=(Column("likes", "integer"),)) == b'"likes"\r\n-5\r\n'


def test_an_arrow_stream_is_read_by_pyarrow_polars_and_duckdb() -> None:
    stream = written("arrow", [ROW, EMPTY], CUT)
    moment = datetime(2026, 1, 31, 10, 20, 30, 40, UTC)
    expected = [{**ROW, "at": moment, "day": date(2026, 1, 31)}, EMPTY]
    table = pyarrow.ipc.open_stream(stream).read_all()
    assert table.to_pylist() == expected
    assert polars.read_ipc_stream(io.BytesIO(stream)).to_dicts() == expected
    with duckdb.connect(":memory:") as connection:
        names = ", ".join(f'"{name}"' for name in ROW if name != "at")
        assert connection.from_arrow(table).query("t", f'SELECT {names}, epoch_us("at") FROM t').fetchall() == [
            (*(expected[0][name] for name in ROW if name != "at"), int(moment.timestamp()) * 1_000_000 + 40),
            (None,) * 7,
        ]


def test_an_arrow_stream_tells_how_it_ended_in_its_last_batch() -> None:
    reader = pyarrow.ipc.open_stream(written("arrow", [ROW], CUT))
    found = list(reader.iter_batches_with_custom_metadata())
    assert [each.batch.num_rows for each in found] == [1, 0]
    assert json.loads(found[-1].custom_metadata["licet"]) == CUT.told()
    assert pyarrow.ipc.open_stream(written("arrow", [])).read_all().num_rows == 0
