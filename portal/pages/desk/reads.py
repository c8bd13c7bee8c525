"""What the desk's pages read in one snapshot and no service offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from contracts.amendments import queries as amendments
from contracts.amendments import renewal
from contracts.amendments.tables import Amendment
from contracts.applications.queries import basis_missing
from contracts.applications.tables import Application, Reviewer
from contracts.incidents.service import listed
from contracts.ledger.queries import TimelineRow
from contracts.lifecycle import closing, register
from contracts.lifecycle.states import FINAL, LIVE, State
from contracts.lifecycle.tables import Contract
from contracts.people.tables import Account, Organisation
from contracts.settings import Settings
from portal.pages.desk.duties import Desk

_OPEN_APPLICATIONS = ("submitted", "in_review", "appealed", "returned", "approved")
_OPEN_CONTRACTS = ("draft", "offered", "countered", "signed", "lift_asked")


def desk(session: Session, settings: Settings) -> Desk:
    """Everything that waits for somebody."""
    drafted = select(Contract.application_id).where(
        col(Contract.state).not_in([state.value for state in FINAL]) | col(Contract.activated_at).is_not(None)
    )
    # A renewal becomes a new version, and no contract of its own.
    renewed = select(Amendment.application_id).where(col(Amendment.state).in_(("offered", "signed", "in_force")))
    waiting = col(Application.state).in_(_OPEN_APPLICATIONS) & (
        (col(Application.state) != "approved") | (col(Application.id).not_in(drafted) & col(Application.id).not_in(renewed))
    )
    applications = session.exec(select(Application).where(waiting)).all()
    contracts = session.exec(select(Contract).where(col(Contract.state).in_(_OPEN_CONTRACTS))).all()
    owners = {each.organisation_id for each in applications} | {each.organisation_id for each in contracts}
    incidents = [each for each in listed(session) if each.closed_at is None]
    names = organisations(session, owners)
    titles = {name: each.title for name, each in settings.datasets.items()}
    parts = session.exec(select(Reviewer).where(col(Reviewer.application_id).in_([each.id for each in applications]))).all()
    return Desk(
        tuple(applications),
        tuple(contracts),
        frozenset(each.application_id for each in contracts),
        tuple(incidents),
        names,
        titles,
        people=people(session, [each.handler for each in applications]),
        asked=frozenset((each.application_id, each.account_id) for each in parts if each.part == "asked"),
        recused=frozenset((each.application_id, each.account_id) for each in parts if each.part == "recused"),
        unlawful=frozenset(each.id for each in applications if basis_missing(session, each) is not None),
    )


def organisations(session: Session, ids: Iterable[str]) -> Mapping[str, str]:
    """Names of organisations by id."""
    query = select(Organisation.id, Organisation.name).where(col(Organisation.id).in_(list(ids)))
    return dict(session.exec(query).all())


def people(session: Session, ids: Iterable[str | None]) -> Mapping[str, str]:
    """Names of accounts by id."""
    query = select(Account.id, Account.name).where(col(Account.id).in_([each for each in ids if each]))
    return dict(session.exec(query).all())


def contract_of(session: Session, application_id: str) -> Contract | None:
    """The newest contract drafted from an application."""
    query = select(Contract).where(Contract.application_id == application_id)
    return session.exec(query.order_by(col(Contract.id).desc())).first()


def stands(contract: Contract | None) -> bool:
    """Whether the contract keeps another from being drafted: one that ended before it came into force does not."""
    return contract is not None and (State(contract.state) not in FINAL or contract.activated_at is not None)


def contracts_held(session: Session, organisation_id: str) -> int:
    """How many contracts an organisation has had in force."""
    query = select(func.count()).select_from(Contract)
    return session.exec(query.where(Contract.organisation_id == organisation_id, col(Contract.activated_at).is_not(None))).one()


def contracts_ever(session: Session) -> int:
    """How many contracts were ever drafted."""
    return session.exec(select(func.count()).select_from(Contract)).one()


def contracts_suspended(session: Session, organisation_id: str, reason: str) -> list[Contract]:
    """Contracts of an organisation that stand suspended with this very reason, newest first."""
    states = [State.SUSPENDED.value, State.LIFT_ASKED.value]
    query = select(Contract).where(Contract.organisation_id == organisation_id, Contract.suspension_reason == reason)
    return list(session.exec(query.where(col(Contract.state).in_(states)).order_by(col(Contract.id).desc())).all())


def contract_titles(session: Session, ids: Iterable[str | None]) -> Mapping[str, str]:
    """Titles of contracts by id."""
    query = select(Contract.id, Contract.title).where(col(Contract.id).in_([each for each in ids if each]))
    return dict(session.exec(query).all())


def subjects(session: Session, rows: Sequence[TimelineRow]) -> Mapping[str, tuple[str, str]]:
    """What each line is about, by entry: words and the path of its page; lines about nothing that has a page are left out."""
    applications = dict(
        session.exec(select(Application.id, Application.project).where(col(Application.id).in_([row.subject for row in rows]))).all()
    )
    contracts = contract_titles(session, [row.contract_id or row.subject for row in rows])
    found = {}
    for row in rows:
        if row.subject in applications:
            found[row.entry_id] = (applications[row.subject], f"/desk/applications/{row.subject}")
        elif (contract := row.contract_id or row.subject) in contracts:
            found[row.entry_id] = (contracts[contract], f"/desk/contracts/{contract}")
    return found


def life_of(session: Session, contract: Contract) -> dict[str, Any]:
    """What the contract's page says about its further life."""
    return {
        "amendments": amendments.of_contract(session, contract.id),
        "renewal": renewal.under_way(session, contract.id) if contract.state in LIVE else None,
        "closing": closing.closing_of(session, contract.id),
        "parts": [(name, title, "") for name, title in register.PARTS.items()],
    }
