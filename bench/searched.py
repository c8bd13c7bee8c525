"""Ledgers to search in: a year of entries of many kinds, and questions as a compliance officer asks them, each as its page answers it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session, col, select

from bench.logs import kept, opened
from contracts.clock import rfc3339
from contracts.credentials.tables import Followed
from contracts.ids import new_ids
from contracts.ledger.stage import Entry, leaf_bytes
from contracts.ledger.tables import LedgerEntry, LedgerHead
from contracts.search.follow import Follower
from contracts.search.tables import EntryKind, KindDay, KindWord, SearchedEntry
from contracts.store.driver import run
from contracts.store.many import Insertion
from contracts.store.unit import Store
from portal.pages.compliance.asked import read
from portal.pages.compliance.results import page_of
from tests.harness.postgres import execute, running

CONTRACTS, PARTNERS, DAYS, CHUNK, ASKED = 400, 120, 365, 20_000, 200
FIRST = datetime(2025, 11, 2, tzinfo=UTC)
RULES = ("rate_exceeded", "quota_exceeded", "field_not_granted", "contract_suspended")
_ENTRIES = Insertion(LedgerEntry, "index", "id", "leaf")
_NONCE = bytes(16)
_SEARCHED = (LedgerEntry, LedgerHead, EntryKind, KindWord, KindDay, SearchedEntry, Followed)


def entry_of(chance: random.Random) -> Entry:
    """One entry of a year: mostly answers, of few contracts many; some refusals, tokens, and what people do."""
    number = min(int(chance.expovariate(1 / 40)), CONTRACTS - 1)
    kind = chance.random()
    if kind > 0.99:
        return Entry(event=chance.choice(("account.signed_in", "ledger.searched", "contract.offered")), subject=f"ctr_{number:026d}")
    token, refused = kind > 0.9, kind < 0.05
    return Entry(
        event="token.issued" if token else "access.records",
        decision="refuse" if refused else "allow",
        rule=chance.choice(RULES) if refused else "",
        subject=f"tok_{chance.getrandbits(120):026x}" if token else "",
        organisation=f"org_{number % PARTNERS:026d}",
        contract=f"ctr_{number:026d}",
        contract_version=1,
        contract_hash="0" * 64,
        credential=f"cli_{2 * number + chance.randrange(2):026d}",
        credential_kind="oauth_client",
        purpose=("research", "commercial", "crawl")[number % 3],
        dataset=("posts", "topics", "members")[number % 3],
        fields=("id", "created_at", ("author", "text")[number % 2]),
        rows=None if token or refused else 1000,
    )


def filled(store: Store, count: int) -> None:
    """Entries evenly over the year, and all that search makes of them by following."""
    chance, gap = random.Random(7), timedelta(days=DAYS) / count
    for start in range(0, count, CHUNK):
        rows = []
        for index, entry_id in enumerate(new_ids("ent", min(CHUNK, count - start)), start):
            leaf = leaf_bytes(entry_of(chance), entry_id, "main", index + 1, rfc3339(FIRST + gap * index), {}, _NONCE)
            rows.append((index, entry_id, leaf))
        with store.write("bench") as unit:
            _ENTRIES.execute(unit.connection, rows)
    with store.write("bench") as unit:
        unit.session.add(LedgerHead(id=1, size=count))
    Follower(store).follow()


def questions(session: Session, count: int) -> Iterator[dict[str, str]]:
    """What is asked in turn: words, facets, days, an id, everything, and pages further back."""
    chance = random.Random(11)
    for number in range(ASKED):
        contract = f"ctr_{chance.randrange(CONTRACTS):026d}"
        day = FIRST.date() + timedelta(days=chance.randrange(DAYS - 30))
        days = {"since": day.isoformat(), "until": (day + timedelta(days=chance.randrange(1, 30))).isoformat()}
        exact = session.exec(select(LedgerEntry.id).where(col(LedgerEntry.index) == chance.randrange(count))).one()
        yield (
            {"q": "refused", **days},
            {"contract": contract},
            {"organisation": f"org_{chance.randrange(PARTNERS):026d}", "decision": "refuse"},
            {"q": "quota"},
            {"q": exact},
            {"dataset": "posts", "purpose": "research", **days},
            {"rule": chance.choice(RULES), "before": str(chance.randrange(count))},
            {"q": contract},
            {"event": "contract.offered"},
            {"show": "all"},
        )[number % 10]


def asked(store: Store, count: int) -> list[float]:
    """Seconds of each question, in a session of its own as a page has it."""
    taken = []
    with store.read() as session:
        all_questions = list(questions(session, count))
    for question in all_questions:
        wanted = read(question)
        started = time.perf_counter()
        with store.read() as session:
            if wanted is None or (not page_of(session, wanted).rows and "show" in question):
                raise RuntimeError(f"{question} found nothing")
        taken.append(time.perf_counter() - started)
    return taken


def _copy(source: Store, target: Store) -> None:
    """Bring what is searched over as it is: rows of SQLite, by PostgreSQL's COPY."""
    with source.engine.connect() as reading, target.engine.connect() as writing:
        for table in _SEARCHED:
            names = ", ".join(f'"{column.name}"' for column in table.__table__.columns)  # type: ignore[attr-defined]  # every table has one
            found = run(reading, f"SELECT {names} FROM {table.__tablename__}")
            with writing.connection.cursor().copy(f"COPY {table.__tablename__} ({names}) FROM STDIN") as copy:
                for row in found:
                    copy.write_row(row)
        writing.connection.commit()


@contextmanager
def stores(folder: Path, count: int) -> Iterator[Iterator[tuple[str, Store]]]:
    """A filled store of each kind, made when it is asked for; the one of SQLite is kept for the next time."""
    with running() as server:
        execute(server, "CREATE DATABASE bench")
        yield _both(folder, server.replace("/postgres?", "/bench?"), count)


def _both(folder: Path, server: str, count: int) -> Iterator[tuple[str, Store]]:
    made = kept(folder / f"ledger-searched-{count}.db", lambda store: filled(store, count))
    yield "sqlite", made
    store = opened(server, folder / "subjects")
    _copy(made, store)
    with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    yield "postgresql", store
    store.engine.dispose()
