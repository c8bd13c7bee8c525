"""Every error name of the token address, with its meaning. `docs/reference/codes.md` may be made from this table."""

from __future__ import annotations

ERRORS: dict[str, str] = {
    "invalid_request": "The request could not be read: form, parameters or place of the credentials (RFC 6749 section 5.2).",
    "invalid_client": "No such client, a wrong secret or a revoked client (RFC 6749 section 5.2).",
    "access_denied": "The person did not allow it (RFC 6749 section 4.1.2.1).",
    "invalid_dpop_proof": "The DPoP proof is missing where tokens are bound, does not hold, or was used before (RFC 9449 section 5).",
    "use_dpop_nonce": "The DPoP proof lacks a nonce of ours; `DPoP-Nonce` holds one (RFC 9449 section 8).",
    "invalid_grant": "The code or refresh token is unknown, ended, used before, or another client's (RFC 6749 section 5.2, RFC 7009 section 2.1).",
    "invalid_scope": "The scope is more than the credential reaches (RFC 6749 section 5.2).",
    "invalid_license": "The licence is not the one that is offered for the resource (RSL 1.0, Open License Protocol).",
    "invalid_resource": "Nothing of the kind is offered, or the contract does not cover it (RSL 1.0, Open License Protocol).",
    "invalid_authorization_details": "The details are unknown, malformed, or more than the contract or the person allows (RFC 9396 section 5).",
    "invalid_request_uri": "The pushed request is unknown, another client's, over, or was used before (RFC 9126 section 4, RFC 9101 section 7).",
    "invalid_token": "The token to register with, or to manage a registration with, is unknown, ended or used up (RFC 6750 section 3.1).",
    "invalid_redirect_uri": "An address to go back to may not be registered (RFC 7591 section 3.2.2).",
    "invalid_client_metadata": "The metadata of a program that registers itself cannot be taken so (RFC 7591 section 3.2.2).",
    "invalid_software_statement": "The software statement is no JWT (RFC 7591 section 3.2.2).",
    "unapproved_software_statement": "Software statements are not taken here (RFC 7591 section 3.2.2).",
    "invalid_target": "The resource asked for is not the credential's audience (RFC 8707 section 2).",
    "unauthorized_client": "The client is genuine, but its contract grants nothing now; `code` says why (RFC 6749 section 5.2).",
    "unsupported_response_type": "Only code is supported (RFC 6749 section 4.1.2.1).",
    "unsupported_token_type": "`token_type_hint` names a kind of token that there is not (RFC 7009 section 2.2.1).",
    "unsupported_grant_type": "There are client_credentials, authorization_code and refresh_token (RFC 6749 section 5.2).",
    "slow_down": "Tokens are asked for too often; `Retry-After` says when to come back (name from RFC 8628 section 3.5).",
    "temporarily_unavailable": "No token can be issued or recorded now; `code` says why where a contract is concerned.",
}
