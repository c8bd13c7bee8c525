"""A dataset is refreshed while two processes answer: no answer mixes versions, none holds an erased record, old files go."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.clock import FixedClock
from contracts.datasets.files import folder_of
from contracts.datasets.load import discard_old, ordinal_of, refresh
from contracts.datasets.pseudonyms import build_all, key_of, pseudonym
from contracts.deliveries import service
from contracts.deliveries.ordinals import Ordinals
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.contracts.access import refreshing_process
from tests.harness.data import World, post, world, write_posts

VERSIONS, GONE = 4, "0001"


def test_a_refresh_under_load_of_two_processes(new_postgres: str, clock: FixedClock, tmp_path: Path) -> None:
    engine = open_engine(new_postgres)
    with world(Store(engine, clock), clock, tmp_path, posts=200) as data:
        contract, client = data.contract(records_per_day=500_000)
        _refresh(data, 1)
        told = pseudonym(key_of(data.store, data.keys, contract), "posts", "id", GONE)
        erased_at = 0.0
        with Readers([new_postgres, str(tmp_path), contract, client, told]) as readers:
            for version in range(1, VERSIONS + 1):
                if version > 1:
                    _refresh(data, version)
                readers.until(version)
                if version == 2:
                    erased_at = _erase(data)
        last = data.catalogue.version_of("posts")
        assert last is not None
        before = {file.name.partition(".")[0] for file in folder_of(data.settings.home, "posts").iterdir()}
        discard_old(data.store, data.settings.home, after_seconds=0)
        after = {file.name.partition(".")[0] for file in folder_of(data.settings.home, "posts").iterdir()}
    engine.dispose()
    assert [answer for answer in readers.answers if answer[3] or len(answer[1]) != 1] == []
    assert {answer[1][0] for answer in readers.answers} == set(range(1, VERSIONS + 1))
    assert any(answer[2] for answer in readers.answers), "it was there before"
    assert [answer for answer in readers.answers if answer[2] and answer[0] > erased_at] == []
    assert (len(before), after) == (2, {last.version}), "the version before goes once no request can be on it"


def _refresh(data: World, version: int) -> None:
    """Posts whose likes say which version they are of."""
    write_posts(data.settings.home.parent / "posts.csv", [{**post(number), "likes": version} for number in range(200)])
    refresh(data.store, data.settings, "posts", before_current=lambda name: build_all(data.store, data.keys, data.settings, "posts", name))


def _erase(data: World) -> float:
    """Erase the record; returns the moment after which nobody may be given it."""
    version = data.catalogue.version_of("posts")
    assert version is not None
    ordinal = ordinal_of(data.settings, version, GONE)
    with data.store.read() as session:
        held = service.held(session, "posts", Ordinals([ordinal or 0]))
    with data.store.write() as unit:
        service.erase(unit, data.cast.cora, held, "Asked for.")
    return time.monotonic()


class Readers:
    """Two processes that read until the block ends, and every answer that they got: when asked, versions, whether it holds the record."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", refreshing_process.__name__, *arguments]
        self.answers: list[Any] = []

    def __enter__(self) -> Readers:
        root = Path(__file__).parents[3]
        self._running = [
            subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)
        ]
        return self

    def until(self, version: int) -> None:
        """Read on until each process got an answer of this version."""
        for process in self._running:
            assert process.stdout is not None
            while True:
                line = process.stdout.readline()
                assert line, "a process ended by itself"
                self.answers.append(json.loads(line))
                if self.answers[-1][1] == [version]:
                    break

    def __exit__(self, *raised: object) -> None:
        for process in self._running:
            left, _ = process.communicate()
            self.answers += [json.loads(line) for line in left.splitlines()]
            assert process.returncode == 0
