"""Contracts: load, decide, store, tell. Every function works in the caller's unit of work and commits nothing itself.

Each change of a contract in force, or into force, moves the epoch "grants" in the same transaction, so that it bites at once
here and within two seconds everywhere.
"""

from __future__ import annotations

import hashlib

from contracts.applications.queries import basis_missing
from contracts.applications.tables import Application
from contracts.errors import Refused, refuse
from contracts.ids import new_id
from contracts.keys import KeyRing, Purpose
from contracts.lifecycle import closing, tell
from contracts.lifecycle.decide import Wanted
from contracts.lifecycle.drafting import draft
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.seal import all_signed, changed_hash, seal, signatures_under
from contracts.lifecycle.states import LIVE, Command
from contracts.lifecycle.steps import apply, note, take
from contracts.lifecycle.tables import Contract, ContractVersion, Signature
from contracts.lifecycle.ways import IN_ACCOUNT, Way, compared, known
from contracts.people.actor import SYSTEM, Actor
from contracts.policies import four_eyes
from contracts.signatories import service as signatories
from contracts.signatories.queries import insist_named
from contracts.store import epochs
from contracts.store.outbox import put
from contracts.store.unit import Unit

__all__ = ["ask_lift", "countersign", "draft", "expire", "lift", "offer", "record_paper", "sign", "suspend", "suspend_by_rule", "terminate"]

ACTIVATED = "contract.activated"
DOCUMENT = "contract.document"


def offer(unit: Unit, actor: Actor, contract_id: str, revision: int) -> Contract:
    """Show the draft to the partner, who may sign it from now on."""
    contract = take(unit, actor, contract_id, Wanted(command=Command.OFFER, revision=revision))
    contract.offered_at = version_of(unit.session, contract).offered_at = unit.now
    tell.offered(unit, contract)
    note(unit, actor, contract, "contract.offered")
    return contract


def sign(
    unit: Unit, actor: Actor, contract_id: str, revision: int, *, name: str, capacity: str, authority: str = "office", way: Way = IN_ACCOUNT
) -> Contract:
    """The partner's signature over text and terms as stored; needs the password given within ten minutes.

    `authority` is what lets the person bind the organisation (`ways.AUTHORITIES`); where the lead named who signs, nobody else does.
    """
    wanted = Wanted(command=Command.SIGN, revision=revision, name=name, capacity=capacity)
    contract = take(unit, actor, contract_id, wanted)
    insist_named(unit.session, contract, actor)
    version = _intact(unit, contract)
    given = signature(unit, actor, version, "partner", name, capacity)
    given.authority = known(authority)
    return _taken(unit, actor, contract, version, given, way)


def record_paper(
    unit: Unit, actor: Actor, contract_id: str, revision: int, *, name: str, capacity: str, short_hash: str, way: Way
) -> Contract:
    """The partner's signature on paper, which a steward compared: the short hash on the scan must be that of the text as stored.

    The steward who compares vouches for it, and therefore does not countersign. Raises `hash_differs` for a scan of another version.
    """
    wanted = Wanted(command=Command.RECORD_PAPER, revision=revision, name=name, capacity=capacity)
    contract = take(unit, actor, contract_id, wanted)
    version = _intact(unit, contract)
    if refusal := compared(short_hash, version.text_sha256):
        raise Refused(refusal)
    contract.compared_by = actor.account_id
    return _taken(unit, actor, contract, version, signature(unit, actor, version, "partner", name, capacity), way)


def countersign(unit: Unit, actor: Actor, keys: KeyRing, contract_id: str, revision: int, *, name: str, capacity: str) -> Contract:
    """The platform's signature by a second member of staff; seals the contract and brings it into force.

    Makes the contract's pseudonym key, and asks for its tables ("contract.activated") and signed PDF ("contract.document").
    """
    wanted = Wanted(command=Command.COUNTERSIGN, revision=revision, name=name, capacity=capacity)
    contract = take(unit, actor, contract_id, wanted)
    _lawful(unit, contract)
    version = _intact(unit, contract)
    if not all_signed(version, signatures_under(unit.session, contract.id, version.number), "partner"):
        raise refuse(
            "seal_broken", "What is stored now is not what the partner signed, so nobody may countersign it.", differs="signatures"
        )
    ours = signature(unit, actor, version, "platform", name, capacity)
    alone = {"four_eyes": four_eyes.OFF} if four_eyes.is_off(unit.session) else {}
    ours.evidence = {**ours.evidence, **alone}
    unit.session.add(ours)
    unit.session.flush()
    version.seal = seal(keys, unit, contract, version, signatures_under(unit.session, contract.id, version.number))
    version.sealed_at = contract.activated_at = unit.now
    unit.session.add(version)
    keys.ensure(unit, Purpose.PSEUDONYM, contract.id)
    put(unit, ACTIVATED, {"contract_id": contract.id})
    put(unit, DOCUMENT, {"contract_id": contract.id})
    epochs.bump(unit, "grants")
    tell.activated(unit, contract, version)
    signed = {"name": name.strip(), "capacity": capacity.strip()}
    seal_sha256 = hashlib.sha256(version.seal.encode()).hexdigest()
    note(unit, actor, contract, "contract.activated", version, personal=signed, seal_sha256=seal_sha256, **alone)
    return contract


def suspend(unit: Unit, actor: Actor, contract_id: str, revision: int, reason: str) -> Contract:
    """Refuse every request under the contract from now on. Where lifting was asked for, this declines it."""
    contract = take(unit, actor, contract_id, Wanted(command=Command.SUSPEND, revision=revision, reason=reason))
    contract.suspended_at, contract.suspended_by = unit.now, actor.account_id
    contract.suspension_reason, contract.lift_asked_by = reason.strip(), None
    epochs.bump(unit, "grants")
    tell.suspended(unit, contract)
    note(unit, actor, contract, "contract.suspended", personal={"reason": reason.strip()})
    return contract


def suspend_by_rule(unit: Unit, contract: Contract, reason: str) -> None:
    """Suspend a locked contract in force because a date has passed; no person did it."""
    apply(unit, SYSTEM, contract, Wanted(command=Command.SUSPEND, revision=contract.revision, reason=reason))
    contract.suspended_at, contract.suspended_by, contract.suspension_reason = unit.now, None, reason
    epochs.bump(unit, "grants")
    tell.suspended(unit, contract)
    note(unit, SYSTEM, contract, "contract.suspended", personal={"reason": reason})


def ask_lift(unit: Unit, actor: Actor, contract_id: str, revision: int, reason: str) -> Contract:
    """Ask that the suspension be lifted; it stays until another member of staff agrees."""
    contract = take(unit, actor, contract_id, Wanted(command=Command.ASK_LIFT, revision=revision, reason=reason))
    contract.lift_asked_by = actor.account_id
    tell.lift_asked(unit, contract, actor.name)
    note(unit, actor, contract, "contract.lift_asked", personal={"reason": reason.strip()})
    return contract


def lift(unit: Unit, actor: Actor, contract_id: str, revision: int) -> Contract:
    """Lift the suspension, as another person than the one who asked."""
    contract = take(unit, actor, contract_id, Wanted(command=Command.LIFT, revision=revision))
    contract.suspended_at = contract.suspended_by = contract.lift_asked_by = None
    contract.suspension_reason = ""
    epochs.bump(unit, "grants")
    tell.lifted(unit, contract)
    note(unit, actor, contract, "contract.lifted")
    return contract


def terminate(unit: Unit, actor: Actor, contract_id: str, revision: int, reason: str) -> Contract:
    """End the contract for good before its time; the partner hears of it where it had been offered."""
    contract = take(unit, actor, contract_id, Wanted(command=Command.TERMINATE, revision=revision, reason=reason))
    contract.ended_at = unit.now
    epochs.bump(unit, "grants")
    if contract.offered_at is not None:
        tell.terminated(unit, contract, reason.strip())
    note(unit, actor, contract, "contract.terminated", personal={"reason": reason.strip()})
    closing.begin(unit, contract)
    return contract


def expire(unit: Unit, contract_id: str) -> Contract:
    """Settle in the row what follows from the dates: the last day has passed. `expiry.expire_due` finds such contracts."""
    contract = unit.lock(Contract, contract_id)
    was_live = contract.state in LIVE
    apply(unit, SYSTEM, contract, Wanted(command=Command.EXPIRE, revision=contract.revision))
    contract.ended_at = unit.now
    epochs.bump(unit, "grants")
    if was_live:
        tell.expired(unit, contract, version_of(unit.session, contract))
    note(unit, SYSTEM, contract, "contract.expired")
    closing.begin(unit, contract)
    return contract


def _taken(unit: Unit, actor: Actor, contract: Contract, version: ContractVersion, given: Signature, way: Way) -> Contract:
    """Store the partner's signature, tell who is next, and note it."""
    given.method, given.file_sha256, given.file_type = way.method.value, way.file_sha256, way.file_type
    given.evidence = {**given.evidence, **({"signers": list(way.signers)} if way.signers else {})}
    unit.session.add(given)
    tell.signed(unit, contract, given.name)
    signatories.signed(unit, contract, given.name)
    personal = {"name": given.name, "capacity": given.capacity}
    note(unit, actor, contract, "contract.signed", version, personal=personal, method=way.method.value, **way.facts())
    return contract


def _lawful(unit: Unit, contract: Contract) -> None:
    """The last look before a grant can compile: compliance confirmed the lawful basis for what was handed in."""
    if refusal := basis_missing(unit.session, unit.session.get_one(Application, contract.application_id)):
        raise Refused(refusal)


def _intact(unit: Unit, contract: Contract) -> ContractVersion:
    version = version_of(unit.session, contract)
    if wrong := changed_hash(version):
        raise refuse("seal_broken", "The stored contract was changed after it was drafted, so nobody may sign it.", differs=wrong)
    return version


def signature(unit: Unit, actor: Actor, version: ContractVersion, side: str, name: str, capacity: str) -> Signature:
    """The row of a signature given just now over text and terms as stored, not added yet."""
    return Signature(
        id=new_id("sig"),
        contract_id=version.contract_id,
        version=version.number,
        side=side,
        account_id=actor.account_id,
        name=name.strip(),
        capacity=capacity.strip(),
        text_sha256=version.text_sha256,
        terms_sha256=version.terms_sha256,
        signed_at=unit.now,
        evidence={"email": actor.email, "network": actor.network, "method": "password and second factor"},
    )
