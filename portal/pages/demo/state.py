"""Where the tour stands, read from the store: the newest application of the tour's own project and everything that followed."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session, col, select

from contracts.amendments.tables import Amendment
from contracts.applications.tables import Application
from contracts.ledger.queries import Search, TimelineRow, about, entry, search, unlisted
from contracts.lifecycle.tables import Contract
from contracts.people import service as people
from contracts.people.tables import Account, Membership
from portal.demo.people import person
from portal.demo.under_way import APPEALED, COUNTERED, RETURNED
from portal.pages.demo.stops import TourFacts

PROJECT = "How local news crosses borders"
LETTER = "letter.written"
_RECENT = 60


def account(session: Session, key: str) -> Account | None:
    """The account of a person of the cast; None before the demo has made it."""
    return people.find_account(session, person(key).email)


def application(session: Session) -> Application | None:
    """The tour's present application."""
    return _of(session, "lead", PROJECT)


def contract(session: Session, found: Application | None) -> Contract | None:
    """The newest contract drafted from it."""
    if found is None:
        return None
    query = select(Contract).where(Contract.application_id == found.id)
    return session.exec(query.order_by(col(Contract.id).desc())).first()


def facts(session: Session, *, scraper_stopped: bool) -> TourFacts:
    """What the stops are judged by. Whether the scraper ran is known to this process alone."""
    under_way = _under_way(session)
    asked = application(session)
    held = contract(session, asked)
    if asked is None:
        return replace(under_way, scraper_stopped=scraper_stopped)
    begun = replace(
        under_way,
        application_id=asked.id,
        application_state=asked.state,
        lawful=bool(asked.basis),
        scraper_stopped=scraper_stopped,
    )
    if held is None:
        return begun
    rows = about(session, held.id, _RECENT)
    answered = _newest([row for row in rows if row.event == "access.records" and row.decision == "allow"])
    refused = _newest([row for row in rows if row.decision == "refuse" and held.suspended_at is not None and row.at >= held.suspended_at])
    return replace(
        begun,
        contract_id=held.id,
        contract_state=held.state,
        in_force=held.activated_at is not None,
        answered_entry=answered,
        entry_viewed=bool(answered) and _viewed(session, answered),
        letter_written=bool(answered) and _written(session, held.id),
        refused_entry=refused,
    )


def _under_way(session: Session) -> TourFacts:
    """What was under way before the visitor came; what a demo of an earlier release does not have counts as done."""
    returned, appealed = _of(session, "applicant", RETURNED), _of(session, "applicant", APPEALED)
    countered = session.exec(select(Contract).where(Contract.title == COUNTERED).order_by(col(Contract.id))).first()
    amended = session.exec(select(Amendment).order_by(col(Amendment.id))).first()
    return TourFacts(
        returned_id=returned.id if returned else "",
        handed_in_again=returned is None or returned.state != "returned",
        appealed_id=appealed.id if appealed else "",
        decided_again=appealed is None or appealed.state != "appealed",
        countered_id=countered.id if countered else "",
        wish_answered=countered is None or countered.countered_at is None,
        amendment_id=amended.id if amended else "",
        amendment_signed=amended is None or amended.state != "offered",
    )


def _of(session: Session, key: str, project: str) -> Application | None:
    """The newest application of a person of the cast for a project."""
    query = select(Application).join(Account, col(Account.id) == col(Application.created_by))
    mine = query.where(Account.email == person(key).email, Application.project == project)
    return session.exec(mine.order_by(col(Application.id).desc())).first()


def _newest(rows: list[TimelineRow]) -> str:
    return rows[0].entry_id if rows else ""


def _viewed(session: Session, entry_id: str) -> bool:
    return any(row.event == "ledger.viewed" for row in about(session, entry_id, 10)) or bool(
        search(session, Search(event="ledger.viewed", q=entry_id, limit=1)).rows
    )


def _written(session: Session, contract_id: str) -> bool:
    """Whether a letter named the contract as a recipient, among those that search does not know yet and the last that it does."""
    fresh = [each.columns.id for each in unlisted(session) if each.columns.event == LETTER]
    letters = [*fresh, *(row.entry_id for row in search(session, Search(event=LETTER, limit=_RECENT)).rows)]
    return any(contract_id in entry(session, each).facts.get("facts", {}).get("contracts", ()) for each in letters)


def home(session: Session, account: Account) -> str | None:
    """The organisation that a person of the cast works for."""
    query = select(Membership.organisation_id).where(Membership.account_id == account.id, col(Membership.ended_at).is_(None))
    return session.exec(query).first()
