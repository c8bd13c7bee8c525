"""A Licet of a test's own: `licet serve` or `licet demo` as a real process on loopback, killed or stopped at will."""

from __future__ import annotations

import os
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


def free_port(pair: bool = False) -> int:
    """A port that nothing listens on; with `pair`, the next one is free as well."""
    for _ in range(100):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            if not pair:
                return port
            with socket.socket() as second:
                try:
                    second.bind(("127.0.0.1", port + 1))
                except OSError:
                    continue
                return port
    raise RuntimeError("no two free ports beside each other")


@dataclass
class Licet:
    """A running process, its address and its log."""

    process: subprocess.Popen[bytes]
    base_url: str
    log: Path

    def kill(self) -> None:
        """kill -9: nothing gets to tidy up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        """An orderly end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


def licet_command(*words: str) -> list[str]:
    """The installed program, run by this Python."""
    return [sys.executable, "-m", "portal.cli", *words]


def clean_environ(extra: Mapping[str, str]) -> dict[str, str]:
    """The machine's environment without settings of ours."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("LICET_")}, **extra}


def start(folder: Path, words: Sequence[str], environ: Mapping[str, str], port: int, wait: float = 120) -> Licet:
    """Start a command in a folder and wait until `/readyz` says ready."""
    log = folder / f"licet-{port}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(licet_command(*words), cwd=folder, env=clean_environ(environ), stdout=out, stderr=subprocess.STDOUT)
    running = Licet(process, f"http://127.0.0.1:{port}", log)
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"licet {' '.join(words)} ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        if is_ready(running.base_url):
            return running
        time.sleep(0.1)
    running.kill()
    raise TimeoutError(f"licet {' '.join(words)} was not ready in {wait} s:\n{log.read_text()[-4000:]}")


def is_ready(base_url: str) -> bool:
    """Whether `/readyz` answers 200."""
    try:
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
