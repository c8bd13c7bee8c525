"""GET /oauth/authorize (RFC 6749 section 4.1.1): checks a program's request, keeps it, and sends the person to the page that asks.

A wrong client or address to go back to is answered here, because whoever wrote it must not choose where people are sent
(RFC 6749 section 4.1.2.1). Everything else goes back with `state` and `iss` (RFC 9207).
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from starlette.datastructures import QueryParams
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response

from api.oauth.decision import Decision, decision_on, plain, said
from api.oauth.pace import PaceLimits
from api.oauth.server import Request, TokenServer
from api.oauth.shell import TOO_OFTEN, Shell, answer
from contracts.credentials.authorizations import Asked, begin
from contracts.credentials.redirects import answer_uri
from contracts.networks import prefix

LIMITS = PaceLimits(network="120/minute", client="120/minute")
MAX_CHARACTERS = 4_000
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
# Given once or not at all (RFC 6749 section 3.1).
_ONCE = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "dpop_jkt",
)


class _Query(OAuth2Payload):
    def __init__(self, params: QueryParams) -> None:
        self._data = {name: value for name, value in params.multi_items() if value}
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in params.multi_items():
            self._lists[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists


class AuthorizeEndpoint:
    """Takes requests of programs for people. One a process."""

    def __init__(self, shell: Shell, limits: PaceLimits = LIMITS) -> None:
        self._shell, self._pace = shell, shell.pace(limits, "authorize")

    def __call__(self, request: HttpRequest) -> Response:
        """303 to the page that asks, or back to the program with an error, or 400 where there is nowhere to go back to."""
        address = self._shell.address(request.scope)
        query = _Query(request.query_params)
        wait = self._pace.wait(prefix(address), query.data.get("client_id", ""))
        if wait:
            return answer(Decision(429, TOO_OFTEN, "too_many_requests"), {"retry-after": str(wait)})
        server = self._shell.server(address)
        try:
            asked = self._checked(server, query, len(request.url.query))
        except OAuth2Error as error:
            return self._refused(error, query)
        with self._shell.house.store.write("authorize") as unit:
            row = begin(unit, asked)
        return _go(f"/consent/{row.id}")

    def _checked(self, server: TokenServer, query: _Query, characters: int) -> Asked:
        if characters > MAX_CHARACTERS or any(len(query.datalist[name]) > 1 for name in _ONCE):
            raise InvalidRequestError("A parameter is given twice, or the address is too long.")
        grant: Any = server.get_consent_grant(Request("GET", query, {}, query.data))  # type: ignore[no-untyped-call]  # Authlib has no type here
        try:
            if "request" in query.data or query.data.get("response_mode", "query") != "query":
                raise InvalidRequestError("Neither request nor a response_mode other than query is supported.")
            return self._asked(server, query, grant.redirect_uri)
        except OAuth2Error as error:
            error.redirect_uri = grant.redirect_uri
            raise

    def _asked(self, server: TokenServer, query: _Query, redirect_uri: str) -> Asked:
        known, scope = server.known, server.allowed(query.scope)
        server.check_contract()
        if not scope:
            raise InvalidScopeError(description=plain("The credential reaches only: " + " ".join(sorted(known.facts.scopes))))
        return Asked(
            client_id=known.facts.client_id,
            contract_id=known.facts.contract_id,
            organisation_id=known.facts.organisation_id,
            redirect_uri=redirect_uri,
            state=query.data.get("state", ""),
            scope=scope,
            code_challenge=query.data["code_challenge"],
            dpop_jkt=_thumbprint(query),
        )

    def _refused(self, error: OAuth2Error, query: _Query) -> Response:
        redirect_uri = getattr(error, "redirect_uri", None)
        if not redirect_uri:
            return answer(decision_on(error, None), {})
        state = {"state": query.data["state"]} if "state" in query.data else {}
        return _go(answer_uri(redirect_uri, {**said(error), **state, "iss": self._shell.house.tokens.issuer}))


def _thumbprint(query: _Query) -> str:
    """The key that the code is bound to (RFC 9449 section 10); empty for none."""
    asked = query.data.get("dpop_jkt", "")
    if asked and not _THUMBPRINT.fullmatch(asked):
        raise InvalidRequestError("dpop_jkt is no thumbprint: 43 characters of base64url (RFC 7638, SHA-256).")
    return asked


def _go(where: str) -> Response:
    return RedirectResponse(where, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
