"""`make bench-data`: pages of 1,000 records out of millions, with full enforcement: beside datasette, and beside the same query in a bare route.

`BENCH_ROWS` says how many rows (5,000,000), `BENCH_CACHE` where what can be kept is kept: the rows, and datasette's own environment.
Every request asks for one country from a moment in the middle on. Datasette answers by custom SQL, on an index that fits the query.
"""

from __future__ import annotations

import base64
import os
import pickle
import subprocess
import sys
import tempfile
import urllib.parse
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Engine, event

from bench import posts
from bench.harness import Peer, measure, peak_rss, report
from contracts.datasets.plan import Column, Plan, Test
from contracts.house import House
from portal.serve import Rooms, build
from tests.harness import partner, postgres
from tests.harness.asgi import serving
from tests.harness.installation import Installation, Licence, install
from tests.harness.server import free_port

CACHE = Path(os.environ.get("BENCH_CACHE", "~/.cache/licet-bench")).expanduser()
DATASETTE = "datasette==0.65.5"
MOST_MIB = 400
COUNTRIES = posts.COUNTRIES[:6]
PAGE = f"country={posts.COUNTRY}&created_at.gte={posts.MIDDLE.isoformat()}Z&limit={posts.LIMIT}"
FEW = 100  # what a request gets that names no limit

_CODED = ("id", "author")
_SQL = f"select {', '.join(posts.FIELDS)} from posts where country = :country and created_at >= :since order by created_at, id limit :most"


@dataclass(frozen=True)
class Asked:
    """What the servers are asked: pages of the files and of the table, and few records of one person, by pseudonym and by the value itself."""

    files: bytes
    table: bytes
    by_pseudonym: bytes
    by_value: bytes
    statement: tuple[str, Mapping[str, Any]]


def main() -> None:
    """Prepare the servers, measure them in turns, print the result."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, postgres.running() as database:
        posts.postgresql_copy(CACHE, database)
        place = _installed(Path(folder), database)
        asked, server = _asked(place), _server(database)
        ours, table = _licet(place, "licet", asked.files), _licet(place, "licet, PostgreSQL", asked.table, server)
        bare, bare_table, datasette = _bare(place), _bare_table(database, asked, server), _datasette()
        person, value = _licet(place, "licet, a pseudonym", asked.by_pseudonym), _licet(place, "licet, the value itself", asked.by_value)
        results = measure([ours, bare, datasette])
        results |= measure([table, bare_table])
        results |= measure([person, value])
        used = peak_rss(ours)
        sys.stdout.write(f"peak RSS of licet's processes: {used:.0f} MiB; at most {MOST_MIB} is the target\n")
        pairs = {
            "page_vs_datasette": (ours.name, datasette.name),
            "page_vs_bare": (ours.name, bare.name),
            "page_vs_bare_postgresql": (table.name, bare_table.name),
            "pseudonym_vs_value": (person.name, value.name),
        }
        targets = {"page_vs_datasette": 1.3, "page_vs_bare": 0.5, "page_vs_bare_postgresql": 0.6, "pseudonym_vs_value": 0.5}
        report("data", results, pairs, targets | {"memory_left": 1.0}, {"memory_left": MOST_MIB / used})


def _installed(folder: Path, database: str) -> Installation:
    from_file = posts.TOML.format(name="posts", source=f'location = "{posts.parquet(CACHE)}"')
    in_place = posts.TOML.format(name="table", source=f'engine = "postgresql"\nsource = "{database}"\ntable = "public.posts"')
    widest: dict[str, Any] = {
        "fields": posts.FIELDS,
        "rows": {"country": COUNTRIES},
        "requests_per_second": 5_000,
        "records_per_day": 100_000_000,
    }
    others = {name: widest | {"dataset": name} for name in ("posts", "table")}
    return install(folder, free_port(), rows=10, extra=from_file + in_place, others=others)


def _asked(place: Installation) -> Asked:
    """The requests, each with a token that outlives the bench, and the statement that a page of the table becomes."""
    seen: list[tuple[str, Mapping[str, Any]]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Mapping[str, Any], _context: object, _many: bool) -> None:
        if "row_to_json" in statement:
            seen.append((statement, values))

    house = build(place.settings)
    rooms = Rooms(house)
    rooms.start()
    event.listen(Engine, "before_cursor_execute", note)
    try:
        with serving(rooms) as port:
            return _answered(house, f"http://127.0.0.1:{port}", place.others["posts"], place.others["table"], seen)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        rooms.stop()
        house.store.engine.dispose()


def _answered(house: House, base_url: str, files: Licence, table: Licence, seen: list[tuple[str, Mapping[str, Any]]]) -> Asked:
    tokens = {name: partner.token(base_url, licence.client).json["access_token"] for name, licence in (("posts", files), ("table", table))}
    first = {name: partner.records(base_url, token, query=PAGE, dataset=name).json["data"] for name, token in tokens.items()}
    assert [len(rows) for rows in first.values()] == [posts.LIMIT] * 2
    row = first["posts"][0]
    return Asked(
        _get(f"/v1/datasets/posts/records?{PAGE}", tokens["posts"]),
        _get(f"/v1/datasets/table/records?{PAGE}", tokens["table"]),
        _get(f"/v1/datasets/posts/records?author={row['author']}&limit={FEW}", tokens["posts"]),
        _get(f"/v1/datasets/posts/records?author_code={row['author_code']}&limit={FEW}", tokens["posts"]),
        seen[-1],
    )


def _licet(place: Installation, name: str, request: bytes, *beside: psutil.Process) -> Peer:
    port, config = place.settings.port, str(place.folder / "licet.toml")
    command = [sys.executable, "-m", "portal.cli", "serve", "--config", config]
    return Peer(name, command, port, f"http://127.0.0.1:{port}/readyz", lambda: [request], beside=beside)


def _bare(place: Installation) -> Peer:
    """The plan of the request, as the contract that the installation made allows it."""
    file = next((place.settings.home / "datasets" / "posts").glob("*.codes"))
    version, contract, *_ = file.name.split(".")
    columns = {name: Column(name, field.type, name in _CODED) for name, field in place.settings.datasets["posts"].fields.items()}
    country, since = columns["country"], columns["created_at"]
    tests = (Test(country, "in", COUNTRIES), Test(country, "eq", posts.COUNTRY), Test(since, "gte", posts.MIDDLE))
    plan = Plan("posts", version, contract, tuple(columns.values()), tests, posts.LIMIT, _CODED)
    return _route("bare FastAPI route", plan, {"BARE_HOME": str(place.settings.home)})


def _bare_table(database: str, asked: Asked, server: psutil.Process) -> Peer:
    statement, values = asked.statement
    address = database.replace("+psycopg", "")
    return _route("bare FastAPI route, PostgreSQL", (statement, dict(values)), {"BARE_POSTGRESQL": address}, server)


def _route(name: str, asked: object, environ: dict[str, str], *beside: psutil.Process) -> Peer:
    port = free_port()
    environ |= {"BARE_PORT": str(port), "BARE_ASKED": base64.b64encode(pickle.dumps(asked)).decode()}
    request, ready = b"GET /records HTTP/1.1\r\nhost: bench\r\n\r\n", f"http://127.0.0.1:{port}/openapi.json"
    return Peer(name, [sys.executable, "-m", "bench.bare"], port, ready, lambda: [request], environ, beside=beside)


def _datasette() -> Peer:
    database, port = posts.sqlite_copy(CACHE), free_port()
    limits = ["--setting", "max_returned_rows", "5000", "--setting", "sql_time_limit_ms", "20000"]
    values = {"country": posts.COUNTRY, "since": posts.MIDDLE.isoformat(" "), "most": posts.LIMIT}
    asked = urllib.parse.urlencode({"sql": _SQL, **values, "_shape": "array"})
    request = f"GET /{database.stem}.json?{asked} HTTP/1.1\r\nhost: bench\r\n\r\n".encode()
    command = [str(_program()), "serve", "--immutable", str(database), "--port", str(port), *limits]
    return Peer("datasette", command, port, f"http://127.0.0.1:{port}/-/versions.json", lambda: [request])


def _program() -> Path:
    """Datasette in an environment of its own."""
    folder = CACHE / "datasette"
    program = folder / "bin" / "datasette"
    if not program.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", DATASETTE], check=True)
    return program


def _server(database: str) -> psutil.Process:
    """The first process of the database's server, whose sessions are its children."""
    with postgres.connected(database) as connection:
        mine = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert mine is not None
    return psutil.Process(mine[0]).parent()


def _get(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n".encode()


if __name__ == "__main__":
    main()
