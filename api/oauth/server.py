"""The authorization server: Authlib's core (RFC 6749) over our own clients and tokens. It only reads and decides.

Authlib is synchronous and knows no Starlette: the endpoint calls this in a thread, hands it a finished request, and writes
down what it decided before anything is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin
from authlib.oauth2.rfc6749.errors import InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from api.oauth.errors import ERRORS
from api.oauth.form import TokenForm
from contracts.codes import Kind
from contracts.credentials.directory import Directory, KnownClient
from contracts.credentials.tokens import IssuedToken, Tokens
from contracts.errors import Refusal
from contracts.terms.grant import Grant

GRANT_TYPES = ("client_credentials",)
AUTH_METHODS = ("client_secret_basic", "client_secret_post")
_NO_CLIENT = "No such client, or the secret is wrong, or the client was revoked."


@dataclass(frozen=True, slots=True)
class Decision:
    """What a token request came to: the answer, and what the ledger is told. `rule` is empty where a token was issued.

    An answer with an error that `ERRORS` does not list cannot be constructed, so none is undocumented.
    """

    status: int
    body: Mapping[str, Any] = field(repr=False)
    rule: str = ""
    known: KnownClient | None = field(default=None, repr=False)
    issued: IssuedToken | None = field(default=None, repr=False)

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


class OAuthClient(ClientMixin):
    """A live client as Authlib asks for it at a moment."""

    def __init__(self, known: KnownClient, now: datetime) -> None:
        self.known, self._now = known, now

    def get_client_id(self) -> str:
        """The client's id."""
        return self.known.facts.client_id

    def get_default_redirect_uri(self) -> str:
        """None: nobody is redirected."""
        return ""

    def get_allowed_scope(self, scope: Collection[str] | str | None) -> str:
        """Everything where nothing is asked for, else what is asked for; empty where that is more than the client has.

        Never a part of it: a caller who asks for too much is told, not served less.
        """
        asked = frozenset((scope if isinstance(scope, str) else " ".join(scope)).split()) if scope is not None else self.known.facts.scopes
        return " ".join(sorted(asked)) if asked <= self.known.facts.scopes else ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """False: nobody is redirected."""
        return False

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether the secret is the client's."""
        return self.known.facts.opened_by(client_secret, self._now)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether the client may authenticate in this way."""
        return method in AUTH_METHODS

    def check_response_type(self, response_type: str) -> bool:
        """False: there is no authorization endpoint for clients of a contract."""
        return False

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client may use the grant."""
        return grant_type in GRANT_TYPES


class _Grant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: Collection[str] = AUTH_METHODS

    def validate_token_request(self) -> None:
        super().validate_token_request()
        self.server.check_contract()


class _Request(OAuth2Request):
    def __init__(self, address: str, form: TokenForm) -> None:
        super().__init__("POST", address, headers=form.headers)
        self.payload = BasicOAuth2Payload(form.values)
        self._values = form.values

    @property
    def form(self) -> dict[str, str]:
        return self._values


class TokenServer(AuthorizationServer):
    """Decides one token request; made anew for each, because it remembers the client that it found."""

    def __init__(self, directory: Directory, tokens: Tokens, today: Callable[[], date], address: str) -> None:
        super().__init__()
        self._directory, self._tokens, self._today = directory, tokens, today
        self._address = address
        self._known: KnownClient | None = None
        self._issued: IssuedToken | None = None
        self._resource: str | None = None
        self.register_grant(_Grant)

    def decide(self, form: TokenForm) -> Decision:
        """The decision on a request whose client's address is `address`. Touches nothing but the store, and that to read."""
        self._resource = form.values.get("resource")
        # Authlib asks for https. Whether TLS stands before this process is checked once, at start.
        decided = self.create_token_response(_Request("https://localhost/oauth/token", form))
        assert isinstance(decided, Decision)
        return decided

    def authenticate(self, form: TokenForm, endpoint: str) -> KnownClient | Decision:
        """The client that a request to another endpoint than the token's comes from, or the refusal."""
        request = _Request("https://localhost/oauth/token", form)
        try:
            self.authenticate_client(request, AUTH_METHODS, endpoint)
        except OAuth2Error as error:
            return self.handle_error_response(request, error)
        assert self._known is not None
        return self._known

    def query_client(self, client_id: str) -> ClientMixin:
        """The live client or, as Authlib wants it, None."""
        self._known = self._directory.find(client_id)
        return OAuthClient(self._known, self._directory.now()) if self._known else None  # type: ignore[return-value]  # Authlib's stub leaves None out

    def check_contract(self) -> None:
        """Refuse a genuine client whose contract grants nothing today or from this network, and a resource that is not its own."""
        assert self._known is not None
        grant = self._known.grant
        if not isinstance(grant, Grant):
            raise GrantRefused(grant)
        client_id = self._known.facts.client_id
        refusal = grant.refusal_at(self._today(), client_id) or grant.refusal_from(self._address, client_id)
        if refusal is not None:
            raise GrantRefused(refusal)
        own = self._tokens.audiences[self._known.facts.audience]
        if self._resource is not None and self._resource != own:
            # RFC 8707 section 2; a token for another audience is another credential.
            raise OAuth2Error(error="invalid_target", description=f"This credential is for {own} only.")

    def generate_token(
        self,
        grant_type: str,
        client: ClientMixin,
        user: object = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, str | int]:
        """A token of the client's audience in the form of RFC 6749 section 5.1; never a refresh token."""
        assert self._known is not None and isinstance(self._known.grant, Grant)
        allowed = client.get_allowed_scope(scope)  # type: ignore[arg-type]  # None is Authlib's "nothing asked for"
        if not allowed:
            raise InvalidScopeError(description=plain("The credential reaches only: " + " ".join(sorted(self._known.facts.scopes))))
        self._issued = self._tokens.issue(self._known.facts, self._known.grant.version, allowed)
        return {"access_token": self._issued.token, "token_type": "Bearer", "expires_in": self._issued.expires_in, "scope": allowed}

    def save_token(self, token: dict[str, str | int], request: OAuth2Request) -> None:
        """Nothing is kept of a token but its ledger entry, which the endpoint writes."""

    def send_signal(self, name: object, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        """The request as `decide` made it."""
        return request

    def handle_response(self, status: int, body: Mapping[str, object], headers: object) -> Decision:
        """The decision; the endpoint sets its own headers."""
        return Decision(status, dict(body), known=self._known, issued=self._issued)

    def handle_error_response(self, request: OAuth2Request, error: OAuth2Error) -> Decision:
        """The error of RFC 6749 section 5.2. Why a client failed to authenticate is the same sentence for every cause."""
        name = str(error.error)
        if name == "invalid_client":
            return Decision(401, {"error": name, "error_description": _NO_CLIENT}, name, self._known)
        rule = str(getattr(error, "code", name))
        body = {"error": name, "error_description": _description(name, error)} | ({"code": rule} if rule != name else {})
        return Decision(error.status_code, body, rule, self._known)


def plain(text: str) -> str:
    """The text in the letters that RFC 6749 section 5.2 allows in a description."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" if c in '"\\' else "?" for c in text)


def _description(name: str, error: OAuth2Error) -> str:
    if name == "unsupported_grant_type":
        return "Send grant_type=client_credentials."
    return plain(str(error.get_error_description()))
