"""Applications as their applicants write them, and every command on them by name: load, decide, store, tell.

Every function works in the caller's unit of work and commits nothing itself.
"""

from __future__ import annotations

import re

from sqlmodel import func, select

from contracts.applications import core, sections, workdays
from contracts.applications.answers import facts_of, merged
from contracts.applications.content import content_hash, content_of
from contracts.applications.decide import Wanted, complaints
from contracts.applications.form import ApplicationForm
from contracts.applications.review import (
    ask_review,
    assign,
    check,
    claim,
    confirm_basis,
    extend,
    recuse,
    release,
    remark,
    return_for_changes,
)
from contracts.applications.rulings import adopt, appeal, approve, decline, stop
from contracts.applications.states import ROLES, WAITING, Command, State
from contracts.applications.tables import Application, Submission
from contracts.bars import standing
from contracts.clock import day_in, long_day
from contracts.errors import refuse
from contracts.forms.asked import only_asked
from contracts.forms.files import current
from contracts.forms.model import Form
from contracts.forms.service import frozen, keep
from contracts.ids import new_id
from contracts.notices import audience, send
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.settings import DatasetSettings, Settings
from contracts.store.unit import Unit

__all__ = [
    "adopt",
    "appeal",
    "approve",
    "ask_review",
    "assign",
    "begin",
    "check",
    "claim",
    "confirm_basis",
    "content_hash",
    "decline",
    "extend",
    "recuse",
    "release",
    "remark",
    "return_for_changes",
    "save",
    "stop",
    "submit",
    "withdraw",
]

_DATASET_ID = re.compile(r"^[a-z][a-z0-9_-]{0,63}$")
# However late it was returned, staff have this long to look at what comes back.
LEAST_DAYS_AFTER_RETURN = 3


def begin(unit: Unit, actor: Actor, dataset_id: str, asked: Form | None = None) -> Application:
    """A draft for the dataset. The actor's own untouched draft for it is returned instead of a second one.

    Whether the dataset exists is checked when the draft is submitted; an id that could be none is `not_found`. An organisation
    that only tried the sandbox and was not asked what it is has to say so first (`command_not_possible`). The draft is of the
    kind of the form `asked` and keeps that version of it; without one it gets the form of its kind when it is saved or submitted.
    """
    actor.require(Role.LEAD)
    if not _DATASET_ID.match(dataset_id):
        raise refuse("not_found", "There is no such dataset.")
    standing.insist(unit, actor.organisation_id, actor.account_id)
    if untouched := _untouched(unit, actor, dataset_id):
        return _asked_by(unit, untouched, asked)
    if not unit.session.get_one(Organisation, actor.organisation_id).kind:
        reason = "Say first what kind of organisation you are and where it is based. The page /partner/organisation asks for it."
        raise refuse("command_not_possible", reason)
    application = Application(
        id=new_id("app"),
        organisation_id=actor.organisation_id,
        created_by=actor.account_id,
        state=State.DRAFT.value,
        dataset=dataset_id,
        created_at=unit.now,
        changed_at=unit.now,
    )
    unit.session.add(_asked_by(unit, application, asked))
    core.enter(unit, actor, application, "application.drafted")
    return application


def save(unit: Unit, actor: Actor, application_id: str, revision: int, form: ApplicationForm, asked: Form | None = None) -> Application:
    """Keep it as written, finished or not: a draft, or one that was returned. Sections that a colleague has stay as they are.

    A draft that changes its kind begins with the form `asked` of that kind; one that does not keeps its own.
    """
    application = core.take(unit, actor, application_id, Wanted(Command.SAVE, revision))
    before = frozen(unit.session, application.form)
    if before is None or before.kind != form.kind:
        application.form = keep(unit, asked) if asked is not None and asked.kind == form.kind else None
    of = before if before is not None and before.kind == form.kind else asked
    application.answers = merged(application.answers, of, form, sections.open_in(unit.session, application.id))
    application.project, application.kind = form.project, form.kind
    application.purpose, application.purpose_text = form.purpose, form.purpose_text
    application.fields = list(dict.fromkeys(form.fields))
    application.rows = {name: list(values) for name, values in form.rows.items()}
    application.crawl, application.starts, application.ends = form.crawl, form.starts, form.ends
    application.changed_at, application.reminded = unit.now, ""
    return application


def submit(unit: Unit, actor: Actor, application_id: str, revision: int, settings: Settings) -> Application:
    """Hand it in, the first time or after changes. From here on nobody changes it; it is decided within the working days.

    One that comes back is checked for completeness again, and has the working days that were left when it was returned.
    """
    actor.require(*ROLES[Command.SUBMIT])
    core.insist_on_standing(unit, actor, application_id)
    application = core.load(unit, actor, application_id)
    dataset = settings.datasets.get(application.dataset)
    if dataset is None:
        raise refuse("not_found", "The platform offers this dataset no longer.")
    today, again = day_in(unit.now, settings.platform.time_zone), application.state == State.RETURNED
    asked = frozen(unit.session, application.form) or current(settings, application.kind, application.dataset)
    found = sections.complaints(unit.session, application.id, asked, complaints(application, dataset, today, asked))
    core.apply(unit, actor, application, Wanted(Command.SUBMIT, revision, complaints=found))
    application.form, application.answers = keep(unit, asked), only_asked(asked, facts_of(application, dataset))
    days = max(application.days_left, LEAST_DAYS_AFTER_RETURN) if again else settings.platform.decision_days
    application.submitted_at = application.changed_at = unit.now
    application.decide_by, application.answer_by = workdays.after(today, days, settings.platform.holidays), None
    application.checked_at, application.checked_by, application.reminded = None, None, ""
    _keep(unit, actor, application)
    _tell_submitted(unit, application, dataset, again=again)
    event = "application.resubmitted" if again else "application.submitted"
    core.enter(unit, actor, application, event, content=content_hash(application), decide_by=application.decide_by.isoformat())
    return application


def withdraw(unit: Unit, actor: Actor, application_id: str, revision: int) -> Application:
    """Take the application back; stewards hear of it where it was waiting for them."""
    actor.require(*ROLES[Command.WITHDRAW])
    application = core.load(unit, actor, application_id)
    waited = application.state in WAITING
    core.apply(unit, actor, application, Wanted(Command.WITHDRAW, revision))
    if waited:
        core.tell_stewards(unit, application, "application-withdrawn")
    core.enter(unit, actor, application, "application.withdrawn")
    return application


def _asked_by(unit: Unit, application: Application, asked: Form | None) -> Application:
    if asked is not None:
        application.kind, application.form = asked.kind, keep(unit, asked)
    return application


def _untouched(unit: Unit, actor: Actor, dataset_id: str) -> Application | None:
    query = select(Application).where(
        Application.created_by == actor.account_id,
        Application.organisation_id == actor.organisation_id,
        Application.dataset == dataset_id,
        Application.state == State.DRAFT.value,
        Application.revision == 1,
    )
    return unit.session.exec(query).first()


def _keep(unit: Unit, actor: Actor, application: Application) -> None:
    earlier = select(func.count()).select_from(Submission).where(Submission.application_id == application.id)
    unit.session.add(
        Submission(
            id=new_id("sbm"),
            application_id=application.id,
            number=unit.session.exec(earlier).one() + 1,
            content=content_of(application),
            content_sha256=content_hash(application),
            submitted_by=actor.account_id,
            at=unit.now,
        )
    )


def _tell_submitted(unit: Unit, application: Application, dataset: DatasetSettings, *, again: bool) -> None:
    facts = {"dataset": dataset.title, "decide_by": long_day(application.decide_by) if application.decide_by else ""}
    for reader in audience.account(unit.session, application.created_by):
        told = {**core.known(unit, application), **facts, "name": reader.name}
        send(unit, to=reader.email, template="application-submitted", facts=told, path=core.partner_path(application))
    core.tell_stewards(unit, application, "application-resubmitted" if again else "application-waiting", **facts)
