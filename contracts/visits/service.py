"""Opening and ending visits: an account for somebody from outside, who reads a slice of the ledger and nothing else, until a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from contracts.addresses import address
from contracts.deliveries.ordinals import pack
from contracts.errors import Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import send
from contracts.people import links
from contracts.people.actor import SYSTEM, Actor
from contracts.people.decide import tidy
from contracts.people.links import LinkKind
from contracts.people.queries import platform_name
from contracts.people.roles import Role, Side
from contracts.people.sessions import close_sessions_of
from contracts.people.tables import Membership, Organisation
from contracts.store.unit import Store, Unit
from contracts.visits.decide import Slice, Wanted, check
from contracts.visits.tables import AuditVisit

OVER = "Your visit has ended, and the account with it. Ask the platform for another one."


@dataclass(frozen=True, slots=True)
class Found:
    """What a person's records led to: the places of entries, and the contracts that hold some. The caller has noted the look-up."""

    places: Sequence[int] = ()
    contracts: Sequence[str] = field(default_factory=tuple)


def open_visit(unit: Unit, actor: Actor, wanted: Wanted, found: Found, base_url: str) -> tuple[AuditVisit, str]:
    """Open a visit and invite its auditor by mail; returns it and the link, which a page shows only where no mail leaves.

    Only for compliance. Raises Refused: `role_required`, or `invalid_input` with a sentence for each field.
    """
    actor.require(Role.COMPLIANCE)
    refusal = check(wanted, unit.now.date())
    if refusal is not None or wanted.last_day is None:
        raise Refused(refusal) if refusal else refuse("invalid_input", "Write the last day of access.")
    _partner(unit.session, wanted)
    home = Organisation(id=new_id("org"), name=tidy(wanted.authority), side=Side.OUTSIDE.value, created_at=unit.now)
    unit.session.add(home)
    unit.session.flush()
    visit = AuditVisit(
        id=new_id("vis"),
        organisation_id=home.id,
        email=address(wanted.email),
        slice=wanted.slice,
        partner_id=wanted.partner if wanted.slice == Slice.PARTNER else "",
        since=_begin(wanted.since) if wanted.slice != Slice.PERSON else None,
        until=_begin(wanted.until, days=1) if wanted.slice != Slice.PERSON else None,
        places=pack(found.places) if wanted.slice == Slice.PERSON else b"",
        contracts=list(found.contracts) if wanted.slice == Slice.PERSON else [],
        opened_by=actor.account_id,
        opened_at=unit.now,
        ends_at=datetime.combine(wanted.last_day, time(), UTC) + timedelta(days=1),
    )
    unit.session.add(visit)
    facts = {"slice": visit.slice, "until": wanted.last_day.isoformat()}
    named = actor.personal(email=visit.email, authority=home.name)
    record(unit, Entry(event="visit.opened", subject=visit.id, organisation=visit.partner_id, facts=facts, personal=named))
    return visit, _invite(unit, actor, visit, home.name, wanted.last_day, base_url)


def end_visit(unit: Unit, actor: Actor, visit_id: str) -> None:
    """End a visit before its day; only for compliance. `command_not_possible` where it has ended."""
    actor.require(Role.COMPLIANCE)
    visit = unit.lock(AuditVisit, visit_id)
    if visit.ended_at is not None:
        raise refuse("command_not_possible", "The visit has ended already.")
    _end(unit, actor, visit)


def end_due(store: Store) -> int:
    """End the visits whose last day has passed; returns how many. Reading ended with the day already (`visit_of`)."""
    now = store.clock.now()
    with store.read() as session:
        due = session.exec(select(AuditVisit.id).where(AuditVisit.ends_at <= now, col(AuditVisit.ended_at).is_(None)).limit(100)).all()
    for visit_id in due:
        with store.write("visit") as unit:
            visit = unit.lock(AuditVisit, visit_id)
            if visit.ended_at is None:
                _end(unit, SYSTEM, visit)
    return len(due)


def visit_of(session: Session, actor: Actor, now: datetime) -> AuditVisit:
    """The visit of an auditor, who gave a second factor in this session; `role_required` where there is none that runs."""
    actor.require(Role.AUDITOR)
    if actor.second_factor_at is None:
        raise refuse("second_factor_required", "Auditors give a second factor before they read. Set one up, or give its code.")
    query = select(AuditVisit).where(AuditVisit.organisation_id == actor.organisation_id, col(AuditVisit.ended_at).is_(None))
    visit = session.exec(query.where(AuditVisit.ends_at > now)).first()
    if visit is None:
        raise refuse("role_required", OVER)
    return visit


def visit_named(session: Session, visit_id: str) -> AuditVisit:
    """A visit by its id; `not_found` where there is none. The caller has checked the role."""
    visit = session.get(AuditVisit, visit_id)
    if visit is None:
        raise refuse("not_found", "There is no such visit.")
    return visit


def visits(session: Session, most: int = 50) -> list[tuple[AuditVisit, str]]:
    """Visits with the authority's name, newest first."""
    query = select(AuditVisit, Organisation.name).join(Organisation, col(Organisation.id) == col(AuditVisit.organisation_id))
    return list(session.exec(query.order_by(col(AuditVisit.opened_at).desc(), col(AuditVisit.id)).limit(most)).all())


def _partner(session: Session, wanted: Wanted) -> None:
    if wanted.slice == Slice.PARTNER:
        partner = session.get(Organisation, wanted.partner)
        if partner is None or partner.side != Side.PARTNER:
            raise refuse("invalid_input", "Choose the partner.", fields={"partner": "Choose the partner."})


def _begin(day: date | None, days: int = 0) -> datetime | None:
    return datetime.combine(day, time(), UTC) + timedelta(days=days) if day else None


def _invite(unit: Unit, actor: Actor, visit: AuditVisit, authority: str, last_day: date, base_url: str) -> str:
    token, link = links.make(
        unit, LinkKind.AUDITOR, visit.email, organisation_id=visit.organisation_id, role=Role.AUDITOR.value, given_by=actor.account_id
    )
    link.expires_at = min(link.expires_at, visit.ends_at)
    url = f"{base_url}/join/{token}"
    facts = {"authority": authority, "link": url, "platform": platform_name(unit.session, base_url), "last_day": last_day.isoformat()}
    send(unit, to=visit.email, template="auditor", facts=facts)
    return url


def _end(unit: Unit, actor: Actor, visit: AuditVisit) -> None:
    visit.ended_at = unit.now
    unit.session.add(visit)
    links.void(unit, LinkKind.AUDITOR, visit.email, organisation_id=visit.organisation_id)
    held = select(Membership.account_id).where(Membership.organisation_id == visit.organisation_id, col(Membership.ended_at).is_(None))
    for account_id in unit.session.exec(held).all():
        close_sessions_of(unit, account_id)
    of_visit = update(Membership).where(col(Membership.organisation_id) == visit.organisation_id, col(Membership.ended_at).is_(None))
    unit.connection.execute(of_visit.values(ended_at=unit.now))
    record(unit, Entry(event="visit.ended", subject=visit.id, organisation=visit.partner_id, personal=actor.personal()))
