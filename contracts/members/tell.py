"""Whom a change on a project concerns, and the mail that tells them; and the sweep that asks for acceptance of terms in force."""

from __future__ import annotations

from sqlmodel import col, select

from contracts.applications.tables import Application
from contracts.lifecycle.states import FINAL
from contracts.lifecycle.states import State as ContractState
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.members.states import State
from contracts.members.tables import ProjectMember
from contracts.notices import audience, send
from contracts.people.actor import Actor
from contracts.people.queries import platform_name
from contracts.people.roles import Role
from contracts.people.tables import Account, Organisation
from contracts.store.unit import Store, Unit

MOST_AT_ONCE = 100


def own_path(application_id: str) -> str:
    """The page of a person's own place on a project."""
    return f"/partner/applications/{application_id}/membership"


def invited(unit: Unit, actor: Actor, application: Application, row: ProjectMember, url: str, base_url: str) -> None:
    """The person: what they were named for, and where to say who they are; somebody new gets a link for an account."""
    facts = {
        "name": row.name,
        "by": actor.name,
        "project": _title(application),
        "organisation": _organisation(unit, application),
        "platform": platform_name(unit.session, base_url),
        "link": url,
    }
    template, path = ("member-invited-new", "") if url else ("member-invited", own_path(application.id))
    send(unit, to=row.email, template=template, facts=facts, path=path)


def waiting(unit: Unit, application: Application, row: ProjectMember, person: str) -> None:
    """Stewards: look at the person."""
    facts = {"person": person, "project": _title(application), "organisation": _organisation(unit, application)}
    # Of an application that is still being written staff know nothing; they see the person with it.
    if application.submitted_at is not None:
        for reader in audience.stewards(unit.session):
            send(unit, to=reader.email, template="member-waiting", facts=facts, path=f"/desk/applications/{application.id}#people")


def admitted(unit: Unit, application: Application, row: ProjectMember) -> None:
    """The person: admitted; terms are accepted next."""
    send(unit, to=row.email, template="member-admitted", facts=_facts(unit, application, row), path=own_path(application.id))


def refused(unit: Unit, application: Application, row: ProjectMember) -> None:
    """The person and the leads, with the reason."""
    facts = {**_facts(unit, application, row), "reason": row.review_reason}
    send(unit, to=row.email, template="member-refused", facts=facts)
    _leads(unit, application, "member-refused", facts, row.email)


def removed(unit: Unit, application: Application, row: ProjectMember, by: str) -> None:
    """The person: taken off."""
    send(unit, to=row.email, template="member-removed", facts={**_facts(unit, application, row), "by": by})


def left(unit: Unit, application: Application, row: ProjectMember, person: str) -> None:
    """The leads: somebody left."""
    _leads(unit, application, "member-left", {"person": person, "project": _title(application)}, row.email)


def ask_acceptance(store: Store) -> int:
    """Ask everyone on a project whose contract is in force to accept the version that they have not accepted yet, once each; how many.

    For the worker. It looks at what is in force and not at what brought it there, so a new version asks by itself.
    """
    with store.read() as session:
        query = (
            select(ProjectMember.id, ContractVersion.text_sha256, Contract.id, Contract.title)
            .join(Contract, col(Contract.application_id) == col(ProjectMember.application_id))
            .join(
                ContractVersion, (col(ContractVersion.contract_id) == col(Contract.id)) & (col(ContractVersion.number) == Contract.version)
            )
            .where(col(Contract.activated_at).is_not(None), col(Contract.state).not_in([state.value for state in FINAL]))
            .where(col(ProjectMember.state).in_([State.CONFIRMED.value, State.ACCEPTED.value]))
            .where(ProjectMember.told_sha256 != ContractVersion.text_sha256)
        )
        due = session.exec(query.limit(MOST_AT_ONCE)).all()
    if not due:
        return 0
    with store.write("members") as unit:
        return sum(_asked(unit, *each) for each in due)


def _asked(unit: Unit, member_id: str, text_sha256: str, contract_id: str, title: str) -> bool:
    row = unit.lock(ProjectMember, member_id)
    contract = unit.session.get_one(Contract, contract_id)
    if row.state not in (State.CONFIRMED, State.ACCEPTED) or row.told_sha256 == text_sha256 or ContractState(contract.state) in FINAL:
        return False
    row.told_sha256 = text_sha256
    unit.session.add(row)
    account = unit.session.get_one(Account, row.account_id)
    facts = {"name": account.name, "title": title}
    send(unit, to=account.email, template="member-accept", facts=facts, path=f"/partner/contracts/{contract_id}/membership")
    return True


def _leads(unit: Unit, application: Application, template: str, facts: dict[str, str], but: str) -> None:
    for reader in audience.partners(unit.session, application.organisation_id, Role.LEAD):
        if reader.email != but:
            send(unit, to=reader.email, template=template, facts=facts, path=f"/partner/applications/{application.id}/members")


def _facts(unit: Unit, application: Application, row: ProjectMember) -> dict[str, str]:
    account = unit.session.get(Account, row.account_id) if row.account_id else None
    return {
        "person": account.name if account else row.name,
        "project": _title(application),
        "organisation": _organisation(unit, application),
    }


def _title(application: Application) -> str:
    return application.project or "Untitled application"


def _organisation(unit: Unit, application: Application) -> str:
    return unit.session.get_one(Organisation, application.organisation_id).name
