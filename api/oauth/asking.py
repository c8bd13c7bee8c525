"""A program's request for a person's consent (RFC 6749 section 4.1.1), checked the same whether a browser brings it or the client itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.requests import OAuth2Payload

from api.oauth.decision import plain
from api.oauth.narrowing import Narrowing
from api.oauth.server import Request, TokenServer
from contracts.credentials.authorizations import Asked

_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


class Query(OAuth2Payload):
    """The parameters as Authlib reads them; those without a value count as left out (RFC 6749 section 3.1)."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._data: dict[str, str] = {}
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._lists[name].append(value)
            if value:
                self._data[name] = value

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists

    @property
    def repeats(self) -> bool:
        """Whether a parameter is given twice; only `resource` may be (RFC 6749 section 3.1, RFC 8707 section 2)."""
        return any(len(values) > 1 for name, values in self._lists.items() if name != "resource")


def checked(server: TokenServer, query: Query) -> Asked:
    """The request, found in order. Raises `OAuth2Error`: one that may be told to the program has its `redirect_uri`, any other a `code`."""
    if query.repeats:
        raise coded(InvalidRequestError("A parameter is given twice."), "bad_request")
    if server.query_client(query.data.get("client_id", "")) is None:
        raise coded(InvalidClientError(), "program_unknown")
    _make_plain(query)
    try:
        grant: Any = server.get_consent_grant(Request("GET", query, query.data))  # type: ignore[no-untyped-call]  # Authlib has no type here
    except OAuth2Error as error:
        if not getattr(error, "redirect_uri", None):
            coded(error, "return_address_unknown")
        raise
    try:
        if "request" in query.data or query.data.get("response_mode", "query") != "query":
            raise InvalidRequestError("Neither request nor a response_mode other than query is supported.")
        return _asked(server, query, grant.redirect_uri)
    except OAuth2Error as error:
        error.redirect_uri = grant.redirect_uri
        raise


def _make_plain(query: Query) -> None:
    """Authlib repeats these two in its errors, and fails over letters that an error may not hold (RFC 6749 section 5.2)."""
    redirect_uri = query.data.get("redirect_uri", "")
    if redirect_uri != plain(redirect_uri):
        raise coded(InvalidRequestError("redirect_uri holds letters that no address has."), "return_address_unknown")
    if "response_type" in query.data:
        query.data["response_type"] = plain(query.data["response_type"])


def coded(error: OAuth2Error, code: str) -> OAuth2Error:
    """An error that goes back to no program, with the house's code for it."""
    marked: Any = error
    marked.code = code
    return error


def _asked(server: TokenServer, query: Query, redirect_uri: str) -> Asked:
    narrowing = Narrowing(tuple(filter(None, query.datalist["resource"])), query.data.get("authorization_details"))
    known, scope = server.known, server.allowed(query.scope)
    details = server.narrow(narrowing)
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
        details=tuple(details),
    )


def _thumbprint(query: Query) -> str:
    """The key that the code is bound to (RFC 9449 section 10); empty for none."""
    asked = query.data.get("dpop_jkt", "")
    if asked and not _THUMBPRINT.fullmatch(asked):
        raise InvalidRequestError("dpop_jkt is no thumbprint: 43 characters of base64url (RFC 7638, SHA-256).")
    return asked
