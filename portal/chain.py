"""The chain bar: application, contract, grant, clients, access, entries, delivered, invoice; each a word and a link for its reader."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from contracts.applications.tables import Application
from contracts.billing.tables import UsageRow
from contracts.credentials.tables import Client
from contracts.lifecycle.tables import Contract
from contracts.quotas.tables import QuotaDay
from contracts.search.find import Question, count
from contracts.terms.grant import version_row
from contracts.terms.model import Terms, readable
from portal.filters import day, money, number
from portal.words import state_word

COUNT_UP_TO = 10_000


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One link: its title, the present state in a word or number, a detail below. `tone` is todo, waiting, stopped or empty."""

    key: str
    title: str
    word: str
    detail: str = ""
    path: str = ""
    tone: str = ""


_TITLES = {
    "application": "Application",
    "contract": "Contract",
    "grant": "Grant",
    "clients": "Clients",
    "access": "Access",
    "entries": "Ledger",
    "delivered": "Delivered",
    "invoice": "Invoice",
}
_TONES = {"wait": "waiting", "stop": "stopped"}


def chain(session: Session, *, application: Application | None = None, contract: Contract | None = None, staff: bool) -> list[ChainLink]:
    """The whole chain as far as it goes. Give the application, the contract or both; what is missing is looked up.

    `staff` decides where the links lead. Links that do not exist yet are `todo` and lead nowhere.
    """
    if contract is None and application is not None:
        found = rows_of(Contract).where(Contract.application_id == application.id).order_by(col(Contract.created_at).desc())
        contract = session.exec(found).first()
        if contract is not None and not staff and contract.state == "draft":
            contract = None
    if application is None and contract is not None:
        application = session.get(Application, contract.application_id)
    first = _application(application, staff) if application else _todo("application", "None")
    if contract is None:
        rest = {"contract": "None yet", "grant": "–", "clients": "–", "access": "–", "entries": "–", "delivered": "–", "invoice": "–"}
        return [first, *(_todo(key, word) for key, word in rest.items())]
    return [
        first,
        *_of_contract(session, contract, f"/desk/contracts/{contract.id}" if staff else f"/partner/contracts/{contract.id}", staff),
    ]


def _todo(key: str, word: str, detail: str = "") -> ChainLink:
    return ChainLink(key, _TITLES[key], word, detail, tone="todo")


def _application(application: Application, staff: bool) -> ChainLink:
    word = state_word("application", application.state, staff=staff)
    when = application.decided_at or application.submitted_at or application.created_at
    folder = "/desk" if staff else "/partner"
    short = {"submitted": "Waiting", "in_review": "In review", "returned": "Returned", "appealed": "In review again", "draft": "Draft"}.get(
        application.state, word.word
    )
    path = f"{folder}/applications/{application.id}"
    return ChainLink("application", _TITLES["application"], short, day(when), path, _TONES.get(word.tone, ""))


def _of_contract(session: Session, contract: Contract, path: str, staff: bool) -> list[ChainLink]:
    version = version_row(session, contract)
    terms = readable(version.terms_json) if version else None
    links = [_contract(contract, path, staff), _grant(contract, terms, path), _clients(session, contract, path)]
    entries = f"{path}/life" if staff else f"{path}/entries"
    usage = f"{path}#usage" if staff else f"{path}/usage"
    access = Question(contract=contract.id, events=("access.records",))
    refused, asked = count(session, replace(access, decision="refuse")).count, count(session, access).count
    all_entries = count(session, Question(contract=contract.id)).count
    links.append(
        ChainLink("access", _TITLES["access"], _up_to(asked), f"{_up_to(refused)} refused", usage) if asked else _todo("access", "None yet")
    )
    links.append(ChainLink("entries", _TITLES["entries"], _up_to(all_entries), "entries", entries))
    delivered = (
        session.connection()
        .execute(select(func.coalesce(func.sum(col(QuotaDay.used)), 0)).where(col(QuotaDay.contract_id) == contract.id))
        .scalar_one()
    )
    links.append(
        ChainLink("delivered", _TITLES["delivered"], number(delivered), "records", usage) if delivered else _todo("delivered", "None yet")
    )
    links.append(_invoice(session, contract, terms, usage))
    return links


def _contract(contract: Contract, path: str, staff: bool) -> ChainLink:
    word = state_word("contract", contract.state, staff=staff)
    short = {
        "offered": "To be signed",
        "countered": "In negotiation",
        "signed": "Signed by partner",
        "draft": "Draft",
        "lift_asked": "Suspended",
    }.get(contract.state, word.word)
    return ChainLink("contract", _TITLES["contract"], short, f"version {contract.version}", path, _TONES.get(word.tone, ""))


def _grant(contract: Contract, terms: Terms | None, path: str) -> ChainLink:
    if terms is None:
        return _todo("grant", "None yet")
    fields = sum(len(each.fields) for each in terms.datasets)
    live = contract.state == "active"
    return ChainLink("grant", _TITLES["grant"], f"{fields} fields", f"until {day(terms.ends)}", f"{path}#terms", "" if live else "todo")


def _clients(session: Session, contract: Contract, path: str) -> ChainLink:
    live = _count(session, select(col(Client.id)).where(col(Client.contract_id) == contract.id, col(Client.revoked_at).is_(None)))
    if not live:
        return ChainLink("clients", _TITLES["clients"], "None yet", "", f"{path}#clients", "todo")
    if contract.state != "active":
        return ChainLink("clients", _TITLES["clients"], number(live), "refused now", f"{path}#clients", "stopped")
    return ChainLink("clients", _TITLES["clients"], number(live), "may read now", f"{path}#clients")


def _invoice(session: Session, contract: Contract, terms: Terms | None, path: str) -> ChainLink:
    if terms is None or terms.price is None:
        return _todo("invoice", "Free", "research" if contract.kind == "research" else "")
    price, rows = col(UsageRow.price_per_1000), col(UsageRow.rows)
    grouped = select(price, func.sum(rows)).where(col(UsageRow.contract_id) == contract.id).group_by(price)
    total = sum((Decimal(each) * int(count) / 1000 for each, count in session.connection().execute(grouped)), Decimal(0))
    return ChainLink("invoice", _TITLES["invoice"], money(total.quantize(Decimal("0.01")), terms.price.currency), "so far", path)


def _count(session: Session, query: Select[int] | Select[str]) -> int:
    within = query.limit(COUNT_UP_TO + 1).subquery()
    return int(session.connection().execute(select(func.count()).select_from(within)).scalar_one())


def _up_to(count: int) -> str:
    return number(count) if count <= COUNT_UP_TO else f"{number(COUNT_UP_TO)}+"
