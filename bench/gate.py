"""`make bench-gate`: nginx asking the gate over a unix socket, beside the same nginx asking an nginx that answers 204.

The gate decides in full: 100,000 live credentials with their tokens in memory, 100,000 budgets in use by visitors who each came before,
10,000 bans; one request in 20 is a licensed fetch, whose entry, quota and bill are in the store before the round's CPU is read.
Everything of a side runs on one core; how soon answers come is timed on all there are. Beside both, for comparison, the same nginx
asks a route of FastAPI that slowapi limits, and CrowdSec's API looks up addresses among as many decisions as the gate has bans. Tokens
live ten minutes, and so does a round.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import crowdsec, gate_mix
from bench.blast import blast
from bench.harness import Peer, measure, on_every_core, percentiles, report
from bench.relay import relaying
from bench.steady import steady
from contracts.terms.model import CrawlTerms
from tests.harness.installation import Installation, install
from tests.harness.proxies import program, started
from tests.harness.server import free_port

CREDENTIALS, VISITORS, BANS = 100_000, 100_000, 10_000
CONTRACTS = 20
CONNECTIONS = 32
# Fewer than are answered in a second.
EACH_COMES_PER_SECOND = 8_000
RATE, LATENCY_RUNS, LATENCY_SECONDS = 2_000, 5, 5.0
# Signing and verifying a token for each credential takes most of it.
PREPARING = 300.0
TARGETS = {"decisions_vs_nginx_204": 0.55, "many_bans_vs_few": 0.9, "p99_under_5_ms": 1.0, "under_10_connections_per_1000": 1.0}

_HEAD = """\
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
"""
# The same before every side: what differs is the socket alone.
_FRONT = """\
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
            proxy_pass_request_headers off;
            proxy_set_header Connection        "";
            proxy_set_header Content-Length    "";
            proxy_set_header X-Original-URI    $request_uri;
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Forwarded-Host  $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For   $http_x_address;
            proxy_set_header User-Agent        $http_user_agent;
            proxy_set_header Authorization     $http_authorization;
            proxy_set_header Signature         $http_signature;
            proxy_set_header Signature-Input   $http_signature_input;
            proxy_set_header Signature-Agent   $http_signature_agent;
            proxy_set_header Content-Digest    $http_content_digest;
            proxy_set_header Sec-Purpose       $http_sec_purpose;
        }}
    }}
}}
"""
_BACK = """\
    server {{
        listen unix:{socket};
        keepalive_requests 1000000000;
        location / {{ return 204; }}
    }}
}}
"""


@dataclass(frozen=True)
class Bench:
    """A folder with one installation, of which each gate gets a copy, and the sides that are measured."""

    folder: Path
    made: Installation

    def plain(self) -> Peer:
        """nginx asking an nginx that answers 204."""
        port, socket = free_port(), self.folder / "204.sock"
        front, back = self._nginx("plain", _FRONT, socket=socket, port=port), self._nginx("back", _BACK, socket=socket)
        return self._beside("nginx asking 204", front, back, port)

    def limited(self) -> Peer:
        """nginx asking a route of FastAPI that slowapi limits."""
        port, socket = free_port(), self.folder / "limited.sock"
        front = self._nginx("limited", _FRONT, socket=socket, port=port)
        return self._beside("nginx asking slowapi", front, [sys.executable, "-m", "bench.limited_route", str(socket)], port)

    def gate(self, name: str, credentials: int, visitors: int, bans: int) -> Peer:
        """nginx asking a gate that holds so many."""
        # nginx reads a space in the path of a socket as the end of it.
        folder, own, port = self.folder / name.replace(" ", "-"), free_port(), free_port()
        _copy(self.made, folder, own)
        front = self._nginx(name, _FRONT, socket=folder / "gate.sock", port=port)
        ours = [sys.executable, "-m", "bench.gate_server", str(folder / "licet.toml")]
        environ = {"GATE_CREDENTIALS": str(credentials), "GATE_VISITORS": str(visitors), "GATE_BANS": str(bans)}

        def requests() -> list[bytes]:
            asked = self._asked(port, (folder / "tokens").read_text().split(), visitors)
            # Whose budget is in use came before, and by this door: the first question of somebody is read in full, the others are not.
            blast(port, asked, 1 + visitors / EACH_COMES_PER_SECOND, CONNECTIONS)
            return asked

        ready = f"http://127.0.0.1:{own}/readyz"
        return Peer(name, _together(front, ours), port, ready, requests, environ, _written, patience=PREPARING)

    def connections_per_thousand(self, gate: Peer) -> float:
        """Connections that an nginx of its own opens to the running gate for a thousand requests."""
        port, socket = free_port(), self.folder / "relay.sock"
        requests = gate.requests()
        with (
            relaying(socket, self.folder / gate.name / "gate.sock") as relay,
            started(self._nginx("relayed", _FRONT, socket=socket, port=port), self.folder / "nginx-relayed", port),
        ):
            return 1_000 * relay.opened / blast(port, requests, 3.0, CONNECTIONS)

    def _asked(self, port: int, tokens: Sequence[str], visitors: int) -> list[bytes]:
        host = self.made.settings.platform.site.removeprefix("http://")
        for number in range(len(tokens)):
            _until_known(port, gate_mix.fetch(host, tokens, number))
        return gate_mix.requests(host, tokens, visitors)

    def _beside(self, name: str, front: Sequence[str], back: Sequence[str], port: int) -> Peer:
        command, ready = _together(front, back), f"http://127.0.0.1:{port}/"
        return Peer(name, command, port, ready, lambda: self._asked(port, ["none"], VISITORS))

    def _nginx(self, name: str, text: str, **more: object) -> list[str]:
        folder = self.folder / f"nginx-{name.replace(' ', '-')}"
        folder.mkdir()
        config = folder / "nginx.conf"
        user = "user root;\n" if os.geteuid() == 0 else ""
        config.write_text(user + (_HEAD + text).format(folder=folder, **more))
        return [str(program("nginx", "nginx-light")), "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]


def main() -> None:
    """Measure the gate in turns with the others, then few bans in turns with many; print the result."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), _installed(Path(folder) / "made"))
        full, plain, limited = bench.gate("gate", CREDENTIALS, VISITORS, BANS), bench.plain(), bench.limited()
        once: dict[str, float] = {}
        looked_up = crowdsec.lookup(Path(folder) / "crowdsec", BANS, VISITORS)
        if looked_up is None:
            sys.stdout.write("CrowdSec is left out: Debian's package cannot be had\n")
        sides = [full, plain, limited, *([looked_up] if looked_up else [])]
        results = measure(sides, connections=CONNECTIONS, load=blast, then=lambda: once.update(_while_full(bench, full)))
        few, many = bench.gate("100 bans", 1_000, 1_000, 100), bench.gate("100,000 bans", 1_000, 1_000, 100_000)
        bans = measure([few, many], connections=CONNECTIONS, load=blast)
        pairs = {
            "decisions_vs_nginx_204": (full.name, plain.name),
            "decisions_vs_slowapi": (full.name, limited.name),
            "many_bans_vs_few": (many.name, few.name),
            **({"decisions_vs_crowdsec": (full.name, looked_up.name)} if looked_up else {}),
        }
        report("gate", {**results, **bans}, pairs, TARGETS, once)


def _while_full(bench: Bench, full: Peer) -> dict[str, float]:
    """What is asked of the full gate apart from its cost: how soon it answers, and over how many connections."""
    requests = full.requests()
    with on_every_core():
        taken = [percentiles(steady(full.port, requests, RATE, LATENCY_SECONDS)) for _ in range(LATENCY_RUNS)]
    for each in taken:
        sys.stdout.write(f"open loop, {RATE} requests a second: {each}\n")
    opened = bench.connections_per_thousand(full)
    sys.stdout.write(f"connections opened for 1,000 requests: {opened:.2f}\n")
    p99 = statistics.median(each["p99_ms"] for each in taken)
    return {"p99_under_5_ms": 5 / p99, "under_10_connections_per_1000": 10 / opened}


def _until_known(port: int, request: bytes) -> None:
    """Fetch until the side behind the proxy is there and the contract in memory: whoever comes first may be asked to come again."""
    for _again in range(100):
        with contextlib.suppress(RuntimeError, OSError):
            blast(port, [request], 0, 1)
            return
        time.sleep(0.1)
    raise RuntimeError("the first request is never answered")


def _written() -> bool:
    """Licensed fetches reach the ledger every 0.4 s; after half a second none is left, and the CPU that took is read."""
    time.sleep(0.5)
    return True


def _installed(folder: Path) -> Installation:
    folder.mkdir()
    extra = f'[gate]\nmode = "enforce"\nlisten = "{folder}/gate.sock"\n'
    port = free_port(pair=True)
    crawl = CrawlTerms(hosts=(f"127.0.0.1:{port + 1}",), paths=("/lists/",), requests_per_second=1_000)
    paced = {"commercial": True, "crawl": crawl, "records_per_day": 10_000_000}
    others = {f"contract {number}": paced for number in range(1, CONTRACTS)}
    return install(folder, port, rows=1_000, extra=extra, others=others, **paced)


def _copy(made: Installation, folder: Path, port: int) -> None:
    """The same installation elsewhere, on a port of its own; portal and site keep the addresses that its contracts name."""
    shutil.copytree(made.folder, folder)
    text = (folder / "licet.toml").read_text().replace(f"{made.folder}/", f"{folder}/")
    (folder / "licet.toml").write_text(text.replace(f"\nport = {made.settings.port}\n", f"\nport = {port}\n"))


def _together(beside: Sequence[str], own: Sequence[str]) -> list[str]:
    """Both as one process with the other as its child, so that both are counted and both are ended."""
    return ["sh", "-c", f"{shlex.join(beside)} & exec {shlex.join(own)}"]


if __name__ == "__main__":
    main()
