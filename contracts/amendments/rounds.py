"""A new text for every contract of a kind: each gets it as an amendment on its own terms, and a day to accept it by.

Whoever has not signed by that day is suspended the day after, by the rule and with it as the reason; the lift takes two people, as
always. A contract is suspended for a round once: what staff then decide about it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlmodel import Session, col, select

from contracts.amendments import service, tell
from contracts.amendments.decide import Kind
from contracts.amendments.queries import latest_number, open_of
from contracts.amendments.service import Offer
from contracts.amendments.states import State
from contracts.amendments.tables import Amendment, TextRound
from contracts.applications.decide import reason_refusal
from contracts.applications.tables import Application
from contracts.clock import day_in, long_day
from contracts.errors import Misconfigured, Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.lifecycle import service as lifecycle
from contracts.lifecycle.once import first_time
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.states import LIVE
from contracts.lifecycle.states import State as ContractState
from contracts.lifecycle.tables import Contract
from contracts.people.actor import SYSTEM, Actor
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.signing.document import facts_of, render
from contracts.signing.templates import TEMPLATE_OF, template_of
from contracts.store.unit import Store, Unit
from contracts.terms.model import readable

LEAST_DAYS = 14
REMINDER_DAYS = 7
# Accepted, or not to be asked for any more.
SETTLED = frozenset({State.SIGNED, State.IN_FORCE, State.WITHDRAWN, State.LAPSED})


@dataclass(frozen=True, slots=True)
class Standing:
    """One contract of a round's kind with its amendment, which is None where the new text was not offered yet."""

    contract: Contract
    amendment: Amendment | None

    @property
    def accepted(self) -> bool:
        """Whether the partner signed."""
        return self.amendment is not None and self.amendment.state in (State.SIGNED, State.IN_FORCE)


def open_round(unit: Unit, actor: Actor, settings: Settings, *, kind: str, reason: str, accept_by: date | None) -> TextRound:
    """Offer the kind's present template to all its contracts in force, from now on; one round of a kind at a time.

    Raises `role_required`, `invalid_input` by field and `command_not_possible`.
    """
    actor.require(Role.STEWARD)
    soonest = day_in(unit.now, settings.platform.time_zone) + timedelta(days=LEAST_DAYS)
    fields = {
        "kind": "" if kind in TEMPLATE_OF else "Choose the kind of contract.",
        "accept_by": ""
        if accept_by and accept_by >= soonest
        else f"Give partners at least {LEAST_DAYS} days: {long_day(soonest)} or later.",
        "reason": found.reason if (found := reason_refusal(reason)) else "",
    }
    if wrong := {name: message for name, message in fields.items() if message}:
        raise refuse("invalid_input", "Some fields need your attention.", fields=wrong)
    if any(each.kind == kind for each in running(unit.session)):
        raise refuse("command_not_possible", "A new text for this kind of contract is on its way already. Stop it first.")
    made = TextRound(
        id=new_id("rnd"),
        kind=kind,
        text_sha256=text_hash(settings, kind),
        reason=reason.strip(),
        accept_by=accept_by or soonest,
        opened_by=actor.account_id,
        opened_at=unit.now,
    )
    unit.session.add(made)
    _record(unit, actor, made, "text_round.opened")
    return made


def stop_round(unit: Unit, actor: Actor, round_id: str) -> TextRound:
    """Offer the text to nobody else and suspend nobody for it; what was signed stays, what waits for signatures waits."""
    actor.require(Role.STEWARD)
    found = unit.lock(TextRound, round_id)
    if found.stopped_at is not None:
        raise refuse("command_not_possible", "This was stopped before.")
    found.stopped_at = unit.now
    unit.session.add(found)
    _record(unit, actor, found, "text_round.stopped")
    return found


def running(session: Session) -> list[TextRound]:
    """The rounds that were not stopped, newest first."""
    query = select(TextRound).where(col(TextRound.stopped_at).is_(None))
    return list(session.exec(query.order_by(col(TextRound.opened_at).desc())).all())


def every(session: Session) -> list[TextRound]:
    """Every round, newest first."""
    return list(session.exec(select(TextRound).order_by(col(TextRound.opened_at).desc())).all())


def standings(session: Session, found: TextRound) -> list[Standing]:
    """The contracts that the round concerns, those that have not accepted first.

    They are those in force of its kind that were agreed before it, and those that it reached and that have ended since.
    """
    mine = {each.contract_id: each for each in session.exec(select(Amendment).where(Amendment.round_id == found.id)).all()}
    live = col(Contract.state).in_([state.value for state in LIVE]) & (col(Contract.created_at) < found.opened_at)
    query = select(Contract).where((col(Contract.kind) == found.kind) & live | col(Contract.id).in_(list(mine)))
    rows = [Standing(each, mine.get(each.id)) for each in session.exec(query.order_by(col(Contract.id))).all()]
    return sorted(rows, key=lambda row: row.accepted)


def advance(store: Store, settings: Settings) -> int:
    """Offer, remind and suspend as the rounds ask for today; returns how many acts. Renders outside every unit of work."""
    today = day_in(store.clock.now(), settings.platform.time_zone)
    with store.read() as session:
        todo = [(found, row) for found in running(session) for row in standings(session, found)]
    return sum(_advance(store, settings, found, row, today) for found, row in todo)


def _advance(store: Store, settings: Settings, found: TextRound, row: Standing, today: date) -> int:
    if row.contract.state not in LIVE:
        return 0
    if row.amendment is None:
        return _offer(store, settings, found, row.contract) if text_hash(settings, found.kind) == found.text_sha256 else 0
    if State(row.amendment.state) in SETTLED or row.amendment.enforced_at is not None:
        return 0
    if today > found.accept_by:
        return _suspend(store, found, row.amendment)
    return _remind(store, found, row.amendment) if today >= found.accept_by - timedelta(days=REMINDER_DAYS) else 0


def _offer(store: Store, settings: Settings, found: TextRound, contract: Contract) -> int:
    """A contract that has another amendment open gets the text once that is settled."""
    try:
        wanted = _prepared(store, settings, found, contract)
        if wanted is None:
            return 0
        with store.write("round") as unit:
            row = unit.lock(Contract, contract.id)
            if row.version != contract.version or open_of(unit.session, row.id) is not None:
                return 0
            service.offer_as(unit, replace(SYSTEM, account_id=found.opened_by), row, wanted, settings, accept_by=long_day(found.accept_by))
    except (Refused, Misconfigured):
        return 0  # the round's page shows that it was not offered; the next run tries again
    return 1


def _prepared(store: Store, settings: Settings, found: TextRound, contract: Contract) -> Offer | None:
    with store.read() as session:
        current = version_of(session, contract)
        terms = readable(current.terms_json)
        application = session.get_one(Application, contract.application_id)
        number = latest_number(session, contract.id) + 1
        facts = replace(facts_of(session, application), version=number)
        waits = open_of(session, contract.id) is not None
    if terms is None or waits:
        return None
    return Offer(
        contract_id=contract.id,
        revision=contract.revision,
        kind=Kind.TEXT,
        application_id=application.id,
        terms=terms,
        rendered=render(settings, facts, terms, contract.id, current.passages),
        reason=found.reason,
        round_id=found.id,
    )


def _remind(store: Store, found: TextRound, amendment: Amendment) -> int:
    with store.write("round") as unit:
        contract, row = unit.lock(Contract, amendment.contract_id), unit.lock(Amendment, amendment.id)
        if row.state != State.OFFERED or not first_time(unit, contract.id, f"text-{REMINDER_DAYS}", found.accept_by):
            return 0
        tell.reminded(unit, contract, row, long_day(found.accept_by))
    return 1


def _suspend(store: Store, found: TextRound, amendment: Amendment) -> int:
    with store.write("round") as unit:
        contract, row = unit.lock(Contract, amendment.contract_id), unit.lock(Amendment, amendment.id)
        stopped = unit.lock(TextRound, found.id).stopped_at is not None
        if stopped or State(row.state) in SETTLED or row.enforced_at is not None or contract.state not in LIVE:
            return 0
        row.enforced_at = unit.now
        unit.session.add(row)
        if contract.state == ContractState.ACTIVE:
            reason = f"The new text of this contract was to be accepted by {long_day(found.accept_by)}, and was not."
            lifecycle.suspend_by_rule(unit, contract, reason)
    return 1


def stale(settings: Settings, found: Sequence[TextRound]) -> set[str]:
    """The ids of those whose template says something else by now, or cannot be used, so that it goes to nobody else."""
    return {each.id for each in found if _says_else(settings, each)}


def text_hash(settings: Settings, kind: str) -> str:
    """SHA-256 of the template in use for a kind of contract, in hex."""
    return template_of(settings, TEMPLATE_OF[kind]).sha256


def _says_else(settings: Settings, found: TextRound) -> bool:
    try:
        return text_hash(settings, found.kind) != found.text_sha256
    except Misconfigured:
        return True


def _record(unit: Unit, actor: Actor, found: TextRound, event: str) -> None:
    facts = {"kind": found.kind, "text_sha256": found.text_sha256, "accept_by": found.accept_by.isoformat()}
    record(unit, Entry(event=event, subject=found.id, facts=facts, personal=actor.personal(reason=found.reason)))
