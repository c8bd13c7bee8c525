"""A slow control plane cannot stall reads: whatever people do, SQLite's one write lock is held for 20 ms at most, and hashing, rendering,
files and network never wait inside it.

Every act goes through the real pages while a partner reads. On a busy machine a hold is also as long as the scheduler, the disk and the
collector of garbage make it, whatever the code does. So each act is done in three rounds (up to six while the machine is busy) and its
longest hold counts in the round where that is shortest: code that holds the lock too long does so in every round.

What the holding thread itself computed is judged by the limit, times how slow the core computes around that very act. The whole hold also
waits for its turn among the threads of this process, which is server, reader and person in one, and for a core; it gets `TURNS` times
that, times the processes that want each core, and is there to find what waits without computing. Units of the worker and of the hot path
run beside everything else of this process; of theirs only what they computed is judged.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import argon2
import duckdb
import pytest
import typst

from contracts.datasets.load import refresh
from contracts.house import House
from contracts.people.passwords import hash_password
from contracts.store.unit import Hold, Store
from portal.serve import Rooms, build
from tests.harness import partner
from tests.harness.asgi import serving
from tests.harness.server import free_port
from tests.harness.smtp import smtp_server
from tests.harness.speed import slowness, work
from tests.journeys.life import Life, settle_in

# The key of someone whom the ledger meets for the first time must lie on the disk before what is sealed under it is committed: one
# short record, once a person or network. The hot path makes it before it takes the lock; a page learns whom it is about inside its unit.
FOR_SOMEONE_NEW = "subjects._learn"
ROUNDS, MOST_ROUNDS, MOST_MS, TURNS = 3, 6, 20.0, 3
BESIDE = frozenset(
    {
        "access",
        "token",
        "sequencer",
        "search",
        "entry kinds",
        "outbox",
        "mail",
        "document",
        "credential use",
        "gate fetches",
        "gate counts",
        "erasure notice",
        "delivery fold",
    }
)


@dataclass
class Watch:
    """Notes what is slow by nature and happens inside a unit of work, with where it was called."""

    store: Store | None = None
    seen: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Called by whatever is slow."""
        if self.store is not None and self.store.writing and not any(each.startswith(FOR_SOMEONE_NEW) for each in _ours()):
            self.seen.append(f"{what} in {' < '.join(itertools.islice(_ours(), 4))}")


def _ours() -> Iterator[str]:
    """Our own functions on this thread's stack, innermost first."""
    for frame, _ in traceback.walk_stack(None):
        file = frame.f_code.co_filename
        if "/contracts/" in file or "/portal/" in file or "/api/" in file:
            yield f"{Path(file).stem}.{frame.f_code.co_name}"


WATCH = Watch()
_SLOW = ("socket.connect", "socket.getaddrinfo", "smtplib.connect", "subprocess.Popen", "open", "os.rename", "os.remove")


def _hear(event: str, _given: tuple[Any, ...]) -> None:
    if event in _SLOW:
        WATCH.note(event)


sys.addaudithook(_hear)  # stays for good, and is silent while no store is watched


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Listens to Python's own audit events and to the libraries that do slow work outside Python. Each still does its work."""
    slow = ((argon2.PasswordHasher, "hash"), (argon2.PasswordHasher, "verify"), (typst, "compile"), (duckdb, "connect"))
    for owner, name in slow:
        monkeypatch.setattr(owner, name, _noted(getattr(owner, name), name))
    WATCH.seen.clear()
    yield WATCH
    WATCH.store = None


def _noted(work: Callable[..., Any], name: str) -> Callable[..., Any]:
    def noted(*given: Any, **named: Any) -> Any:
        WATCH.note(name)
        return work(*given, **named)

    return noted


@dataclass
class Holds:
    """Every hold by act and label, round by round; an act's own, and those of the worker and the hot path beside it."""

    store: Store
    taken: dict[tuple[str, str], list[list[Hold]]] = field(default_factory=dict)

    @contextmanager
    def around(self, act: str) -> Iterator[None]:
        """Note the holds while an act is done, in milliseconds of a machine of the reference's speed."""
        self.store.holds.clear()
        before = slowness()
        yield
        self._note(act, (before + slowness()) / 2)

    def long(self) -> dict[tuple[str, str], float]:
        """What stays above the limit in every round: by act and label, in milliseconds."""
        most = _most_of_a_hold()
        busy = {key: best for key in self.taken if (best := self._best(key, "busy")) > MOST_MS}
        own = (key for key in self.taken if key[1] not in BESIDE)
        return busy | {key: best for key in own if (best := self._best(key, "seconds")) > most}

    def _best(self, key: tuple[str, str], what: str) -> float:
        return min(max(getattr(each, what) for each in one) for one in self.taken[key]) * 1000

    def _note(self, act: str, slow: float) -> None:
        found: dict[tuple[str, str], list[Hold]] = {}
        while self.store.holds:
            hold = self.store.holds.popleft()
            found.setdefault((act, hold.label), []).append(Hold(hold.label, hold.seconds / slow, hold.busy / slow))
        for key, holds in found.items():
            self.taken.setdefault(key, []).append(holds)


def _most_of_a_hold() -> float:
    """Milliseconds that a hold may take by the clock on the wall, by how many want a core."""
    return MOST_MS * TURNS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@contextmanager
def reading(base_url: str, token: str) -> Iterator[list[int]]:
    """A partner that reads until the block ends; yields the statuses of its answers."""
    done, statuses = threading.Event(), list[int]()

    def read() -> None:
        while not done.wait(0.02):
            statuses.append(partner.records(base_url, token, query="limit=20").status)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield statuses
    finally:
        done.set()
        thread.join()


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Life, Holds]]:
    folder = tmp_path_factory.mktemp("write-lock")
    with smtp_server() as mail:
        settings = settle_in(folder, free_port(), mail)
        made = build(settings)
        rooms, holds = Rooms(made), Holds(made.store)
        rooms.start()
        with serving(rooms) as port:
            life = Life(f"http://127.0.0.1:{port}", settings, made.store, mail, holds.around)
            yield made, life, holds
            life.close()
        rooms.stop()
        made.store.engine.dispose()


def test_no_act_holds_the_write_lock_for_long_and_nothing_slow_waits_inside_it(house: tuple[House, Life, Holds], watch: Watch) -> None:
    made, life, holds = house
    watch.store = made.store
    life.begin()
    with reading(life.base_url, life.reader()) as statuses:
        for number in range(MOST_ROUNDS):
            life.round(number, lambda: refresh(made.store, made.settings, "trees") and None)
            if number + 1 >= ROUNDS and not holds.long():
                break
    assert watch.seen == []
    assert holds.long() == {}
    acts, labels = {act for act, _ in holds.taken}, {label for _, label in holds.taken}
    assert len(acts) > 20
    assert {*BESIDE - {"gate counts", "delivery fold"}, "refresh", "erasure", "form", "invite", "client"} <= labels, (
        "the worker and the hot path were watched too"
    )
    assert (len(statuses) > 100, set(statuses)) == (True, {200}), "reads went on"


def test_the_watch_sees_what_it_is_for(house: tuple[House, Life, Holds], watch: Watch) -> None:
    made, _, holds = house
    watch.store = made.store
    hash_password("outside any unit")
    assert watch.seen == []
    with holds.around("slow"), made.store.write("slow"):
        hash_password("inside a unit")
        threading.Event().wait(8 * _most_of_a_hold() / 1000)
    with holds.around("busy"), made.store.write("mail"):
        work(40)
    assert len(watch.seen) == 1 and watch.seen[0].startswith("hash in passwords.hash_password")
    assert holds.long().keys() == {("slow", "slow"), ("busy", "mail")}
