"""Negotiation: another version of a draft or offer, the changes that a partner asks for, and what becomes of them.

Acceptance is signing. Every version stays, with its hashes; a signature is under one of them. Functions work in the caller's unit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from sqlmodel import Session, col, func, select

from contracts.applications.tables import Application
from contracts.errors import Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import canonical
from contracts.lifecycle import tell, wishes
from contracts.lifecycle.decide import Wanted
from contracts.lifecycle.drafting import check_rendered, new_version
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.states import Command, State
from contracts.lifecycle.steps import note, take
from contracts.lifecycle.tables import Contract, ContractVersion, CounterOffer
from contracts.lifecycle.wishes import LONGEST_PASSAGE, Wish
from contracts.people.actor import Actor
from contracts.settings import Settings
from contracts.signatories import service as signatories
from contracts.signing.document import Rendered
from contracts.signing.text import blocks, passages_in
from contracts.store.unit import Unit
from contracts.terms.model import Terms
from contracts.terms.narrow import within


def next_number(session: Session, contract_id: str) -> int:
    """The number that the next version of a contract gets; what is rendered names it."""
    return session.exec(select(func.max(ContractVersion.number)).where(ContractVersion.contract_id == contract_id)).one() + 1


def revise(
    unit: Unit,
    actor: Actor,
    contract_id: str,
    revision: int,
    rendered: Rendered,
    terms: Terms,
    settings: Settings,
    *,
    note_to_partner: str = "",
    passages: Mapping[str, str] | None = None,
) -> Contract:
    """Another version: of a draft it stays on the desk, of an offer it is offered at once and answers what the partner asked for.

    `rendered` is of these terms, passages and the number that `next_number` gave. An offer's new version needs a note that says what
    changed. Whoever makes it counts as who drafted the contract. Raises as `drafting.draft` does, and `changed_meanwhile`.
    """
    contract = take(unit, actor, contract_id, Wanted(command=Command.REVISE, revision=revision, reason=note_to_partner))
    number = next_number(unit.session, contract_id)
    application = unit.lock(Application, contract.application_id)
    if refusal := within(terms, application, settings):
        raise Refused(refusal)
    _check_passages(passages or {})
    check_rendered(unit, rendered, terms, contract_id)
    version = new_version(unit, actor, contract_id, number, rendered, note=note_to_partner.strip(), passages=passages)
    contract.version, contract.drafted_by = number, actor.account_id
    unit.session.add(version)
    unit.session.flush()
    if contract.state == State.DRAFT:
        note(unit, actor, contract, "contract.redrafted", version, pdf_sha256=rendered.pdf_sha256)
        return contract
    version.offered_at = contract.offered_at = unit.now
    _settle(unit, actor, contract, "answered", note_to_partner)
    tell.reoffered(unit, contract, note_to_partner.strip())
    signatories.reoffered(unit, contract, note_to_partner.strip(), settings)
    note(unit, actor, contract, "contract.reoffered", version, pdf_sha256=rendered.pdf_sha256)
    return contract


def counter(unit: Unit, actor: Actor, contract_id: str, revision: int, asked: Sequence[Wish]) -> CounterOffer:
    """The partner asks for changes of the offered version; nobody signs until staff answered or the partner took them back."""
    contract = take(unit, actor, contract_id, Wanted(command=Command.COUNTER, revision=revision))
    version = version_of(unit.session, contract)
    present = {name: text for name, (_, text) in passages_in(blocks(version.text)).items()}
    if refusal := wishes.refusal(asked, present):
        raise Refused(refusal)
    stored = wishes.kept(asked)
    made = CounterOffer(
        id=new_id("ctf"), contract_id=contract_id, version=version.number, wishes=stored, made_by=actor.account_id, made_at=unit.now
    )
    contract.countered_at = unit.now
    unit.session.add(made)
    tell.countered(unit, contract, actor.name, len(stored))
    digest = hashlib.sha256(canonical(stored)).hexdigest()
    note(unit, actor, contract, "contract.countered", version, counter_offer=made.id, wishes_sha256=digest)
    return made


def recall(unit: Unit, actor: Actor, contract_id: str, revision: int) -> Contract:
    """The partner takes back what it asked for; the offer stands as it was."""
    contract = take(unit, actor, contract_id, Wanted(command=Command.RECALL, revision=revision))
    _settle(unit, actor, contract, "recalled", "")
    note(unit, actor, contract, "contract.recalled")
    return contract


def decline(unit: Unit, actor: Actor, contract_id: str, revision: int, reason: str) -> Contract:
    """Staff decline what the partner asked for, with the reason; the offer stands as it was."""
    contract = take(unit, actor, contract_id, Wanted(command=Command.DECLINE, revision=revision, reason=reason))
    _settle(unit, actor, contract, "declined", reason)
    tell.counter_declined(unit, contract, reason.strip())
    note(unit, actor, contract, "contract.counter_declined", personal={"reason": reason.strip()})
    return contract


def counter_offers(session: Session, contract_id: str) -> list[CounterOffer]:
    """What the partner asked for so far, newest first."""
    query = select(CounterOffer).where(CounterOffer.contract_id == contract_id)
    return list(session.exec(query.order_by(col(CounterOffer.made_at).desc(), col(CounterOffer.id).desc())).all())


def open_counter_offer(session: Session, contract_id: str) -> CounterOffer | None:
    """What waits for the platform's answer."""
    return next((each for each in counter_offers(session, contract_id) if not each.outcome), None)


def _settle(unit: Unit, actor: Actor, contract: Contract, outcome: str, answer: str) -> None:
    contract.countered_at = None
    waiting = open_counter_offer(unit.session, contract.id)
    if waiting is not None:
        waiting.outcome, waiting.answer = outcome, answer.strip()
        waiting.answered_by, waiting.answered_at = actor.account_id, unit.now
        unit.session.add(waiting)


def _check_passages(passages: Mapping[str, str]) -> None:
    wrong = {f"clause.{name}": text for name, text in passages.items() if not text.strip() or len(text) > LONGEST_PASSAGE}
    if wrong:
        fields = dict.fromkeys(wrong, f"Write the passage, in at most {LONGEST_PASSAGE:,} characters.")
        raise refuse("invalid_input", "Some passages are not complete; see the fields marked.", fields=fields)
