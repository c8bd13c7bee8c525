"""What every command on an application does: lock the row, decide, write the state. The one writer of an application's state."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.applications.decide import Wanted, decide
from contracts.applications.queries import facts_of
from contracts.applications.states import HANDLERS, ROLES, Command, State, next_state
from contracts.applications.tables import Application, Note
from contracts.bars import standing
from contracts.clock import day_in
from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.people.actor import Actor
from contracts.people.tables import Organisation
from contracts.store.unit import Unit
from contracts.terms.purposes import PURPOSES

# A remark leaves the page of whoever decides, or of the applicant, as good as it was.
_LEAVES_REVISION = frozenset({Command.REMARK, Command.RECUSE})


def take(unit: Unit, actor: Actor, application_id: str, wanted: Wanted, time_zone: str = "UTC") -> Application:
    """The application after the command, locked; raises `Refused` where it is not possible and `not_found` where it is not theirs."""
    actor.require(*ROLES[wanted.command])
    application = load(unit, actor, application_id)
    apply(unit, actor, application, wanted, time_zone)
    return application


def load(unit: Unit, actor: Actor, application_id: str) -> Application:
    """The row, locked, where it is of the actor's organisation or, once handed in, for staff; else `not_found`."""
    application = unit.lock(Application, application_id)
    theirs = application.organisation_id == actor.organisation_id
    if theirs or (actor.is_staff and application.submitted_at is not None):
        return application
    raise refuse("not_found", "There is no such thing here.")


def insist_on_standing(unit: Unit, actor: Actor, application_id: str) -> None:
    """Raise `barred`. Before the application's own row is locked: the organisation's comes first, as where a bar is imposed."""
    application = unit.session.get(Application, application_id)
    if application is not None and (actor.is_staff or application.organisation_id == actor.organisation_id):
        acting = () if actor.is_staff else (actor.account_id,)
        standing.insist(unit, application.organisation_id, *acting, application=application)


def apply(unit: Unit, actor: Actor, application: Application, wanted: Wanted, time_zone: str = "UTC") -> None:
    """Decide on the locked row and write what follows. A handler's command on what nobody handles takes it on."""
    after = decide(application, actor, wanted, facts_of(unit.session, actor, application, day_in(unit.now, time_zone)))
    if isinstance(after, Refusal):
        raise Refused(after)
    _write(unit, application, after, rises=wanted.command not in _LEAVES_REVISION)
    if wanted.command in HANDLERS and application.handler is None:
        application.handler = actor.account_id


def settle(unit: Unit, application: Application, command: Command) -> None:
    """Write the state after a command that belongs to no person and follows from the dates."""
    after = next_state(State(application.state), command)
    if isinstance(after, Refusal):
        raise Refused(after)
    _write(unit, application, after, rises=True)


def note(unit: Unit, actor: Actor, application: Application, wanted: Wanted, *, shared: bool) -> Note:
    """Keep the words of a step."""
    made = Note(
        id=new_id("rmk"),
        application_id=application.id,
        account_id=actor.account_id,
        kind=wanted.command.value,
        shared=shared,
        code=wanted.code,
        text=wanted.reason.strip(),
        at=unit.now,
    )
    unit.session.add(made)
    return made


def tell(unit: Unit, application: Application, account_id: str | None, template: str, **facts: str) -> None:
    """A mail to one person, with a link to the application as that person sees it."""
    path = partner_path(application) if account_id == application.created_by else desk_path(application)
    for reader in audience.account(unit.session, account_id) if account_id else []:
        send(unit, to=reader.email, template=template, facts={**known(unit, application), "name": reader.name, **facts}, path=path)


def tell_stewards(unit: Unit, application: Application, template: str, **facts: str) -> None:
    """A mail to who handles the application, or to every steward where nobody does."""
    if application.handler is not None:
        return tell(unit, application, application.handler, template, **facts)
    for reader in audience.stewards(unit.session):
        told = {**known(unit, application), "name": reader.name, **facts}
        send(unit, to=reader.email, template=template, facts=told, path=desk_path(application))
    return None


def known(unit: Unit, application: Application) -> dict[str, str]:
    """What every notice on an application may name."""
    organisation = unit.session.get(Organisation, application.organisation_id)
    return {
        "organisation": organisation.name if organisation else application.organisation_id,
        "project": application.project or "untitled",
    }


def partner_path(application: Application) -> str:
    """The applicant's page."""
    return f"/partner/applications/{application.id}"


def desk_path(application: Application) -> str:
    """The desk's page."""
    return f"/desk/applications/{application.id}"


def enter(
    unit: Unit,
    actor: Actor,
    application: Application,
    event: str,
    *,
    personal: Mapping[str, str] | None = None,
    inside: bool = False,
    **facts: str | int,
) -> None:
    """One entry. What staff do among themselves (`inside`) names no organisation, so that it is not the applicant's to read."""
    record(
        unit,
        Entry(
            event=event,
            subject=application.id,
            organisation="" if inside else application.organisation_id,
            dataset=application.dataset,
            # A draft's may be any words, and what stands in a leaf can never be erased.
            purpose=application.purpose if application.purpose in PURPOSES else "",
            facts={"revision": application.revision, **facts},
            personal=actor.personal(**(personal or {})),
        ),
    )


def _write(unit: Unit, application: Application, after: State, *, rises: bool) -> None:
    application.state, application.revision = after.value, application.revision + rises
    unit.session.add(application)
