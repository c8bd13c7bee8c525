"""Values are read strictly."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from contracts.datasets.values import read


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("string", "", ""),
        ("string", "true", "true"),
        ("integer", "-42", -42),
        ("integer", 7, 7),
        ("number", "4.25", 4.25),
        ("number", "1e3", 1000.0),
        ("boolean", "true", True),
        ("boolean", False, False),
        ("timestamp", "2026-01-31T01:00:00+01:00", datetime(2026, 1, 31)),  # noqa: DTZ001 - the engine's form has no zone
        ("timestamp", "2026-01-31T00:00:00.5Z", datetime(2026, 1, 31, 0, 0, 0, 500_000)),  # noqa: DTZ001 - as above
        ("timestamp", "2026-01-31", datetime(2026, 1, 31)),  # noqa: DTZ001 - as above
        ("date", "2026-01-31", date(2026, 1, 31)),
    ],
)
def test_a_value_has_one_form(kind: str, given: Any, value: Any) -> None:
    assert read(kind, given) == value


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("string", "a\0b"),
        ("string", "a" * 1001),
        ("integer", "4.0"),
        ("integer", "٤"),
        ("integer", "9223372036854775808"),
        ("integer", ""),
        ("number", "nan"),
        ("number", "1e999"),
        ("number", "0x10"),
        ("boolean", "True"),
        ("boolean", "1"),
        ("timestamp", "2026-01-31T00:00:00"),
        ("timestamp", "2026-13-01"),
        ("timestamp", "0001-01-01T00:00:00+23:00"),
        ("date", "31.1.2026"),
    ],
)
def test_everything_else_is_refused(kind: str, given: Any) -> None:
    with pytest.raises(ValueError, match=r"is |has |holds"):
        read(kind, given)
