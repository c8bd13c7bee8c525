"""How a credential proves itself: by keys of its own instead of a secret, and with tokens that are bound to a key."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.credentials.client_keys import require_dpop, use_keys
from contracts.errors import Refused
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from portal.again import asked_for, assured
from portal.deps import go, house_of, page, partner
from portal.forms import Form, mendable, of, submitted
from portal.limits import SIGN_IN, limited
from portal.pages.partner import reads
from portal.pages.partner.credential import client_of

router = APIRouter(prefix="/partner/contracts/{contract_id}/clients/{client_id}")

Partner = Annotated[Actor, Depends(partner)]
Sent = Annotated[Form, Depends(submitted)]
MAX_CHARACTERS = 20_000


@router.get("/proof")
def shown(request: Request, actor: Partner, contract_id: str, client_id: str) -> Response:
    """The form."""
    return _page(request, actor, contract_id, client_id)


@router.post("/proof")
@limited(SIGN_IN)
def change(request: Request, actor: Partner, contract_id: str, client_id: str, form: Sent) -> Response:
    """Let the program sign with its own keys from now on, where some were given, and have its tokens bound or free as chosen.

    An address is asked at the program's next request.
    """
    try:
        jwks, jwks_uri, tokens = _key_set(form), form.text("jwks_uri"), form.text("tokens")
        form.check()
        actor = assured(request, actor, Act.CREDENTIAL, form)
        with house_of(request).store.write("client proof") as unit:
            client = client_of(unit.session, actor, contract_id, client_id)
            if jwks is not None or jwks_uri:
                use_keys(unit, actor, client_id, jwks=jwks, jwks_uri=jwks_uri)
            if tokens and (tokens == "bound") != client.dpop_bound:
                require_dpop(unit, actor, client_id, tokens == "bound")
    except Refused as error:
        if error.refusal.code == "address_refused":
            form.errors["jwks_uri"] = error.refusal.reason
        else:
            form.take(mendable(error))
        form.values.pop("jwks", None)  # it may have been a private key, which no page may hold
        return _page(request, actor, contract_id, client_id, form, 422)
    return go(f"/partner/contracts/{contract_id}/clients/{client_id}", "proof-changed")


def _page(request: Request, actor: Actor, contract_id: str, client_id: str, form: Form | None = None, status: int = 200) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, contract_id)
        client = client_of(session, actor, contract_id, client_id)
        terms = reads.terms_of(session, contract)
    actor.require(Role.LEAD, Role.DEVELOPER)
    return page(
        request,
        "partner/proof.html",
        status,
        contract=contract,
        client=client,
        terms=terms,
        form=form or of({"tokens": "bound" if client.dpop_bound else "free"}),
        asked=asked_for(request, actor, Act.CREDENTIAL),
    )


def _key_set(form: Form) -> dict[str, Any] | None:
    """What was pasted: a JWK set, or one JWK, which is as good. None where nothing was."""
    typed = form.text("jwks")
    if not typed:
        return None
    try:
        found = orjson.loads(typed) if len(typed) <= MAX_CHARACTERS else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        form.errors["jwks"] = 'Paste the keys as JSON: {"keys": [...]}.'
        return None
    return {"keys": [found]} if "kty" in found else found
