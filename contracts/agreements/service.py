"""Agreements signed before Licet: kept as the operator brought them, in force once two people of staff confirmed them.

Every function works in the caller's unit of work and commits nothing itself. What a second confirmation makes (organisation,
application, contract, seal, the contact's link) is made in that one unit, or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlmodel import Session, col, select

from contracts.agreements.decide import Wanted, decide, step_before
from contracts.agreements.make import contract_rows, organisation_of
from contracts.agreements.reading import Line, as_application
from contracts.agreements.states import OPEN, ROLES, Command, State
from contracts.agreements.tables import Agreement
from contracts.bars import standing
from contracts.clock import day_in
from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.keys import KeyRing, Purpose
from contracts.ledger.stage import Entry, record
from contracts.lifecycle import tell
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.seal import seal, signatures_under
from contracts.lifecycle.service import ACTIVATED
from contracts.lifecycle.steps import note
from contracts.lifecycle.tables import Contract
from contracts.notices import audience, send
from contracts.people.actor import SYSTEM, Actor
from contracts.people.independence import entangled_with
from contracts.people.invitations import claim
from contracts.people.queries import members
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.store import epochs
from contracts.store.outbox import put
from contracts.store.unit import Unit
from contracts.terms.model import Terms, from_json, terms_hash, to_json
from contracts.terms.narrow import within


def stage(unit: Unit, lines: Sequence[Line]) -> list[Agreement]:
    """Keep what was read, for staff to confirm; they get one mail. Lines with problems are the caller's mistake (ValueError).

    Raises `command_not_possible` where one of them is here already.
    """
    made = [_staged(unit, line) for line in lines]
    unit.session.flush()
    facts = {"count": "1 agreement" if len(made) == 1 else f"{len(made)} agreements"}
    for reader in audience.staff(unit.session, Role.STEWARD, Role.COMPLIANCE):
        send(unit, to=reader.email, template="agreements-staged", facts=facts, path="/desk/agreements")
    for each in made:
        _record(unit, SYSTEM, each, "agreement.staged")
    return made


def confirm(unit: Unit, actor: Actor, agreement_id: str, revision: int) -> Agreement:
    """The first of two: the PDF is what both sides signed, and the terms say what it says."""
    agreement = _take(unit, actor, agreement_id, Wanted(Command.CONFIRM, revision))
    agreement.confirmed_by, agreement.confirmed_at = actor.account_id, unit.now
    _record(unit, actor, agreement, "agreement.confirmed")
    return agreement


def bring_in(unit: Unit, actor: Actor, keys: KeyRing, agreement_id: str, revision: int, settings: Settings) -> Contract:
    """The second: its contract is in force at once, and the contact gets a link that makes an account leading the organisation.

    Raises `second_person_required`, `barred`, and `wider_than_asked` where the dataset's policy allows less by now.
    """
    agreement = _take(unit, actor, agreement_id, Wanted(Command.BRING_IN, revision))
    terms = _still_allowed(unit, agreement, settings)
    organisation = organisation_of(unit, agreement)
    standing.insist(unit, organisation.id)
    contract, version = contract_rows(unit, actor, agreement, organisation, terms, settings)
    version.seal = seal(keys, unit, contract, version, signatures_under(unit.session, contract.id, version.number))
    unit.session.add(version)
    agreement.contract_id, agreement.settled_by, agreement.settled_at = contract.id, actor.account_id, unit.now
    unit.session.add(agreement)
    keys.ensure(unit, Purpose.PSEUDONYM, contract.id)
    put(unit, ACTIVATED, {"contract_id": contract.id})
    epochs.bump(unit, "grants")
    _reach(unit, actor, agreement, contract, settings)
    seal_sha256 = hashlib.sha256(version.seal.encode()).hexdigest()
    note(unit, actor, contract, "contract.activated", version, agreement=agreement.id, seal_sha256=seal_sha256)
    _record(unit, actor, agreement, "agreement.brought_in")
    return contract


def reject(unit: Unit, actor: Actor, agreement_id: str, revision: int, reason: str) -> Agreement:
    """Not taken; nothing was made of it. One person suffices."""
    agreement = _take(unit, actor, agreement_id, Wanted(Command.REJECT, revision, reason))
    agreement.settled_by, agreement.settled_at, agreement.rejection = actor.account_id, unit.now, reason.strip()
    _record(unit, actor, agreement, "agreement.rejected", reason=agreement.rejection)
    return agreement


def remind(unit: Unit, actor: Actor, agreement_id: str, settings: Settings) -> None:
    """Send the contact another link, where nobody leads the organisation yet; the one before ends."""
    actor.require(*ROLES[Command.BRING_IN])
    agreement = unit.lock(Agreement, agreement_id)
    if agreement.contract_id is None:
        raise refuse("command_not_possible", "Nothing was made of it, so there is nothing to claim.")
    contract = unit.session.get_one(Contract, agreement.contract_id)
    if _is_led(unit, contract.organisation_id):
        raise refuse("command_not_possible", "Somebody leads the organisation already.")
    _reach(unit, actor, agreement, contract, settings)


def twin_of(session: Session, line: Line) -> Agreement | None:
    """The same document with the same terms where it is here already, waiting or in force."""
    same = (Agreement.pdf_sha256 == line.pdf_sha256) & (Agreement.terms_sha256 == _terms_sha256(line))
    standing = col(Agreement.state) != State.REJECTED.value
    return session.exec(select(Agreement).where(same, standing)).first()


def waiting(session: Session) -> list[Agreement]:
    """What waits for a confirmation, oldest first."""
    query = select(Agreement).where(col(Agreement.state).in_([state.value for state in OPEN]))
    return list(session.exec(query.order_by(col(Agreement.staged_at), col(Agreement.id))).all())


def every(session: Session) -> list[Agreement]:
    """All that were ever brought, newest first."""
    return list(session.exec(select(Agreement).order_by(col(Agreement.staged_at).desc(), col(Agreement.id).desc())).all())


def _staged(unit: Unit, line: Line) -> Agreement:
    if line.problems or line.terms is None:
        raise ValueError(f"line {line.number} has problems, so nothing of it is kept")
    if twin := twin_of(unit.session, line):
        raise refuse("command_not_possible", f"Line {line.number} is here already.", agreement=twin.id)
    made = Agreement(
        id=new_id("agr"),
        state=State.STAGED.value,
        organisation=line.organisation,
        organisation_kind=line.organisation_kind,
        country=line.country,
        contact_name=line.contact_name,
        contact_email=line.contact_email,
        title=line.title,
        kind=line.kind,
        terms_json=to_json(line.terms),
        terms_sha256=_terms_sha256(line),
        pdf=line.pdf,
        pdf_sha256=line.pdf_sha256,
        staged_at=unit.now,
    )
    unit.session.add(made)
    return made


def _terms_sha256(line: Line) -> str:
    return terms_hash(to_json(line.terms)) if line.terms else ""


def _take(unit: Unit, actor: Actor, agreement_id: str, wanted: Wanted) -> Agreement:
    actor.require(*ROLES[wanted.command])
    agreement = unit.lock(Agreement, agreement_id)
    entangled = entangled_with(unit.session, actor, step_before(agreement, wanted.command))
    after = decide(agreement, actor, wanted, unit.now, entangled)
    if isinstance(after, Refusal):
        raise Refused(after)
    agreement.state, agreement.revision = after.value, agreement.revision + 1
    unit.session.add(agreement)
    return agreement


def _still_allowed(unit: Unit, agreement: Agreement, settings: Settings) -> Terms:
    terms = from_json(agreement.terms_json)
    if terms_hash(agreement.terms_json) != agreement.terms_sha256:
        raise refuse("seal_broken", "The stored terms are not those that were confirmed first.", agreement=agreement.id)
    if refusal := within(terms, as_application(agreement.kind, terms), settings):
        raise Refused(refusal)
    if terms.ends < day_in(unit.now, settings.platform.time_zone):
        raise refuse("command_not_possible", "It has ended meanwhile, so nothing is in force under it.", ends=terms.ends.isoformat())
    return terms


def _reach(unit: Unit, actor: Actor, agreement: Agreement, contract: Contract, settings: Settings) -> None:
    """Those who lead the organisation hear that the contract is in force; where nobody does, the contact gets the link."""
    if _is_led(unit, contract.organisation_id):
        tell.activated(unit, contract, version_of(unit.session, contract))
        return
    home, email = contract.organisation_id, agreement.contact_email
    claim(unit, actor, organisation_id=home, email=email, name=agreement.contact_name, title=contract.title, base_url=settings.base_url)


def _is_led(unit: Unit, organisation_id: str) -> bool:
    return any(Role.LEAD in row.roles for row in members(unit.session, organisation_id))


def _record(unit: Unit, actor: Actor, agreement: Agreement, event: str, **personal: str) -> None:
    facts = {"revision": agreement.revision, "pdf_sha256": agreement.pdf_sha256, "terms_sha256": agreement.terms_sha256}
    entry = Entry(event=event, subject=agreement.id, contract=agreement.contract_id or "", facts=facts, personal=actor.personal(**personal))
    record(unit, entry)
