"""POST /oauth/par (RFC 9126): a client sends its authorization request itself, and people's browsers carry only a reference to it."""

from __future__ import annotations

from functools import partial

from authlib.oauth2 import OAuth2Error
from starlette.types import Receive, Scope, Send

from api.oauth.asking import Query, checked
from api.oauth.decision import Decision, decision_on, refused
from api.oauth.form import TokenForm, read_form
from api.oauth.pace import PaceLimits
from api.oauth.shell import Shell
from contracts.credentials.pushed import LIFETIME, Pairs, push

LIMITS = PaceLimits(client="120/minute")
# What proves the client is for this request alone and is not kept.
_PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type", "client_id", "resource"})


class PushedEndpoint:
    """Takes requests that clients push."""

    def __init__(self, shell: Shell, limits: PaceLimits = LIMITS) -> None:
        self._shell, self._pace = shell, shell.pace(limits, "pushed")

    async def __call__(self, scope: Scope, receive: Receive, send: Send, _path: dict[str, str]) -> None:
        form = await read_form(scope, receive)
        address = self._shell.address(scope)
        decide = partial(self._decide, address=address)
        response = await self._shell.in_thread(partial(self._shell.guarded, self._pace, form, address, decide, "pushed request"))
        self._shell.add_nonce(form, response)
        await response(scope, receive, send)

    def _decide(self, form: TokenForm, address: str) -> Decision:
        """201 with the reference. Errors never go to an address in the request: nobody's browser is here (section 2.3)."""
        server = self._shell.server(address)
        known = self._shell.authenticated(form, address, "par", server=server)
        if isinstance(known, Decision):
            return known
        if "request_uri" in form.values:
            return refused("invalid_request", "A pushed request holds no request_uri.", known)
        if server.jkt and form.values.get("dpop_jkt", server.jkt) != server.jkt:
            return refused("invalid_request", "dpop_jkt is another key than that of the DPoP proof.", known)
        pairs = _pairs(form, server.jkt)
        try:
            checked(self._shell.server(address), Query(pairs))
        except OAuth2Error as error:
            return decision_on(error, known)
        with self._shell.house.store.write("pushed request") as unit:
            request_uri = push(unit, known.facts.client_id, pairs)
        return Decision(201, {"request_uri": request_uri, "expires_in": int(LIFETIME.total_seconds())}, known=known)


def _pairs(form: TokenForm, jkt: str) -> Pairs:
    """The request without its proofs, under the id of the client that proved itself, bound to the key that it proved (RFC 9449 10.1)."""
    bound = [("dpop_jkt", jkt)] if jkt and "dpop_jkt" not in form.values else []
    kept = [(name, value) for name, value in form.values.items() if name not in _PROOFS]
    return [("client_id", form.client_id), *bound, *kept, *(("resource", each) for each in form.resources)]
