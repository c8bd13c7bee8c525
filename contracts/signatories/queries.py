"""What is asked about who signs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.people import links
from contracts.people.actor import Actor
from contracts.people.links import LinkKind
from contracts.people.tables import OneTimeLink
from contracts.signatories.tables import SigningRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """What the holder of a link is asked to sign."""

    link: OneTimeLink
    request: SigningRequest
    contract: Contract
    version: ContractVersion


def open_request(session: Session, contract_id: str) -> SigningRequest | None:
    """Who is asked to sign the contract and has not; None where nobody is."""
    mine = select(SigningRequest).where(SigningRequest.contract_id == contract_id)
    return session.exec(mine.where(col(SigningRequest.withdrawn_at).is_(None), col(SigningRequest.signed_at).is_(None))).first()


def insist_named(session: Session, contract: Contract, actor: Actor) -> None:
    """Raise `command_not_possible` where the lead named somebody else to sign."""
    named = open_request(session, contract.id)
    if named is None or actor.account_id == named.accepted_by or actor.email == named.email:
        return
    reason = f"{named.name} was named to sign this contract. Your lead takes that back before somebody else signs."
    raise refuse("command_not_possible", reason)


def asked_by(session: Session, token: str, now: datetime) -> Asked:
    """What a link asks its holder to sign, as the version stands now. Raises `link_unusable`. Changes nothing."""
    link = links.find(session, token, now, LinkKind.SIGNATORY)
    request = session.exec(select(SigningRequest).where(SigningRequest.link_id == link.id)).first()
    contract = session.get(Contract, request.contract_id) if request is not None else None
    if request is None or contract is None or request.withdrawn_at is not None or contract.state != State.OFFERED:
        raise links.unusable("This contract does not wait for your signature any more. Ask the person who named you.")
    return Asked(link, request, contract, version_of(session, contract))
