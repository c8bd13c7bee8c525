"""`make bench-page`: pages of 1,000 records over HTTP with full enforcement, beside the same query in a bare route.

Licet's side pays for everything: token, grant, pace, quota, durable entry, delivery.
"""

from __future__ import annotations

import base64
import pickle
import sys
import tempfile
from pathlib import Path

from bench.harness import Peer, latency, measure, report
from contracts.datasets.plan import Column, Plan, Test
from tests.harness import partner
from tests.harness.installation import FIELDS, Installation, install
from tests.harness.server import free_port, start

ROWS, LIMIT = 200_000, 1_000
_CODED = ("id", "keeper")


def main() -> None:
    """Prepare both servers, measure them in turns, print the result."""
    with tempfile.TemporaryDirectory() as folder:
        place = install(Path(folder), free_port(), rows=ROWS, requests_per_second=5_000, records_per_day=10_000_000)
        request = _request(place)
        ours, bare = _licet(place, request), _bare(place)
        results = measure([ours, bare])
        sys.stdout.write(f"open loop, 20 requests a second: {latency(ours, rate=20)}\n")
        report("page", results, {"page_vs_bare": (ours.name, bare.name)}, {"page_vs_bare": 0.5})


def _request(place: Installation) -> bytes:
    """The request with a token that outlives the bench: ten minutes."""
    running = start(place.folder, ["serve"], {}, place.settings.port)
    try:
        token = partner.token(running.base_url, place.client).json["access_token"]
        assert partner.records(running.base_url, token, query=f"limit={LIMIT}").status == 200
    finally:
        running.stop()
    head = f"GET /v1/datasets/trees/records?limit={LIMIT} HTTP/1.1\r\nhost: licet\r\nauthorization: Bearer {token}\r\n\r\n"
    return head.encode()


def _licet(place: Installation, request: bytes) -> Peer:
    port, config = place.settings.port, str(place.folder / "licet.toml")
    command = [sys.executable, "-m", "portal.cli", "serve", "--config", config]
    return Peer("licet", command, port, f"http://127.0.0.1:{port}/readyz", lambda: [request])


def _bare(place: Installation) -> Peer:
    file = next((place.settings.home / "datasets" / "trees").glob("*.codes"))
    version, contract, *_ = file.name.split(".")
    types = {name: field.type for name, field in place.settings.datasets["trees"].fields.items()}
    columns = {name: Column(name, types[name], name in _CODED) for name in FIELDS}
    plan = Plan(
        "trees", version, contract, tuple(columns.values()), (Test(columns["species"], "in", ("oak", "ash")),), LIMIT, pseudonyms=_CODED
    )
    port = free_port()
    asked = base64.b64encode(pickle.dumps(plan)).decode()
    environ = {"BARE_HOME": str(place.settings.home), "BARE_PORT": str(port), "BARE_ASKED": asked}
    request, ready = b"GET /records HTTP/1.1\r\nhost: bare\r\n\r\n", f"http://127.0.0.1:{port}/openapi.json"
    return Peer("bare FastAPI route", [sys.executable, "-m", "bench.bare"], port, ready, lambda: [request], environ)


if __name__ == "__main__":
    main()
