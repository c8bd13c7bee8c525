"""Several processes of one installation: `licet serve --workers N`, `--only PART` and `licet worker`.

They share the database, the counters of pace and one listening socket, and nothing else. The quota, the grants and the order of the
ledger are settled in the database, so any of them may answer any request.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType

import structlog
from sqlalchemy import make_url

from contracts.errors import Misconfigured
from contracts.settings import Settings
from contracts.store.counters import answer
from portal.parts import WHOLE, Part, Parts
from portal.serve import build, serve_forever, work_forever

log = structlog.get_logger()

RESTART_SECONDS = 1.0
END_SECONDS = 30.0
_NODE_LETTERS = 32
_GATE_ALONE = "The gate counts in the memory of one process, so it is not served here: run `licet serve --only gate` at a port of its own."


@dataclass(frozen=True, slots=True)
class Plan:
    """What each process serves and how each is named in the ledger, and what to tell who starts it."""

    parts: tuple[Parts, ...]
    names: tuple[str, ...] = ("",)
    note: str = ""

    @property
    def several(self) -> bool:
        """Whether this is more than the one process that serves everything."""
        return self.parts != (WHOLE,)


def plan(settings: Settings, workers: int, only: Part | None) -> Plan:
    """What to start. `Misconfigured` for several processes without a database and counters that they share.

    The recurring work is done by the first process, or with `only` by none: `licet worker` does it then.
    """
    if workers == 1 and only is None:
        return Plan((WHOLE,))
    asked = f"--workers {workers}" if only is None else f"--only {only}"
    _refuse_unshared(settings, asked)
    if only in (Part.GATE, Part.WORKER) and workers > 1:
        raise Misconfigured(f"--workers {workers}", f"cannot be with --only {only}, which is one process.", "Leave one of them out.")
    faces: Parts = frozenset({Part.API, Part.PORTAL}) if only is None else frozenset({only})
    first = faces | {Part.WORKER} if only is None else faces
    label = "" if only is None else f"-{only}"
    names = tuple(_node(settings, f"{label}-{number}" if workers > 1 else label) for number in range(1, workers + 1))
    return Plan((first, *[faces] * (workers - 1)), names, _GATE_ALONE if only is None else "")


def work(settings: Settings) -> None:
    """Do the recurring work in this process until it is told to end."""
    work_forever(build(settings.model_copy(update={"node": _node(settings, f"-{Part.WORKER}")})))


def serve(settings: Settings, own: socket.socket, chosen: Plan) -> None:
    """Serve a plan at one door until told to end. A process that ends by itself is started again."""
    if len(chosen.parts) == 1:
        _serve_one(settings, own, chosen, 0)
    else:
        _Herd(settings, own, chosen).run()


def _refuse_unshared(settings: Settings, asked: str) -> None:
    if make_url(settings.database_url).get_backend_name() == "sqlite":
        problem = "SQLite means one process with its worker inside."
        raise Misconfigured(asked, problem, "Set database to a PostgreSQL address, or run `licet serve` without it.")
    if settings.shared.url is None:
        problem = "each process would count the pace of partners by itself."
        raise Misconfigured(asked, problem, "Set shared.url to the address of a Valkey or Redis, such as redis://127.0.0.1:6379/0.")
    if not answer(settings.shared):
        raise Misconfigured("setting shared.url", "nothing answers there.", "Start the Valkey or Redis, or mend its address.")


def _node(settings: Settings, suffix: str) -> str:
    name = f"{settings.node}{suffix}"
    if len(name) > _NODE_LETTERS:
        raise Misconfigured("setting node", f"is too long: {name} must have at most {_NODE_LETTERS} letters.", "Choose a shorter one.")
    return name


def _serve_one(settings: Settings, own: socket.socket, chosen: Plan, place: int) -> None:
    named = settings.model_copy(update={"node": chosen.names[place]})
    serve_forever(build(named), own, parts=chosen.parts[place])


class _Herd:
    """The processes of one plan. The parent holds the socket and watches; it opens no store and answers nothing."""

    def __init__(self, settings: Settings, own: socket.socket, chosen: Plan) -> None:
        self._settings, self._own, self._plan = settings, own, chosen
        self._context = multiprocessing.get_context("spawn")
        # Nothing is ever sent: children read its end, which is how they notice that the parent is gone.
        self._alive, self._held = self._context.Pipe(duplex=False)
        self._ending = False

    def run(self) -> None:
        """Start all, start again what ends, and end all when told to."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._end)
        herd = [self._start(place) for place in range(len(self._plan.parts))]
        while not self._ending:
            wait([each.sentinel for each in herd], timeout=0.5)
            herd = [each if each.is_alive() or self._ending else self._again(place, each) for place, each in enumerate(herd)]
        _finish(herd)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True

    def _start(self, place: int) -> SpawnProcess:
        arguments = (self._settings, self._own, self._plan, place, self._alive)
        made = self._context.Process(target=_child, args=arguments, name=self._plan.names[place])
        made.start()
        return made

    def _again(self, place: int, ended: SpawnProcess) -> SpawnProcess:
        log.error("process.ended", node=self._plan.names[place], code=ended.exitcode)
        time.sleep(RESTART_SECONDS)
        return self._start(place)


def _finish(herd: Sequence[SpawnProcess]) -> None:
    for each in herd:
        each.terminate()
    deadline = time.monotonic() + END_SECONDS
    for each in herd:
        each.join(max(0.0, deadline - time.monotonic()))
        if each.is_alive():
            each.kill()
            each.join()


def _child(settings: Settings, own: socket.socket, chosen: Plan, place: int, alive: Connection) -> None:
    """One process of several; ends in order when its parent is gone."""
    threading.Thread(target=_follow, args=(alive,), name="parent", daemon=True).start()
    try:
        _serve_one(settings, own, chosen, place)
    except KeyboardInterrupt:
        return  # Ctrl-C reaches the whole group; the parent has it too


def _follow(alive: Connection) -> None:
    try:
        alive.recv()
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
