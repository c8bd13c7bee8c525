"""A small platform with data for tests of the data plane: posts in a CSV file, sealed contracts, and the parts that read."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Double, MetaData, Table, Text, create_engine, insert
from sqlmodel import select

from contracts.access.grants import GrantCache
from contracts.access.query import Query, parse
from contracts.access.reader import Reader
from contracts.access.request import Answer, Caller, RecordsRequest
from contracts.access.writer import AccessWriter
from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.credentials.tables import Client
from contracts.credentials.tokens import Claims
from contracts.datasets.catalogue import Catalogue
from contracts.datasets.load import refresh
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.values import values_of
from contracts.lifecycle.seal import seal
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.settings import Settings
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store
from contracts.terms.model import from_json, terms_hash, to_json
from tests.harness.cast import Cast

T = TypeVar("T")
LANGS, COUNTRIES = ("en", "de", "fr"), ("GB", "DE", "FR", "SE")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS: dict[str, Any] = {
    "id": {"type": "string", "class": "key", "examples": ["invented-1", "invented-2"]},
    "author_id": {"type": "string", "class": "subject"},
    "author_handle": {"type": "string", "class": "personal"},
    "created_at": {"type": "timestamp"},
    "lang": {"type": "string"},
    "country": {"type": "string"},
    "text": {"type": "string", "class": "personal", "filterable": False},
    "likes": {"type": "integer"},
    "score": {"type": "number"},
    "edited": {"type": "boolean"},
}
TERMS: dict[str, Any] = {
    "datasets": [{"dataset": "posts", "fields": ["id", "author_id", "created_at", "lang", "likes"], "rows": []}],
    "purposes": ["research"],
    "requests_per_second": 10,
    "records_per_day": 1_000,
    "starts": "2026-11-01",
    "ends": "2027-10-31",
    "retention_days": 365,
}


def post(number: int) -> dict[str, Any]:
    """One invented post; every tenth is deleted, every eleventh by someone who objects."""
    return {
        "id": f"{number:04d}",
        "author_id": f"a{number % 17}",
        "author_handle": f"@person{number % 17}",
        "created_at": (FIRST + timedelta(hours=number // 2)).isoformat(),
        "lang": LANGS[number % 3],
        "country": COUNTRIES[number % 4],
        "text": f'Post {number}: "grüß dich", said \\ nobody',
        "likes": number % 50,
        "score": number / 4,
        "edited": number % 5 == 0,
        "is_deleted": number % 10 == 0,
        "objects": number % 11 == 0,
    }


def served(posts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The posts that may be served at all, in order."""
    return [each for each in posts if not each["is_deleted"] and not each["objects"]]


def write_posts(file: Path, posts: list[dict[str, Any]]) -> None:
    """The posts as a CSV file, booleans as such files have them."""
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(post(0)))
        writer.writeheader()
        writer.writerows({name: str(value).lower() if isinstance(value, bool) else value for name, value in each.items()} for each in posts)


def posts_table(name: str = "site_posts") -> Table:
    """The posts' table in types that such a site would give it."""
    kinds = {str: Text(), int: BigInteger(), float: Double(), bool: Boolean()}
    columns = {key: kinds[type(value)] for key, value in post(0).items()} | {"created_at": DateTime(timezone=True)}
    return Table(name, MetaData(), *[Column(key, kind, primary_key=key == "id") for key, kind in columns.items()])


def write_table(url: str, posts: list[dict[str, Any]], name: str = "site_posts") -> None:
    """The posts as a table of another database, made anew."""
    made = posts_table(name)
    engine = create_engine(url, hide_parameters=True)
    with engine.begin() as connection:
        made.drop(connection, checkfirst=True)
        made.create(connection)
        connection.execute(insert(made), [{**each, "created_at": datetime.fromisoformat(each["created_at"])} for each in posts])
    engine.dispose()


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Settings with the dataset `posts` over `posts.csv` in the folder."""
    dataset = {
        "title": "Public posts",
        "location": str(folder / "posts.csv"),
        "key": "id",
        "time": "created_at",
        "subject": "author_id",
        "deleted": "is_deleted",
        "objects": "objects",
        "purposes": ["research", "market-analysis"],
        "fields": FIELDS,
        **changes,
    }
    return Settings.model_validate({"profile": "test", "home": folder / "home", "datasets": {"posts": dataset}})


@dataclass
class World:
    """Everything that reads, put together as the composition root does."""

    store: Store
    clock: FixedClock
    settings: Settings
    keys: KeyRing
    cast: Cast
    posts: list[dict[str, Any]]
    watch: EpochWatch
    catalogue: Catalogue
    grants: GrantCache
    writer: AccessWriter
    reader: Reader

    def contract(self, organisation: str | None = None, **changes: Any) -> tuple[str, str]:
        """A sealed contract in force with the terms changed so, and a client of it; returns both ids."""
        return sealed_contract(self.store, self.keys, self.cast, organisation or self.cast.lab, {**TERMS, **changes})

    def caller(self, contract_id: str, client_id: str, version: int = 1, address: str = "192.0.2.7", **changes: Any) -> Caller:
        """A caller with a verified token."""
        scopes = frozenset(changes.get("scopes", ["records:read"]))
        ends = self.clock.now() + timedelta(seconds=600)
        return Caller(Claims(client_id, contract_id, version, scopes, "tok_1", ends, "https://licet.example/v1"), address)

    async def ask(self, caller: Caller, dataset: str = "posts", **parameters: str) -> Answer:
        """One request for records; `created_at__gte` stands for `created_at.gte`."""
        pairs = [(name.replace("__", "."), value) for name, value in parameters.items()]
        query = parse(pairs)
        assert isinstance(query, Query)
        return await self.reader.records(RecordsRequest(caller, dataset, query, "&".join(f"{n}={v}" for n, v in pairs)))

    def get(self, caller: Caller, dataset: str = "posts", **parameters: str) -> Answer:
        """As `ask`, outside a loop."""
        return run(self.ask(caller, dataset, **parameters))

    def leaves(self, event: str = "access.records") -> list[dict[str, Any]]:
        """The staged entries of one event, in order."""
        with self.store.read() as session:
            rows = session.exec(select(LedgerEntry).order_by(LedgerEntry.index)).all()  # type: ignore[arg-type]  # a column
        return [leaf for leaf in (json.loads(row.leaf) for row in rows) if leaf["event"] == event]

    def personal(self, entry_id: str) -> dict[str, str]:
        """The personal values beside an entry."""
        with self.store.read() as session:
            return {name: kept.value for name, kept in values_of(session, [entry_id])[entry_id].values.items()}


@contextmanager
def world(store: Store, clock: FixedClock, folder: Path, posts: int | list[dict[str, Any]] = 300, **changes: Any) -> Iterator[World]:
    """A platform with its posts loaded; its threads end with the block."""
    made = [post(number) for number in range(posts)] if isinstance(posts, int) else posts
    write_posts(folder / "posts.csv", made)
    settings = settings_for(folder, **changes)
    keys = KeyRing(b"m" * 32)
    refresh(store, settings, "posts")
    watch = EpochWatch(store)
    catalogue = Catalogue(settings, store)
    grants = GrantCache(store, keys, clock, watch, catalogue.all())
    writer = AccessWriter(store, watch, clock)
    writer.start()
    reader = Reader(store, settings, clock, watch, keys, catalogue, grants, writer)
    try:
        yield World(store, clock, settings, keys, Cast(store), made, watch, catalogue, grants, writer, reader)
    finally:
        writer.stop()
        reader.close()


def sealed_contract(store: Store, keys: KeyRing, cast: Cast, organisation: str, terms: dict[str, Any]) -> tuple[str, str]:
    """A contract in force, signed and sealed, with one API client; put straight into the store."""
    text, encoded = "# Contract", to_json(from_json(json.dumps(terms)))
    contract_id, client_id, application_id = new_id("ctr"), new_id("cli"), new_id("app")
    lead, staff = cast.tove.account_id, cast.mara.account_id
    with store.write() as unit:
        now = unit.now
        unit.session.add(
            Application(
                id=application_id,
                organisation_id=organisation,
                created_by=lead,
                state="approved",
                dataset="posts",
                starts=date(2026, 11, 1),
                created_at=now,
            )
        )
        unit.session.flush()
        contract = Contract(
            id=contract_id,
            organisation_id=organisation,
            application_id=application_id,
            title="Posts",
            kind="research",
            state="active",
            drafted_by=staff,
            approved_by=staff,
            created_at=now,
            activated_at=now,
        )
        unit.session.add(contract)
        unit.session.flush()
        hashes = {"terms_sha256": terms_hash(encoded), "text_sha256": terms_hash(text)}
        version = ContractVersion(
            id=new_id("ver"), contract_id=contract_id, number=1, terms_json=encoded, text=text, created_at=now, sealed_at=now, **hashes
        )
        version.pdf_sha256 = terms_hash("")
        signatures = [
            Signature(
                id=new_id("sig"),
                contract_id=contract_id,
                version=1,
                side=side,
                account_id=who,
                name=side,
                capacity="lead",
                signed_at=now,
                **hashes,
            )
            for side, who in (("partner", lead), ("platform", staff))
        ]
        unit.session.add_all([version, *signatures])
        unit.session.add(
            Client(
                id=client_id,
                contract_id=contract_id,
                organisation_id=organisation,
                name="reader",
                audience="api",
                scopes=["records:read"],
                secret_sha256="-",
                created_by=lead,
                created_at=now,
            )
        )
        unit.session.flush()
        version.seal = seal(keys, unit, contract, version, signatures)
    return contract_id, client_id


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(work)
