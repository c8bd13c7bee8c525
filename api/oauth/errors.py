"""Every error name of the token address, with its meaning. `docs/reference/codes.md` may be made from this table."""

from __future__ import annotations

ERRORS: dict[str, str] = {
    "invalid_request": "The request could not be read: form, parameters or place of the credentials (RFC 6749 section 5.2).",
    "invalid_client": "No such client, a wrong secret or a revoked client (RFC 6749 section 5.2).",
    "invalid_grant": "The token belongs to another client (RFC 7009 section 2.1).",
    "invalid_scope": "The scope is more than the credential reaches (RFC 6749 section 5.2).",
    "invalid_target": "The resource asked for is not the credential's audience (RFC 8707 section 2).",
    "unauthorized_client": "The client is genuine, but its contract grants nothing now; `code` says why (RFC 6749 section 5.2).",
    "unsupported_token_type": "`token_type_hint` names a kind of token that there is not (RFC 7009 section 2.2.1).",
    "unsupported_grant_type": "Only client_credentials is supported (RFC 6749 section 5.2).",
    "slow_down": "Tokens are asked for too often; `Retry-After` says when to come back (name from RFC 8628 section 3.5).",
    "temporarily_unavailable": "No token can be issued or recorded now; `code` says why where a contract is concerned.",
}
