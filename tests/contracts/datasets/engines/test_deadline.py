"""A statement that takes too long is stopped and refused, in every engine; what comes after it is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Executable, Select, func, select, text

from contracts.datasets.engines.deadline import FOREVER, Deadlines
from contracts.datasets.engines.duckdb import DuckEngine
from contracts.datasets.engines.inplace import InPlaceEngine
from contracts.datasets.place import Place
from contracts.datasets.plan import Plan
from contracts.errors import Refused
from tests.contracts.datasets.engines.test_port import SERVED, Ground, ground

__all__ = ["ground"]
SECONDS = 0.2
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class Endless(InPlaceEngine):
    """An engine of a database that has much to do."""

    def statement(self, place: Place, plan: Plan, inner: Select[Any]) -> Executable:
        """One that does not end by itself."""
        return text(ENDLESS) if place.engine.name == "sqlite" else select(func.pg_sleep(3600))


def test_it_is_stopped_and_the_engine_goes_on(ground: Ground) -> None:
    engine, ask = _endless(ground)
    with pytest.raises(Refused) as refused:
        ask()
    assert (refused.value.refusal.code, refused.value.refusal.facts) == ("query_too_slow", {"seconds": SECONDS})
    # What the platform asks for itself has no end set, so it is not cut by a busy machine either.
    assert engine.withheld("posts", ground.version, [], len(SERVED)).outside_contract == 0


def _endless(ground: Ground) -> tuple[Any, Callable[[], object]]:
    if ground.kind == "duckdb":
        engine = DuckEngine(ground.settings.home, SECONDS)
        return engine, lambda: engine.select("posts", ground.version, (), lambda *_: "SELECT count(*) FROM range(1000000000000)", ((), ()))
    placed = Endless(ground.settings.home, "posts", ground.settings.datasets["posts"], SECONDS, pooled=False)
    return placed, lambda: placed.page(ground.plan())


def test_only_what_is_over_is_stopped() -> None:
    deadlines, stopped, heard = Deadlines(), threading.Event(), list[str]()
    with deadlines.within(FOREVER, lambda: heard.append("stopped")) as long:
        with pytest.raises(Refused) as refused, deadlines.within(0.0, stopped.set):
            assert stopped.wait(60)
        assert refused.value.refusal.code == "query_too_slow"
    assert (long.stopped, heard) == (False, [])
