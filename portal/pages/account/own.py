"""A person's own account: who they are here and what they may do."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.identities import identities_of
from contracts.people.roles import ROLES, Role
from contracts.people.tables import Account, Organisation
from portal import cookies
from portal.deps import house_of, page, signed_in

router = APIRouter()

METHODS = {
    people.Method.PASSWORD: "With the password",
    people.Method.PASSKEY: "With a passkey",
    people.Method.INSTITUTION: "Through the institution",
}


@router.get("/account")
def show(request: Request, actor: Actor = Depends(signed_in)) -> Response:
    """Name, organisation, roles with their meaning, and where the person is signed in."""
    house = house_of(request)
    with house.store.read() as session:
        account = session.get(Account, actor.account_id)
        organisation = session.get(Organisation, actor.organisation_id)
        factors = people.factors_of(session, actor.account_id)
        sessions = people.sessions_of(session, actor.account_id, cookies.session_of(request), house.clock.now())
        linked = {each.issuer for each in identities_of(session, actor.account_id)}
    institutions = [(name, each.name, each.issuer in linked) for name, each in house.settings.sign_in.items()]
    roles = [(role.value, ROLES[role].meaning) for role in Role if role in actor.roles]
    return page(
        request,
        "account/own.html",
        account=account,
        organisation=organisation,
        roles=roles,
        sessions=sessions,
        methods=METHODS,
        factors=factors,
        institutions=institutions,
    )
