"""The authorization server: Authlib's core (RFC 6749) over our own clients and tokens. It decides; the endpoints write.

Authlib is synchronous and knows no Starlette: the endpoint calls this in a thread, hands it a finished request, and writes
down what it decided before anything is answered. Grants that spend a row do so in the endpoint's own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from authlib.oauth2 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload, OAuth2Payload

from api.oauth.client import AUTH_METHODS, OAuthClient
from api.oauth.decision import NO_SIGNER, AssertionRefused, Decision, GrantRefused, ProofRefused, decision_on, plain
from api.oauth.form import TokenForm
from api.oauth.grants import Asked, ClientCredentials, Code, Pkce, Refresh, Renewable
from api.oauth.narrowing import Narrowing
from contracts.credentials import authorizations, families
from contracts.credentials.assertions import UNSIGNED, check_assertion, claimed_client
from contracts.credentials.client_keys import PRIVATE_KEY_JWT, ClientKeys
from contracts.credentials.directory import Directory, KnownClient
from contracts.credentials.dpop import Proof, invalid_proof
from contracts.credentials.proofs import REUSED, Proofs, once_of
from contracts.credentials.spent import Once, spend
from contracts.credentials.tables import TokenFamily
from contracts.credentials.tokens import IssuedToken, Plan, Tokens
from contracts.errors import Refusal
from contracts.gate.offers import Offer
from contracts.members import access
from contracts.people.queries import holds
from contracts.store.unit import Unit
from contracts.terms.grant import Grant

# Those that spend a row: a code, a refresh token.
ROW_GRANTS = ("authorization_code", "refresh_token")
GRANT_TYPES = ("client_credentials", *ROW_GRANTS)
# Where a request may be bound to a key, by the name that its client is authenticated for.
_PROVED_AT = {"token": "/oauth/token", "par": "/oauth/par"}


class Request(OAuth2Request):
    """A request as Authlib reads it. It asks for https; whether TLS stands before this process is checked once, at start."""

    def __init__(
        self,
        method: str,
        payload: OAuth2Payload,
        values: dict[str, str],
        basic: tuple[str, str] = ("", ""),
        proofs: Sequence[str] = (),
    ) -> None:
        """`basic` are the client id and secret of HTTP Basic, `proofs` the `DPoP` headers; no other header is asked for."""
        vars(self).update(_BLANK)
        self.method, self.payload = method, payload
        self._values, self.basic, self.proofs = values, basic, proofs

    @property
    def form(self) -> dict[str, str]:
        return self._values


# What Authlib's own constructor makes of any request; that asks the environment each time whether plain HTTP is allowed.
_BLANK = vars(OAuth2Request("POST", "https://localhost/oauth"))


def _with_grants() -> AuthorizationServer:
    server = AuthorizationServer()
    server.register_grant(ClientCredentials)
    server.register_grant(Code, [Pkce()])
    server.register_grant(Refresh)
    return server


# What every server has alike, registered once; a request's server only reads it.
_REGISTERED = vars(_with_grants())


class TokenServer(AuthorizationServer):
    """Decides one request; made anew for each, because it remembers the client that it found."""

    def __init__(
        self, directory: Directory, tokens: Tokens, today: Callable[[], date], address: str, keys: ClientKeys, proofs: Proofs
    ) -> None:
        vars(self).update(_REGISTERED)
        self._directory, self._tokens, self._today = directory, tokens, today
        self._address, self._keys, self._proofs = address, keys, proofs
        self._proof: Proof | None = None
        self._once: list[Once] = []
        self._known: KnownClient | None = None
        self._client: ClientMixin | None = None
        self._issued: IssuedToken | None = None
        self._plan: Plan | None = None
        self._family: TokenFamily | None = None
        self._spend: Callable[[], TokenFamily | None] = lambda: None
        self._narrowing, self._allowed = Narrowing(), list[dict[str, Any]]()
        self._offer: Offer | None = None
        self._unit: Unit | None = None
        self.register_client_auth_method("client_secret_basic", _by_basic)
        self.register_client_auth_method(PRIVATE_KEY_JWT, self._by_assertion)

    def decide(self, form: TokenForm, unit: Unit | None = None) -> Decision:
        """The decision on a token request; one with a row grant (`ROW_GRANTS`) spends its row in the unit, and needs one."""
        self._narrowing = Narrowing(form.resources, form.values.get("authorization_details"))
        self._offer, self._unit = form.offer, unit
        decided = self.create_token_response(_posted(form))
        assert isinstance(decided, Decision)
        return decided

    def authenticate(self, form: TokenForm, endpoint: str, methods: Collection[str] = AUTH_METHODS) -> KnownClient | Decision:
        """The client that a request comes from, or the refusal. `decide` does not authenticate it a second time."""
        try:
            self.authenticate_client(_posted(form), methods, endpoint)
        except OAuth2Error as error:
            return decision_on(error, self._known)
        assert self._known is not None
        return self._known

    def replayed(self, unit: Unit) -> Decision | None:
        """Use up what the request was proved by; the refusal where any of it was used before. Nothing is done for the request then."""
        spent = spend(unit, self._once)
        if spent is None:
            return None
        if spent.kind == "dpop":
            return decision_on(ProofRefused(invalid_proof(REUSED)), self._known)
        return decision_on(AssertionRefused("The client assertion was used before. Sign a new one, with a jti of its own."), self._known)

    @property
    def proved(self) -> bool:
        """Whether the request was proved by something that may be used once."""
        return bool(self._once)

    @property
    def found(self) -> KnownClient | None:
        """The request's client, where there is one."""
        return self._known

    @property
    def known(self) -> KnownClient:
        """The request's client, once it was found."""
        assert self._known is not None
        return self._known

    def allowed(self, scope: str | None) -> str:
        """The scope that the client may have, as `OAuthClient.get_allowed_scope` says."""
        return OAuthClient(self.known, self._directory.now()).get_allowed_scope(scope)

    def authenticate_client(self, request: OAuth2Request, methods: Collection[str], endpoint: str = "token") -> ClientMixin:
        """The request's client, authenticated once, with the key that it proves. Raises `InvalidClientError` and `ProofRefused`."""
        if self._client is None:
            self._client = super().authenticate_client(request, methods, endpoint)
            if isinstance(request, Request) and endpoint in _PROVED_AT:
                self._proof = self._proved_key(request.proofs, _PROVED_AT[endpoint])
        return self._client

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
        self._narrowing.check_target(self._tokens.audiences[self._known.facts.audience])
        if self._offer is not None and (grant.terms.crawl is None or not self._offer.covered_by(grant.terms.crawl)):
            raise OAuth2Error(error="invalid_resource", description="The contract does not allow to fetch all of this resource.")
        if self._offer is not None and self._known.facts.audience != "site":
            raise OAuth2Error(error="invalid_resource", description="This credential is not for the site. Create one that is.")

    def narrow(self, narrowing: Narrowing) -> list[dict[str, Any]]:
        """Take over what a request for a person asks to be narrowed to; the details to show. Raises as `Narrowing`, `GrantRefused`."""
        self._narrowing = narrowing
        self.check_contract()
        return self._details()

    def check_alone(self) -> None:
        """Refuse a client for itself where the contract names its users."""
        grant = self.known.grant
        if isinstance(grant, Grant) and (refusal := grant.refusal_alone()) is not None:
            raise GrantRefused(refusal)

    def find_code(self, code: str, client: OAuthClient) -> Asked | None:
        """The code's consent, if it may be redeemed by this client now and the person is still there."""
        unit = self._rows()
        row = authorizations.find_code(unit, code, client.get_client_id())
        if row is None or not self._is_there(unit, row.account_id or "", row.organisation_id, row.contract_id):
            return None
        if row.dpop_jkt and row.dpop_jkt != self.jkt:
            raise InvalidGrantError(description="The code is bound to a key (dpop_jkt). Send a DPoP proof of that key.")
        bound = self.jkt if self.known.facts.auth_method == "none" else ""
        self._spend, self._allowed = lambda: authorizations.redeem(unit, row, bound), row.details
        return Asked(row)

    def find_refresh(self, token: str) -> Renewable | None:
        """The family of a refresh token, if this client may renew it now. It ends where the person is no longer there."""
        unit = self._rows()
        family = families.find_refresh(unit, token, self.known.facts.client_id)
        if family is None:
            return None
        if not holds(unit.session, family.account_id, family.organisation_id, authorizations.MAY_CONSENT):
            families.revoke_family(unit, family.id, "member_left")
            return None
        # The family stays: who accepts the new version's terms goes on with it.
        if access.refusal(unit.session, family.contract_id, family.account_id) is not None:
            return None
        if family.dpop_jkt and family.dpop_jkt != self.jkt:
            raise InvalidGrantError(description="The refresh token is bound to a key. Send a DPoP proof of that key.")
        self._spend, self._allowed = lambda: family if families.spend_refresh(unit, token, family) else None, family.details
        return Renewable(family)

    def generate_token(
        self,
        grant_type: str,
        client: ClientMixin,
        user: object = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        """A token of the client's audience in the form of RFC 6749 section 5.1; a refresh token only for a person's consent."""
        assert self._known is not None and isinstance(self._known.grant, Grant)
        allowed = client.get_allowed_scope(scope)  # type: ignore[arg-type]  # None is Authlib's "nothing asked for"
        if not allowed:
            raise InvalidScopeError(description=plain("The credential reaches only: " + " ".join(sorted(self._known.facts.scopes))))
        details = self._details()
        narrowed = {"authorization_details": details} if details else {}
        more: dict[str, Any] = (self._person() if grant_type in ROW_GRANTS else {}) | narrowed
        bound = self._proof is not None and self._known.facts.audience == "api"  # before the site nobody checks proofs
        if bound:
            more["cnf"] = {"jkt": self.jkt}
        self._plan = self._tokens.plan(self._known.facts, self._known.grant.version, allowed, more)
        self._issued = self._tokens.make(self._plan)
        token: dict[str, Any] = {
            "access_token": self._issued.token,
            "token_type": "DPoP" if bound else "Bearer",
            "expires_in": self._issued.expires_in,
            "scope": allowed,
            **narrowed,
        }
        if self._family is not None and include_refresh_token:
            token["refresh_token"] = families.new_refresh_token(self._rows(), self._family)
        return token

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Nothing is kept of a token but its ledger entry, which the endpoint writes."""

    def send_signal(self, name: object, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        """The request as it was made."""
        return request

    def handle_response(self, status: int, body: Mapping[str, object], headers: object) -> Decision:
        """The decision; the endpoint sets its own headers."""
        return Decision(status, dict(body), known=self._known, issued=self._issued, plan=self._plan, family=self._family)

    def handle_error_response(self, request: OAuth2Request, error: OAuth2Error) -> Decision:
        """The refusal."""
        return decision_on(error, self._known)

    def _by_assertion(self, query_client: Callable[[str], ClientMixin | None], request: OAuth2Request) -> ClientMixin | None:
        """The client of a `private_key_jwt` (RFC 7523 section 2.2). Whoever sends an assertion is judged by it alone."""
        assertion = request.form.get("client_assertion")
        if assertion is None:
            return None
        client = query_client(claimed_client(assertion))
        if client is None:
            raise AssertionRefused(NO_SIGNER)
        facts, now = self.known.facts, self._directory.now()
        held = check_assertion(assertion, facts.client_id, self._tokens.issuer, now, partial(self._keys.candidates, facts))
        if isinstance(held, str):
            raise AssertionRefused(NO_SIGNER if held == UNSIGNED else held)
        self._once.append(Once("assertion", held.client_id, held.jti, held.ends_at))
        return client

    @property
    def jkt(self) -> str:
        """The thumbprint of the key that the request proves; empty where it proves none."""
        return "" if self._proof is None else self._proof.jkt

    def _proved_key(self, given: Sequence[str], path: str) -> Proof | None:
        """The proof of a request (RFC 9449 section 5), None where none is sent and none is needed: only tokens need one."""
        if not given and not (self.known.facts.dpop_bound and path == _PROVED_AT["token"]):
            return None
        proof = self._proofs.check(given, "POST", self._tokens.issuer + path)
        if isinstance(proof, Refusal):
            if proof.code == "dpop_nonce_required":
                self._once.clear()  # nothing was decided: the request comes again, with the same assertion if its program so likes
            raise ProofRefused(proof)
        self._once.append(once_of(proof))
        return proof

    def _details(self) -> list[dict[str, Any]]:
        """What the token is narrowed to; nothing where the contract alone holds."""
        facts, grant = self.known.facts, self.known.grant
        assert isinstance(grant, Grant)
        own = self._tokens.audiences[facts.audience]
        return [each.stored() for each in self._narrowing.granted(self._allowed, grant.terms, facts.audience, own)]

    def _person(self) -> dict[str, str]:
        """Spend the code or refresh token; the claims of whoever won."""
        self._family = self._spend()
        if self._family is None:
            raise InvalidGrantError(description="It was used before, so everything that came of it has ended. Start again.")
        return {"sub": self._family.account_id, "family": self._family.id}

    @staticmethod
    def _is_there(unit: Unit, account_id: str, organisation_id: str, contract_id: str) -> bool:
        """Whether the person may still let programs in, by role and by the project."""
        may = holds(unit.session, account_id, organisation_id, authorizations.MAY_CONSENT)
        return may and access.refusal(unit.session, contract_id, account_id) is None

    def _rows(self) -> Unit:
        assert self._unit is not None, "a grant that spends rows is decided in a unit"
        return self._unit


def _posted(form: TokenForm) -> Request:
    return Request("POST", BasicOAuth2Payload(form.values), form.values, (form.client_id, form.secret), form.proofs)


def _by_basic(query_client: Callable[[str], ClientMixin | None], request: Request) -> ClientMixin | None:
    """The client of HTTP Basic (RFC 6749 section 2.3.1), which the form was read with; Authlib's own way reads the header again."""
    client_id, secret = request.basic
    if not client_id or not secret:
        return None
    client = query_client(client_id)
    if client is None:
        raise InvalidClientError(status_code=401, description="The client does not exist on this server.")
    return client if client.check_client_secret(secret) else None
