"""The questions that auditors ask, a click each: tables and charts over a span of days, out of the kinds of entries and their counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response

from contracts.clock import day_in
from contracts.errors import refuse
from contracts.house import House
from contracts.ledger.events import EVENTS
from contracts.ledger.service import note_lookup
from contracts.lifecycle.states import LIVE
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.search.behind import lag
from contracts.search.find import Question, grouped
from contracts.terms.grant import version_row
from contracts.terms.model import readable
from contracts.terms.purposes import PURPOSES
from portal.deps import house_of, page, requires
from portal.filters import number

routes = APIRouter(prefix="/compliance/questions")
Officer = Annotated[Actor, Depends(requires(Role.COMPLIANCE))]
SPANS = (7, 30, 90, 365)
MOST_ROWS = 200
CHANGES = tuple(
    name
    for name in EVENTS
    if name.startswith(("contract.", "amendment.", "policy.", "role.", "bar.", "clause.", "key.")) or name == "gate.mode_changed"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of an answer: cells in words, the number that is drawn as a bar, and where its entries are."""

    cells: tuple[str, ...]
    value: int
    path: str


@dataclass(frozen=True, slots=True)
class Table:
    """An answer: what its columns are, the unit of its bars, and its rows."""

    columns: tuple[str, ...]
    unit: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Asking:
    """All that an answer is made of."""

    session: Session
    house: House
    since: date
    until: date
    names: Mapping[str, str]

    def question(self, **parts: object) -> Question:
        """A question over the span."""
        return Question(since=self.since, until=self.until, **parts)  # type: ignore[arg-type]  # the fields of a question

    def path(self, **parts: str) -> str:
        """The search that shows the entries themselves."""
        days = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return f"/compliance?{urlencode({name: value for name, value in (parts | days).items() if value})}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """One question: what it asks, what its answer shows, and how that is found."""

    title: str
    says: str
    answer: Callable[[Asking], Table]
    none: str


@routes.get("")
def ask(request: Request, actor: Officer, ask: str = "", days: int = 30) -> Response:
    """Every question, and the answer to one of them, which is an entry before it is shown."""
    house = house_of(request)
    if (ask and ask not in QUESTIONS) or days not in SPANS:
        raise refuse("not_found", "There is no such question.")
    until = day_in(house.clock.now(), "UTC")
    with house.store.read() as session:
        asking = Asking(session, house, until - timedelta(days=days - 1), until, _names(session, house))
        table = QUESTIONS[ask].answer(asking) if ask else None
        by_day = _by_day(asking) if not ask else ()
        behind = lag(session)
    with house.store.write("ledger search") as unit:
        note_lookup(unit, actor, "", f"{ask or 'volume'} {days}", len(table.rows) if table else 0, "question")
    return page(
        request,
        "compliance/questions.html",
        questions=QUESTIONS,
        asked=ask,
        chosen=QUESTIONS.get(ask),
        table=table,
        most=max((row.value for row in table.rows), default=0) if table else 0,
        days=days,
        spans=[(f"{each} days", f"/compliance/questions?{urlencode({'ask': ask, 'days': each})}", None, each == days) for each in SPANS],
        by_day=by_day,
        behind=behind,
    )


def _by_day(asking: Asking) -> Sequence[tuple[str, str, list[tuple[str, int]]]]:
    """Charts by day: title, unit and series, oldest first, a day without any as 0."""
    delivered = {row[0]: row[2] for row in grouped(asking.session, asking.question(events=("access.records",), decision="allow"), "day")}
    refused = {row[0]: row[1] for row in grouped(asking.session, asking.question(decision="refuse"), "day")}
    days = [asking.since + timedelta(days=each) for each in range((asking.until - asking.since).days + 1)]
    return [
        ("Records delivered", "records a day", [(f"{each:%-d %b}", delivered.get(each, 0)) for each in days]),
        ("Refusals", "refused requests and acts a day", [(f"{each:%-d %b}", refused.get(each, 0)) for each in days]),
    ]


def _readers(asking: Asking) -> Table:
    asked = asking.question(events=("access.records",), decision="allow")
    found = grouped(asking.session, asked, "dataset", "organisation_id", "contract_id")
    rows = [
        Row(
            (asking.names.get(dataset, dataset), asking.names.get(partner, partner), asking.names.get(contract, contract), number(entries)),
            records,
            asking.path(dataset=dataset, contract=contract, event="access.records", decision="allow"),
        )
        for dataset, partner, contract, entries, records in found
    ]
    return Table(("Dataset", "Partner", "Contract", "Answers"), "records", sorted(rows, key=lambda row: -row.value))


def _purposes(asking: Asking) -> Table:
    found = grouped(asking.session, asking.question(events=("access.records",), decision="allow"), "purpose")
    rows = [
        Row((asking.names.get(each, each), number(n)), records, asking.path(purpose=each, event="access.records"))
        for each, n, records in found
    ]
    return Table(("Purpose", "Answers"), "records", sorted(rows, key=lambda row: -row.value))


def _denials(asking: Asking) -> Table:
    found = grouped(asking.session, asking.question(decision="refuse"), "rule", "organisation_id")
    rows = [
        Row(
            (rule or "No rule named", asking.names.get(partner, partner or "Nobody known")),
            n,
            asking.path(rule=rule, organisation=partner, decision="refuse"),
        )
        for rule, partner, n, _ in found
    ]
    return Table(("Rule", "Partner"), "entries", rows)


def _outside(asking: Asking) -> Table:
    """Refused for the purpose, and anything that was answered for one that the contract does not name now."""
    refused = grouped(asking.session, asking.question(decision="refuse", rule="purpose_not_in_contract"), "contract_id", "purpose")
    answered = grouped(asking.session, asking.question(events=("access.records",), decision="allow"), "contract_id", "purpose")
    outside = [row for row in answered if row[1] not in _agreed(asking.session, row[0])]
    rows = [
        Row(
            (asking.names.get(contract, contract), asking.names.get(purpose, purpose) or "None named", word),
            n,
            asking.path(contract=contract, purpose=purpose, decision=code),
        )
        for word, code, found in (("Refused", "refuse", refused), ("Answered", "allow", outside))
        for contract, purpose, n, _ in found
    ]
    return Table(("Contract", "Purpose asked for", "What was done"), "entries", rows)


def _agreed(session: Session, contract_id: str) -> frozenset[str]:
    contract = session.get(Contract, contract_id)
    version = version_row(session, contract) if contract is not None else None
    terms = readable(version.terms_json) if version else None
    return frozenset(terms.purposes) if terms else frozenset()


def _limits(asking: Asking) -> Table:
    """What each live contract was delivered on its fullest day, against what a day may bring."""
    rows = []
    for contract in asking.session.exec(select(Contract).where(col(Contract.state).in_([each.value for each in LIVE]))).all():
        version = version_row(asking.session, contract)
        terms = readable(version.terms_json) if version else None
        if terms is None:
            continue
        asked = asking.question(contract=contract.id, events=("access.records",), decision="allow")
        by_day = {row[0]: row[2] for row in grouped(asking.session, asked, "day")}
        fullest, limit = max(by_day.values(), default=0), terms.records_per_day
        cells = (asking.names.get(contract.organisation_id, ""), contract.title, number(fullest), number(limit))
        rows.append(Row(cells, round(100 * fullest / limit) if limit else 0, f"/desk/contracts/{contract.id}"))
    columns = ("Partner", "Contract", "Records on its fullest day", "Allowed a day")
    return Table(columns, "percent of the day’s records", sorted(rows, key=lambda row: -row.value))


def _changed(asking: Asking) -> Table:
    found = grouped(asking.session, asking.question(events=CHANGES), "event", "contract_id")
    rows = [
        Row((EVENTS[event], asking.names.get(contract, contract)), n, asking.path(event=event, contract=contract))
        for event, contract, n, _ in found
    ]
    return Table(("What was done", "Contract"), "entries", rows)


QUESTIONS: dict[str, Prepared] = {
    "readers": Prepared(
        "Who read which dataset?", "Records delivered, by dataset, partner and contract.", _readers, "Nobody read anything in these days."
    ),
    "purposes": Prepared(
        "For which purposes was data read?",
        "Records delivered, by the purpose that was named.",
        _purposes,
        "Nobody read anything in these days.",
    ),
    "denials": Prepared(
        "What was refused, and by which rule?", "Every refusal, by rule and partner.", _denials, "Nothing was refused in these days."
    ),
    "outside": Prepared(
        "Was anything used outside its purpose?",
        "Requests for a purpose that the contract does not name, refused; and answers for one that it does not name any more.",
        _outside,
        "No request named a purpose outside its contract in these days.",
    ),
    "limits": Prepared(
        "How near are contracts to their limits?",
        "The fullest day of each live contract against its daily quota.",
        _limits,
        "No contract is live.",
    ),
    "changed": Prepared(
        "Who changed a contract, a rule or a role?",
        "Decisions by kind; the entries name who decided and who approved.",
        _changed,
        "Nothing was changed in these days.",
    ),
}


def _names(session: Session, house: House) -> dict[str, str]:
    partners = dict(session.exec(select(Organisation.id, Organisation.name)).all())
    contracts = dict(session.exec(select(Contract.id, Contract.title)).all())
    datasets = {each.id: each.settings.title for each in house.catalogue.all()}
    return {**{name: each.title for name, each in PURPOSES.items()}, **partners, **contracts, **datasets}
