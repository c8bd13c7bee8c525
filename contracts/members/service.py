"""The people of a project: load, decide, store, tell. Every function works in the caller's unit of work and commits nothing itself.

Every change holds the application's row, so that two who name the same person take turns.
"""

from __future__ import annotations

from sqlmodel import select

from contracts.addresses import address
from contracts.applications.tables import Application
from contracts.bars.standing import bar_on_address, refusal_of
from contracts.bars.standing import insist as insist_unbarred
from contracts.credentials.authorizations import MAY_CONSENT
from contracts.credentials.families import revoke_families_under
from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.members import access, affiliation, queries, tell
from contracts.members.decide import confirmation, decide, decide_acceptance, decide_invitation, decide_statement, is_later
from contracts.members.states import OPEN, ROLES, Command, State
from contracts.members.tables import ProjectMember
from contracts.people import assurance, links
from contracts.people.accounts import give_role, home_of
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.decide import tidy
from contracts.people.links import LinkKind
from contracts.people.queries import find_account, holds
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.settings import Settings
from contracts.store.unit import Unit
from contracts.terms.grant import version_row


def invite(unit: Unit, actor: Actor, application_id: str, *, email: str, name: str, base_url: str) -> str:
    """Name a person and ask them by mail, once more where they have not answered. Somebody new is invited to the organisation as a reader.

    Returns that link, empty for a colleague who has an account. A page shows it only where no mail leaves (transport none). Raises
    `role_required`, `not_found`, `command_not_possible`, `invalid_input` and what `Act.MEMBER` asks for.
    """
    application = _project(unit, actor, application_id, acts=True)
    actor.require(Role.LEAD)
    assurance.insist(actor, Act.MEMBER, unit.now)
    email, name = address(email), tidy(name)
    if (barred := bar_on_address(unit.session, email)) is not None:
        raise Refused(refusal_of(barred))
    there = [each for each in queries.of_application(unit.session, application.id) if each.state in OPEN]
    _insist(decide_invitation(application, actor, email, name, there))
    known = next((each for each in there if each.email == email), None)
    row = known or ProjectMember(
        id=new_id("prm"),
        application_id=application.id,
        organisation_id=application.organisation_id,
        state=State.INVITED.value,
        email=email,
        name=name,
        later=is_later(application),
        invited_by=actor.account_id,
        invited_at=unit.now,
    )
    row.name, row.invited_at, row.invited_by = name, unit.now, actor.account_id
    unit.session.add(row)
    url = "" if _is_colleague(unit, email, application.organisation_id) else _link(unit, actor, application, email, base_url)
    tell.invited(unit, actor, application, row, url, base_url)
    _record(unit, actor, application, row, "member.invited", person=email, again=known is not None)
    return url


def confirm(unit: Unit, actor: Actor, application_id: str, *, position: str, agreed: bool, settings: Settings) -> ProjectMember:
    """The person's word on who they are. It stands at once, or a steward looks at it: see `decide.confirmation`."""
    application, row = _own(unit, actor, application_id, acts=True)
    _insist(decide_statement(tidy(position), agreed))
    shown = affiliation.affiliation_of(unit.session, actor.account_id, row.email, row.organisation_id, settings.sign_in)
    command = confirmation(row, shown)
    _apply(row, actor, command)
    row.account_id, row.position, row.affiliation, row.confirmed_at = actor.account_id, tidy(position), shown.value, unit.now
    if not holds(unit.session, actor.account_id, row.organisation_id, MAY_CONSENT):
        give_role(unit, actor.account_id, row.organisation_id, Role.READER, row.invited_by)
    unit.session.add(row)
    if command is Command.ASK_REVIEW:
        tell.waiting(unit, application, row, actor.name)
    _record(unit, actor, application, row, "member.confirmed", affiliation=shown.value, review=command is Command.ASK_REVIEW)
    return row


def accept(unit: Unit, actor: Actor, contract_id: str, *, name: str, read: bool) -> ProjectMember:
    """The person's own acceptance of the terms in force, by the hash of the text that their page showed.

    Whoever wrote the application is on its project without an invitation. Raises `not_found`, `contract_not_active`,
    `command_not_possible`, `invalid_input`.
    """
    contract = unit.session.get(Contract, contract_id)
    if contract is None or contract.organisation_id != actor.organisation_id:
        raise refuse("not_found", "There is no such thing here.")
    application = _project(unit, actor, contract.application_id, acts=True)
    version = _in_force(unit, unit.lock(Contract, contract_id))
    row = access.row_of(unit.session, application.id, actor.account_id) or _principal(unit, actor, application)
    _insist(decide_acceptance(name, actor.name, read))
    _apply(row, actor, Command.ACCEPT)
    row.accepted_at, row.accepted_version, row.accepted_sha256 = unit.now, version.number, version.text_sha256
    row.told_sha256 = version.text_sha256
    unit.session.add(row)
    _record(unit, actor, application, row, "member.accepted", version, text_sha256=version.text_sha256)
    return row


def admit(unit: Unit, actor: Actor, application_id: str, member_id: str, reason: str) -> ProjectMember:
    """A steward lets a person onto the project, with the reason why."""
    application, row = _reviewed(unit, actor, application_id, member_id, Command.ADMIT, reason)
    tell.admitted(unit, application, row)
    _record(unit, actor, application, row, "member.admitted", reason=row.review_reason)
    return row


def refuse_member(unit: Unit, actor: Actor, application_id: str, member_id: str, reason: str) -> ProjectMember:
    """A steward keeps a person off the project, or takes one off it, with a reason that they and the leads read."""
    application, row = _reviewed(unit, actor, application_id, member_id, Command.REFUSE, reason)
    _end(unit, row)
    tell.refused(unit, application, row)
    _record(unit, actor, application, row, "member.refused", reason=row.review_reason)
    return row


def remove(unit: Unit, actor: Actor, application_id: str, member_id: str) -> ProjectMember:
    """A lead takes a person off the project; programs lose what they hold for them within two seconds."""
    application = _project(unit, actor, application_id)
    actor.require(*ROLES[Command.REMOVE])
    row = queries.of_project(unit.session, application.id, member_id)
    assurance.insist(actor, Act.MEMBER, unit.now)
    _apply(row, actor, Command.REMOVE)
    _end(unit, row)
    tell.removed(unit, application, row, actor.name)
    _record(unit, actor, application, row, "member.removed")
    return row


def leave(unit: Unit, actor: Actor, application_id: str) -> ProjectMember:
    """A person leaves the project; the leads get a mail."""
    application, row = _own(unit, actor, application_id)
    _apply(row, actor, Command.LEAVE)
    row.account_id = actor.account_id
    _end(unit, row)
    tell.left(unit, application, row, actor.name)
    _record(unit, actor, application, row, "member.left")
    return row


def end_places(unit: Unit, actor: Actor, account_id: str, organisation_id: str) -> None:
    """Take whoever left an organisation off its projects: who comes back is named and looked at again."""
    mine = select(ProjectMember).where(ProjectMember.account_id == account_id, ProjectMember.organisation_id == organisation_id)
    for row in unit.session.exec(mine.order_by(ProjectMember.id)).all():
        if row.state in OPEN:
            _apply(row, actor, Command.REMOVE)
            row.ended_at = unit.now
            unit.session.add(row)
            _record(unit, actor, unit.session.get_one(Application, row.application_id), row, "member.removed")


def _project(unit: Unit, actor: Actor, application_id: str, acts: bool = False) -> Application:
    """The organisation's own project, locked. `acts` asks for what a bar forbids; its lock comes first, as when one is imposed."""
    application = unit.session.get(Application, application_id)
    if application is None or application.organisation_id != actor.organisation_id:
        raise refuse("not_found", "There is no such thing here.")
    if acts:
        insist_unbarred(unit, application.organisation_id, actor.account_id, application=application)
    return unit.lock(Application, application_id)


def _own(unit: Unit, actor: Actor, application_id: str, acts: bool = False) -> tuple[Application, ProjectMember]:
    application = _project(unit, actor, application_id, acts)
    row = access.row_of(unit.session, application.id, actor.account_id)
    if row is None:
        raise refuse("command_not_possible", "You were not named on this project. Ask a lead of your organisation.")
    return application, row


def _reviewed(
    unit: Unit, actor: Actor, application_id: str, member_id: str, command: Command, reason: str
) -> tuple[Application, ProjectMember]:
    actor.require(*ROLES[command])
    application = unit.lock(Application, application_id)
    if application.submitted_at is None:
        raise refuse("not_found", "There is no such thing here.")
    row = queries.of_project(unit.session, application.id, member_id)
    _apply(row, actor, command, reason)
    row.reviewed_by, row.reviewed_at, row.review_reason = actor.account_id, unit.now, reason.strip()
    unit.session.add(row)
    return application, row


def _apply(row: ProjectMember, actor: Actor, command: Command, reason: str = "") -> None:
    after = decide(row, actor, command, reason)
    if isinstance(after, Refusal):
        raise Refused(after)
    row.state = after.value


def _end(unit: Unit, row: ProjectMember) -> None:
    """What a person had by the project ends with it: an invitation that was not answered, and tokens that programs hold for them."""
    row.ended_at = unit.now
    unit.session.add(row)
    links.void(unit, LinkKind.INVITATION, row.email, organisation_id=row.organisation_id, next_path=tell.own_path(row.application_id))
    if row.account_id is not None:
        for contract_id in unit.session.exec(select(Contract.id).where(Contract.application_id == row.application_id)).all():
            revoke_families_under(unit, row.account_id, contract_id, "member_left")


def _in_force(unit: Unit, contract: Contract) -> ContractVersion:
    found = queries.contract_in_force(unit.session, contract.application_id)
    version = version_row(unit.session, contract)
    if found is None or found.id != contract.id or version is None:
        raise refuse("contract_not_active", "Terms are accepted once the contract is in force, and while it is.", contract=contract.id)
    return version


def _principal(unit: Unit, actor: Actor, application: Application) -> ProjectMember:
    """The applicant's own row, made when it is first needed: staff judged them with the application itself."""
    if application.created_by != actor.account_id:
        raise refuse("command_not_possible", "You were not named on this project. Ask a lead of your organisation.")
    account = unit.session.get_one(Account, actor.account_id)
    return ProjectMember(
        id=new_id("prm"),
        application_id=application.id,
        organisation_id=application.organisation_id,
        state=State.CONFIRMED.value,
        email=account.email,
        name=account.name,
        account_id=account.id,
        later=False,
        invited_by=account.id,
        invited_at=unit.now,
        confirmed_at=unit.now,
    )


def _is_colleague(unit: Unit, email: str, organisation_id: str) -> bool:
    account = find_account(unit.session, email)
    known = account is not None and account.confirmed_at is not None and account.disabled_at is None
    return known and account is not None and home_of(unit, account.id) == organisation_id


def _link(unit: Unit, actor: Actor, application: Application, email: str, base_url: str) -> str:
    home, path = application.organisation_id, tell.own_path(application.id)
    links.void(unit, LinkKind.INVITATION, email, organisation_id=home, next_path=path)
    token, _ = links.make(
        unit,
        LinkKind.INVITATION,
        email,
        organisation_id=home,
        role=Role.READER.value,
        given_by=actor.account_id,
        next_path=path,
    )
    return f"{base_url}/join/{token}"


def _record(
    unit: Unit,
    actor: Actor,
    application: Application,
    row: ProjectMember,
    event: str,
    version: ContractVersion | None = None,
    *,
    person: str = "",
    reason: str = "",
    **facts: str | bool,
) -> None:
    under = {"contract": version.contract_id, "contract_version": version.number, "contract_hash": version.terms_sha256} if version else {}
    entry = Entry(
        event=event,
        subject=application.id,
        organisation=application.organisation_id,
        facts={"member": row.id, **facts},
        personal=actor.personal(member=row.account_id or "", person=person, reason=reason),
        **under,  # type: ignore[arg-type]  # names and types are those of the entry
    )
    record(unit, entry)


def _insist(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal)
