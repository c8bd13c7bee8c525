"""The database that goes from test to test is that of the template each time, whatever the one before left in it and however it ended."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.harness.postgres import Lent, connected

_INSERT = b"INSERT INTO epoch (name, value) VALUES ('of a test', 1)"


@pytest.fixture(scope="module")
def lent(postgres_url: str) -> Iterator[Lent]:
    """One of this file's own."""
    made = Lent(postgres_url, "template_licet")
    yield made
    made.close()


@pytest.mark.parametrize("end", ["closed", "left open", "left in a transaction"])
def test_nothing_stays_of_a_test_however_it_left_its_connection(lent: Lent, end: str) -> None:
    left = []
    for _ in range(3):
        with lent.out() as address:
            with connected(address) as connection:
                left.append(_rows(connection))
            forgotten = psycopg.connect(address.replace("+psycopg", ""), autocommit=end != "left in a transaction")
            forgotten.execute(_INSERT)
            if end == "closed":
                forgotten.close()
        forgotten.close()
    assert (left[1:], "epoch" in left[0]) == ([left[0], left[0]], False)


def _rows(connection: psycopg.Connection) -> dict[str, int]:
    """How many rows each table has that has any."""
    names = [name for (name,) in connection.execute(b"SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()]
    counted = {name: connection.execute(f'SELECT count(*) FROM "{name}"'.encode()).fetchone() for name in names}
    return {name: found[0] for name, found in counted.items() if found and found[0]}
