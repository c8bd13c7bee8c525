"""A lost second factor, from the person's side: asking after the password, and stopping by the link of the mail."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import refuse
from contracts.people import links, lost
from contracts.people.links import LinkKind
from contracts.people.tables import Account
from portal.deps import go, house_of, page
from portal.limits import MAILS, PAGES, SIGN_IN, limited, network_of
from portal.pages.account.sign_in import waiting_here

router = APIRouter()


@router.post("/sign-in/code/lost")
@limited(MAILS)
def ask(request: Request) -> Response:
    """Ask for help; the password that was just given says who asks, and staff make sure of it."""
    account_id = waiting_here(request)
    if account_id is None:
        raise refuse("sign_in_required", "Your sign-in took too long. Begin again with your password.")
    with house_of(request).store.write("lost factor") as unit:
        lost.ask(unit, account_id, network_of(request))
    return go("/sign-in/code", "lost-asked")


@router.get("/stop-replacement/{token}")
@limited(PAGES)
def show(request: Request, token: str) -> Response:
    """Whose factors are about to be removed. Opening the link changes nothing, because mail scanners open links too."""
    house = house_of(request)
    with house.store.read() as session:
        link = links.find(session, token, house.clock.now(), LinkKind.STOP_LOST_FACTOR)
        person = session.get_one(Account, link.account_id)
    return page(request, "account/stop-replacement.html", person=person)


@router.post("/stop-replacement/{token}")
@limited(SIGN_IN)
def stop(request: Request, token: str) -> Response:
    """Stop it; whoever has the mail may, because stopping changes nothing."""
    with house_of(request).store.write("lost factor") as unit:
        lost.stop_by_link(unit, token)
    return go("/sign-in", "lost-stopped")
