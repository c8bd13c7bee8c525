"""Dynamic registration (RFC 7591) and what a registered program does about itself (RFC 7592), at /oauth/register.

Only with a token: one that a partner's people made for a contract, or the one that a registration gave to its program.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.oauth.decision import Decision, plain
from api.oauth.form import read_body
from api.oauth.pace import PaceLimits
from api.oauth.shell import TOO_OFTEN, Shell, answer, entry_of
from contracts.credentials.metadata import METHODS, Wrong
from contracts.credentials.registration import change, opening, register, registered, withdraw
from contracts.credentials.tables import Client
from contracts.ids import secret_hash
from contracts.ledger.stage import record
from contracts.networks import prefix
from contracts.store.unit import Unit

LIMITS = PaceLimits(network="60/minute", client="60/minute")
MAX_BODY_BYTES = 32 * 1024
# What the server gives; a program may send them back when it changes itself only as they are (RFC 7592 section 2.2).
_GIVEN = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")

Act = Callable[[Unit], Decision]


class RegistrationEndpoint:
    """Takes registrations, and programs that manage theirs."""

    def __init__(self, shell: Shell, limits: PaceLimits = LIMITS) -> None:
        self._shell, self._pace = shell, shell.pace(limits, "registration")

    async def register(self, scope: Scope, receive: Receive, send: Send, _path: dict[str, str]) -> None:
        """POST: 201 with the client (RFC 7591 section 3.2.1)."""
        body = await read_body(receive, MAX_BODY_BYTES)
        headers, network = Headers(scope=scope), prefix(self._shell.address(scope))
        act = partial(self._register, _bearer(headers), _document(headers, body), network)
        response = await self._shell.in_thread(partial(self._respond, act, network))
        await response(scope, receive, send)

    async def manage(self, scope: Scope, receive: Receive, send: Send, path: dict[str, str]) -> None:
        """GET, PUT and DELETE of one client by its own program (RFC 7592 section 2)."""
        headers, network, method = Headers(scope=scope), prefix(self._shell.address(scope)), scope["method"]
        document = _document(headers, await read_body(receive, MAX_BODY_BYTES)) if method == "PUT" else {}
        act = partial(self._manage, method, path["client_id"], _bearer(headers), document, network)
        response = await self._shell.in_thread(partial(self._respond, act, network))
        await response(scope, receive, send)

    def _respond(self, act: Act, network: str) -> Response:
        """Held to its pace, done in one unit, and recorded there where it is refused."""
        wait = self._pace.wait(network, "")
        if wait:
            return answer(Decision(429, {**TOO_OFTEN, "error_description": _OFTEN}, "too_many_requests"), {"retry-after": str(wait)})
        with self._shell.house.store.write("registration") as unit:
            decision = act(unit)
            if decision.rule:
                record(unit, entry_of(decision, network, "registration.refused"))
        if decision.status == 204:
            return Response(status_code=204, headers={"cache-control": "no-store"})
        if decision.status != 401:
            return answer(decision, {})
        self._pace.failed(network)
        return answer(decision, {"www-authenticate": 'Bearer error="invalid_token"'})

    def _register(self, token: str, document: object, network: str, unit: Unit) -> Decision:
        row = opening(unit, token)
        if row is None:
            return _UNKNOWN
        if isinstance(document, Decision):
            return document
        made = register(unit, row, document, network)
        if isinstance(made, Wrong):
            return _wrong(made)
        client, secret, manages = made
        return Decision(201, self._told(client, manages, secret))

    def _manage(self, method: str, client_id: str, token: str, document: object, network: str, unit: Unit) -> Decision:
        client = registered(unit, client_id, token)
        if client is None:
            return _UNKNOWN
        if method == "DELETE":
            withdraw(unit, client)
            return Decision(204, {})
        if method == "GET":
            return Decision(200, self._told(client, token))
        if isinstance(document, Decision):
            return document
        if problem := _not_its_own(client, document):
            return _wrong(Wrong("invalid_client_metadata", problem))
        secret = change(unit, client, document, network)
        return _wrong(secret) if isinstance(secret, Wrong) else Decision(200, self._told(client, token, secret))

    def _told(self, client: Client, manages: str, secret: str = "") -> dict[str, Any]:
        """The client as it is registered; a secret is told when it is made, and never again (it is kept as a hash)."""
        told: dict[str, Any] = {
            "client_id": client.id,
            "client_id_issued_at": int(client.created_at.timestamp()),
            "registration_access_token": manages,
            "registration_client_uri": f"{self._shell.house.tokens.issuer}/oauth/register/{client.id}",
            "client_name": client.name,
            "token_endpoint_auth_method": _method(client),
            "grant_types": client.grant_types,
            "response_types": ["code"] if "authorization_code" in client.grant_types else [],
            "scope": " ".join(client.scopes),
            "dpop_bound_access_tokens": client.dpop_bound,
        }
        if secret:
            told |= {"client_secret": secret, "client_secret_expires_at": 0}
        given = {"redirect_uris": client.redirect_uris, "jwks": client.jwks, "jwks_uri": client.jwks_uri}
        return told | {name: value for name, value in given.items() if value}


def _method(client: Client) -> str:
    """How the client proves itself, as it said it; its people may have changed that since."""
    if METHODS.get(client.registered_method) == client.auth_method:
        return client.registered_method
    return next(name for name, kept in METHODS.items() if kept == client.auth_method)


def _not_its_own(client: Client, document: object) -> str:
    """What a change must name, and what only the server gives (RFC 7592 section 2.2)."""
    if not isinstance(document, Mapping) or document.get("client_id") != client.id:
        return "Send the whole metadata with this client_id."
    if any(name in document for name in _GIVEN):
        return f"Leave out what the server gives: {', '.join(_GIVEN)}."
    secret = document.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and hmac.compare_digest(secret_hash(secret), client.secret_sha256)):
        return "client_secret is not the client's; a program does not choose its own."
    return ""


def _document(headers: Headers, body: bytes | None) -> object:
    """The body as JSON, or the refusal of one that is none."""
    if body is None:
        return _bad(413, f"The body is larger than {MAX_BODY_BYTES // 1024} KiB.")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _bad(400, "Send the metadata as application/json.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _bad(400, "The body is no JSON.")


def _bearer(headers: Headers) -> str:
    """The token of the one Authorization header; empty where there is none."""
    given = headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def _wrong(wrong: Wrong) -> Decision:
    return Decision(400, {"error": wrong.error, "error_description": plain(wrong.problem)}, wrong.error)


def _bad(status: int, description: str) -> Decision:
    return Decision(status, {"error": "invalid_client_metadata", "error_description": description}, "invalid_client_metadata")


_OFTEN = "Too many registrations from this network. Wait as Retry-After says."
_UNKNOWN = Decision(
    401,
    {"error": "invalid_token", "error_description": "The token is unknown, ended or used up, or this client is not its own."},
    "invalid_token",
)
