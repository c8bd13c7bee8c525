"""The processes of an installation, and what befalls them in a round: one process on SQLite, several on PostgreSQL.

On SQLite one process answers and sequences. On PostgreSQL one answers, and of two workers one is elected to sequence.
"""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import text

from contracts.store.engine import open_engine
from contracts.store.leader import SEQUENCER
from tests.faults.load import Load
from tests.harness import stable
from tests.harness.felt import within
from tests.harness.installation import Installation
from tests.harness.server import Licet, clean_environ, start

PATIENCE = 60.0
FRONT = "front"
WORKERS = ("left", "right")

_LEADING = text(
    "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory' AND granted AND objid = :lock"
)
_CUT = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name")


class Site(Protocol):
    """Some processes over one store."""

    befalls: Sequence[Callable[[Load], None]]

    def start(self) -> str:
        """Start what does not run; returns where it answers."""
        ...

    def stop(self) -> None:
        """An orderly end of all."""
        ...


class _Processes:
    """What both have: the store, to see how far the sequencer is, and a source of chance."""

    def __init__(self, place: Installation, chance: random.Random) -> None:
        self._place, self._chance = place, chance
        self._engine = open_engine(place.settings.database_url, place.settings.subject_folder)
        self._front: Licet | None = None

    def wait(self, most: float = 1.0) -> None:
        """A moment that nobody can foresee."""
        threading.Event().wait(self._chance.uniform(0.05, most))

    def sequenced(self) -> None:
        """Wait until everything that is written now is in the tree."""
        with self._engine.connect() as connection:
            written = connection.execute(text("SELECT written FROM ledger_counter")).scalar_one()
        until(lambda: self._size() >= written, "nobody sequences")

    def _size(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(text("SELECT size FROM ledger_head")).scalar_one())

    def _answering(self, *words: str, **environ: str) -> Licet:
        if self._front is None:
            self._front = start(self._place.folder, ["serve", *words], environ, self._place.settings.port)
        return self._front

    def _kill_front(self) -> None:
        assert self._front is not None
        self._front.kill()
        self._front = None


class OneProcess(_Processes):
    """SQLite."""

    def __init__(self, place: Installation, chance: random.Random) -> None:
        super().__init__(place, chance)
        self.befalls = (self.killed, self.paused)

    def start(self) -> str:
        """Start it where it does not run."""
        return self._answering().base_url

    def stop(self) -> None:
        """An orderly end."""
        self._answering().stop()
        self._engine.dispose()

    def killed(self, _load: Load) -> None:
        """kill -9."""
        self.wait()
        self._kill_front()

    def paused(self, load: Load) -> None:
        """Stopped in the middle of whatever it does and let go on, then killed."""
        self.wait()
        process = self._answering().process
        process.send_signal(signal.SIGSTOP)
        self.wait(0.5)
        process.send_signal(signal.SIGCONT)
        load.goes_on()
        self.sequenced()
        self.killed(load)


class Several(_Processes):
    """PostgreSQL."""

    def __init__(self, place: Installation, chance: random.Random) -> None:
        super().__init__(place, chance)
        self._workers: dict[str, stable.Child] = {}
        self.befalls = (self.front_killed, self.sequencer_paused, self.sequencer_killed, self.all_killed)

    def start(self) -> str:
        """Start what does not run."""
        for name in WORKERS:
            if name not in self._workers:
                self._workers[name] = self._worker(name)
        return self._answering("--only", "api", LICET_NODE=FRONT).base_url

    def stop(self) -> None:
        """An orderly end, of the workers last, so that everything is sequenced."""
        self._answering().stop()
        for each in self._workers.values():
            each.send_signal(signal.SIGCONT)  # where a round failed, one may be paused
            each.send_signal(signal.SIGTERM)
            each.wait(PATIENCE)
        self._engine.dispose()

    def front_killed(self, _load: Load) -> None:
        """kill -9 of the process that answers."""
        self.wait()
        self._kill_front()

    def sequencer_killed(self, load: Load) -> None:
        """kill -9 of the worker that sequences; the other goes on, and whoever asks notices nothing."""
        leader = self._leader()
        self.wait()
        self._kill(leader)
        load.goes_on()
        self.sequenced()

    def sequencer_paused(self, load: Load) -> None:
        """The worker that sequences stops in the middle and is given up, the other goes on; then it wakes, and has to take over again."""
        leader = self._leader()
        self.wait()
        self._workers[leader].send_signal(signal.SIGSTOP)
        self._cut(leader)
        load.goes_on()
        self.sequenced()
        self._workers[leader].send_signal(signal.SIGCONT)
        self.wait()
        self._kill(self._other(leader))
        load.goes_on()
        self.sequenced()
        until(lambda: self._leader() == leader, "the one that woke does not lead")

    def all_killed(self, _load: Load) -> None:
        """kill -9 of every process, as when the machine goes."""
        self.wait()
        for name in WORKERS:
            self._kill(name)
        self._kill_front()

    def _worker(self, name: str) -> stable.Child:
        with (self._place.folder / f"{name}.log").open("ab") as out:
            # PostgreSQL tells a session by the name that its process gives.
            environ = clean_environ({"LICET_NODE": name, "PGAPPNAME": name})
            return stable.start(["worker"], self._place.folder, environ, out)

    def _kill(self, name: str) -> None:
        worker = self._workers.pop(name)
        worker.send_signal(signal.SIGKILL)
        worker.wait(PATIENCE)

    def _leader(self) -> str:
        found: list[str] = []

        def is_led() -> bool:
            with self._engine.connect() as connection:
                found[:] = connection.execute(_LEADING, {"lock": SEQUENCER}).scalars()
            return bool(found)

        until(is_led, "nobody was elected")
        return found[0]

    def _cut(self, name: str) -> None:
        """What the server does with sessions whose process does not answer any more."""
        with self._engine.connect() as connection:
            connection.execute(_CUT, {"name": name})

    def _other(self, name: str) -> str:
        return next(each for each in WORKERS if each != name)


def until(holds: Callable[[], bool], else_said: str) -> None:
    """Wait until it holds."""
    assert within(PATIENCE, holds), else_said
