"""A person's own account: who they are here and what they may do."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.people.actor import Actor
from contracts.people.roles import ROLES, Role
from contracts.people.tables import Account, Organisation
from portal.deps import house_of, page, signed_in

router = APIRouter()


@router.get("/account")
def show(request: Request, actor: Actor = Depends(signed_in)) -> Response:
    """Name, organisation, roles with their meaning."""
    with house_of(request).store.read() as session:
        account = session.get(Account, actor.account_id)
        organisation = session.get(Organisation, actor.organisation_id)
    roles = [(role.value, ROLES[role].meaning) for role in Role if role in actor.roles]
    return page(request, "account/own.html", account=account, organisation=organisation, roles=roles)
