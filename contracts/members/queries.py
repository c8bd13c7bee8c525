"""Reading the people of a project: for its organisation, for staff, and each person's own place."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from contracts.applications.tables import Application
from contracts.errors import refuse
from contracts.lifecycle.states import FINAL
from contracts.lifecycle.states import State as ContractState
from contracts.lifecycle.tables import Contract
from contracts.members.states import OPEN, State
from contracts.members.tables import ProjectMember
from contracts.people.tables import Account
from contracts.terms.grant import version_row


@dataclass(frozen=True, slots=True)
class Place:
    """A person's own place on a project that asks something of them; `contract_id` is empty where it is the project itself."""

    member: ProjectMember
    project: str
    contract_id: str = ""


def of_application(session: Session, application_id: str) -> list[ProjectMember]:
    """Everyone on the project now and those whom staff refused, in the order in which they were named."""
    shown = [state.value for state in (*OPEN, State.REFUSED)]
    query = select(ProjectMember).where(ProjectMember.application_id == application_id, col(ProjectMember.state).in_(shown))
    return list(session.exec(query.order_by(col(ProjectMember.id))).all())


def names_of(session: Session, members: list[ProjectMember]) -> dict[str, str]:
    """The name to show for each row: the account's own once there is one, until then what the lead wrote."""
    accounts = [each.account_id for each in members if each.account_id]
    known = dict(session.exec(select(Account.id, Account.name).where(col(Account.id).in_(accounts))).all())
    return {each.id: known.get(each.account_id or "", each.name) for each in members}


def contract_in_force(session: Session, application_id: str) -> Contract | None:
    """The contract of a project whose terms can be accepted: it came into force and has not ended."""
    query = select(Contract).where(Contract.application_id == application_id, col(Contract.activated_at).is_not(None))
    found = session.exec(query.order_by(col(Contract.id).desc())).all()
    return next((each for each in found if ContractState(each.state) not in FINAL), None)


def waiting(session: Session) -> list[tuple[ProjectMember, Application]]:
    """Everyone on a project that was handed in whom a steward has to look at, who waited longest first."""
    query = select(ProjectMember, Application).join(Application, col(Application.id) == col(ProjectMember.application_id))
    found = query.where(ProjectMember.state == State.REVIEW.value, col(Application.submitted_at).is_not(None)).order_by(
        col(ProjectMember.confirmed_at), col(ProjectMember.id)
    )
    return [(member, application) for member, application in session.exec(found).all()]


def asked_of(session: Session, account_id: str, email: str) -> list[Place]:
    """What projects ask of a person now: to say who they are, or to accept the terms in force."""
    mine = (col(ProjectMember.account_id) == account_id) | (col(ProjectMember.account_id).is_(None) & (col(ProjectMember.email) == email))
    query = select(ProjectMember, Application).join(Application, col(Application.id) == col(ProjectMember.application_id))
    asked = col(ProjectMember.state).in_([State.INVITED.value, State.CONFIRMED.value, State.ACCEPTED.value])
    found = []
    for member, application in session.exec(query.where(mine, asked).order_by(col(ProjectMember.id))).all():
        if member.state == State.INVITED:
            found.append(Place(member, application.project))
        elif (contract := contract_in_force(session, application.id)) is not None and not is_current(session, member, contract):
            found.append(Place(member, application.project, contract.id))
    return found


def is_current(session: Session, member: ProjectMember, contract: Contract) -> bool:
    """Whether the person accepted the very version that is in force."""
    version = version_row(session, contract)
    return member.state == State.ACCEPTED and version is not None and member.accepted_sha256 == version.text_sha256


def of_project(session: Session, application_id: str, member_id: str) -> ProjectMember:
    """A row of this very project; `not_found` for any other."""
    row = session.get(ProjectMember, member_id)
    if row is None or row.application_id != application_id:
        raise refuse("not_found", "There is no such person on this project.")
    return row
