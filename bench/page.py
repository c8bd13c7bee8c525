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
from tests.harness import partner
from tests.harness.installation import Installation, install
from tests.harness.server import free_port, start

ROWS, LIMIT = 200_000, 1_000
_QUERY = """
SELECT to_json({'id': 'ps_' || replace(p.id::VARCHAR, '-', ''), 'planted': strftime(r.planted, '%Y-%m-%dT%H:%M:%S.%fZ'), 'species': r.species,
                'height': r.height, 'keeper': 'ps_' || replace(p.keeper::VARCHAR, '-', '')})
FROM (SELECT * FROM v.record r WHERE list_contains(['oak', 'ash'], r.species) LIMIT ?) r JOIN p.pseudonym p ON p._pos = r._pos ORDER BY r._pos
"""


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
    folder = place.settings.home / "datasets" / "trees"
    version = next(file for file in folder.iterdir() if file.suffix == ".duckdb" and "ctr_" not in file.name)
    pseudonyms = next(file for file in folder.rglob("*.duckdb") if "ctr_" in file.name)
    port = free_port()
    values = base64.b64encode(pickle.dumps([LIMIT])).decode()
    environ = {
        "BARE_VERSION": str(version),
        "BARE_PSEUDONYMS": str(pseudonyms),
        "BARE_PORT": str(port),
        "BARE_QUERY": _QUERY,
        "BARE_VALUES": values,
    }
    request = b"GET /records HTTP/1.1\r\nhost: bare\r\n\r\n"
    return Peer(
        "bare FastAPI route",
        [sys.executable, "-m", "bench.bare"],
        port,
        f"http://127.0.0.1:{port}/openapi.json",
        lambda: [request],
        environ,
    )


if __name__ == "__main__":
    main()
