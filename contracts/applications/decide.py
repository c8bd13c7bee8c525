"""Decisions on applications: pure. They take what is there and what is wanted, and return what follows or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from contracts.applications import reasons, rules
from contracts.applications.answers import facts_of, missing
from contracts.applications.narrowing import Narrowed
from contracts.applications.rules import Facts
from contracts.applications.states import OF_REASONED_REQUESTS, REASONED_REQUEST, ROLES, Command, State, next_state, possible
from contracts.applications.tables import Application
from contracts.errors import Refusal
from contracts.forms import decide as forms
from contracts.forms import kinds
from contracts.forms.model import Form
from contracts.people.actor import Actor
from contracts.people.roles import STAFF
from contracts.sections import FieldSettings
from contracts.settings import DatasetSettings
from contracts.terms.purposes import PURPOSES
from contracts.terms.values import read_value

LEAST_PURPOSE_TEXT = 20
MOST_REASON = 2000
MOST_DAYS = 3 * 366
IDENTIFYING = frozenset({"key", "subject", "personal"})

CODES: Mapping[Command, Callable[[str], Mapping[str, str]]] = {
    Command.APPROVE: reasons.approvals,
    Command.DECLINE: reasons.declines,
    Command.RETURN: lambda kind: reasons.RETURN,
    Command.CONFIRM_BASIS: lambda kind: reasons.BASES,
}
NEEDS_REASON = frozenset(
    {
        Command.RETURN,
        Command.RECUSE,
        Command.REMARK,
        Command.EXTEND,
        Command.CONFIRM_BASIS,
        Command.APPROVE,
        Command.DECLINE,
        Command.APPEAL,
        Command.STOP,
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command as it was given: on which revision (None: on any), why, what is wrong with the form by field, what is granted.

    `code` is one of `contracts.applications.reasons`, `until` the day to which an extension moves the clock.
    """

    command: Command
    revision: int | None = None
    reason: str = ""
    complaints: Mapping[str, str] | None = None
    code: str = ""
    until: date | None = None
    narrowed: Narrowed | None = None


def decide(application: Application, actor: Actor, wanted: Wanted, facts: Facts) -> State | Refusal:
    """The state that follows, or why not: role, state, revision, person, form; in this order."""
    if not actor.roles & set(ROLES[wanted.command]):
        return Refusal("role_required", "This belongs to another role than yours.")
    after = next_state(State(application.state), wanted.command)
    if isinstance(after, Refusal):
        return after
    if refusal := _of_its_kind(application.kind, wanted.command):
        return refusal
    if wanted.revision is not None and application.revision != wanted.revision:
        return Refusal("changed_meanwhile", "The application changed since you opened it. Look at it again, then decide.")
    refusal = rules.person(application, actor, wanted.command, facts) if STAFF & set(ROLES[wanted.command]) else None
    return refusal or _form_refusal(application, wanted, facts) or after


def offered(application: Application, actor: Actor, facts: Facts) -> frozenset[Command]:
    """The commands that this person can give now, where the form that goes with them is right; for pages that offer them."""
    known = possible(State(application.state))
    mine = [each for each in known if actor.roles & set(ROLES[each]) and _of_its_kind(application.kind, each) is None]
    return frozenset(each for each in mine if not STAFF & set(ROLES[each]) or rules.person(application, actor, each, facts) is None)


def _form_refusal(application: Application, wanted: Wanted, facts: Facts) -> Refusal | None:
    if wanted.command is Command.SUBMIT and wanted.complaints:
        return Refusal(
            "invalid_input", "Some answers are missing or do not fit; see the fields marked.", {"fields": dict(wanted.complaints)}
        )
    if wanted.command in CODES and wanted.code not in CODES[wanted.command](application.kind):
        return Refusal("invalid_input", "Choose a reason.", {"fields": {"code": "Choose one of the reasons."}})
    if wanted.command is Command.REMARK and wanted.code not in ("", *reasons.OPINIONS):
        return Refusal("invalid_input", "Choose what you advise.", {"fields": {"code": "Choose one of the answers."}})
    refusal = reason_refusal(wanted.reason) if wanted.command in NEEDS_REASON else None
    if refusal is None and wanted.command is Command.EXTEND:
        refusal = rules.extension(application, wanted.until, facts.today)
    if refusal is None and wanted.command is Command.APPEAL:
        refusal = rules.appeal(application, facts.today)
    if refusal is None and wanted.command is Command.APPROVE:
        refusal = rules.approval(application, wanted.code, wanted.narrowed, facts)
    return refusal


def complaints(application: Application, dataset: DatasetSettings, today: date, form: Form | None = None) -> dict[str, str]:
    """What keeps a draft from being submitted: one message a form field; empty where it is complete and fits dataset and form."""
    found = {
        "project": "" if len(application.project) >= 3 else "Name the project, in at least 3 characters.",
        "kind": "" if application.kind in kinds.offered(dataset.purposes) else "Choose one of the kinds that this dataset allows.",
        "purpose": _purpose(application, dataset),
        "purpose_text": _purpose_text(application.purpose_text),
        "fields": _fields(application.fields, dataset),
        **_dates(application.starts, application.ends, today),
        **_rows(application.rows, dataset),
        **(forms.complaints(form, facts_of(application, dataset)) | missing(application, dataset, form) if form else {}),
    }
    return {name: message for name, message in found.items() if message}


def row_complaints(rows: Mapping[str, list[str]], dataset: DatasetSettings) -> dict[str, str]:
    """What is wrong with a choice of rows: one message a field of the form, named `rows.<field>`."""
    return {name: message for name, message in _rows(rows, dataset).items() if message}


def _of_its_kind(kind: str, command: Command) -> Refusal | None:
    if kind == REASONED_REQUEST and command not in OF_REASONED_REQUESTS:
        reason = "This is a Coordinator’s reasoned request. It is taken over as it stands, or an amendment is asked for within 15 days."
        return Refusal("command_not_possible", reason, {"command": command.value})
    if kind != REASONED_REQUEST and command is Command.ADOPT:
        return Refusal("command_not_possible", "Only a Coordinator’s reasoned request is taken over.", {"command": command.value})
    return None


def reason_refusal(reason: str) -> Refusal | None:
    """`reason_required` unless the decision has a reason in words, of at most 2,000 characters."""
    if not reason.strip():
        return Refusal("reason_required", "Give the reason in words; the partner reads it and the ledger keeps it.")
    if len(reason) > MOST_REASON or "\0" in reason:
        return Refusal(
            "invalid_input", "The reason is too long.", {"fields": {"reason": f"Shorten this to at most {MOST_REASON} characters."}}
        )
    return None


def _purpose(application: Application, dataset: DatasetSettings) -> str:
    purpose = application.purpose
    if purpose not in PURPOSES or purpose not in dataset.purposes:
        return "Choose one of the purposes that this dataset allows."
    if kinds.fits(application.kind, purpose):
        return ""
    if kinds.PUBLIC_DATA in (application.kind, kinds.OF_PURPOSE.get(purpose)):
        return "Research into systemic risks is applied for under Article 40(12), and nothing else is."
    return "Training models is applied for under the kind AI training, and nothing else is."


def _purpose_text(text: str) -> str:
    if len(text) >= LEAST_PURPOSE_TEXT:
        return ""
    return f"Say in at least {LEAST_PURPOSE_TEXT} characters what you want to find out or do."


def _fields(names: list[str], dataset: DatasetSettings) -> str:
    if not names:
        return "Choose at least one field."
    unknown = [name for name in names if name not in dataset.fields]
    return f"The dataset has no field {unknown[0]}." if unknown else ""


def _dates(starts: date | None, ends: date | None, today: date) -> dict[str, str]:
    if starts is None:
        return {"starts": "Give the first day.", "ends": "" if ends else "Give the last day."}
    if starts < today:
        return {"starts": "The first day is past; choose today or later."}
    if ends is None:
        return {"ends": "Give the last day."}
    if ends < starts:
        return {"ends": "The last day lies before the first."}
    return {"ends": "" if (ends - starts).days <= MOST_DAYS else "Choose a last day within three years of the first."}


def _rows(rows: Mapping[str, list[str]], dataset: DatasetSettings) -> dict[str, str]:
    return {f"rows.{name}": _row(name, values, dataset.fields.get(name)) for name, values in rows.items()}


def _row(name: str, values: list[str], field: FieldSettings | None) -> str:
    if field is None:
        return f"The dataset has no field {name}."
    if not field.filterable or field.field_class in IDENTIFYING:
        return "Rows cannot be chosen by this field."
    wrong = [value for value in values if read_value(field.type, value) is None]
    return f"{wrong[0]!r} is not a value of this field." if wrong else ""
