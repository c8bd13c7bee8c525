"""`make bench-data`: pages of 1,000 records out of many, with full enforcement, beside datasette and beside the same query in a bare route.

`BENCH_ROWS` says how many rows (5,000,000), `BENCH_CACHE` where what can be kept is kept: datasette's own environment and its database.
Every request asks for one species from a moment in the middle on. Datasette answers by custom SQL, on an index that fits the query.
"""

from __future__ import annotations

import csv
import os
import sqlite3
import subprocess
import sys
import tempfile
import urllib.parse
import venv
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from bench.harness import Peer, measure, peak_rss, report
from tests.harness import partner
from tests.harness.installation import Installation, install
from tests.harness.server import free_port, start

ROWS, LIMIT = int(os.environ.get("BENCH_ROWS", "5000000")), 1_000
CACHE = Path(os.environ.get("BENCH_CACHE", "~/.cache/licet-bench")).expanduser()
DATASETTE = "datasette==0.65.5"
MIDDLE = (datetime(2026, 1, 1) + timedelta(minutes=ROWS // 2)).isoformat()  # noqa: DTZ001 - as the file's times
MOST_MIB = 400
FILTER = f"species=oak&planted.gte={MIDDLE}Z&limit={LIMIT}"
BARE = f"list_contains(['oak', 'ash'], r.species) AND r.species = 'oak' AND r.planted >= TIMESTAMP '{MIDDLE}'"
SQL = "select id, planted, species, height, keeper from trees where species = :species and planted >= :planted order by planted, id limit :most"
SCHEMA = "CREATE TABLE trees (id INTEGER PRIMARY KEY, planted TEXT, species TEXT, height REAL, keeper TEXT)"


def main() -> None:
    """Prepare the three servers, measure them in turns, print the result."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = install(Path(folder), free_port(), rows=ROWS, requests_per_second=5_000, records_per_day=10_000_000)
        ours, bare, datasette = _licet(place), _bare(place), _datasette(place)
        results = measure([ours, bare, datasette])
        used = peak_rss(ours)
        sys.stdout.write(f"peak RSS of licet's processes: {used:.0f} MiB; at most {MOST_MIB} is the target\n")
        pairs = {"page_vs_datasette": (ours.name, datasette.name), "page_vs_bare": (ours.name, bare.name)}
        report("data", results, pairs, {"page_vs_datasette": 1.3, "page_vs_bare": 0.5})


def _licet(place: Installation) -> Peer:
    running = start(place.folder, ["serve"], {}, place.settings.port)
    try:
        token = partner.token(running.base_url, place.client).json["access_token"]
        first = partner.records(running.base_url, token, query=FILTER)
        assert len(first.json["data"]) == LIMIT, first.body[:300]
    finally:
        running.stop()
    port, config = place.settings.port, str(place.folder / "licet.toml")
    request = _get(f"/v1/datasets/trees/records?{FILTER}", f"authorization: Bearer {token}\r\n")
    command = [sys.executable, "-m", "portal.cli", "serve", "--config", config]
    return Peer("licet", command, port, f"http://127.0.0.1:{port}/readyz", lambda: [request])


def _bare(place: Installation) -> Peer:
    folder, port = place.settings.home / "datasets" / "trees", free_port()
    version = next(file for file in folder.glob("*.duckdb") if "ctr_" not in file.name)
    pseudonyms = next(file for file in folder.glob("*.duckdb") if "ctr_" in file.name)
    environ = {"BARE_VERSION": str(version), "BARE_PSEUDONYMS": str(pseudonyms), "BARE_PORT": str(port), "BARE_WHERE": BARE}
    request, ready = _get(f"/records?limit={LIMIT}"), f"http://127.0.0.1:{port}/openapi.json"
    return Peer("bare FastAPI route", [sys.executable, "-m", "bench.bare"], port, ready, lambda: [request], environ)


def _datasette(place: Installation) -> Peer:
    database, port = _database(place.folder / "trees.csv"), free_port()
    limits = ["--setting", "max_returned_rows", "5000", "--setting", "sql_time_limit_ms", "20000"]
    asked = urllib.parse.urlencode({"sql": SQL, "species": "oak", "planted": MIDDLE.replace("T", " "), "most": LIMIT, "_shape": "array"})
    request, ready = _get(f"/{database.stem}.json?{asked}"), f"http://127.0.0.1:{port}/-/versions.json"
    return Peer(
        "datasette", [str(_program()), "serve", "--immutable", str(database), "--port", str(port), *limits], port, ready, lambda: [request]
    )


def _program() -> Path:
    """Datasette in an environment of its own."""
    folder = CACHE / "datasette"
    program = folder / "bin" / "datasette"
    if not program.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", DATASETTE], check=True)
    return program


def _database(trees: Path) -> Path:
    """The same trees as an SQLite file, with the index that the query wants."""
    final = CACHE / f"trees{ROWS}.db"
    if final.exists():
        return final
    draft = final.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with trees.open(newline="") as file:
        made, rows = sqlite3.connect(draft, isolation_level=None), csv.reader(file)
        next(rows)
        made.execute(SCHEMA)
        made.execute("BEGIN")
        while some := [row[:5] for row in islice(rows, 50_000)]:
            made.executemany("INSERT INTO trees VALUES (?, ?, ?, ?, ?)", some)
        made.execute("CREATE INDEX by_species ON trees (species, planted, id)")
        made.execute("COMMIT")
        made.close()
    return draft.rename(final)


def _get(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: bench\r\n{more}\r\n".encode()


if __name__ == "__main__":
    main()
