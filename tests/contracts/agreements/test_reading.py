"""The operator's file: what is fine, and every way in which it is not, said at once."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.agreements.reading import MOST_PDF, Line, read
from contracts.errors import Misconfigured
from contracts.terms.model import from_json
from tests.harness.agreements import PDF, ROW, TERMS, written
from tests.harness.cast import SETTINGS

TODAY = date(2026, 11, 2)


def test_a_line_that_is_fine(tmp_path: Path) -> None:
    assert read(written(tmp_path), SETTINGS, TODAY) == [
        Line(
            number=2,
            organisation="Harbour Institute",
            organisation_kind="university",
            country="NO",
            contact_name="Ingrid Hav",
            contact_email="ingrid@harbour.example",
            title="Tides of talk",
            kind="research",
            terms=from_json(json.dumps(TERMS)),
            pdf=PDF,
            problems=(),
        )
    ]


@pytest.mark.parametrize(
    ("row", "files", "problem"),
    [
        ({"organisation": ""}, {}, "The organisation has no name."),
        ({"contact_email": "nobody"}, {}, "address"),
        ({"kind": "treaty"}, {}, "The kind is one of"),
        ({"country": "Norway"}, {}, "country"),
        ({"pdf": "../../etc/passwd"}, {}, "is not beside the list"),
        ({"pdf": "/etc/passwd"}, {}, "is not beside the list"),
        ({"pdf": "absent.pdf"}, {}, "is not beside the list"),
        ({}, {"pdf": b"MZ" + PDF}, "harbour.pdf is no PDF."),
        ({}, {"pdf": b"%PDF-" + b"0" * MOST_PDF}, "is larger than"),
        ({}, {"terms": "{}"}, "cannot be read: datasets: Field required"),
        ({}, {"terms": TERMS | {"speed": 1}}, "cannot be read: speed"),
        ({"ends": "2027-07-01"}, {}, "2027-07-01 in the list and 2027-06-30 in the terms"),
        ({"ends": "2026-11-01"}, {"terms": TERMS | {"ends": "2026-11-01"}}, "It has ended already."),
        ({}, {"terms": TERMS | {"records_per_day": 200_001}}, "at most 200,000 records a day"),
        ({}, {"terms": TERMS | {"purposes": ["research", "market-analysis"]}}, "one dataset and one purpose"),
        ({"kind": "commercial"}, {}, "names its price"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, row: dict[str, str], files: dict[str, Any], problem: str) -> None:
    (found,) = read(written(tmp_path, ROW | row, **files), SETTINGS, TODAY)
    assert len(found.problems) == 1, found.problems
    assert problem in found.problems[0]


def test_all_problems_of_all_lines_are_said_and_twins_too(tmp_path: Path) -> None:
    found = read(written(tmp_path, ROW, ROW, ROW | {"title": "", "contact_name": ""}), SETTINGS, TODAY)
    assert [each.problems for each in found] == [
        (),
        ("It is the same as line 2.",),
        ("The contact has no name.", "The agreement has no title.", "It is the same as line 2."),
    ]


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    file = tmp_path / "agreements.csv"
    for content in (b"", b"organisation,country\nA,NO\n", b"\xff\xfe\x00", ",".join(ROW).encode() + b"\n"):
        file.write_bytes(content)
        with pytest.raises(Misconfigured):
            read(file, SETTINGS, TODAY)
