"""A world whose records can be exchanged, read by any engine, with the statements that its engine was sent."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Connection, delete, event, insert, make_url
from sqlalchemy import Engine as Database

from contracts.access.body import parse_body
from contracts.access.query import Query
from contracts.access.request import Answer, RecordsRequest
from contracts.aggregates.query import Question, parse
from contracts.aggregates.service import AggregateRequest, Aggregator
from contracts.clock import FixedClock
from contracts.datasets import database
from contracts.datasets.engines.duckdb import DuckEngine
from contracts.datasets.engines.lines import LinePages
from contracts.datasets.load import refresh
from contracts.datasets.plan import Page, Plan
from contracts.datasets.pseudonyms import key_of, pseudonym
from contracts.deliveries import service as deliveries
from contracts.deliveries.ordinals import Ordinals
from contracts.estimates.service import Estimator
from contracts.house import House
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from tests.conftest import START
from tests.contracts.access.model import Model, Outcome, Row, is_served, with_pseudonyms
from tests.harness.data import World, post, posts_table, run, world, write_table

ENGINES = ("duckdb", "postgresql", "sqlalchemy")


@dataclass(repr=False)
class Side:
    """One world. `numbers` are the ordinals of its records as the model counts them."""

    data: World
    kind: str
    source: str
    statements: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Everything else that answers, over the same parts."""
        data = self.data
        names = ("settings", "store", "watch", "clock", "keys", "catalogue")
        parts = {name: getattr(data, name) for name in names} | {"data": data.reader, "access": data.writer}
        self.house = cast(House, SimpleNamespace(**parts))
        self.estimator, self.aggregator = Estimator(self.house), Aggregator(self.house)

    def load(self, rows: list[Row]) -> None:
        """Put these records in the place of all others, and then erase those that are marked so."""
        self._write(rows)
        refresh(self.data.store, self.data.settings, "posts")
        for row in sorted(rows, key=lambda row: (row["created_at"], row["id"])):
            self.numbers.setdefault(row["id"], len(self.numbers))
        self.rows = [row for row in rows if is_served(row)]
        erased = Ordinals(self.numbers[row["id"]] for row in rows if row["erased"])
        with self.data.store.read() as session:
            held = deliveries.held(session, "posts", erased)
        if erased:
            with self.data.store.write() as unit:
                deliveries.erase(unit, self.data.cast.cora, held, "Asked for.")
        self.data.watch.poll()

    def _write(self, rows: list[Row]) -> None:
        told = [{name: value for name, value in row.items() if name != "erased"} for row in rows]
        if self.kind == "duckdb":
            lines = [json.dumps({**row, "created_at": row["created_at"].isoformat()}) for row in told]
            Path(self.source).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            return
        engine = database.open_database("posts", self.data.settings.datasets["posts"], writes=True)
        with engine.begin() as connection:
            connection.execute(delete(_TABLE))
            if told:
                connection.execute(insert(_TABLE), told)
        engine.dispose()

    def model(self, contract: str, terms: Row) -> Model:
        """What the contract should be given."""
        key = key_of(self.data.store, self.data.keys, contract)
        return Model(self.rows, self.numbers, terms, lambda name, value: pseudonym(key, "posts", name, value), key)

    def request(self, model: Model, contract: str, client: str, asked: Row, cursor: str = "") -> RecordsRequest:
        """What a partner's program would send."""
        body: Row = {"limit": asked["limit"], **({"cursor": cursor} if cursor else {})}
        if asked["fields"]:
            body["fields"] = asked["fields"]
        if asked["where"] is not None:
            body["where"] = with_pseudonyms(asked["where"], model.pseudonym)
        if asked["sample"] is not None:
            body |= {"sample": asked["sample"][0] / 1_000_000, "seed": asked["sample"][1]}
        raw = json.dumps(body).encode()
        query = parse_body(raw)
        assert isinstance(query, Query), query
        return RecordsRequest(self.data.caller(contract, client), "posts", query, raw.decode())

    def pages(self, model: Model, contract: str, client: str, asked: Row) -> Outcome:
        """All pages of a query, the refusal that ended them if one did, and what it cost by the ledger."""
        pages: list[list[Row]] = []
        before, cursor = len(self.data.leaves()), ""
        refusals: list[str] = []
        while True:
            answer = run(self.data.reader.records(self.request(model, contract, client, asked, cursor)))
            if answer.refusal is not None:
                refusals.append(answer.refusal.code)
                break
            page = json.loads(answer.body)
            pages.append(page["data"])
            if page["next"] is None:
                break
            cursor = page["next"]
        return pages, refusals, sum(leaf.get("rows", 0) for leaf in self.data.leaves()[before:])

    def estimate(self, model: Model, contract: str, client: str, asked: Row) -> Answer:
        """What the query would bring."""
        return run(self.estimator.answer(self.request(model, contract, client, asked)))

    def count(self, contract: str, client: str, question: Row) -> Answer:
        """Counts and sums."""
        pairs = [("measures", ",".join(question["measures"])), *question["held"].items()]
        parsed = parse([*pairs, *([("by", ",".join(question["by"]))] if question["by"] else [])])
        assert isinstance(parsed, Question), parsed
        return run(self.aggregator.answer(AggregateRequest(self.data.caller(contract, client), "posts", parsed)))

    def first_statement(self) -> list[str]:
        """The first page's statement since this was last asked, without what is another in every contract, version and place."""
        found = [each for each in self.statements if "LIMIT" in each][:1]
        self.statements.clear()
        return [_OWN.sub("N", each) for each in found]


# Names of attached files, of a contract's dictionaries, and the numbers of its samples.
_OWN = re.compile(r"\ba\d+\b|licet_pseudonym_[0-9a-f]+|\d+")
_TABLE = posts_table()


@contextmanager
def side(kind: str, folder: Path, template: Path, address: str, **changes: Any) -> Iterator[Side]:
    """A side over records of its own; `address` is the database of one that PostgreSQL reads in place."""
    shutil.copy(template, folder / "licet.db")
    store = Store(open_engine(f"sqlite:///{folder / 'licet.db'}"), FixedClock(START))
    source = {"duckdb": str(folder / "posts.ndjson"), "postgresql": address}.get(kind, f"sqlite:///{folder / 'site.db'}")
    first = [post(number) for number in range(3)]
    if kind == "duckdb":
        Path(source).write_text("".join(f"{json.dumps(each)}\n" for each in first))
        changes |= {"location": source}
    else:
        write_table(source, first)
        changes |= {"location": "", "engine": kind, "source": source, "table": "site_posts"}
    with ExitStack() as stack:
        stack.callback(store.engine.dispose)
        made = Side(stack.enter_context(world(store, FixedClock(START), folder, first, **changes)), kind, source)
        made.numbers.update({each["id"]: place for place, each in enumerate(first)})
        stack.enter_context(_listening(made))
        yield made


@contextmanager
def _listening(made: Side) -> Iterator[None]:
    """Note what the engine of the side's dataset is sent; and see that a page of lines is the one that DuckDB gives."""

    def sent(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if connection.engine.url.database == place:
            made.statements.append(statement)

    asked, home = DuckEngine._run, made.data.settings.home
    place = "" if made.kind == "duckdb" else make_url(made.source).database

    def asked_for(engine: DuckEngine, query: str, values: list[Any], seconds: float | None = None) -> list[Any]:
        if engine._home == home:
            made.statements.append(query)
        return asked(engine, query, values, seconds)

    other, from_lines = DuckEngine(home), LinePages.page

    def page(lines: LinePages, plan: Plan) -> Page | None:
        found = from_lines(lines, plan)
        if lines._home == home and found is not None:
            before = len(made.statements)
            assert found == other.page(plan)
            made.statements[before:] = [f"{plan.columns} {plan.tests} LIMIT of lines"]
        return found

    event.listen(Database, "before_cursor_execute", sent)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DuckEngine, "_run", asked_for)
        patched.setattr(LinePages, "page", page)
        yield
    event.remove(Database, "before_cursor_execute", sent)
