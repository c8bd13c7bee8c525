"""Rows that go to the driver as they are: what is stored is what the ordinary way stores, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from contracts.credentials.tables import KeptToken
from contracts.deliveries.tables import Delivery
from contracts.store.many import TOGETHER, Insertion
from contracts.store.unit import Store

AT = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)
ELSEWHERE = AT.astimezone(timezone(timedelta(hours=5)))
# In another order than the table's columns.
INSERT = Insertion(KeptToken, "ends_at", "jti", "signed_sha256")


def _rows(store: Store) -> list[tuple[object, ...]]:
    with store.read() as session:
        return [tuple(row) for row in session.execute(select(KeptToken.jti, KeptToken.signed_sha256, KeptToken.ends_at).order_by("jti"))]


def test_rows_are_stored_as_the_ordinary_way_stores_them(store: Store) -> None:
    with store.write() as unit:
        unit.session.add(KeptToken(jti="tok_0", signed_sha256=b"\x00\xff", ends_at=AT))
        unit.session.flush()
        INSERT.execute(unit.connection, [(AT, "tok_1", b"\x00\xff"), (ELSEWHERE, "tok_2", b"")])
    assert _rows(store) == [("tok_0", b"\x00\xff", AT), ("tok_1", b"\x00\xff", AT), ("tok_2", b"", AT)]
    with store.read() as session:
        assert session.get_one(KeptToken, "tok_1").ends_at == session.get_one(KeptToken, "tok_0").ends_at


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 63, 64, 65, 2 * TOGETHER[0] + 21])
def test_none_is_left_out_and_none_is_doubled(store: Store, count: int) -> None:
    with store.write() as unit:
        INSERT.execute(unit.connection, [(AT, f"tok_{number:03d}", str(number).encode()) for number in range(count)])
    assert _rows(store) == [(f"tok_{number:03d}", str(number).encode(), AT) for number in range(count)]


def test_a_row_that_cannot_be_undoes_all_of_them(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as unit:
        INSERT.execute(unit.connection, [(AT, "tok_1", b""), (AT, "tok_1", b"")])
    assert _rows(store) == []


def test_a_column_that_python_would_fill_in_has_to_be_named(store: Store) -> None:
    forgotten = Insertion(Delivery, "entry_id", "contract_id")
    with pytest.raises(ValueError, match="not in tuple"), store.write() as unit:
        forgotten.execute(unit.connection, [("ent_1", "ctr_1")])
