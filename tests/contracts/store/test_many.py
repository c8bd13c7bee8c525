"""Rows that go to the driver as they are: what is stored is what the ordinary way stores, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from contracts.credentials.tables import KeptToken
from contracts.store.many import Many, inserting
from contracts.store.unit import Store

AT = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)
ELSEWHERE = AT.astimezone(timezone(timedelta(hours=5)))
# In another order than the table's columns.
INSERT = inserting(KeptToken, "ends_at", "jti", "signed_sha256")


def _rows(store: Store) -> list[tuple[object, ...]]:
    with store.read() as session:
        return [tuple(row) for row in session.execute(select(KeptToken.jti, KeptToken.signed_sha256, KeptToken.ends_at).order_by("jti"))]


def test_rows_are_stored_as_the_ordinary_way_stores_them(store: Store) -> None:
    with store.write() as unit:
        unit.session.add(KeptToken(jti="tok_0", signed_sha256=b"\x00\xff", ends_at=AT))
        unit.session.flush()
        assert INSERT.execute(unit.connection, [(AT, "tok_1", b"\x00\xff"), (ELSEWHERE, "tok_2", b"")]) == 2
    assert _rows(store) == [("tok_0", b"\x00\xff", AT), ("tok_1", b"\x00\xff", AT), ("tok_2", b"", AT)]
    with store.read() as session:
        assert session.get_one(KeptToken, "tok_1").ends_at == session.get_one(KeptToken, "tok_0").ends_at


def test_a_statement_counts_the_rows_that_it_touched(store: Store) -> None:
    gone = Many(delete(KeptToken).where(col(KeptToken.jti) == bindparam("taken")), "taken")
    with store.write() as unit:
        INSERT.execute(unit.connection, [(AT, f"tok_{number}", b"") for number in range(5)])
        assert gone.execute(unit.connection, [("tok_1",), ("tok_9",), ("tok_3",)]) == 2
    assert [row[0] for row in _rows(store)] == ["tok_0", "tok_2", "tok_4"]


def test_nothing_to_do_is_nothing_done(store: Store) -> None:
    with store.write() as unit:
        assert INSERT.execute(unit.connection, []) == 0


def test_a_row_that_cannot_be_undoes_all_of_them(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as unit:
        INSERT.execute(unit.connection, [(AT, "tok_1", b""), (AT, "tok_1", b"")])
    assert _rows(store) == []


def test_a_value_that_has_no_name_is_told_at_once(store: Store) -> None:
    forgotten = Many(delete(KeptToken).where(col(KeptToken.jti) == bindparam("taken")), "given")
    with pytest.raises(ValueError, match="not in tuple"), store.write() as unit:
        forgotten.execute(unit.connection, [("tok_1",)])
