"""A real nginx of a test's own: no privileges, everything below one folder, loopback ports only."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.harness.server import free_port

_TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextmanager
def running(folder: Path, documented: str, replaced: Mapping[str, str]) -> Iterator[int]:
    """Run nginx with a documented configuration of its `http` block; yields its port.

    `replaced` maps texts of the configuration to what they are here (addresses); each must be there. `listen 80` becomes a free port.
    """
    port = free_port()
    for old, new in {"listen 80;": f"listen 127.0.0.1:{port};", **replaced}.items():
        if old not in documented:
            raise AssertionError(f"the documented configuration has no {old!r}")
        documented = documented.replace(old, new)
    config = _write(folder, documented)
    process = subprocess.Popen([_program(), "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")])
    try:
        _wait(port, process, folder)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _program() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        raise AssertionError("nginx is missing; install it (`apt-get install nginx-light`)")
    return found


def _write(folder: Path, documented: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "documented.conf").write_text(documented, encoding="utf-8")
    temporary = "\n".join(f"    {name}_temp_path {folder}/{name};" for name in _TEMP)
    user = "user root;\n" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log info;\n"
        f"events {{ worker_connections 256; }}\nhttp {{\n    access_log off;\n{temporary}\n    include {folder}/documented.conf;\n}}\n",
        encoding="utf-8",
    )
    return config


def _wait(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    log = re.sub(r"^\S+ \S+ ", "", (folder / "error.log").read_text(encoding="utf-8"), flags=re.MULTILINE)
    raise AssertionError(f"nginx did not start:\n{log}")
