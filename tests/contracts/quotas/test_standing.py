"""What an answer says of the quotas is what its own transaction read: saying it costs no statement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import event

from contracts.clock import FixedClock
from contracts.quotas.standing import Standing, all_standings
from contracts.store.unit import Store
from contracts.terms.model import from_json
from tests.harness.data import TERMS, world

CAPS: dict[str, Any] = {"bytes_per_day": 900_000, "records_in_period": 40, "distinct_records": 30, "bytes_in_period": 5_000_000}


def test_an_answer_says_what_the_books_say_and_reads_each_of_them_once(store: Store, clock: FixedClock, tmp_path: Path) -> None:
    with world(store, clock, tmp_path, posts=120) as data:
        contract, client = data.contract(**CAPS)
        caller = data.caller(contract, client)
        data.get(caller, limit="10")
        asked: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if "quota_" in statement and statement.startswith("SELECT"):
                asked.append(statement.partition("FROM ")[2].split()[0])

        event.listen(store.engine, "before_cursor_execute", note)
        answer = data.get(caller, limit="10")
        event.remove(store.engine, "before_cursor_execute", note)
        assert sorted(asked) == ["quota_day", "quota_day", "quota_distinct", "quota_seen"]
        with store.read() as session:
            terms = from_json(json.dumps({**TERMS, **CAPS}))
            books = all_standings(session, contract, 1, terms, clock.now().date(), 1_000)
        assert answer.quotas is not None and list(answer.quotas.standings) == books
        assert [(each.term, each.left) for each in books if "bytes" not in each.term] == [
            ("records_per_day", 980),
            ("records_in_period", 20),
            ("distinct_records", 20),
        ]


def test_a_limit_that_was_lowered_leaves_nothing_and_not_less() -> None:
    assert [Standing("records_in_period", used, 100).left for used in (99, 100, 101)] == [1, 0, 0]
