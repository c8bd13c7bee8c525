"""`make bench-gate`: nginx asking the gate over a unix socket, beside the same nginx asking an nginx that answers 204.

The gate decides in full: 100,000 live credentials with their tokens in memory, 100,000 budgets in use, 10,000 bans; half of the requests
are licensed fetches, whose entries are in the ledger before the round's CPU is read. Everything of a side runs on one core.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import gate_mix
from bench.blast import blast
from bench.harness import Peer, latency, measure, report
from contracts.terms.model import CrawlTerms
from tests.harness.installation import Installation, install
from tests.harness.proxies import program
from tests.harness.server import free_port

CREDENTIALS, VISITORS, BANS = 100_000, 100_000, 10_000
CONTRACTS = 20
CONNECTIONS = 32
RATE = 2_000
# Signing and verifying a token for each credential takes most of it.
PREPARING = 900.0
TARGETS = {"decisions_vs_nginx_204": 0.55, "many_bans_vs_few": 0.9, "p99_under_5_ms": 1.0}

# Both sides' nginx: what differs is the socket alone.
_FRONT = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream gate {{ server unix:{socket}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 1000000000;
        location / {{
            auth_request /_gate;
            auth_request_set $reason $upstream_http_x_gate_reason;
            add_header X-Reason $reason always;
            empty_gif;
        }}
        location = /_gate {{
            internal;
            proxy_pass http://gate/gate/nginx;
            proxy_http_version 1.1;
            proxy_pass_request_body off;
            proxy_set_header Connection        "";
            proxy_set_header Content-Length    "";
            proxy_set_header Cookie            "";
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Original-URI    $request_uri;
            proxy_set_header X-Forwarded-Host  $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For   $http_x_address;
            proxy_set_header X-Address         "";
        }}
    }}
}}
"""
_BACK = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{socket};
        keepalive_requests 1000000000;
        location / {{ return 204; }}
    }}
}}
"""


@dataclass(frozen=True)
class Bench:
    """A folder with an installation for each number of bans, and the sides that are measured."""

    folder: Path

    def plain(self) -> Peer:
        """nginx asking an nginx that answers 204."""
        port, socket = free_port(), self.folder / "204.sock"
        back = self._nginx("back", _BACK, socket=socket)
        front = self._nginx("plain", _FRONT, socket=socket, port=port)
        requests = gate_mix.requests("127.0.0.1", ["none"], VISITORS)
        return Peer("nginx asking 204", _together(back, front), port, f"http://127.0.0.1:{port}/", lambda: requests)

    def gate(self, name: str, credentials: int, visitors: int, bans: int) -> Peer:
        """nginx asking a gate that holds so many."""
        place, port = _installed(self.folder / name), free_port()
        socket = place.folder / "gate.sock"
        front = self._nginx(name, _FRONT, socket=socket, port=port)
        ours = [sys.executable, "-m", "bench.gate_server", str(place.folder / "licet.toml")]
        environ = {"GATE_CREDENTIALS": str(credentials), "GATE_VISITORS": str(visitors), "GATE_BANS": str(bans)}
        ready = f"http://127.0.0.1:{place.settings.port}/readyz"

        def requests() -> list[bytes]:
            tokens = (place.folder / "tokens").read_text().split()
            made = gate_mix.requests(place.settings.platform.site.removeprefix("http://"), tokens, visitors)
            for each in made[1 : 2 * len(tokens) : 2]:
                _until_known(port, each)
            return made

        return Peer(name, _together(front, ours), port, ready, requests, environ, _written, patience=PREPARING)

    def _nginx(self, name: str, text: str, **more: object) -> list[str]:
        folder = self.folder / f"nginx-{name.replace(' ', '-')}"
        folder.mkdir()
        config = folder / "nginx.conf"
        config.write_text(("user root;\n" if os.geteuid() == 0 else "") + text.format(folder=folder, **more))
        return [str(program("nginx", "nginx-light")), "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]


def main() -> None:
    """Measure the gate in turns with the bare proxy, then few bans in turns with many, then latency; print the result."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        plain, full = bench.plain(), bench.gate("gate", CREDENTIALS, VISITORS, BANS)
        results = measure([full, plain], connections=CONNECTIONS, load=blast)
        few, many = bench.gate("100 bans", 1_000, 1_000, 100), bench.gate("100,000 bans", 1_000, 1_000, 100_000)
        bans = measure([few, many], connections=CONNECTIONS, load=blast)
        taken = latency(full, rate=RATE)
        sys.stdout.write(f"open loop, {RATE} requests a second: {taken}\n")
        report(
            "gate",
            {**results, **bans},
            {"decisions_vs_nginx_204": (full.name, plain.name), "many_bans_vs_few": (many.name, few.name)},
            TARGETS,
            {"p99_under_5_ms": 5 / taken["p99_ms"]},
        )


def _until_known(port: int, request: bytes) -> None:
    """Fetch until the contract is in memory: whoever comes first waits for the store, or is asked to come again."""
    for _again in range(100):
        with contextlib.suppress(RuntimeError):
            blast(port, [request], 0, 1)
            return
    raise RuntimeError("a crawler's first fetch is never decided")


def _written() -> bool:
    """Licensed fetches reach the ledger every 0.15 s; after half a second none is left, and the CPU that took is read."""
    time.sleep(0.5)
    return True


def _installed(folder: Path) -> Installation:
    folder.mkdir()
    extra = f'[gate]\nmode = "enforce"\nlisten = "{folder}/gate.sock"\n'
    port = free_port(pair=True)
    crawl = CrawlTerms(hosts=(f"127.0.0.1:{port + 1}",), paths=("/lists/",), requests_per_second=1_000)
    paced = {"crawls": True, "crawl": crawl, "records_per_day": 10_000_000}
    others = {f"contract {number}": paced for number in range(1, CONTRACTS)}
    return install(folder, port, rows=1_000, extra=extra, others=others, **paced)


def _together(beside: Sequence[str], own: Sequence[str]) -> list[str]:
    """Both as one process with the other as its child, so that both are counted and both are ended."""
    return ["sh", "-c", f"{shlex.join(beside)} & exec {shlex.join(own)}"]


if __name__ == "__main__":
    main()
