"""Amendments: load, decide, store, tell. Every function works in the caller's unit of work and commits nothing itself.

The contract's row is locked before the amendment's, so that an end, a suspension and a last signature take turns. When the last
signature is given, version, seal and epoch change in one transaction: a request is answered by the old terms or the new ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from sqlmodel import col, select

from contracts.amendments import tell
from contracts.amendments.decide import SIGNING, Facts, Kind, Wanted, decide, ended_refusal, step_before, widened
from contracts.amendments.queries import latest_number, open_of
from contracts.amendments.states import OPEN, ROLES, Command, State
from contracts.amendments.tables import Amendment
from contracts.applications.queries import basis_missing
from contracts.applications.states import State as ApplicationState
from contracts.applications.tables import Application
from contracts.clock import day_in
from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.closing import refuse_overdue
from contracts.lifecycle.drafting import check_rendered, new_version
from contracts.lifecycle.queries import version_of, visible_to
from contracts.lifecycle.seal import all_signed, changed_hash, seal, signatures_under
from contracts.lifecycle.service import ACTIVATED, DOCUMENT, signature
from contracts.lifecycle.states import LIVE
from contracts.lifecycle.steps import insist_on_standing, note
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.lifecycle.told import AMENDED
from contracts.people.actor import SYSTEM, Actor
from contracts.people.independence import entangled_with
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.signing.document import Rendered
from contracts.store import epochs
from contracts.store.outbox import put
from contracts.store.unit import Store, Unit
from contracts.terms.model import Terms, readable


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A new version as it is offered: of which contract (and its revision, as the page showed it), on which application, and why."""

    contract_id: str
    revision: int
    kind: Kind
    application_id: str
    terms: Terms
    rendered: Rendered
    reason: str
    round_id: str | None = None


def offer(unit: Unit, actor: Actor, wanted: Offer, settings: Settings) -> Amendment:
    """Offer a new version of a contract in force to the partner, no wider than an approved application and the dataset's policy.

    General clauses that were worded for this contract alone stay so: `rendered` has them. A contract has one open amendment at
    most. Raises `role_required`, `command_not_possible`, `changed_meanwhile`,
    `wider_than_asked`, `barred` and, for a renewal, `certificate_overdue`.
    """
    actor.require(Role.STEWARD)
    insist_on_standing(unit, actor, wanted.contract_id)
    contract = unit.lock(Contract, wanted.contract_id)
    if contract.revision != wanted.revision:
        raise refuse("changed_meanwhile", "The contract changed since you opened it. Look at it again, then offer the new version.")
    return offer_as(unit, actor, contract, wanted, settings)


def offer_as(unit: Unit, actor: Actor, contract: Contract, wanted: Offer, settings: Settings, accept_by: str = "") -> Amendment:
    """As `offer`, for a contract that the caller has locked and for someone whose right to offer the caller has made sure of.

    `accept_by` is the day that a new text for many asks for, as the mail says it.
    """
    today = day_in(unit.now, settings.platform.time_zone)
    application = _basis(unit, contract, wanted)
    current, number = _checked(unit, contract, application, wanted, settings, today)
    amendment = Amendment(
        id=new_id("amd"),
        contract_id=contract.id,
        number=number,
        replaces=current.number,
        kind=wanted.kind.value,
        state=State.OFFERED.value,
        application_id=application.id,
        round_id=wanted.round_id,
        reason=wanted.reason.strip(),
        drafted_by=actor.account_id,
        approved_by=application.decided_by or "",
        offered_at=unit.now,
    )
    version = new_version(unit, actor, contract.id, number, wanted.rendered, note=amendment.reason, passages=current.passages)
    version.offered_at = unit.now
    unit.session.add_all([version, amendment])
    unit.session.flush()
    tell.offered(unit, contract, amendment, accept_by)
    _record(unit, actor, contract, amendment, "amendment.offered")
    return amendment


def sign(unit: Unit, actor: Actor, amendment_id: str, revision: int, settings: Settings, *, name: str, capacity: str) -> Amendment:
    """The partner's signature over the new version as stored; needs the password given within ten minutes."""
    wanted = Wanted(command=Command.SIGN, revision=revision, name=name, capacity=capacity)
    contract, amendment = _take(unit, actor, amendment_id, wanted, settings)
    version = _intact(unit, amendment)
    unit.session.add(signature(unit, actor, version, "partner", name, capacity))
    tell.signed(unit, contract, name.strip())
    _record(unit, actor, contract, amendment, "amendment.signed", name=name.strip(), capacity=capacity.strip())
    return amendment


def countersign(
    unit: Unit, actor: Actor, keys: KeyRing, amendment_id: str, revision: int, settings: Settings, *, name: str, capacity: str
) -> Amendment:
    """The platform's signature by a second person: seals the new version and puts it in the old one's place, at once and for everyone."""
    wanted = Wanted(command=Command.COUNTERSIGN, revision=revision, name=name, capacity=capacity)
    contract, amendment = _take(unit, actor, amendment_id, wanted, settings)
    version = _intact(unit, amendment)
    if not all_signed(version, signatures_under(unit.session, contract.id, version.number), "partner"):
        reason = "What is stored now is not what the partner signed, so nobody may countersign it."
        raise refuse("seal_broken", reason, differs="signatures")
    unit.session.add(signature(unit, actor, version, "platform", name, capacity))
    unit.session.flush()
    version.seal = seal(keys, unit, contract, version, signatures_under(unit.session, contract.id, version.number))
    version.sealed_at = amendment.ended_at = unit.now
    contract.version, contract.revision = version.number, contract.revision + 1
    unit.session.add_all([version, contract])
    put(unit, ACTIVATED, {"contract_id": contract.id})
    put(unit, DOCUMENT, {"contract_id": contract.id})
    epochs.bump(unit, "grants")
    tell.in_force(unit, contract, version)
    signed = {"name": name.strip(), "capacity": capacity.strip()}
    seal_sha256 = hashlib.sha256(version.seal.encode()).hexdigest()
    note(unit, actor, contract, AMENDED, version, personal=signed, amendment=amendment.id, kind=amendment.kind, seal_sha256=seal_sha256)
    return amendment


def decline(unit: Unit, actor: Actor, amendment_id: str, revision: int, settings: Settings, reason: str) -> Amendment:
    """The partner does not want the new version; the old one goes on as agreed."""
    wanted = Wanted(command=Command.DECLINE, revision=revision, reason=reason)
    contract, amendment = _take(unit, actor, amendment_id, wanted, settings)
    amendment.answer, amendment.ended_at = reason.strip(), unit.now
    tell.declined(unit, contract, amendment)
    _record(unit, actor, contract, amendment, "amendment.declined", reason=amendment.answer)
    return amendment


def withdraw(unit: Unit, actor: Actor, amendment_id: str, revision: int, settings: Settings, reason: str) -> Amendment:
    """Staff take the new version back, signed by the partner or not; the old one goes on."""
    wanted = Wanted(command=Command.WITHDRAW, revision=revision, reason=reason)
    contract, amendment = _take(unit, actor, amendment_id, wanted, settings)
    amendment.answer, amendment.ended_at = reason.strip(), unit.now
    tell.withdrawn(unit, contract, amendment)
    _record(unit, actor, contract, amendment, "amendment.withdrawn", reason=amendment.answer)
    return amendment


def lapse_ended(store: Store, settings: Settings) -> int:
    """End every open amendment whose contract ended before both sides had signed; returns how many. Each in its own short unit."""
    open_ones = select(Amendment.id).join(Contract, col(Contract.id) == col(Amendment.contract_id))
    wanted = col(Amendment.state).in_([state.value for state in OPEN]) & col(Contract.state).not_in([state.value for state in LIVE])
    with store.read() as session:
        found = session.exec(open_ones.where(wanted)).all()
    return sum(_lapse(store, amendment_id, settings) for amendment_id in found)


def _lapse(store: Store, amendment_id: str, settings: Settings) -> int:
    try:
        with store.write("lapse") as unit:
            contract, amendment = _locked(unit, amendment_id)
            _apply(unit, SYSTEM, contract, amendment, Wanted(command=Command.LAPSE, revision=amendment.revision), settings)
            amendment.ended_at = unit.now
            _record(unit, SYSTEM, contract, amendment, "amendment.lapsed")
    except Refused:
        return 0
    return 1


def _basis(unit: Unit, contract: Contract, wanted: Offer) -> Application:
    application = unit.lock(Application, wanted.application_id)
    if application.organisation_id != contract.organisation_id or application.state != ApplicationState.APPROVED:
        raise refuse("command_not_possible", "A new version rests on an approved application of the same partner.")
    missing = basis_missing(unit.session, application) if application.id != contract.application_id else None
    if missing is not None:
        raise Refused(missing)
    if not wanted.reason.strip():
        raise refuse("reason_required", "Say what changes and why; the partner reads it.")
    return application


def _checked(
    unit: Unit, contract: Contract, application: Application, wanted: Offer, settings: Settings, today: date
) -> tuple[ContractVersion, int]:
    current, number = version_of(unit.session, contract), latest_number(unit.session, contract.id) + 1
    before = readable(current.terms_json)
    if before is None:
        raise refuse("seal_broken", "The terms in force cannot be read, so there is nothing to change.", contract=contract.id)
    if refusal := ended_refusal(contract, before.ends, today) or widened(wanted.terms, before, application, settings):
        raise Refused(refusal)
    if open_of(unit.session, contract.id) is not None:
        raise refuse("command_not_possible", "Another new version of this contract waits for signatures. Withdraw it first.")
    if wanted.kind is Kind.RENEWAL:
        refuse_overdue(unit.session, contract.organisation_id, today)
    check_rendered(unit, wanted.rendered, wanted.terms, contract.id)
    return current, number


def _take(unit: Unit, actor: Actor, amendment_id: str, wanted: Wanted, settings: Settings) -> tuple[Contract, Amendment]:
    actor.require(*ROLES[wanted.command])
    known = unit.session.get(Amendment, amendment_id)
    if known is not None and wanted.command in SIGNING:
        insist_on_standing(unit, actor, known.contract_id)
    contract, amendment = _locked(unit, amendment_id)
    if not visible_to(actor, contract):
        raise refuse("not_found", "There is no such thing here.")
    _apply(unit, actor, contract, amendment, wanted, settings)
    return contract, amendment


def _locked(unit: Unit, amendment_id: str) -> tuple[Contract, Amendment]:
    known = unit.session.get(Amendment, amendment_id)
    if known is None:
        raise refuse("not_found", "There is no such thing here.")
    contract = unit.lock(Contract, known.contract_id)
    return contract, unit.lock(Amendment, amendment_id)


def _apply(unit: Unit, actor: Actor, contract: Contract, amendment: Amendment, wanted: Wanted, settings: Settings) -> None:
    current = readable(version_of(unit.session, contract).terms_json)
    if current is None:
        raise refuse("seal_broken", "The terms in force cannot be read, so nothing can be changed.", contract=contract.id)
    today = day_in(unit.now, settings.platform.time_zone)
    entangled = entangled_with(unit.session, actor, step_before(amendment, wanted.command))
    after = decide(amendment, actor, wanted, Facts(contract, current.ends, today, unit.now, entangled))
    if isinstance(after, Refusal):
        raise Refused(after)
    amendment.state, amendment.revision = after.value, amendment.revision + 1
    unit.session.add(amendment)


def _intact(unit: Unit, amendment: Amendment) -> ContractVersion:
    where = (col(ContractVersion.contract_id) == amendment.contract_id) & (col(ContractVersion.number) == amendment.number)
    version = unit.session.exec(select(ContractVersion).where(where)).one()
    if wrong := changed_hash(version):
        raise refuse("seal_broken", "The stored version was changed after it was offered, so nobody may sign it.", differs=wrong)
    return version


def _record(unit: Unit, actor: Actor, contract: Contract, amendment: Amendment, event: str, **personal: str) -> None:
    version = _intact(unit, amendment)
    entry = Entry(
        event=event,
        subject=amendment.id,
        organisation=contract.organisation_id,
        contract=contract.id,
        contract_version=amendment.number,
        contract_hash=version.terms_sha256,
        facts={"revision": amendment.revision, "kind": amendment.kind, "replaces": amendment.replaces, "text_sha256": version.text_sha256},
        personal=actor.personal(**personal),
    )
    record(unit, entry)
