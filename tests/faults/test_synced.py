"""A trace of the kernel's calls shows it: an entry is synced to the store's write-ahead log before the first byte of its answer leaves."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from contracts.access.formats import CHUNK
from contracts.store.engine import open_engine
from tests.harness import partner
from tests.harness.installation import Installation, install
from tests.harness.partner import Reply
from tests.harness.postgres import connected
from tests.harness.server import free_port, start
from tests.harness.traced import Trace, family, traced

pytestmark = pytest.mark.faults

PAGE = "/v1/datasets/trees/records"
QUERY = json.dumps({"where": {"field": "species", "op": "eq", "value": "oak"}, "fields": ["id"], "limit": 3}).encode()
ENTRY_ABOUT = 'SELECT ledger_entry.id FROM ledger_entry JOIN ledger_search USING ("index") WHERE subject = :named'


@dataclass(frozen=True)
class Told:
    """A part of an answer: the entry that lets it out, the bytes that it begins with, and some that stand in no other answer."""

    entry: str
    part: bytes
    answer: bytes


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation on each store; two of three records are served, which is more than one chunk of a stream has."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("new_postgres")
    yield install(tmp_path, free_port(), database=database, rows=CHUNK * 3 // 2 + 30, requests_per_second=100, records_per_day=10 * CHUNK)


def test_an_entry_is_synced_before_the_first_byte_of_its_answer(place: Installation, tmp_path: Path) -> None:
    running = start(place.folder, ["serve"], {}, place.settings.port)
    try:
        token = partner.token(running.base_url, place.client).json["access_token"]
        watched = [*family(running.process.pid), *_of_the_store(place.settings.database_url)]
        with traced(watched, tmp_path / "trace") as trace:
            new_token = partner.token(running.base_url, place.client)
            answers = _ask(running.base_url, token)
    finally:
        running.stop()
    told = {name: _whole(reply) for name, reply in answers.items()} | _chunks(answers.pop("stream")) | {"token": _token(place, new_token)}
    assert {name: _is_first(trace, each) for name, each in told.items()} == dict.fromkeys(told, True)


def _ask(base_url: str, token: str) -> dict[str, Reply]:
    """One answer of each kind, by name: with records, with other things, refused, and of more than one chunk."""
    bearer = {"authorization": f"Bearer {token}"}
    as_json = {**bearer, "content-type": "application/json"}
    answers = {
        "page": partner.ask(base_url, "GET", f"{PAGE}?limit=5", headers=bearer),
        "nothing": partner.ask(base_url, "GET", f"{PAGE}?height=99", headers=bearer),
        "query": partner.ask(base_url, "POST", "/v1/datasets/trees/query", QUERY, as_json),
        "refused": partner.ask(base_url, "GET", f"{PAGE}?fields=note", headers=bearer),
        "no token": partner.ask(base_url, "GET", PAGE, headers={"authorization": "Bearer nobody"}),
        "stream": partner.ask(base_url, "GET", f"{PAGE}?limit={2 * CHUNK}&fields=id&format=ndjson", headers=bearer),
    }
    assert {name: reply.status for name, reply in answers.items()} == {
        "page": 200,
        "nothing": 200,
        "query": 200,
        "refused": 403,
        "no token": 401,
        "stream": 200,
    }
    return answers


def _whole(reply: Reply) -> Told:
    """An answer that its one entry lets out, from its status line on."""
    entry = reply.headers.get("licet-entry") or reply.json["entry"]
    return Told(entry, b"HTTP/1.1 ", entry.encode())


def _chunks(stream: Reply) -> dict[str, Told]:
    """Each chunk of the stream."""
    *records, last = stream.body.splitlines()
    entries = json.loads(last)["_end"]["entries"]
    assert len(entries) == 2
    return {f"chunk {n}": Told(entry, b"\n" * bool(n) + records[n * CHUNK] + b"\n", entries[0].encode()) for n, entry in enumerate(entries)}


def _token(place: Installation, issued: Reply) -> Told:
    """A token's entry, which names it."""
    token = issued.json["access_token"]
    claims = token.split(".")[1]
    named = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["jti"]
    engine = open_engine(place.settings.database_url)
    with engine.connect() as connection:
        entry = connection.execute(text(ENTRY_ABOUT), {"named": named}).scalar_one()
    engine.dispose()
    return Told(entry, b"HTTP/1.1 ", token.encode())


def _is_first(trace: Trace, told: Told) -> bool:
    return trace.is_synced(told.entry.encode(), before=trace.sending(told.answer, told.part))


def _of_the_store(database: str) -> list[int]:
    """The processes of PostgreSQL, and whatever it starts further; none for SQLite, which is part of ours."""
    if not database.startswith("postgresql"):
        return []
    with connected(database) as connection:
        own = connection.info.backend_pid
        (parent,) = [line.split()[1] for line in Path(f"/proc/{own}/status").read_text().splitlines() if line.startswith("PPid:")]
    return [each for each in family(int(parent)) if each != own and not _is_passing(each)]


def _is_passing(process: int) -> bool:
    """Whether it comes and goes by itself, and could be gone before it is watched."""
    try:
        return b"autovacuum worker" in Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return True
