"""What waits on the desk of contracts already in force, and of those on their way in: read and said in one place for the Today page."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from contracts.agreements import service as agreements
from contracts.agreements.tables import Agreement
from contracts.amendments import queries as amendments
from contracts.amendments.tables import Amendment
from contracts.lifecycle import closing
from contracts.lifecycle.tables import Contract
from contracts.people.actor import Actor
from contracts.people.roles import Role
from portal.pages.desk.amendments import hindrance
from portal.pages.desk.duties import Duty, Waiting


def duties(session: Session, actor: Actor) -> list[Duty]:
    """New versions to countersign, and agreements signed before to confirm."""
    found: list[Duty] = []
    if Role.STEWARD in actor.roles:
        open_ones = amendments.open_ones(session)
        found += [_countersign(*row) for row in open_ones if row[0].state == "signed" and not hindrance(row[0], actor)]
    if actor.roles & {Role.STEWARD, Role.COMPLIANCE}:
        found += [_confirm(each) for each in agreements.waiting(session) if each.confirmed_by != actor.account_id]
    return found


def waiting(session: Session, actor: Actor, today: date) -> list[Waiting]:
    """New versions that others sign next, and certificates of destruction that are late."""
    found = []
    for amendment, contract in amendments.open_ones(session):
        if amendment.state == "offered":
            found.append(Waiting(contract.title, "The partner’s signature under a new version", _path(amendment), amendment.offered_at))
        elif hindrance(amendment, actor) or Role.STEWARD not in actor.roles:
            whom = "Countersignature of another steward under a new version"
            found.append(Waiting(contract.title, whom, _path(amendment), amendment.offered_at))
    for contract, owed in closing.all_overdue(session, today):
        path = f"/desk/contracts/{contract.id}#certificate"
        found.append(Waiting(contract.title, "A certificate of destruction that is late", path, owed.begun_at))
    return found


def _path(amendment: Amendment) -> str:
    return f"/desk/amendments/{amendment.id}"


def _countersign(amendment: Amendment, contract: Contract) -> Duty:
    detail = "The partner has signed it. You neither approved nor offered it, so you may countersign."
    title = f"Countersign the new version: {contract.title}"
    return Duty(title, detail, _path(amendment), "Read and sign", amendment.offered_at)


def _confirm(agreement: Agreement) -> Duty:
    first = agreement.state == "staged"
    detail = (
        "Signed before this system came. Compare its terms with the PDF, as the first of two."
        if first
        else "A colleague confirmed it; a second person brings it into force."
    )
    title = f"Confirm the agreement: {agreement.organisation}"
    return Duty(title, detail, f"/desk/agreements/{agreement.id}", "Compare", agreement.confirmed_at or agreement.staged_at)
