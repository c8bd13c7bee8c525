"""Invented rows: the same everywhere, of the types that are described, and of nothing but the description."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from contracts.datasets.catalogue import Dataset
from contracts.sandbox.rows import COUNT, PEOPLE, rows_of, version_of
from contracts.settings import DatasetSettings

FIELDS: dict[str, Any] = {
    "id": {"type": "integer", "class": "key"},
    "who": {"type": "string", "class": "subject", "examples": ["u-17"]},
    "at": {"type": "timestamp", "examples": ["2020-01-01T00:00:00Z"]},
    "day": {"type": "date"},
    "seen": {"type": "timestamp"},
    "lang": {"type": "string", "examples": ["en", "de", "fr"]},
    "topic": {"type": "string"},
    "likes": {"type": "integer", "examples": ["18", "3", "many"]},
    "score": {"type": "number", "examples": ["0.5", "2"]},
    "edited": {"type": "boolean"},
}


def dataset(**changes: Any) -> Dataset:
    """A dataset whose file is nowhere."""
    told = {"title": "Posts", "location": "nowhere.csv", "key": "id", "time": "at", "subject": "who", "fields": FIELDS, **changes}
    return Dataset("posts", DatasetSettings.model_validate(told))


def test_rows_have_every_field_in_its_type_and_within_its_examples() -> None:
    rows = rows_of(dataset())
    kinds = {name: {type(row.values[name]) for row in rows} for name in FIELDS}
    assert kinds == {
        "id": {str},
        "who": {str},
        "at": {datetime},
        "day": {date},
        "seen": {datetime},
        "lang": {str},
        "topic": {str},
        "likes": {int},
        "score": {float},
        "edited": {bool},
    }
    assert {row.values["lang"] for row in rows} == {"en", "de", "fr"}
    assert {row.values["topic"] for row in rows} == {f"topic-{number}" for number in range(1, 13)}
    assert {row.values["likes"] for row in rows} == set(range(3, 19))
    assert min(row.values["score"] for row in rows) >= 0.5 and max(row.values["score"] for row in rows) <= 2.0  # type: ignore[type-var]  # floats, as seen above
    assert {row.values["edited"] for row in rows} == {True, False}


def test_each_row_has_an_id_of_its_own_a_person_with_several_and_a_later_time() -> None:
    rows = rows_of(dataset())
    times = [row.values["at"] for row in rows]
    assert (len(rows), [row.ordinal for row in rows]) == (COUNT, list(range(COUNT)))
    assert (len({row.values["id"] for row in rows}), len({row.values["who"] for row in rows})) == (COUNT, PEOPLE)
    assert times == sorted(set(times), key=str)


def test_an_integer_and_a_date_order_rows_too() -> None:
    for name, kind in (("likes", int), ("day", date)):
        times = [row.values[name] for row in rows_of(dataset(time=name))]
        assert all(type(each) is kind for each in times)
        assert times == sorted(times, key=lambda each: (each,))


def test_another_process_makes_the_same_rows(tmp_path: Path) -> None:
    told = {"title": "Posts", "location": "nowhere.csv", "key": "id", "time": "at", "subject": "who", "fields": FIELDS}
    (tmp_path / "described.json").write_text(json.dumps(told))
    program = (
        "import json, sys; from contracts.datasets.catalogue import Dataset; from contracts.settings import DatasetSettings;"
        "from contracts.sandbox.rows import rows_of;"
        "print(repr(rows_of(Dataset('posts', DatasetSettings.model_validate(json.load(open(sys.argv[1])))))))"
    )
    made = subprocess.run([sys.executable, "-c", program, tmp_path / "described.json"], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == repr(rows_of(dataset()))


def test_another_description_is_another_version() -> None:
    changed = {**FIELDS, "lang": {"type": "string", "examples": ["en", "de"]}}
    versions = {version_of(each).version for each in (dataset(), dataset(fields=changed), dataset(time="day"), dataset())}
    assert (len(versions), {name[:8] for name in versions}) == (3, {"sandbox-"})
    assert (version_of(dataset()).records, version_of(dataset()).deleted) == (COUNT, 0)
