"""GET /oauth/authorize (RFC 6749 section 4.1.1): checks a program's request, keeps it, and sends the person to the page that asks.

A wrong client or address to go back to is answered here, because whoever wrote it must not choose where people are sent
(RFC 6749 section 4.1.2.1): people get a page, programs OAuth's JSON. Everything else goes back with `state` and `iss` (RFC 9207).
Every refusal is in the ledger.
"""

from __future__ import annotations

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from starlette.requests import Request as HttpRequest
from starlette.responses import RedirectResponse, Response

from api.oauth.asking import Query, checked, coded
from api.oauth.decision import Decision, decision_on, said
from api.oauth.pace import PaceLimits
from api.oauth.shell import TOO_OFTEN, Shell, answer
from contracts.credentials.authorizations import begin
from contracts.credentials.pushed import take
from contracts.credentials.redirects import answer_uri
from contracts.networks import prefix

LIMITS = PaceLimits(network="120/minute", client="120/minute")
MAX_CHARACTERS = 4_000
# What a page of the portal says about a refusal that goes back to no program.
REFUSED_PAGE = "/consent/refused/"


class AuthorizeEndpoint:
    """Takes requests of programs for people. One a process."""

    def __init__(self, shell: Shell, limits: PaceLimits = LIMITS) -> None:
        self._shell, self._pace = shell, shell.pace(limits, "authorize")

    def __call__(self, request: HttpRequest) -> Response:
        """303 to the page that asks, or back to the program with an error, or an answer here where there is nowhere to go back to."""
        address = self._shell.address(request.scope)
        network, query = prefix(address), Query(request.query_params.multi_items())
        wait = self._pace.wait(network, query.data.get("client_id", ""))
        if wait:
            refused = Decision(429, TOO_OFTEN, "too_many_requests")
            if self._pace.first_of_a_minute(network):
                self._shell.refuse(refused, network, "authorization")
            return _here(request, refused, {"retry-after": str(wait)})
        server = self._shell.server(address)
        try:
            query = self._brought(query, len(request.url.query))
            asked = checked(server, query)
        except OAuth2Error as error:
            decision = decision_on(error, server.found)
            self._shell.refuse(decision, network, "authorization")
            return self._back(error, query) or _here(request, decision, {})
        with self._shell.house.store.write("authorize") as unit:
            row = begin(unit, asked)
        return _go(f"/consent/{row.id}")

    def _brought(self, query: Query, characters: int) -> Query:
        """The request itself, or the one that its client pushed: then nothing of the address counts but who asks (RFC 9126 section 4)."""
        if characters > MAX_CHARACTERS or query.repeats:
            raise coded(InvalidRequestError("A parameter is given twice, or the address is too long."), "bad_request")
        if "request_uri" not in query.data:
            return query
        with self._shell.house.store.write("pushed request") as unit:
            pushed = take(unit, query.data["request_uri"], query.data.get("client_id", ""))
        if pushed is None:
            raise coded(
                OAuth2Error(error="invalid_request_uri", description="The request_uri is unknown, over, or was used before."),
                "pushed_request_unusable",
            )
        return Query(pushed)

    def _back(self, error: OAuth2Error, query: Query) -> Response | None:
        redirect_uri = getattr(error, "redirect_uri", None)
        if not redirect_uri:
            return None
        state = {"state": query.data["state"]} if "state" in query.data else {}
        return _go(answer_uri(redirect_uri, {**said(error), **state, "iss": self._shell.house.tokens.issuer}))


def _here(request: HttpRequest, decision: Decision, headers: dict[str, str]) -> Response:
    """The refusal, to a person as a page, which the portal renders."""
    if "text/html" in request.headers.get("accept", ""):
        return _go(REFUSED_PAGE + decision.rule)
    return answer(decision, headers)


def _go(where: str) -> Response:
    return RedirectResponse(where, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
