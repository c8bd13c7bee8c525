"""Documents of applications: load, decide, store. What takes long, looking and moving, is done before the unit of work."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col, func, select

from contracts.applications.states import ROLES, Command
from contracts.applications.tables import Application
from contracts.errors import Refused, refuse
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.people.actor import Actor
from contracts.sections import Uploads
from contracts.store.unit import Unit
from contracts.uploads import files
from contracts.uploads.decide import Held, decide_add, decide_remove
from contracts.uploads.files import Incoming
from contracts.uploads.kinds import FILES
from contracts.uploads.names import name_problem, tidy
from contracts.uploads.sniff import sniff
from contracts.uploads.tables import Evidence


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was looked at and lies in its place, waiting for its row."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str


def check(home: Path, incoming: Incoming, name: str) -> Checked:
    """Look at a finished file and put it into place. Raises `invalid_input` with what is wrong beside the field `file`."""
    name = tidy(name)
    found, problem = ("", name_problem(name))
    if not problem:
        found, problem = sniff(incoming.path, name)
    if problem:
        raise refuse("invalid_input", problem, fields={"file": problem})
    checked = Checked(new_id("evd"), name, FILES[found].media_type, incoming.size, incoming.sha256)
    files.place(home, incoming, checked.id)
    return checked


def add(
    unit: Unit, actor: Actor, application_id: str, kind: str, checked: Checked, limits: Uploads, asked: Collection[str] = ()
) -> Evidence:
    """Add a document to an application that is being written; `asked` are its form's own kinds. Raises `not_found`, `command_not_possible`, `invalid_input`."""
    application = _theirs(unit, actor, application_id)
    held = _held(unit.session, application)
    if refusal := decide_add(application, kind, checked.size, held, limits.organisation_megabytes * 1024 * 1024, asked):
        raise Refused(refusal)
    row = Evidence(
        id=checked.id,
        application_id=application.id,
        organisation_id=application.organisation_id,
        kind=kind,
        name=checked.name,
        media_type=checked.media_type,
        size=checked.size,
        sha256=checked.sha256,
        added_by=actor.account_id,
        added_at=unit.now,
    )
    unit.session.add(row)
    _note(unit, actor, application, row, "evidence.added")
    return row


def remove(unit: Unit, actor: Actor, evidence_id: str) -> Evidence:
    """Remove a document from an application that is being written; the caller deletes its file after. Raises as `add`."""
    row = get_for(unit.session, actor, evidence_id)
    application = _theirs(unit, actor, row.application_id)
    if refusal := decide_remove(application):
        raise Refused(refusal)
    row.removed_at = unit.now
    unit.session.add(row)
    _note(unit, actor, application, row, "evidence.removed")
    return row


def note_downloaded(unit: Unit, actor: Actor, row: Evidence) -> None:
    """Record that a member of staff takes a copy of a document; to be committed before a byte of it leaves."""
    application = unit.session.get_one(Application, row.application_id)
    record(unit, _entry(actor, application, row, "evidence.downloaded"))


def note_refused(unit: Unit, actor: Actor, application_id: str, why: str) -> None:
    """Record that a file was refused. `why` is the sentence that the person read; nothing of the file enters the ledger."""
    application = _theirs(unit, actor, application_id)
    entry = Entry(
        event="evidence.refused",
        decision="refuse",
        rule="invalid_input",
        subject=application.id,
        organisation=application.organisation_id,
        facts={"why": why},
        personal=actor.personal(),
    )
    record(unit, entry)


def of_application(session: Session, application_id: str) -> list[Evidence]:
    """An application's documents, oldest first."""
    query = select(Evidence).where(Evidence.application_id == application_id, col(Evidence.removed_at).is_(None))
    return list(session.exec(query.order_by(col(Evidence.id))).all())


def get_for(session: Session, actor: Actor, evidence_id: str) -> Evidence:
    """A document, for its organisation, and for staff once its application was handed in; else `not_found`."""
    row = session.get(Evidence, evidence_id)
    if row is not None and row.removed_at is None:
        application = session.get_one(Application, row.application_id)
        if row.organisation_id == actor.organisation_id or (actor.is_staff and application.submitted_at is not None):
            return row
    raise refuse("not_found", "There is no such document.")


def _theirs(unit: Unit, actor: Actor, application_id: str) -> Application:
    application = unit.lock(Application, application_id)
    if application.organisation_id != actor.organisation_id:
        raise refuse("not_found", "There is no such thing here.")
    actor.require(*ROLES[Command.SAVE])
    return application


def _held(session: Session, application: Application) -> Held:
    live = col(Evidence.removed_at).is_(None)
    mine = select(func.count()).select_from(Evidence).where(Evidence.application_id == application.id, live)
    every = select(func.coalesce(func.sum(Evidence.size), 0)).where(Evidence.organisation_id == application.organisation_id, live)
    return Held(session.exec(mine).one(), int(session.exec(every).one()))


def _note(unit: Unit, actor: Actor, application: Application, row: Evidence, event: str) -> None:
    """Keep on the application which documents it has, so that what was handed in is hashed with them; and the entry."""
    unit.session.flush()
    found = of_application(unit.session, application.id)
    application.evidence = [{"id": each.id, "kind": each.kind, "sha256": each.sha256} for each in found]
    unit.session.add(application)
    record(unit, _entry(actor, application, row, event))


def _entry(actor: Actor, application: Application, row: Evidence, event: str) -> Entry:
    return Entry(
        event=event,
        subject=application.id,
        organisation=application.organisation_id,
        dataset=application.dataset,
        facts={"evidence": row.id, "kind": row.kind, "sha256": row.sha256, "bytes": row.size},
        personal=actor.personal(name=row.name),
    )
