"""Notices before days that matter: 60, 30 and 7 days before a contract's last one, before and after a certificate's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session, col, select

from contracts.clock import day_in
from contracts.lifecycle import tell
from contracts.lifecycle.once import first_time, told_before
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.states import LIVE, State
from contracts.lifecycle.tables import Closing, Contract, ContractVersion
from contracts.store.unit import Store, Unit
from contracts.terms.model import readable

DAYS = (60, 30, 7)
CERTIFICATE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice that is due: about which contract, what it is, and the day that it warns of."""

    contract_id: str
    what: str
    about: date


def days_due(since: date, ends: date, today: date) -> list[int]:
    """Which of the notices before the end should have gone out by today, the nearest to the end first.

    `since` is the first day on which the contract could be used: nobody is warned of a day that was nearer than that from the beginning.
    """
    if today > ends:
        return []
    return sorted(days for days in DAYS if since <= ends - timedelta(days=days) <= today)


def tell_due(store: Store, time_zone: str) -> int:
    """Send each notice that is due, once; returns how many. After a long stop only the one nearest to the end is sent."""
    today = day_in(store.clock.now(), time_zone)
    with store.read() as session:
        told = told_before(session)
        due = [each for each in (*_before_ends(session, today, time_zone), *_certificates(session, today)) if _key(each) not in told]
    return sum(_tell(store, each, today) for each in due)


def _key(notice: Notice) -> tuple[str, str, date]:
    return notice.contract_id, notice.what, notice.about


def _before_ends(session: Session, today: date, time_zone: str) -> Iterator[Notice]:
    on = (col(ContractVersion.contract_id) == col(Contract.id)) & (col(ContractVersion.number) == col(Contract.version))
    live = col(Contract.state).in_([state.value for state in LIVE])
    for contract, version in session.exec(select(Contract, ContractVersion).join(ContractVersion, on).where(live)).all():
        terms = readable(version.terms_json)
        if terms is None or contract.activated_at is None:
            continue
        since = max(terms.starts, day_in(contract.activated_at, time_zone))
        if days := days_due(since, terms.ends, today):
            yield Notice(contract.id, f"ends-{days[0]}", terms.ends)


def _certificates(session: Session, today: date) -> Iterator[Notice]:
    waiting = select(Closing).join(Contract, col(Contract.id) == col(Closing.contract_id)).where(Contract.state == State.CLOSING.value)
    for closing in session.exec(waiting).all():
        if today > closing.due:
            yield Notice(closing.contract_id, "certificate-late", closing.due)
        elif today >= closing.due - timedelta(days=CERTIFICATE_DAYS):
            yield Notice(closing.contract_id, "certificate-soon", closing.due)


def _tell(store: Store, notice: Notice, today: date) -> int:
    with store.write("ending") as unit:
        contract = unit.lock(Contract, notice.contract_id)
        if not _still_due(unit, contract, notice) or not first_time(unit, contract.id, notice.what, notice.about):
            return 0
        if notice.what.startswith("ends-"):
            tell.ending(unit, contract, notice.about, (notice.about - today).days)
        else:
            tell.certificate_due(unit, contract, notice.about, late=notice.what == "certificate-late")
    return 1


def _still_due(unit: Unit, contract: Contract, notice: Notice) -> bool:
    if notice.what.startswith("ends-"):
        terms = readable(version_of(unit.session, contract).terms_json)
        return contract.state in LIVE and terms is not None and terms.ends == notice.about
    closing = unit.session.get(Closing, contract.id)
    return contract.state == State.CLOSING and closing is not None and closing.due == notice.about
