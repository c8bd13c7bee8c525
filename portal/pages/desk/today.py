"""The desk's first page: what waits for this person, what others have to do, what is still to set up, what happened."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.datasets.catalogue import current_versions
from contracts.gate import mode
from contracts.house import House
from contracts.ledger.queries import Search, search
from contracts.people.actor import Actor
from contracts.people.roles import STAFF, Role
from contracts.people.service import staff
from contracts.signing.templates import has_own
from portal.deps import house_of, page, requires
from portal.pages.desk import later, reads
from portal.pages.desk.appeals import waiting_appeals
from portal.pages.desk.bars import waiting_lifts
from portal.pages.desk.duties import clock_words, duties, heading, subheading, waiting
from portal.pages.desk.holds import waiting_holds
from portal.pages.desk.members import member_duties
from portal.pages.desk.partners import hand_overs
from portal.pages.desk.policies import waiting_policies
from portal.pages.desk.requests import waiting_requests
from portal.pages.desk.setup import SetupFacts, is_ready, remaining, steps
from portal.pages.desk.templates import clause_duties

routes = APIRouter()
LATELY = 8
# What happened to applications, contracts and people; accesses and searches have their place in the ledger.
CHANGES = (
    "agreement.brought_in",
    "amendment.in_force",
    "amendment.offered",
    "amendment.signed",
    "application.appealed",
    "application.approved",
    "application.basis_confirmed",
    "application.declined",
    "application.resubmitted",
    "application.returned",
    "application.stopped",
    "application.submitted",
    "application.upheld",
    "application.withdrawn",
    "bar.imposed",
    "bar.lifted",
    "client.created",
    "client.revoked",
    "clause.confirmed",
    "contract.activated",
    "contract.closed",
    "contract.closing",
    "contract.counter_declined",
    "contract.countered",
    "contract.drafted",
    "contract.lift_asked",
    "contract.lifted",
    "contract.offered",
    "contract.recalled",
    "contract.reoffered",
    "contract.signed",
    "contract.suspended",
    "contract.terminated",
    "coordinator.adopted",
    "coordinator.entered",
    "dataset.refreshed",
    "erasure.made",
    "gate.mode_changed",
    "hold.confirmed",
    "hold.lifted",
    "incident.opened",
    "leadership.done",
    "leadership.proposed",
    "role.given",
)


@routes.get("/desk")
def today(request: Request, actor: Annotated[Actor, Depends(requires(*STAFF))]) -> Response:
    """What waits for this person, oldest duty first with its clock."""
    house = house_of(request)
    day = house.clock.now().date()
    with house.store.read() as session:
        desk = reads.desk(session, house.settings)
        leaderless, leaderless_elsewhere = hand_overs(session, actor)
        found = duties(desk, actor) + later.duties(session, actor) + leaderless + member_duties(session, actor)
        found += waiting_appeals(session, actor)
        found += clause_duties(session, house.settings, actor, house.clock.now())
        more = [each(session, actor) for each in (waiting_requests, waiting_lifts, waiting_holds, waiting_policies)]
        found += [duty for mine, _ in more for duty in mine]
        others = [*leaderless_elsewhere, *waiting(desk, actor), *later.waiting(session, actor, day)]
        others += [row for _, theirs in more for row in theirs]
        facts = setup_facts(session, house)
        lately = search(session, Search(events=CHANGES, limit=LATELY)).rows
        about = reads.subjects(session, lately)
    setup = steps(facts, actor.roles) if actor.roles & {Role.ADMINISTRATOR, Role.STEWARD} else []
    left = remaining(setup)
    is_new = not found and left > 0 and not is_ready(facts)
    return page(
        request,
        "desk/today.html",
        heading="Get ready for partners" if is_new else heading(len(found)),
        subheading="One step is left." if is_new and left == 1 else f"{left} steps are left." if is_new else subheading(found, day),
        duties=[(duty, clock_words(duty.due, day, house.settings.platform.holidays)) for duty in found],
        waiting=others,
        steps=setup if left else [],
        remaining=left,
        is_new=is_new,
        lately=lately,
        about=about,
        may_open_ledger=Role.COMPLIANCE in actor.roles,
        may_see=bool(actor.roles & {Role.STEWARD, Role.COMPLIANCE}),
    )


def setup_facts(session: Session, house: House) -> SetupFacts:
    """What the set-up list is made of, as it stands now."""
    settings = house.settings
    return SetupFacts(
        mail=settings.mail.transport,
        datasets=len(settings.datasets),
        loaded=len(current_versions(session.connection(), settings.datasets)),
        template=reads.contracts_ever(session) > 0 or has_own(settings),
        stewards=sum(Role.STEWARD in row.roles for row in staff(session)),
        officers=sum(Role.COMPLIANCE in row.roles for row in staff(session)),
        gate=mode.current(session, settings).mode,
    )
