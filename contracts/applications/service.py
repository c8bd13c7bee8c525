"""Applications: load, decide, store, tell. Every function works in the caller's unit of work and commits nothing itself."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from sqlmodel import select

from contracts.applications import sections, workdays
from contracts.applications.answers import facts_of, merged
from contracts.applications.decide import Wanted, complaints, decide
from contracts.applications.form import ApplicationForm
from contracts.applications.states import ROLES, Command, State
from contracts.applications.tables import Application
from contracts.bars import standing
from contracts.clock import day_in, long_day
from contracts.errors import Refusal, Refused, refuse
from contracts.forms.asked import only_asked
from contracts.forms.files import current
from contracts.forms.model import Form
from contracts.forms.service import frozen, keep
from contracts.ids import new_id
from contracts.ledger.stage import Entry, canonical, record
from contracts.notices import audience, send
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import Organisation
from contracts.settings import DatasetSettings, Settings
from contracts.store.unit import Unit
from contracts.terms.purposes import PURPOSES

_DATASET_ID = re.compile(r"^[a-z][a-z0-9_-]{0,63}$")


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
    )
    unit.session.add(_asked_by(unit, application, asked))
    _record(unit, actor, application, "application.drafted")
    return application


def save(unit: Unit, actor: Actor, application_id: str, revision: int, form: ApplicationForm, asked: Form | None = None) -> Application:
    """Keep the draft as written, finished or not. Sections that a colleague has stay as they are.

    A draft that changes its kind begins with the form `asked` of that kind; one that does not keeps its own.
    """
    application = _take(unit, actor, application_id, Wanted(Command.SAVE, revision))
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
    return application


def submit(unit: Unit, actor: Actor, application_id: str, revision: int, settings: Settings) -> Application:
    """Hand the draft in. From here on nobody changes it; it is decided within the platform's working days."""
    actor.require(*ROLES[Command.SUBMIT])
    _insist_on_standing(unit, actor, application_id)
    application = _load(unit, actor, application_id)
    dataset = settings.datasets.get(application.dataset)
    if dataset is None:
        raise refuse("not_found", "The platform offers this dataset no longer.")
    today = day_in(unit.now, settings.platform.time_zone)
    asked = frozen(unit.session, application.form) or current(settings, application.kind, application.dataset)
    found = complaints(application, dataset, today, asked) | sections.complaints(unit.session, application.id)
    _apply(unit, actor, application, Wanted(Command.SUBMIT, revision, complaints=found))
    application.form, application.answers = keep(unit, asked), only_asked(asked, facts_of(application, dataset))
    application.submitted_at = unit.now
    application.decide_by = workdays.after(today, settings.platform.decision_days)
    _tell_submitted(unit, application, dataset)
    _record(
        unit, actor, application, "application.submitted", content=content_hash(application), decide_by=application.decide_by.isoformat()
    )
    return application


def withdraw(unit: Unit, actor: Actor, application_id: str, revision: int) -> Application:
    """Take the application back; stewards hear of it where it was waiting for them."""
    actor.require(*ROLES[Command.WITHDRAW])
    application = _load(unit, actor, application_id)
    waited = application.state == State.SUBMITTED
    _apply(unit, actor, application, Wanted(Command.WITHDRAW, revision))
    if waited:
        facts = {"organisation": _organisation(unit, application), "project": application.project}
        for reader in audience.stewards(unit.session):
            send(unit, to=reader.email, template="application-withdrawn", facts=facts, path=f"/desk/applications/{application.id}")
    _record(unit, actor, application, "application.withdrawn")
    return application


def approve(unit: Unit, actor: Actor, application_id: str, revision: int, reason: str) -> Application:
    """Approve with a reason that the applicant reads; a contract may then be drafted."""
    _insist_on_standing(unit, actor, application_id)
    return _decided(unit, actor, application_id, Wanted(Command.APPROVE, revision, reason))


def decline(unit: Unit, actor: Actor, application_id: str, revision: int, reason: str) -> Application:
    """Decline with a reason that the applicant reads."""
    return _decided(unit, actor, application_id, Wanted(Command.DECLINE, revision, reason))


def stop(unit: Unit, actor: Actor, application_id: str, reason: str) -> Application:
    """End an open application whose organisation, person or project was barred, with the bar's reason."""
    actor.require(*ROLES[Command.STOP])
    application = unit.lock(Application, application_id)
    _apply(unit, actor, application, Wanted(Command.STOP, application.revision, reason))
    application.decided_at, application.decided_by, application.decision_reason = unit.now, actor.account_id, reason.strip()
    for reader in audience.account(unit.session, application.created_by):
        facts = {"name": reader.name, "project": application.project, "reason": application.decision_reason}
        send(unit, to=reader.email, template="application-stopped", facts=facts, path=_partner_path(application))
    _record(unit, actor, application, "application.stopped", personal={"reason": reason.strip()}, content=content_hash(application))
    return application


def content_hash(application: Application) -> str:
    """SHA-256 of what the applicant wrote, in canonical JSON; the ledger's entries and the contract name it.

    Form and answers are in it where there is a form, so that applications from before keep their hash.
    """
    content: dict[str, Any] = {
        "dataset": application.dataset,
        "project": application.project,
        "kind": application.kind,
        "purpose": application.purpose,
        "purpose_text": application.purpose_text,
        "fields": application.fields,
        "rows": application.rows,
        "crawl": application.crawl,
        "starts": application.starts and application.starts.isoformat(),
        "ends": application.ends and application.ends.isoformat(),
        # Younger than applications that were decided: without documents the hash is what it was.
        **({"evidence": application.evidence} if application.evidence else {}),
    }
    if application.form is not None:
        content |= {"form": application.form, "answers": application.answers}
    return hashlib.sha256(canonical(content)).hexdigest()


def _decided(unit: Unit, actor: Actor, application_id: str, wanted: Wanted) -> Application:
    application = _take(unit, actor, application_id, wanted)
    application.decided_at, application.decided_by = unit.now, actor.account_id
    application.decision_reason = wanted.reason.strip()
    event = f"application.{application.state}"
    for reader in audience.account(unit.session, application.created_by):
        facts = {"name": reader.name, "project": application.project, "reason": application.decision_reason}
        send(unit, to=reader.email, template=event.replace(".", "-"), facts=facts, path=_partner_path(application))
    _record(unit, actor, application, event, personal={"reason": application.decision_reason}, content=content_hash(application))
    return application


def _take(unit: Unit, actor: Actor, application_id: str, wanted: Wanted) -> Application:
    actor.require(*ROLES[wanted.command])
    application = _load(unit, actor, application_id)
    _apply(unit, actor, application, wanted)
    return application


def _insist_on_standing(unit: Unit, actor: Actor, application_id: str) -> None:
    """Raise `barred`. Before the application's own row is locked: the organisation's comes first, as where a bar is imposed."""
    application = unit.session.get(Application, application_id)
    if application is not None and (actor.is_staff or application.organisation_id == actor.organisation_id):
        acting = () if actor.is_staff else (actor.account_id,)
        standing.insist(unit, application.organisation_id, *acting, application=application)


def _load(unit: Unit, actor: Actor, application_id: str) -> Application:
    application = unit.lock(Application, application_id)
    theirs = application.organisation_id == actor.organisation_id
    if theirs or (actor.is_staff and application.submitted_at is not None):
        return application
    raise refuse("not_found", "There is no such thing here.")


def _apply(unit: Unit, actor: Actor, application: Application, wanted: Wanted) -> None:
    after = decide(application, actor, wanted)
    if isinstance(after, Refusal):
        raise Refused(after)
    application.state, application.revision = after.value, application.revision + 1
    unit.session.add(application)


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


def _tell_submitted(unit: Unit, application: Application, dataset: DatasetSettings) -> None:
    facts = {
        "organisation": _organisation(unit, application),
        "project": application.project,
        "dataset": dataset.title,
        "decide_by": long_day(application.decide_by) if application.decide_by else "",
    }
    for reader in audience.account(unit.session, application.created_by):
        send(unit, to=reader.email, template="application-submitted", facts={**facts, "name": reader.name}, path=_partner_path(application))
    for reader in audience.stewards(unit.session):
        send(unit, to=reader.email, template="application-waiting", facts=facts, path=f"/desk/applications/{application.id}")


def _organisation(unit: Unit, application: Application) -> str:
    organisation = unit.session.get(Organisation, application.organisation_id)
    return organisation.name if organisation else application.organisation_id


def _partner_path(application: Application) -> str:
    return f"/partner/applications/{application.id}"


def _record(
    unit: Unit, actor: Actor, application: Application, event: str, *, personal: dict[str, str] | None = None, **facts: str | int
) -> None:
    record(
        unit,
        Entry(
            event=event,
            subject=application.id,
            organisation=application.organisation_id,
            dataset=application.dataset,
            # A draft's may be any words, and what stands in a leaf can never be erased.
            purpose=application.purpose if application.purpose in PURPOSES else "",
            facts={"revision": application.revision, **facts},
            personal=actor.personal(**(personal or {})),
        ),
    )
