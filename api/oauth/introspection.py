"""POST /oauth/introspect (RFC 7662): whether a token is in force now, for the clients of the contract that it is under.

A hot handler: where the client and the token are known it touches neither a thread nor the store. An answer says nothing that
the caller could not read in the token, so only refusals enter the ledger.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.oauth.client import CONFIDENTIAL
from api.oauth.decision import Decision, refused
from api.oauth.form import TokenForm, read_form
from api.oauth.pace import PaceLimits
from api.oauth.shell import Form, Shell
from contracts.credentials.directory import KnownClient
from contracts.credentials.tokens import Claims
from contracts.errors import StoreUnavailable
from contracts.networks import prefix
from contracts.terms.grant import Grant

INACTIVE: dict[str, Any] = {"active": False}


class IntrospectionEndpoint:
    """Answers questions about tokens."""

    def __init__(self, shell: Shell, limits: PaceLimits) -> None:
        self._shell, self._pace = shell, shell.pace(limits, "introspection")

    async def __call__(self, scope: Scope, receive: Receive, send: Send, _path: dict[str, str]) -> None:
        form = await read_form(scope, receive)
        address = self._shell.address(scope)
        response = self._at_once(form, address)
        if response is None:
            response = await self._shell.in_thread(partial(self._respond, form, address))
        await response(scope, receive, send)

    def _at_once(self, form: Form, address: str) -> Response | None:
        """The answer to an honest request of a client that memory holds; None where a thread has to look."""
        if not isinstance(form, TokenForm) or self._pace.waits or not self._shell.directory.holds(form.client_id):
            return None
        if "client_assertion" in form.values:
            return None  # it is written down as used
        if not self._shell.house.tokens.remembers(form.values.get("token", "")):
            return None
        try:
            decision = self._decide(form, address)
        except (SQLAlchemyError, StoreUnavailable):
            return None  # the signing keys had to be read and could not be; the thread says 503
        if decision.rule or self._pace.wait(prefix(address), form.client_id):
            return None
        return self._shell.leave(self._pace, decision, "")

    def _respond(self, form: Form, address: str) -> Response:
        return self._shell.guarded(self._pace, form, address, partial(self._decide, address=address), "introspection")

    def _decide(self, form: TokenForm, address: str) -> Decision:
        known = self._shell.authenticated(form, address, "introspection", CONFIDENTIAL)
        if isinstance(known, Decision):
            return known
        if not form.values.get("token"):
            return refused("invalid_request", "Send the token that is asked about as token.", known)
        return Decision(200, self._said(known, form.values["token"]), known=known)

    def _said(self, known: KnownClient, token: str) -> dict[str, Any]:
        """What is known of the token (RFC 7662 section 2.2). Another contract's looks like one that never was (section 4)."""
        claims = self._shell.house.tokens.read(token)
        grant = known.grant
        if not isinstance(claims, Claims) or not isinstance(grant, Grant):
            return INACTIVE
        if grant.refusal_of(claims) is not None or grant.refusal_at(self._shell.today(), claims.client_id) is not None:
            return INACTIVE
        scope = " ".join(sorted(claims.scopes & grant.clients[claims.client_id]))
        bound = "cnf" in claims.payload
        return {"active": True, **claims.payload, "scope": scope, "token_type": "DPoP" if bound else "Bearer"}
