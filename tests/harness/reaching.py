"""`licet` as processes of their own, with a guarded client that reaches a receiver of the test.

A test machine has no public address to talk to, so the parts of the client that are injected for tests lead to loopback, and it waits
for as long as the test holds it. Nothing else differs from the command. Each process is a fork of one that has only imported the
program: what takes longest at a start is then done once.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

from tests.harness.server import clean_environ

LOG = "licet.log"


@dataclass
class Running:
    """One process that was started in a folder; it writes there what it says."""

    pid: int
    folder: Path

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    @property
    def said(self) -> str:
        """The end of its log."""
        return (self.folder / LOG).read_text()[-4000:]

    def end(self, by: signal.Signals) -> None:
        """Send it a signal, and wait for its end."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, by)
        deadline = time.monotonic() + 30
        while self.lives:
            assert time.monotonic() < deadline, self.said
            time.sleep(0.01)


class Stable:
    """Starts processes."""

    def __init__(self, parent: subprocess.Popen[str]) -> None:
        self._parent = parent

    def start(self, folder: Path, *words: str, trust: Path) -> Running:
        """`licet` with these words in a folder; its client trusts the authority in the file."""
        assert self._parent.stdin is not None and self._parent.stdout is not None
        self._parent.stdin.write(json.dumps([str(folder), str(trust), *words]) + "\n")
        self._parent.stdin.flush()
        return Running(int(self._parent.stdout.readline()), folder)


@contextmanager
def stable() -> Iterator[Stable]:
    """Ready to start processes while the block runs."""
    words = [sys.executable, "-m", __name__]
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(words, cwd=root, env=clean_environ({}), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        yield Stable(parent)
        assert parent.stdin is not None
        parent.stdin.close()


def _serve() -> None:
    from portal import cli, jobs  # imported here, before the first fork, and not by the test

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever has ended is gone at once
    for line in sys.stdin:
        folder, trust, *words = json.loads(line)
        child = os.fork()
        if child == 0:
            break
        print(child, flush=True)  # noqa: T201 - the answer to the test
    else:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(folder)
    for descriptor, file, mode in ((0, os.devnull, os.O_RDONLY), (1, LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
        os.dup2(os.open(file, mode, 0o600), descriptor)
    os.dup2(1, 2)
    sys.argv = ["licet", *words]
    here, guarded, trusted = ip_address("127.0.0.1"), jobs.guarded, ssl.create_default_context(cafile=trust)
    to_us = {"resolve": lambda _host, _port: [str(here)], "permitted": lambda address: address == here, "ports": None, "trust": trusted}
    jobs.guarded = lambda house: replace(guarded(house), **to_us, seconds=60.0)
    cli.main()


if __name__ == "__main__":
    _serve()
