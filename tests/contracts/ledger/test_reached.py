"""A check of the database that goes on where an earlier one stopped, and what it holds the ledger to."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from contracts.keys import KeyRing
from contracts.ledger.diagnose import Problem
from contracts.ledger.reached import NOTHING, Reached, Resume, read_reached
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.source import latest_checkpoint
from contracts.ledger.stage import record
from contracts.ledger.verify import Report, verify
from contracts.store.unit import Store
from tests.contracts.ledger.conftest import access

SMALL = 256


def grow(store: Store, sequencer: Sequencer, count: int) -> None:
    with store.write() as unit:
        for number in range(count):
            record(unit, access(number % 200))
    sequencer.integrate()


def run(store: Store, keys: KeyRing, file: Path, held: str | None = None) -> tuple[Report, list[int]]:
    """A check with its file; also which places it read, by where its pieces began."""
    begun: list[int] = []
    resume = Resume(read_reached(file), lambda reached: reached.save(file), 1, SMALL)
    return verify(store, keys, lambda done, _all: begun.append(done), held, resume), begun[:-1]


def test_it_goes_on_behind_what_an_earlier_check_read(store: Store, keys: KeyRing, sequencer: Sequencer, tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    grow(store, sequencer, 9)
    report, begun = run(store, keys, file)
    assert (report.ok, report.size, report.before, report.checkpoints, begun) == (True, 10, 0, 2, [0])
    grow(store, sequencer, 5)
    report, begun = run(store, keys, file)
    assert (report.ok, report.size, report.before, report.checkpoints, begun) == (True, 15, 10, 2, [10])
    report, begun = run(store, keys, file)
    assert (report.ok, report.size, report.before, report.checkpoints, begun) == (True, 15, 15, 1, [])
    assert (report.root, report.erased) == (verify(store, keys).root, 0)
    assert [each.name for each in tmp_path.glob("kept*")] == ["kept.json"]


def test_an_interrupted_check_goes_on(sqlite_store: Store, keys: KeyRing, tmp_path: Path) -> None:
    file, sequencer = tmp_path / "kept.json", Sequencer(sqlite_store, keys, "agora.example/ledger")
    sequencer.ensure_key()
    grow(sqlite_store, sequencer, 700)

    def stop(done: int, _all: int) -> None:
        if done >= 2 * SMALL:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(sqlite_store, keys, stop, None, Resume(NOTHING, lambda reached: reached.save(file), 1, SMALL))
    assert read_reached(file).size == 2 * SMALL
    report, begun = run(sqlite_store, keys, file)
    assert (report.ok, report.before, begun) == (True, 2 * SMALL, [2 * SMALL])
    # What was wrong is found again and again: nothing behind it is kept.
    file.unlink()
    _sql(sqlite_store, "UPDATE ledger_entry SET leaf = x'00' WHERE \"index\" = 300")
    for _ in range(2):
        report, begun = run(sqlite_store, keys, file)
        assert report.problems[0].what == "entry 300 was changed: its bytes are not those that were signed"
    assert (read_reached(file).size, begun) == (SMALL, [SMALL, 2 * SMALL])


def test_what_was_read_must_still_be_what_the_tiles_lead_to(store: Store, keys: KeyRing, sequencer: Sequencer, tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    grow(store, sequencer, 9)
    with store.read() as session:
        held = latest_checkpoint(session)
        assert held is not None
    grow(store, sequencer, 3)
    assert run(store, keys, file)[0].ok
    assert run(store, keys, file, held.note)[0].ok
    kept = read_reached(file)
    Reached(kept.size, (bytes(32), *kept.roots[1:]), kept.numbers, 0, 0).save(file)
    report, begun = run(store, keys, file)
    assert (report.problems, begun) == ([Problem(None, "", "the first 13 entries are not those that an earlier check read")], [0])
    Reached(20, tuple(bytes(32) for _ in range(2)), kept.numbers, 0, 0).save(file)
    assert [each.what for each in run(store, keys, file)[0].problems] == ["an earlier check read 20 entries; the ledger has only 13"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    for content in ("", "[]", "{}", '{"size": 3, "roots": ["00"], "numbers": {}, "erased": 0, "pruned": 0}'):
        file.write_text(content)
        with pytest.raises(ValueError, match="was not written by a check of this ledger"):
            read_reached(file)


def _sql(store: Store, *statements: str) -> None:
    with store.write() as unit:
        for statement in statements:
            unit.connection.execute(text(statement))
