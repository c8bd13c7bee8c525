"""Decisions on applications, and the way back from them: approve, decline, the independent review of a decline, stopping by a bar."""

from __future__ import annotations

from contracts.applications import workdays
from contracts.applications.content import content_hash
from contracts.applications.core import apply, enter, insist_on_standing, note, take, tell, tell_stewards
from contracts.applications.decide import Wanted
from contracts.applications.narrowing import Narrowed, narrow_to
from contracts.applications.queries import handed_in
from contracts.applications.reasons import WORDS
from contracts.applications.rules import appeal_until
from contracts.applications.states import ROLES, Command
from contracts.applications.tables import Application
from contracts.clock import day_in, long_day
from contracts.people.actor import Actor
from contracts.settings import Settings
from contracts.store.unit import Unit


def approve(
    unit: Unit, actor: Actor, application_id: str, revision: int, reason: str, code: str = "as-asked", narrowed: Narrowed | None = None
) -> Application:
    """Approve with a reason that the applicant reads, all of it or less (`narrowed`); a contract may then be drafted from that."""
    insist_on_standing(unit, actor, application_id)
    wanted = Wanted(Command.APPROVE, revision, reason, code=code, narrowed=narrowed)
    application = take(unit, actor, application_id, wanted)
    if narrowed is not None:
        narrow_to(application, narrowed)
    _decided(unit, actor, application, wanted, WORDS[code])
    return application


def decline(unit: Unit, actor: Actor, application_id: str, revision: int, reason: str, code: str) -> Application:
    """Decline with a reason that the applicant reads. On independent review this confirms the decline, for good."""
    wanted = Wanted(Command.DECLINE, revision, reason, code=code)
    application = take(unit, actor, application_id, wanted)
    _decided(unit, actor, application, wanted, WORDS[code])
    return application


def appeal(unit: Unit, actor: Actor, application_id: str, revision: int, reason: str, settings: Settings) -> Application:
    """Ask for an independent review of a decline: once, within 14 days, decided by somebody else within the working days."""
    insist_on_standing(unit, actor, application_id)
    wanted = Wanted(Command.APPEAL, revision, reason)
    platform, zone = settings.platform, settings.platform.time_zone
    application = take(unit, actor, application_id, wanted, zone)
    application.appealed_at, application.declined_by, application.handler = unit.now, application.decided_by, None
    application.decide_by, application.reminded = workdays.after(day_in(unit.now, zone), platform.decision_days, platform.holidays), ""
    note(unit, actor, application, wanted, shared=True)
    decide_by = long_day(application.decide_by)
    tell_stewards(unit, application, "application-appealed", decide_by=decide_by)
    tell(unit, application, application.created_by, "application-appeal-received", decide_by=decide_by)
    enter(
        unit, actor, application, "application.appealed", personal={"reason": reason.strip()}, decide_by=application.decide_by.isoformat()
    )
    return application


def adopt(unit: Unit, actor: Actor, application_id: str, reason: str) -> Application:
    """Take a Coordinator's reasoned request over as it stands; a contract may then be drafted. For `coordinator.service` alone."""
    insist_on_standing(unit, actor, application_id)
    actor.require(*ROLES[Command.ADOPT])
    application = unit.lock(Application, application_id)
    apply(unit, actor, application, Wanted(Command.ADOPT))
    application.decided_at, application.decided_by, application.decision_reason = unit.now, actor.account_id, reason
    enter(unit, actor, application, "application.adopted", content=content_hash(application))
    return application


def stop(unit: Unit, actor: Actor, application_id: str, reason: str) -> Application:
    """End an open application whose organisation, person or project was barred, with the bar's reason; drafts as well."""
    wanted = Wanted(Command.STOP, reason=reason)
    actor.require(*ROLES[wanted.command])
    application = unit.lock(Application, application_id)
    apply(unit, actor, application, wanted)
    application.decided_at, application.decided_by, application.decision_reason = unit.now, actor.account_id, reason.strip()
    note(unit, actor, application, wanted, shared=True)
    tell(unit, application, application.created_by, "application-stopped", reason=reason.strip())
    enter(unit, actor, application, "application.stopped", personal={"reason": reason.strip()}, content=content_hash(application))
    return application


def _decided(unit: Unit, actor: Actor, application: Application, wanted: Wanted, why: str) -> None:
    application.decided_at, application.decided_by = unit.now, actor.account_id
    application.decision_code, application.decision_reason = wanted.code, wanted.reason.strip()
    note(unit, actor, application, wanted, shared=True)
    facts = {"why": why, "reason": application.decision_reason, "appeal_until": long_day(appeal_until(application))}
    tell(unit, application, application.created_by, f"application-{application.state}", **facts)
    enter(
        unit,
        actor,
        application,
        f"application.{application.state}",
        personal={"reason": application.decision_reason},
        code=wanted.code,
        asked=handed_in(unit.session, application),
        content=content_hash(application),
    )
