"""A Licet of a test's own: `licet serve` or `licet demo` as a real process on loopback, killed or stopped at will."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.harness import leaks, several, stable
from tests.harness.felt import felt


def free_port(pair: bool = False) -> int:
    """A port that nothing listens on; with `pair`, the next one is free as well.

    Below the range from which the system takes ports for outgoing connections, so that none of those takes it in between.
    """
    for _ in range(1_000):
        port = random.randrange(20_000, 32_000)
        if all(_is_free(each) for each in ((port, port + 1) if pair else (port,))):
            return port
    raise RuntimeError("no free port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass
class Licet:
    """A running process, its address, its log and its database (empty for the one among its files). However it ends, it leaves no secret."""

    process: stable.Child
    base_url: str
    log: Path
    database: str = ""

    def kill(self) -> None:
        """kill -9: nothing gets to tidy up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self._searched()

    def stop(self) -> None:
        """An orderly end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
            self._searched()

    def _searched(self) -> None:
        leaks.check(self.log.parent / ".licet", self.log, self.base_url, self.database)


def licet_command(*words: str) -> list[str]:
    """The installed program, run by this Python."""
    return [sys.executable, "-m", "portal.cli", *words]


def clean_environ(extra: Mapping[str, str]) -> dict[str, str]:
    """The machine's environment without settings of ours."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("LICET_")}, **extra}


def start(folder: Path, words: Sequence[str], environ: Mapping[str, str], port: int, wait: float = 400) -> Licet:
    """Start a command in a folder and wait until `/readyz` says ready."""
    log = folder / f"licet-{port}.log"
    with log.open("ab") as out:
        process = stable.start(several.words_for(folder, [*words]), folder, clean_environ(environ), out)
    running = Licet(process, f"http://127.0.0.1:{port}", log, leaks.database_of(folder, environ))
    with felt() as clock:
        while clock.seconds < wait:
            if process.poll() is not None:
                raise RuntimeError(f"licet {' '.join(words)} ended with {process.returncode}:\n{log.read_text()[-4000:]}")
            if is_ready(running.base_url):
                return running
            time.sleep(0.02)
    running.kill()
    raise TimeoutError(f"licet {' '.join(words)} was not ready in {wait} s:\n{log.read_text()[-4000:]}")


def is_ready(base_url: str) -> bool:
    """Whether `/readyz` answers 200."""
    try:
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
