"""How a request carries its token: by which scheme, with which proof of a key, and the challenge that asks for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Scope

from contracts.access.decide import SCOPE
from contracts.credentials.dpop import ALGORITHMS, invalid_proof
from contracts.credentials.proofs import Proofs, once_of
from contracts.credentials.spent import Once
from contracts.credentials.tokens import Claims
from contracts.errors import Refusal

_MAX_AUTHORIZATION = 8_192
_MAX_KEY = 255
# RFC 9449 section 7.2: a bound token that anyone could send as a plain bearer token would be bound to nothing.
_BOUND = Refusal("token_invalid", "This access token is bound to a key, so it is good for nothing as a bearer token.")
_UNBOUND = Refusal("token_invalid", "This access token is bound to no key. Send it as a bearer token, or ask for a bound one.")
# No error is named to one who sent no token.
_ERRORS = {
    "token_missing": "",
    "bad_request": 'error="invalid_request", ',
    "token_invalid": 'error="invalid_token", ',
    "token_never_issued": 'error="invalid_token", ',
    "scope_not_granted": f'error="insufficient_scope", scope="{SCOPE}", ',
    "dpop_proof_invalid": 'error="invalid_dpop_proof", ',
    "dpop_nonce_required": 'error="use_dpop_nonce", ',
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What the Authorization header holds: the scheme in lower case, and an empty token where the scheme is not known here."""

    scheme: str
    token: str


def sent_in(scope: Scope) -> Sent | Refusal:
    """The token of a request (RFC 6750 section 2.1, RFC 9449 section 7.1); `bad_request` where several are sent."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) > 1 or (values and len(values[0]) > _MAX_AUTHORIZATION):
        return Refusal("bad_request", "Send one Authorization header with one token.")
    scheme, _, token = values[0].decode("latin-1").partition(" ") if values else ("", "", "")
    named = scheme.lower()
    return Sent(named, token.strip() if named in ("bearer", "dpop") else "")


def repeat_key(scope: Scope) -> str | Refusal:
    """The `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07), with or without its quotes; empty where none is sent."""
    given = [value.decode("latin-1").strip() for name, value in scope["headers"] if name == b"idempotency-key"]
    key = given[0][1:-1] if given and given[0][:1] == given[0][-1:] == '"' and len(given[0]) > 1 else "".join(given[:1])
    if len(given) > 1 or (given and not (0 < len(key) <= _MAX_KEY and key.isascii() and key.isprintable())):
        return Refusal("bad_request", f"`Idempotency-Key` is one value of at most {_MAX_KEY} printable characters of ASCII.")
    return key


def proved(proofs: Proofs, origin: str, scope: Scope, sent: Sent, claims: Claims) -> Once | Refusal:
    """The proof that whoever sends a bound token has its key (RFC 9449 section 7.1), or `token_invalid` or the proof's own refusal.

    `origin` is the platform's public one: what a request says of its host is its sender's to choose.
    """
    if sent.scheme != "dpop":
        return _BOUND
    bound = claims.payload.get("cnf")
    if not isinstance(bound, Mapping):
        return _UNBOUND
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"dpop"]
    path = bytes(scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin-1")
    proof = proofs.check(given, scope["method"], origin + path, sent.token)
    if isinstance(proof, Refusal):
        return proof
    return once_of(proof) if proof.jkt == bound.get("jkt") else invalid_proof("The token is bound to another key.")


def challenge(refusal: Refusal, metadata: str, *, dpop: bool) -> dict[str, str]:
    """`WWW-Authenticate` (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9728 section 5.1); both schemes for one who sent no token."""
    if refusal.code not in _ERRORS:
        return {}
    rest = f'{_ERRORS[refusal.code]}resource_metadata="{metadata}"'
    by_bearer, by_dpop = f"Bearer {rest}", f'DPoP algs="{ALGORITHMS}", {rest}'
    if refusal.code == "token_missing" and not dpop:
        return {"www-authenticate": f"{by_bearer}, {by_dpop}"}
    return {"www-authenticate": by_dpop if dpop else by_bearer}
