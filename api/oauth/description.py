"""What the OAuth addresses take and answer."""

from __future__ import annotations

from collections.abc import Mapping

from api.oauth.server import GRANT_TYPES
from api.openapi import FREE, TEXT, Operations, answer, empty, form, in_path, in_query, oauth_errors, operation, thing
from contracts.credentials.details import MAX_CHARACTERS
from contracts.credentials.leaks import MOST

# A client proves itself in the header, in the body, or not at all where it has no secret.
_CLIENT: tuple[Mapping[str, list[str]], ...] = ({"client": []}, {})
_PROOF = {"client_id": TEXT, "client_secret": TEXT, "client_assertion_type": TEXT, "client_assertion": TEXT}
_NUMBER = {"type": "integer"}
_HINT = {"type": "string", "enum": ["access_token", "refresh_token"]}
_DETAILS = {"type": "string", "contentMediaType": "application/json", "maxLength": MAX_CHARACTERS}
_LEAKED = thing({"token": {"type": "string", "minLength": 1}, "type": TEXT, "url": TEXT}, ("token",))
_FOUND = thing(
    {"token_hash": TEXT, "token_type": TEXT, "label": TEXT, "status": {"type": "string", "enum": ["revoked", "unknown"]}}, ("status",)
)
_TOKEN = thing(
    {"access_token": TEXT, "token_type": TEXT, "expires_in": _NUMBER, "scope": TEXT, "refresh_token": TEXT},
    ("access_token", "token_type", "expires_in", "scope"),
)
_ASKED = {
    "grant_type": {"type": "string", "enum": list(GRANT_TYPES)},
    "scope": TEXT,
    "resource": {"type": "string", "format": "uri"},
    "code": TEXT,
    "redirect_uri": {"type": "string", "format": "uri"},
    "code_verifier": {"type": "string", "minLength": 43, "maxLength": 128},
    "refresh_token": TEXT,
    "authorization_details": _DETAILS,
}
_CODE = {
    "response_type": {"type": "string", "enum": ["code"]},
    "client_id": TEXT,
    "redirect_uri": {"type": "string", "format": "uri"},
    "scope": TEXT,
    "state": TEXT,
    "code_challenge": {"type": "string", "minLength": 43, "maxLength": 43},
    "code_challenge_method": {"type": "string", "enum": ["S256"]},
    "resource": {"type": "string", "format": "uri"},
    "authorization_details": _DETAILS,
}
_REGISTERED = thing({"client_id": TEXT}, ("client_id", "registration_access_token", "registration_client_uri"))
_METADATA_BODY = {"required": True, "content": {"application/json": {"schema": FREE}}}
_REGISTERED_ID = in_path("client_id", "The client's id, as its registration told it.")
_PUSHED = thing({"request_uri": TEXT, "expires_in": _NUMBER}, ("request_uri", "expires_in"))
_METADATA = operation({200: answer(thing({"issuer": TEXT}, ("issuer", "token_endpoint")))})
_RESOURCE = operation({200: answer(thing({"resource": TEXT}, ("resource", "authorization_servers")))})

OPERATIONS: Operations = {
    ("POST", "/oauth/token"): operation(
        {200: answer(_TOKEN), **oauth_errors(400, 401, 413, 429, 503)}, body=form(_ASKED | _PROOF, ("grant_type",)), security=_CLIENT
    ),
    ("POST", "/token"): operation(
        {200: answer(_TOKEN), **oauth_errors(400, 401, 413, 429, 503)},
        body=form(
            {"grant_type": {"type": "string", "enum": ["client_credentials"]}, "license": TEXT, "license_type": TEXT, "resource": TEXT}
            | _PROOF,
            ("grant_type", "license", "resource"),
        ),
        security=_CLIENT,
    ),
    ("POST", "/oauth/leaked"): operation(
        {200: answer({"anyOf": [_FOUND, {"type": "array", "items": _FOUND}]}), **oauth_errors(400, 413, 429, 503)},
        body={
            "required": True,
            "content": {
                "application/json": {"schema": {"anyOf": [_LEAKED, {"type": "array", "items": _LEAKED, "minItems": 1, "maxItems": MOST}]}},
                "application/x-www-form-urlencoded": {"schema": _LEAKED},
            },
        },
    ),
    ("POST", "/oauth/introspect"): operation(
        {200: answer(thing({"active": {"type": "boolean"}}, ("active",))), **oauth_errors(400, 401, 413, 429, 503)},
        body=form({"token": TEXT, "token_type_hint": _HINT} | _PROOF, ("token",)),
        security=_CLIENT,
    ),
    ("POST", "/oauth/revoke"): operation(
        {200: answer(FREE), **oauth_errors(400, 401, 413, 429, 503)},
        body=form({"token": TEXT, "token_type_hint": _HINT} | _PROOF, ("token",)),
        security=_CLIENT,
    ),
    ("GET", "/oauth/authorize"): operation(
        {303: empty("To the page that asks the person, or back to the program."), **oauth_errors(400, 401, 429, 503)},
        parameters=[
            in_query(name, "See RFC 6749 section 4.1.1 and RFC 7636.", schema) for name, schema in (_CODE | {"request_uri": TEXT}).items()
        ],
    ),
    ("POST", "/oauth/par"): operation(
        {201: answer(_PUSHED), **oauth_errors(400, 401, 413, 429, 503)},
        body=form(_CODE | _PROOF, ("response_type", "client_id", "code_challenge")),
        security=_CLIENT,
    ),
    ("POST", "/oauth/register"): operation(
        {201: answer(_REGISTERED), **oauth_errors(400, 401, 413, 429, 503)}, body=_METADATA_BODY, security=({"token": []},)
    ),
    ("GET", "/oauth/register/{client_id}"): operation(
        {200: answer(_REGISTERED), **oauth_errors(401, 429, 503)}, parameters=[_REGISTERED_ID], security=({"token": []},)
    ),
    ("PUT", "/oauth/register/{client_id}"): operation(
        {200: answer(_REGISTERED), **oauth_errors(400, 401, 413, 429, 503)},
        parameters=[_REGISTERED_ID],
        body=_METADATA_BODY,
        security=({"token": []},),
    ),
    ("DELETE", "/oauth/register/{client_id}"): operation(
        {204: empty("It has ended, with its tokens."), **oauth_errors(401, 429, 503)},
        parameters=[_REGISTERED_ID],
        security=({"token": []},),
    ),
    ("GET", "/oauth/jwks"): operation({200: answer(thing({"keys": {"type": "array"}}, ("keys",)), "application/jwk-set+json")}),
    ("GET", "/.well-known/oauth-authorization-server"): _METADATA,
    ("GET", "/.well-known/oauth-protected-resource"): _RESOURCE,
    ("GET", "/.well-known/oauth-protected-resource/v1"): _RESOURCE,
}
