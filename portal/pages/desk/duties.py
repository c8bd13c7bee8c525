"""What waits for a member of staff, and what waits for others: pure, from rows already read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from contracts.applications import workdays
from contracts.applications.states import REASONED_REQUEST, WAITING
from contracts.applications.tables import Application
from contracts.incidents.tables import Incident
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing to do: what, why, where, and until when. `since` orders duties that have no date."""

    title: str
    detail: str
    href: str
    act: str
    since: datetime
    due: date | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that somebody else has to do: whose move it is and since when."""

    title: str
    whom: str
    href: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    """The rows that duties are made of. `drafted` are ids of applications that have a contract; names and titles are by id.

    `asked` and `recused` are pairs of an application and the person who was asked for a review of it, or stepped back from it;
    `unlawful` are ids of applications whose lawful basis is not confirmed.
    """

    applications: tuple[Application, ...]
    contracts: tuple[Contract, ...]
    drafted: frozenset[str]
    incidents: tuple[Incident, ...]
    organisations: Mapping[str, str]
    datasets: Mapping[str, str]
    people: Mapping[str, str] = field(default_factory=dict)
    asked: frozenset[tuple[str, str]] = frozenset()
    recused: frozenset[tuple[str, str]] = frozenset()
    unlawful: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ClockWords:
    """A due date in words, with the tone of its chip."""

    words: str
    tone: str


def duties(desk: Desk, actor: Actor) -> list[Duty]:
    """What this person can do now, by due date; what has none comes after, oldest first."""
    found: list[Duty] = []
    if actor.roles & {Role.STEWARD, Role.COMPLIANCE}:
        found += [_review_duty(each, desk) for each in desk.applications if (each.id, actor.account_id) in desk.asked]
    if Role.COMPLIANCE in actor.roles:
        found += [_basis_duty(each, desk) for each in desk.applications if each.id in desk.unlawful and each.state != "submitted"]
    if Role.STEWARD in actor.roles:
        found += [_application_duty(each, desk) for each in desk.applications if _is_open(each, desk, actor)]
        found += [duty for each in desk.contracts if (duty := _contract_duty(each, desk, actor)) is not None]
    if actor.roles & {Role.STEWARD, Role.COMPLIANCE}:
        found += [_incident_duty(each) for each in desk.incidents if each.closed_at is None]
    return sorted(found, key=lambda duty: (duty.due or date.max, duty.since))


def waiting(desk: Desk, actor: Actor) -> list[Waiting]:
    """What is under way but is another person's move, oldest first."""
    found = [row for each in desk.contracts if (row := _contract_waiting(each, desk, actor)) is not None]
    found += [row for each in desk.applications if (row := _application_waiting(each, desk, actor)) is not None]
    return sorted(found, key=lambda row: row.since)


def needs_another(contract: Contract, actor: Actor) -> str:
    """Why this person may not countersign: the sentence for the page; empty where nothing in the row forbids it."""
    if contract.approved_by == actor.account_id:
        return "You approved the application, so another steward countersigns."
    if contract.drafted_by == actor.account_id:
        return "You drafted the contract, so another steward countersigns."
    if actor.roles_given_by & {contract.approved_by, contract.drafted_by}:
        return "The person who approved or drafted it gave you your role, so another steward countersigns."
    return ""


def clock_words(due: date | None, today: date, holidays: Collection[date]) -> ClockWords:
    """How long is left, as a chip: warning within two working days, stopped once late."""
    if due is None:
        return ClockWords("No clock", "plain")
    left = workdays.between(today, due, holidays)
    if due < today:
        return ClockWords("1 working day late" if left >= -1 else f"{-left} working days late", "stop")
    if left == 0:
        return ClockWords("Due today", "stop")
    if left == 1:
        return ClockWords("1 working day", "warn")
    return ClockWords(f"{left} working days", "warn" if left == 2 else "wait")


def heading(count: int) -> str:
    """The desk's headline."""
    if count == 0:
        return "Nothing waits for you"
    return "One thing waits for you" if count == 1 else f"{_number(count)} things wait for you"


def subheading(found: Iterable[Duty], today: date) -> str:
    """What the clocks say, in one sentence."""
    dates = [duty.due for duty in found if duty.due is not None]
    late = sum(due < today for due in dates)
    week = sum(today <= due <= today + timedelta(days=6 - today.weekday()) for due in dates)
    if late:
        return "One decision is late." if late == 1 else f"{_number(late)} decisions are late."
    if week:
        return (
            "Nothing is late. One decision falls due this week."
            if week == 1
            else f"Nothing is late. {_number(week)} decisions fall due this week."
        )
    return "Nothing is late."


def _is_open(application: Application, desk: Desk, actor: Actor) -> bool:
    if application.state == "approved":
        return application.id not in desk.drafted and application.id not in desk.unlawful
    if application.kind == REASONED_REQUEST:
        return False  # nobody here checks or decides it; what it asks stands with the request
    mine = application.handler in (None, actor.account_id) and actor.account_id != application.created_by
    independent = application.state != "appealed" or actor.account_id != application.declined_by
    return application.state in WAITING and mine and independent and (application.id, actor.account_id) not in desk.recused


def _application_duty(application: Application, desk: Desk) -> Duty:
    who, href = desk.organisations.get(application.organisation_id, ""), f"/desk/applications/{application.id}"
    dataset = desk.datasets.get(application.dataset, application.dataset)
    since = application.submitted_at or application.created_at
    if application.state == "submitted":
        detail = f"{who} applies for “{dataset}”. First make sure that it is complete."
        return Duty(f"Check: {application.project}", detail, href, "Check", since, application.decide_by)
    if application.state == "in_review":
        return Duty(f"Decide: {application.project}", f"{who} applies for “{dataset}”.", href, "Review", since, application.decide_by)
    if application.state == "appealed":
        detail = f"{who} asks for an independent review. You had no part in the first decision."
        return Duty(f"Review again: {application.project}", detail, href, "Review", application.appealed_at or since, application.decide_by)
    since = application.decided_at or application.created_at
    return Duty(
        f"Draft the contract: {application.project}", f"Approved for {who}; it has no contract yet.", f"{href}/draft", "Draft", since
    )


def _review_duty(application: Application, desk: Desk) -> Duty:
    who, href = desk.organisations.get(application.organisation_id, ""), f"/desk/applications/{application.id}#said"
    detail = f"A colleague asks what you think of this application by {who}. It cannot be approved before your answer."
    return Duty(
        f"Give advice: {application.project}",
        detail,
        href,
        "Read",
        application.submitted_at or application.created_at,
        application.decide_by,
    )


def _basis_duty(application: Application, desk: Desk) -> Duty:
    who, href = desk.organisations.get(application.organisation_id, ""), f"/desk/applications/{application.id}#basis"
    detail = f"{who} applies. Without a lawful basis that you confirm no contract can be drafted."
    since = application.checked_at or application.submitted_at or application.created_at
    return Duty(f"Confirm the lawful basis: {application.project}", detail, href, "Read and confirm", since, application.decide_by)


def _application_waiting(application: Application, desk: Desk, actor: Actor) -> Waiting | None:
    who, href = desk.organisations.get(application.organisation_id, ""), f"/desk/applications/{application.id}"
    since = application.submitted_at or application.created_at
    if application.state == "returned":
        return Waiting(application.project, f"Changes by {who}", href, since)
    if application.state == "approved" and application.id in desk.unlawful and Role.COMPLIANCE not in actor.roles:
        return Waiting(application.project, "Compliance, to confirm the lawful basis", href, application.decided_at or since)
    if application.state in WAITING and application.handler not in (None, actor.account_id):
        whom = desk.people.get(application.handler, "a colleague")
        return Waiting(application.project, f"Dealt with by {whom}", href, since)
    return None


def _contract_duty(contract: Contract, desk: Desk, actor: Actor) -> Duty | None:
    who, href = desk.organisations.get(contract.organisation_id, ""), f"/desk/contracts/{contract.id}"
    if contract.state == "draft":
        return Duty(f"Offer: {contract.title}", f"Drafted for {who}, not yet offered to them.", href, "Read and offer", contract.created_at)
    if contract.state == "countered":
        detail = f"{who} asks for changes of the offer. Answer with another version, or decline them."
        return Duty(f"Answer: {contract.title}", detail, f"{href}#wishes", "Read and answer", contract.countered_at or contract.created_at)
    if contract.state == "signed" and not needs_another(contract, actor):
        detail = f"{who} has signed. You neither approved nor drafted it, so you may countersign."
        return Duty(f"Countersign: {contract.title}", detail, href, "Read and sign", contract.offered_at or contract.created_at)
    if contract.state == "lift_asked" and contract.lift_asked_by != actor.account_id:
        detail = f"A colleague asks to let {who} read again. A second person confirms."
        return Duty(f"Lift the suspension: {contract.title}", detail, href, "Decide", contract.suspended_at or contract.created_at)
    return None


def _incident_duty(incident: Incident) -> Duty:
    return Duty(incident.title, "An incident is open.", f"/desk/incidents#{incident.id}", "Look", incident.opened_at)


def _contract_waiting(contract: Contract, desk: Desk, actor: Actor) -> Waiting | None:
    who, href = desk.organisations.get(contract.organisation_id, ""), f"/desk/contracts/{contract.id}"
    if contract.state == "offered":
        return Waiting(contract.title, f"Signature of {who}", href, contract.offered_at or contract.created_at)
    if contract.state == "signed" and (needs_another(contract, actor) or Role.STEWARD not in actor.roles):
        return Waiting(contract.title, "Countersignature of another steward", href, contract.offered_at or contract.created_at)
    if contract.state == "lift_asked" and contract.lift_asked_by == actor.account_id:
        return Waiting(
            contract.title, "A second person for the lift that you asked for", href, contract.suspended_at or contract.created_at
        )
    return None


def _number(count: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
    return words[count] if count < len(words) else str(count)
