"""What a request to an OAuth address came to, as a value; and the house's refusals in OAuth's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError, UnauthorizedClientError

from api.oauth.errors import ERRORS
from contracts.codes import Kind
from contracts.credentials.directory import KnownClient
from contracts.credentials.tables import TokenFamily
from contracts.credentials.tokens import IssuedToken, Plan
from contracts.errors import Refusal

_NO_CLIENT = "No such client, or the secret is wrong, or the client was revoked."
NO_SIGNER = "No such client, or none of its keys signs the assertion with ES256, EdDSA or PS256, or the client was revoked."


@dataclass(frozen=True, slots=True)
class Decision:
    """What a token request came to: the answer, and what the ledger is told. `rule` is empty where a token was issued.

    `plan` is what further tokens of the same decision are made by, `family` the consent that the token comes from, where a person
    gave one. An answer with an error that `ERRORS` does not
    list cannot be constructed, so none is undocumented.
    """

    status: int
    body: Mapping[str, Any] = field(repr=False)
    rule: str = ""
    known: KnownClient | None = field(default=None, repr=False)
    issued: IssuedToken | None = field(default=None, repr=False)
    plan: Plan | None = field(default=None, repr=False)
    family: TokenFamily | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if "error" in self.body and self.body["error"] not in ERRORS:
            raise KeyError(f"OAuth error {self.body['error']!r} is not listed in api.oauth.errors")


class GrantRefused(UnauthorizedClientError):
    """The client is genuine, but its contract grants nothing now: suspended, ended, broken, or another network."""

    def __init__(self, refusal: Refusal) -> None:
        unavailable = refusal.kind is Kind.UNAVAILABLE
        super().__init__(
            description=plain(refusal.reason),
            status_code=503 if unavailable else 400,
            error="temporarily_unavailable" if unavailable else "unauthorized_client",
        )
        self.code = refusal.code


class AssertionRefused(InvalidClientError):
    """A client assertion that does not hold. What its own client signed wrongly is said; `NO_SIGNER` is all that others learn."""

    def __init__(self, problem: str) -> None:
        super().__init__(status_code=401)
        self.problem = problem


class ProofRefused(OAuth2Error):
    """A DPoP proof that is missing where it must be, or does not hold (RFC 9449 sections 5 and 8)."""

    def __init__(self, refusal: Refusal) -> None:
        name = "use_dpop_nonce" if refusal.code == "dpop_nonce_required" else "invalid_dpop_proof"
        super().__init__(error=name, description=plain(refusal.reason), status_code=400)


def refused(error: str, description: str, known: KnownClient | None = None) -> Decision:
    """A refusal with 400."""
    return Decision(400, {"error": error, "error_description": description}, error, known)


def decision_on(error: OAuth2Error, known: KnownClient | None) -> Decision:
    """The error of RFC 6749 section 5.2. Why a client failed to authenticate is the same sentence for every cause."""
    name = str(error.error)
    rule = str(getattr(error, "code", name))
    coded = {"code": rule} if rule != name else {}
    if name == "invalid_client":
        problem = error.problem if isinstance(error, AssertionRefused) else _NO_CLIENT
        return Decision(401, {"error": name, "error_description": plain(problem)} | coded, rule, known)
    return Decision(error.status_code, said(error) | coded, rule, known)


def said(error: OAuth2Error) -> dict[str, str]:
    """Name and description of an error."""
    name = str(error.error)
    if name == "unsupported_grant_type":
        return {"error": name, "error_description": "Send grant_type=client_credentials, authorization_code or refresh_token."}
    return {"error": name, "error_description": plain(str(error.get_error_description()))}


def plain(text: str) -> str:
    """The text in the letters that RFC 6749 section 5.2 allows in a description."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" if c in '"\\' else "?" for c in text)
