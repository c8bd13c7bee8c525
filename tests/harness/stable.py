"""Processes of `licet` that are forks of one which has only imported the program: what takes longest at a start is done once.

Nothing else differs from the command but the gate's deadline: a fork has its own folder, environment, output and exit code, and ends by any signal. The process
that they come from never opens a file, a database or a thread, so there is nothing of it that they could share.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, BinaryIO

_ROOT = Path(__file__).parents[2]
_MOST = 1 << 20


class Child:
    """A process, as `subprocess.Popen` has it."""

    def __init__(self, told: BinaryIO) -> None:
        self._told = told
        self.pid = int(told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises TimeoutExpired after so many seconds."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("licet", timeout or 0)
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing happens where it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def start(words: Sequence[str], folder: Path, environ: Mapping[str, str], out: BinaryIO, trust: Path | None = None) -> Child:
    """`licet` with these words in a folder, with this environment alone, writing to `out`.

    With `trust` its guarded client reaches a receiver of the test: a test machine has no public address to talk to, so the parts of the
    client that are injected for tests lead to loopback, trust the authority in the file, and wait for as long as the test holds them.
    """
    asked = {"words": [*words], "folder": str(folder), "environ": dict(environ), "trust": str(trust) if trust else None}
    reading, writing = os.pipe()
    socket.send_fds(_stable(), [json.dumps(asked).encode()], [out.fileno(), writing])
    os.close(writing)
    return Child(os.fdopen(reading, "rb", buffering=0))


@cache
def _stable() -> socket.socket:
    """The way to the process from which all of this test process are forked; it ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LICET_")}
    words = [sys.executable, "-m", __name__, str(theirs.fileno())]
    process = subprocess.Popen(words, cwd=_ROOT, env=environ, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait(30)

    atexit.register(end)
    return ours


def _serve(way: socket.socket) -> None:
    """Fork for each request until nobody asks any more."""
    _import()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        asked, given, _, _ = socket.recv_fds(way, _MOST, 2)
        if not asked:
            return None
        if os.fork() == 0:
            way.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _watch(json.loads(asked), *given)
        for each in given:
            os.close(each)


def _import() -> None:
    """Everything that a start imports, and what it makes of that before it knows its settings."""
    from sqlalchemy.orm import configure_mappers

    from portal import app, serve
    from portal.commands import demo, here, processes

    assert demo and here and processes and serve
    app.routers()
    configure_mappers()
    pages = app.templates()
    for name in pages.list_templates():
        pages.get_template(name)


def _watch(asked: dict[str, Any], out: int, telling: int) -> None:
    """Fork once more, and tell the test the process's id and, when it has ended, its exit code as `Popen` would."""
    child = os.fork()
    if child == 0:
        os.close(telling)
        return _become(asked, out)
    os.close(out)
    os.write(telling, b"%d\n" % child)
    _, status = os.waitpid(child, 0)
    os.write(telling, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(asked: dict[str, Any], out: int) -> None:
    from contracts.gate import service
    from portal import cli

    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    for descriptor in (1, 2):
        os.dup2(out, descriptor)
    os.close(out)
    sys.argv = ["licet", *asked["words"]]
    if asked["trust"]:
        _reach(asked["trust"])
    # How long a look-up takes says how busy the machine is; tests of the deadline set their own.
    service.DEADLINE_SECONDS = 60.0
    cli.main()


def _reach(trust: str) -> None:
    from portal import jobs

    here, guarded, trusted = ip_address("127.0.0.1"), jobs.guarded, ssl.create_default_context(cafile=trust)
    to_us: dict[str, Any] = {
        "resolve": lambda _host, _port: [str(here)],
        "permitted": lambda address: address == here,
        "ports": None,
        "trust": trusted,
    }
    jobs.guarded = lambda house: replace(guarded(house), **to_us, seconds=60.0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
