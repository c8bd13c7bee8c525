"""Sections of a draft that colleagues fill in: asked by the lead, answered by that person alone, taken back."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session, col, select

from contracts.applications.answers import facts_of, merged
from contracts.applications.form import ApplicationForm
from contracts.applications.states import Command, State, next_state
from contracts.applications.tables import Application
from contracts.errors import Refusal, Refused, refuse
from contracts.forms import decide
from contracts.forms.asked import Answer
from contracts.forms.model import Form, Section
from contracts.forms.service import frozen
from contracts.forms.tables import SectionAsked
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.people.actor import Actor
from contracts.people.queries import members
from contracts.people.roles import Role
from contracts.settings import DatasetSettings
from contracts.store.unit import Unit


def ask(unit: Unit, actor: Actor, application_id: str, section_id: str, colleague: str) -> SectionAsked:
    """Send a section to a colleague of the organisation, who gets a mail with its address and may then fill in that section alone.

    Raises `role_required`, `not_found`, `command_not_possible` (also while somebody has the section) and `invalid_input`.
    """
    actor.require(Role.LEAD)
    application, section, _ = _open(unit, actor, application_id, section_id)
    if not section.sendable:
        raise refuse("command_not_possible", "This section is for the applicant. Only the others can be sent to a colleague.")
    if section_id in open_in(unit.session, application_id):
        raise refuse("command_not_possible", "Somebody has this section already. Take it back first.")
    if colleague == actor.account_id or colleague not in {each.account_id for each in members(unit.session, actor.organisation_id)}:
        wrong = {f"colleague.{section_id}": "Choose a colleague. Whoever is missing here is invited on the page Team."}
        raise refuse("invalid_input", "Choose the colleague who is to fill in this section.", fields=wrong)
    row = SectionAsked(
        id=new_id("sec"),
        application_id=application_id,
        section=section_id,
        colleague=colleague,
        asked_by=actor.account_id,
        asked_at=unit.now,
    )
    unit.session.add(row)
    facts = {"by": actor.name, "project": application.project or "an application", "section": section.title}
    for reader in audience.account(unit.session, colleague):
        send(unit, to=reader.email, template="section-asked", facts={**facts, "name": reader.name}, path=path_of(row))
    _record(unit, actor, application, "application.section_asked", section_id, colleague=colleague)
    return row


def answer(
    unit: Unit,
    actor: Actor,
    application_id: str,
    section_id: str,
    answers: Mapping[str, Answer],
    dataset: DatasetSettings,
    *,
    done: bool,
) -> Application:
    """Keep a colleague's answers to a section; `done` gives it back, which asks for all of it (`invalid_input` otherwise).

    Raises `role_required` for whoever was not asked to fill it in.
    """
    application, section, form = _open(unit, actor, application_id, section_id)
    row = _mine(unit.session, actor, application_id, section_id)
    written = ApplicationForm(answers=dict(answers), sections=(section_id,))
    application.answers = merged(application.answers, form, written, ())
    unit.session.add(application)
    if not done:
        return application
    if found := decide.complaints(form, facts_of(application, dataset), section_id):
        raise refuse("invalid_input", "Some answers are missing or do not fit; see the fields marked.", fields=found)
    row.answered_at, application.revision = unit.now, application.revision + 1
    unit.session.add(row)
    told = {"by": actor.name, "project": application.project or "an application", "section": section.title}
    for reader in audience.account(unit.session, row.asked_by):
        send(
            unit,
            to=reader.email,
            template="section-answered",
            facts={**told, "name": reader.name},
            path=f"/partner/applications/{application_id}",
        )
    _record(unit, actor, application, "application.section_answered", section_id)
    return application


def take_back(unit: Unit, actor: Actor, application_id: str, section_id: str) -> None:
    """The lead takes a section back, with what was saved of it; `not_found` where nobody has it."""
    actor.require(Role.LEAD)
    application, _, _ = _open(unit, actor, application_id, section_id)
    row = _rows(unit.session, application_id).get(section_id)
    if row is None:
        raise refuse("not_found", "Nobody has this section now.")
    row.ended_at = unit.now
    unit.session.add(row)
    _record(unit, actor, application, "application.section_taken_back", section_id, colleague=row.colleague)


def open_in(session: Session, application_id: str) -> dict[str, SectionAsked]:
    """The sections that somebody has now, by id."""
    return _rows(session, application_id)


def complaints(session: Session, application_id: str, form: Form, found: Mapping[str, str]) -> dict[str, str]:
    """What was found with one message for each section that somebody still has, in the place of all that is missing there.

    Nothing is handed in over a colleague's head.
    """
    taken = _rows(session, application_id)
    kept = {name: message for name, message in found.items() if _section_of(name, form) not in taken}
    titles = {each.id: each.title for each in form.sections}
    message = "A colleague still has the section “{title}”. Wait for it, or take it back."
    return kept | {f"section.{section}": message.format(title=titles.get(section, section)) for section in taken}


def asked_of(session: Session, account_id: str) -> list[tuple[SectionAsked, Application]]:
    """The sections that wait for a person, oldest first, each with its application; those of drafts that still can be written."""
    query = (
        select(SectionAsked, Application)
        .join(Application, col(Application.id) == col(SectionAsked.application_id))
        .where(SectionAsked.colleague == account_id, col(SectionAsked.answered_at).is_(None), col(SectionAsked.ended_at).is_(None))
    )
    found = session.exec(query.order_by(col(SectionAsked.asked_at))).all()
    return [(row, application) for row, application in found if not isinstance(_writable(application), Refusal)]


def path_of(row: SectionAsked) -> str:
    """The section's own page."""
    return f"/partner/applications/{row.application_id}/sections/{row.section}"


def _open(unit: Unit, actor: Actor, application_id: str, section_id: str) -> tuple[Application, Section, Form]:
    application = unit.lock(Application, application_id)
    form = frozen(unit.session, application.form) if application.organisation_id == actor.organisation_id else None
    section = form.section(section_id) if form else None
    if form is None or section is None:
        raise refuse("not_found", "There is no such thing here.")
    after = _writable(application)
    if isinstance(after, Refusal):
        raise Refused(after)
    return application, section, form


def _writable(application: Application) -> State | Refusal:
    return next_state(State(application.state), Command.SAVE)


def _mine(session: Session, actor: Actor, application_id: str, section_id: str) -> SectionAsked:
    row = _rows(session, application_id).get(section_id)
    if row is None or row.colleague != actor.account_id:
        raise refuse("role_required", "Only the colleague to whom this section was sent fills it in here. The lead can send it to you.")
    return row


def _section_of(complaint: str, form: Form) -> str:
    kind, _, name = complaint.partition(".")
    return form.section_of(name.partition(".")[0]) if kind == "answers" else ""


def _rows(session: Session, application_id: str) -> dict[str, SectionAsked]:
    query = select(SectionAsked).where(
        SectionAsked.application_id == application_id, col(SectionAsked.answered_at).is_(None), col(SectionAsked.ended_at).is_(None)
    )
    return {row.section: row for row in session.exec(query).all()}


def _record(unit: Unit, actor: Actor, application: Application, event: str, section: str, **personal: str) -> None:
    record(
        unit,
        Entry(
            event=event,
            subject=application.id,
            organisation=application.organisation_id,
            dataset=application.dataset,
            facts={"section": section},
            personal=actor.personal(**personal),
        ),
    )
