"""What every command on a contract goes through: role and visibility, the decision, the new state, the entry."""

from __future__ import annotations

from contracts.applications.tables import Application
from contracts.bars import standing
from contracts.errors import Refusal, Refused, refuse
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.decide import People, Wanted, decide, step_before
from contracts.lifecycle.queries import version_of, visible_to
from contracts.lifecycle.states import ROLES, Command
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people.actor import Actor
from contracts.people.independence import entangled_with
from contracts.policies import four_eyes
from contracts.store.unit import Unit

# What brings a contract on or back, which a bar forbids; what ends or stops it never is.
NEEDS_STANDING = frozenset({Command.OFFER, Command.SIGN, Command.COUNTERSIGN, Command.ASK_LIFT, Command.LIFT})


def take(unit: Unit, actor: Actor, contract_id: str, wanted: Wanted) -> Contract:
    """The contract, locked, after the command that a person gave.

    Raises `role_required` for another role, `not_found` where the person may not know of it, `barred`, and what `decide` refuses with.
    """
    actor.require(*ROLES[wanted.command])
    if wanted.command in NEEDS_STANDING:
        insist_on_standing(unit, actor, contract_id)
    contract = unit.lock(Contract, contract_id)
    if not visible_to(actor, contract):
        raise refuse("not_found", "There is no such thing here.")
    apply(unit, actor, contract, wanted)
    return contract


def insist_on_standing(unit: Unit, actor: Actor, contract_id: str) -> None:
    """Raise `barred`. Before the contract's own row is locked: the organisation's comes first, as where a bar is imposed."""
    contract = unit.session.get(Contract, contract_id)
    if contract is not None and visible_to(actor, contract):
        application = unit.session.get_one(Application, contract.application_id)
        acting = () if actor.is_staff else (actor.account_id,)
        standing.insist(unit, contract.organisation_id, *acting, application=application)


def apply(unit: Unit, actor: Actor, contract: Contract, wanted: Wanted) -> None:
    """Write the state that follows from the command: the one place that does."""
    before = step_before(contract, wanted.command)
    after = decide(contract, actor, wanted, People(unit.now, entangled_with(unit.session, actor, before), four_eyes.is_off(unit.session)))
    if isinstance(after, Refusal):
        raise Refused(after)
    contract.state, contract.revision = after.value, contract.revision + 1
    unit.session.add(contract)


def note(
    unit: Unit,
    actor: Actor,
    contract: Contract,
    event: str,
    known: ContractVersion | None = None,
    *,
    personal: dict[str, str] | None = None,
    **facts: str,
) -> None:
    """The entry of what was done, with the hashes of the version that it was done to (the present one unless `known`)."""
    version = known or version_of(unit.session, contract)
    entry = Entry(
        event=event,
        subject=contract.id,
        organisation=contract.organisation_id,
        contract=contract.id,
        contract_version=version.number,
        contract_hash=version.terms_sha256,
        facts={"revision": contract.revision, "text_sha256": version.text_sha256, **facts},
        personal=actor.personal(**(personal or {})),
    )
    record(unit, entry)
