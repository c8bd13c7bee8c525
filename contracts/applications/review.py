"""What staff do with an application before it is decided: completeness, who deals with it, reviews, remarks, the clock, the basis."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session, col, select

from contracts.applications import rules, workdays
from contracts.applications.content import content_hash
from contracts.applications.core import apply, enter, load, note, take, tell
from contracts.applications.decide import Wanted
from contracts.applications.queries import basis_missing, handed_in, reviewers
from contracts.applications.reasons import BASES, OPINIONS, RETURN
from contracts.applications.states import ROLES, Command
from contracts.applications.tables import Application, Reviewer
from contracts.clock import day_in, long_day
from contracts.errors import Refused, refuse
from contracts.ids import new_id
from contracts.notices import audience, send
from contracts.people.actor import Actor
from contracts.people.queries import staff
from contracts.people.roles import Role
from contracts.settings import Settings
from contracts.store.unit import Unit

# How long an applicant has to hand a returned application in again.
DAYS_TO_ANSWER = 30


def check(unit: Unit, actor: Actor, application_id: str, revision: int) -> Application:
    """Confirm that what was handed in is complete, so that it can be decided; who confirms it deals with it from here on."""
    application = take(unit, actor, application_id, Wanted(Command.CHECK, revision))
    application.checked_at, application.checked_by = unit.now, actor.account_id
    if basis_missing(unit.session, application) is not None:
        _tell_compliance(unit, application)
    enter(unit, actor, application, "application.checked", content=content_hash(application))
    return application


def return_for_changes(
    unit: Unit, actor: Actor, application_id: str, revision: int, code: str, reason: str, settings: Settings
) -> Application:
    """Ask the applicant to change it. The clock stands still until it is handed in again, which has to be within 30 days."""
    wanted = Wanted(Command.RETURN, revision, reason, code=code)
    application = take(unit, actor, application_id, wanted)
    today = day_in(unit.now, settings.platform.time_zone)
    holidays = settings.platform.holidays
    application.days_left = workdays.between(today, application.decide_by, holidays) if application.decide_by else 0
    application.answer_by, application.decide_by = date.fromordinal(today.toordinal() + DAYS_TO_ANSWER), None
    application.checked_at, application.checked_by, application.reminded = None, None, ""
    note(unit, actor, application, wanted, shared=True)
    facts = {"reason": reason.strip(), "why": RETURN[code], "answer_by": long_day(application.answer_by)}
    tell(unit, application, application.created_by, "application-returned", **facts)
    enter(unit, actor, application, "application.returned", personal={"reason": reason.strip()}, code=code)
    return application


def claim(unit: Unit, actor: Actor, application_id: str) -> Application:
    """Deal with it from now on, also where a colleague did, who hears of it."""
    application = take(unit, actor, application_id, Wanted(Command.CLAIM))
    before, application.handler = application.handler, actor.account_id
    if before not in (None, actor.account_id):
        tell(unit, application, before, "application-taken-over", by=actor.name)
    enter(unit, actor, application, "application.claimed", inside=True)
    return application


def assign(unit: Unit, actor: Actor, application_id: str, to: str) -> Application:
    """Give it to another steward, who hears of it. Not to the applicant, to who stepped back, nor on appeal to who declined."""
    application = take(unit, actor, application_id, Wanted(Command.ASSIGN))
    stewards = [each.account_id for each in staff(unit.session) if Role.STEWARD in each.roles]
    if refusal := rules.assignee(to, stewards, application, _recused(unit.session, application)):
        raise Refused(refusal)
    application.handler = to
    tell(unit, application, to, "application-assigned", by=actor.name, decide_by=_due(application))
    enter(unit, actor, application, "application.assigned", personal={"to": to}, inside=True)
    return application


def recuse(unit: Unit, actor: Actor, application_id: str, reason: str) -> Application:
    """Step back because of a conflict of interest. From then on the person does nothing more with it; stewards hear that it waits."""
    wanted = Wanted(Command.RECUSE, reason=reason)
    application = take(unit, actor, application_id, wanted)
    _set_part(unit, application, actor.account_id, "recused")
    if application.handler == actor.account_id:
        application.handler = None
        facts = {"organisation": "", "project": application.project, "decide_by": _due(application)}
        for reader in audience.stewards(unit.session):
            if reader.email != actor.email:
                told = {**facts, "name": reader.name, "by": actor.name}
                send(unit, to=reader.email, template="application-unhandled", facts=told, path=f"/desk/applications/{application.id}")
    note(unit, actor, application, wanted, shared=False)
    enter(unit, actor, application, "application.recused", personal={"reason": reason.strip()}, inside=True)
    return application


def ask_review(unit: Unit, actor: Actor, application_id: str, of: str) -> Application:
    """Ask a colleague for a review. Until it is answered or taken back, the application cannot be approved."""
    application = take(unit, actor, application_id, Wanted(Command.ASK_REVIEW))
    able = [each.account_id for each in staff(unit.session) if each.roles and {Role.STEWARD, Role.COMPLIANCE} & set(each.roles)]
    if of not in able or of in (actor.account_id, application.created_by) or of in _recused(unit.session, application):
        raise refuse("invalid_input", "This person cannot be asked.", fields={"reviewer": "Choose one of the people named."})
    _set_part(unit, application, of, "asked")
    tell(unit, application, of, "application-review-asked", by=actor.name, decide_by=_due(application))
    enter(unit, actor, application, "application.review_asked", personal={"of": of}, inside=True)
    return application


def release(unit: Unit, actor: Actor, application_id: str, of: str) -> Application:
    """Take a request for a review back."""
    application = take(unit, actor, application_id, Wanted(Command.RELEASE))
    if of not in [each.account_id for each in reviewers(unit.session, application.id) if each.part == "asked"]:
        raise refuse("not_found", "Nobody of that name is asked for a review.")
    _set_part(unit, application, of, "released")
    enter(unit, actor, application, "application.review_released", personal={"of": of}, inside=True)
    return application


def remark(unit: Unit, actor: Actor, application_id: str, text: str, *, shared: bool = False, opinion: str = "") -> Application:
    """Say something about it: among staff, or shared with the applicant, who gets a mail. An opinion answers a review asked for.

    An opinion is never shared.
    """
    if shared and opinion:
        raise refuse("invalid_input", "Advice is for colleagues.", fields={"shared": "Share a remark, or give advice; not both at once."})
    wanted = Wanted(Command.REMARK, reason=text, code=opinion)
    application = take(unit, actor, application_id, wanted)
    note(unit, actor, application, wanted, shared=shared)
    asked = [each.account_id for each in reviewers(unit.session, application.id) if each.part == "asked"]
    if opinion in OPINIONS and actor.account_id in asked:
        _set_part(unit, application, actor.account_id, "answered")
        tell(unit, application, application.handler, "application-reviewed", by=actor.name, decide_by=_due(application))
    if shared:
        tell(unit, application, application.created_by, "application-remark", reason=text.strip())
    enter(unit, actor, application, "application.remarked", personal={"remark": text.strip()}, inside=not shared)
    return application


def extend(
    unit: Unit, actor: Actor, application_id: str, revision: int, until: date | None, reason: str, settings: Settings
) -> Application:
    """Move the day of the decision, with a reason that the applicant reads."""
    wanted = Wanted(Command.EXTEND, revision, reason, until=until)
    application = take(unit, actor, application_id, wanted, settings.platform.time_zone)
    application.decide_by, application.reminded = until, ""
    note(unit, actor, application, wanted, shared=True)
    tell(unit, application, application.created_by, "application-extended", reason=reason.strip(), decide_by=_due(application))
    enter(
        unit, actor, application, "application.extended", personal={"reason": reason.strip()}, decide_by=until.isoformat() if until else ""
    )
    return application


def confirm_basis(unit: Unit, actor: Actor, application_id: str, revision: int, basis: str, reason: str) -> Application:
    """Compliance confirms on which lawful basis the data is given: for exactly what was handed in, and no later form of it."""
    wanted = Wanted(Command.CONFIRM_BASIS, revision, reason, code=basis)
    actor.require(*ROLES[wanted.command])
    application = load(unit, actor, application_id)
    apply(unit, actor, application, wanted)
    content = handed_in(unit.session, application)
    application.basis, application.basis_content, application.basis_by = basis, content, actor.account_id
    note(unit, actor, application, wanted, shared=False)
    tell(unit, application, application.handler, "application-basis-confirmed", basis=BASES[basis], decide_by=_due(application))
    enter(unit, actor, application, "application.basis_confirmed", personal={"reason": reason.strip()}, basis=basis, content=content)
    return application


def _due(application: Application) -> str:
    return long_day(application.decide_by) if application.decide_by else "no day yet"


def _recused(session: Session, application: Application) -> frozenset[str]:
    return frozenset(each.account_id for each in reviewers(session, application.id) if each.part == "recused")


def _set_part(unit: Unit, application: Application, account_id: str, part: str) -> None:
    query = select(Reviewer).where(col(Reviewer.application_id) == application.id, Reviewer.account_id == account_id)
    row = unit.session.exec(query).first()
    if row is None:
        row = Reviewer(id=new_id("rvw"), application_id=application.id, account_id=account_id, part=part, at=unit.now)
    row.part, row.at = part, unit.now
    unit.session.add(row)


def _tell_compliance(unit: Unit, application: Application) -> None:
    for reader in audience.staff(unit.session, Role.COMPLIANCE):
        facts = {"name": reader.name, "project": application.project, "decide_by": _due(application)}
        send(unit, to=reader.email, template="application-basis-waiting", facts=facts, path=f"/desk/applications/{application.id}")
