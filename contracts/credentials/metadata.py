"""Client metadata as a program registers it (RFC 7591 section 2), pure: read strictly, never wider than the contract and our own rules.

What is not understood here is left out, as section 3.2.1 lets a server do; the answer tells what was registered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contracts.credentials.decide import ALONE, USUAL, WITH_PEOPLE, scopes_for
from contracts.credentials.jose import key_set
from contracts.credentials.redirects import redirects_problem
from contracts.errors import Refused
from contracts.guarded import checked
from contracts.people.decide import name_problem, tidy
from contracts.terms.model import Terms

# As clients name the ways of proving themselves, and what each is here.
METHODS = {
    "client_secret_basic": "client_secret",
    "client_secret_post": "client_secret",
    "private_key_jwt": "private_key_jwt",
    "none": "none",
}
UNNAMED = "Registered program"

Error = Literal["invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement"]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a program registers. `method` is one of `METHODS`."""

    name: str
    method: str
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    jwks: Mapping[str, Any] | None
    jwks_uri: str
    dpop_bound: bool


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why metadata are refused, by RFC 7591 section 3.2.2."""

    error: Error
    problem: str


class _Mistake(Exception):
    def __init__(self, problem: str, error: Error = "invalid_client_metadata") -> None:
        super().__init__(problem)
        self.wrong = Wrong(error, problem)


def read_metadata(document: object, terms: Terms) -> Metadata | Wrong:
    """The metadata, or the first thing that is wrong with them."""
    try:
        return _read(document, terms)
    except _Mistake as mistake:
        return mistake.wrong


def _read(document: object, terms: Terms) -> Metadata:
    if not isinstance(document, Mapping):
        raise _Mistake("Send the metadata as one JSON object.")
    _no_statement(document)
    method = _text(document, "token_endpoint_auth_method", "client_secret_basic")
    if method not in METHODS:
        raise _Mistake(f"token_endpoint_auth_method is one of {', '.join(METHODS)}.")
    grant_types = _grant_types(document, method, terms)
    jwks, jwks_uri = _keys(document, method)
    bound = document.get("dpop_bound_access_tokens", False)
    if not isinstance(bound, bool):
        raise _Mistake("dpop_bound_access_tokens is true or false.")
    name = tidy(_text(document, "client_name", UNNAMED))
    if problem := name_problem(name, "client_name is empty."):
        raise _Mistake(problem)
    return Metadata(name, method, grant_types, _redirects(document, grant_types), _scopes(document), jwks, jwks_uri, bound)


def _no_statement(document: Mapping[str, Any]) -> None:
    if "software_statement" not in document:
        return
    if not isinstance(document["software_statement"], str) or document["software_statement"].count(".") != 2:
        raise _Mistake("software_statement is no JWT.", "invalid_software_statement")
    raise _Mistake("Nobody's software statements are approved here. Register without one.", "unapproved_software_statement")


def _grant_types(document: Mapping[str, Any], method: str, terms: Terms) -> tuple[str, ...]:
    found = _texts(document, "grant_types", ("authorization_code",))
    alone, with_people = set(found) == set(ALONE), {"authorization_code"} <= set(found) <= set(WITH_PEOPLE)
    if not (alone or with_people):
        raise _Mistake("grant_types is client_credentials, or authorization_code with or without refresh_token.")
    if alone and method == "none":
        raise _Mistake("A program that reads for itself has to prove itself: token_endpoint_auth_method cannot be none.")
    if alone and terms.named_users:
        raise _Mistake("The contract names its users: register for authorization_code.")
    responses = _texts(document, "response_types", () if alone else ("code",))
    if responses != (() if alone else ("code",)):
        raise _Mistake('response_types is ["code"] with authorization_code, and empty with client_credentials.')
    return ALONE if alone else tuple(each for each in WITH_PEOPLE if each in found)


def _redirects(document: Mapping[str, Any], grant_types: Sequence[str]) -> tuple[str, ...]:
    uris = _texts(document, "redirect_uris", ())
    if tuple(grant_types) == ALONE:
        if uris:
            raise _Mistake("Nobody is sent back to a program that reads for itself: leave redirect_uris out.", "invalid_redirect_uri")
        return ()
    if problem := redirects_problem(uris):
        raise _Mistake(problem, "invalid_redirect_uri")
    return uris


def _scopes(document: Mapping[str, Any]) -> frozenset[str]:
    asked = frozenset(_text(document, "scope", "").split()) or USUAL["api"]
    if not asked <= scopes_for("api"):
        raise _Mistake(f"scope is at most {' '.join(sorted(scopes_for('api')))}.")
    return asked


def _keys(document: Mapping[str, Any], method: str) -> tuple[Mapping[str, Any] | None, str]:
    jwks, jwks_uri = document.get("jwks"), _text(document, "jwks_uri", "")
    if method != "private_key_jwt":
        if jwks is not None or jwks_uri:
            raise _Mistake("Keys go with token_endpoint_auth_method private_key_jwt alone.")
        return None, ""
    if (jwks is None) == (not jwks_uri):
        raise _Mistake("private_key_jwt needs either jwks or jwks_uri.")
    try:
        if jwks_uri:
            checked(jwks_uri)
        else:
            key_set(jwks)
    except Refused as refused:
        fields = refused.refusal.facts.get("fields", {})
        raise _Mistake(str(fields.get("jwks", refused.refusal.reason))) from refused
    return jwks, jwks_uri


def _text(document: Mapping[str, Any], name: str, default: str) -> str:
    found = document.get(name, default)
    if not isinstance(found, str) or len(found) > 2_048 or "\0" in found:
        raise _Mistake(f"{name} is a text.")
    return found


def _texts(document: Mapping[str, Any], name: str, default: Sequence[str]) -> tuple[str, ...]:
    found = document.get(name, default)
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found) or len(set(found)) != len(found):
        error: Error = "invalid_redirect_uri" if name == "redirect_uris" else "invalid_client_metadata"
        raise _Mistake(f"{name} is a list of texts, each once.", error)
    return tuple(found)
