"""Whether a person may have anything under a contract, asked wherever a program is let in or a credential made for them."""

from __future__ import annotations

from sqlmodel import Session, col, or_, select

from contracts.errors import Refusal, Refused
from contracts.lifecycle.seal import signatures_under
from contracts.lifecycle.tables import Contract
from contracts.members.decide import access_refusal
from contracts.members.tables import ProjectMember
from contracts.people.tables import Account
from contracts.terms.grant import version_row
from contracts.terms.model import readable


def refusal(session: Session, contract_id: str, account_id: str) -> Refusal | None:
    """`member_required` where the person has yet to accept the terms of the version in force, or is not on the project any more.

    What is not about the person is left to others: whether the contract is in force, and whether its seal holds.
    """
    contract = session.get(Contract, contract_id)
    version = None if contract is None else version_row(session, contract)
    if contract is None or version is None:
        return None
    terms = readable(version.terms_json)
    signed = any(
        each.side == "partner" and each.account_id == account_id and each.text_sha256 == version.text_sha256
        for each in signatures_under(session, contract.id, version.number)
    )
    member = row_of(session, contract.application_id, account_id)
    return access_refusal(member, signed, terms is None or terms.named_users, version.text_sha256)


def insist(session: Session, contract_id: str, account_id: str) -> None:
    """Raise what `refusal` found."""
    found = refusal(session, contract_id, account_id)
    if found is not None:
        raise Refused(found)


def insist_listed(session: Session, contract_id: str, account_id: str) -> None:
    """Raise `member_required` for somebody on the project who has not accepted its terms; roles decide for those who are not on it."""
    contract = session.get(Contract, contract_id)
    if contract is not None and row_of(session, contract.application_id, account_id) is not None:
        insist(session, contract_id, account_id)


def row_of(session: Session, application_id: str, account_id: str) -> ProjectMember | None:
    """The person's newest place on a project, also where they have not answered the invitation to their address yet."""
    account = session.get(Account, account_id)
    mine = col(ProjectMember.account_id) == account_id
    if account is not None:
        mine = or_(mine, col(ProjectMember.account_id).is_(None) & (col(ProjectMember.email) == account.email))
    query = select(ProjectMember).where(ProjectMember.application_id == application_id, mine)
    return session.exec(query.order_by(col(ProjectMember.id).desc())).first()
