"""Access tokens: JWTs by RFC 9068, signed and verified with ES256 (RFC 7518 section 3.4) and with nothing else.

A token is for one audience: the API (issuer + "/v1") or the main site (its origin). Neither is ever valid for the other.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError
from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from contracts.clock import Clock
from contracts.credentials.details import Details, stored_details
from contracts.credentials.jose import sign
from contracts.credentials.signing_keys import ALGORITHM, RELOAD_SECONDS, SigningKeys
from contracts.credentials.tables import KeptToken
from contracts.errors import Misconfigured, Refusal, StoreUnavailable, refuse
from contracts.ids import new_id, secret_hash
from contracts.incidents.service import open_incident
from contracts.keys import KeyRing
from contracts.store.driver import Ready
from contracts.store.epochs import EpochWatch
from contracts.store.unit import Store

LIFETIME_SECONDS = 600
# No token of any grant lasts longer; a replaced key verifies that long.
LONGEST_SECONDS = 900
TYPE = "at+jwt"
MAX_TOKEN_CHARACTERS = 4096
# Some 2 KB each. Tokens live ten minutes, so no more are kept than were used within that time.
MAX_CACHED = 100_000

# Built once: building a statement costs more than running it.
_KEPT = Ready(select(col(KeptToken.signed_sha256)).where(col(KeptToken.jti) == bindparam("of_jti")), "of_jti")

Audience = Literal["api", "site"]
CredentialKind = Literal["oauth_client", "api_key"]
# Beside the credentials that a contract's people make here, the key that a crawler signs with.
CRAWLER_KIND: Final = "crawler_key"
ClaimKind = CredentialKind | Literal["crawler_key"]


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """What is known of a live client when a token is asked for."""

    client_id: str
    contract_id: str
    organisation_id: str
    audience: Audience
    scopes: frozenset[str]
    secret_sha256: str = field(default="", repr=False)
    auth_method: str = "client_secret"
    grant_types: frozenset[str] = frozenset({"client_credentials"})
    redirect_uris: tuple[str, ...] = ()
    jwks: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)
    jwks_uri: str = ""
    dpop_bound: bool = False
    earlier_sha256: str = field(default="", repr=False)
    earlier_until: datetime | None = None

    def opened_by(self, secret: str, now: datetime) -> bool:
        """Whether the secret is the client's, or the one before it within its overlap; compared by hash, in constant time."""
        given = secret_hash(secret)
        present = hmac.compare_digest(given, self.secret_sha256)
        earlier = hmac.compare_digest(given, self.earlier_sha256) and self.earlier_until is not None and now < self.earlier_until
        return present or earlier


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A fresh token; `expires_in` in seconds. It is good once `contracts.credentials.kept.keep` has kept it."""

    token: str = field(repr=False)
    expires_in: int
    jti: str
    ends_at: datetime
    signed_sha256: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What every token of one decision says alike: its claims as JSON, up to those that are each token's own."""

    claims: bytes


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `audience` is the `aud` claim, an address; `family` the consent that it comes from, if any;
    `details` what the token is narrowed to within its contract, nothing where that alone holds.

    `payload` holds the claims as they were signed; introspection tells them, nothing decides by them. An API key, which is no
    token, says as much of itself: `key_sha256` is its hash, and its version 0, whichever is in force.
    """

    client_id: str
    contract_id: str
    contract_version: int
    scopes: frozenset[str]
    jti: str
    expires_at: datetime
    audience: str
    family: str = ""
    details: Details = ()
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    kid: str = field(default="", compare=False)
    kind: ClaimKind = "oauth_client"
    key_sha256: str = field(default="", repr=False)

    @property
    def bound(self) -> bool:
        """Whether the token holds only together with a proof of a key (RFC 7800 `cnf`, RFC 9449 section 6.1)."""
        return "cnf" in self.payload

    @property
    def account(self) -> str:
        """The person that the program acts for; empty where a client acts for itself."""
        return str(self.payload.get("sub", "")) if self.family else ""


@dataclass(frozen=True, slots=True)
class _Unknown:
    """Claims under the platform's signature, of a token that this process sees for the first time."""

    digest: bytes
    claims: Claims
    signed_sha256: bytes


class Tokens:
    """Issues and verifies tokens with the key ring's token keys (`contracts.credentials.signing_keys`)."""

    def __init__(
        self, keys: KeyRing, store: Store, clock: Clock, issuer: str, site_host: str, reload_seconds: float = RELOAD_SECONDS
    ) -> None:
        """`issuer` is the portal's address without a slash at its end, `site_host` the main site's address or bare host."""
        self._store, self._clock = store, clock
        self._keys = SigningKeys(keys, store, clock, reload_seconds)
        self.issuer = issuer.rstrip("/")
        self.audiences: Mapping[Audience, str] = {"api": f"{self.issuer}/v1", "site": origin(site_host)}
        self._lock = threading.Lock()
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()

    def prepare(self) -> None:
        """Make a token key where there is none; called at start, before the first request."""
        self._keys.prepare()

    def forget(self) -> None:
        """Read the keys anew. Verified tokens stay known and go by their key."""
        self._keys.forget()

    def follow(self, watch: EpochWatch) -> None:
        """Read the keys anew whenever the epoch `grants` moves, so that a revoked one ends everywhere within two seconds."""
        watch.on_change(lambda before, after: self.forget() if before.grants != after.grants else None)

    def issue(self, client: ClientFacts, contract_version: int, scope: str, more: Mapping[str, Any] | None = None) -> IssuedToken:
        """A token as `plan` says."""
        return self.make(self.plan(client, contract_version, scope, more))

    def plan(self, client: ClientFacts, contract_version: int, scope: str, more: Mapping[str, Any] | None = None) -> Plan:
        """Tokens for the client's audience with the space-separated scope, which may not be empty.

        `more` are further claims; `sub` among them is the person that a program acts for.

        Raises `scope_not_granted` for a scope that the client does not have.
        """
        asked = frozenset(scope.split())
        if not asked or not asked <= client.scopes:
            raise refuse("scope_not_granted", "Ask only for the scope that this credential was made for.", scope=sorted(client.scopes))
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.audiences[client.audience],
            "sub": client.client_id,
            "client_id": client.client_id,
            "scope": " ".join(sorted(asked)),
            "contract": client.contract_id,
            "contract_version": contract_version,
            **(more or {}),
        }
        return Plan(orjson.dumps(claims)[:-1])

    def make(self, plan: Plan) -> IssuedToken:
        """A token of ten minutes, signed by the key that signs now."""
        signer = self._keys.signer()
        issued, jti = int(self._clock.now().timestamp()), new_id("tok")
        own = f',"iat":{issued},"exp":{issued + LIFETIME_SECONDS},"jti":"{jti}"}}'
        signed, signature = sign(TYPE, signer.kid, plan.claims + own.encode(), signer.private)
        ends = datetime.fromtimestamp(issued + LIFETIME_SECONDS, UTC)
        token = b"%b.%b" % (signed, signature)
        return IssuedToken(token.decode(), LIFETIME_SECONDS, jti, ends, hashlib.sha256(signed).digest())

    def verify(self, token: str, audience: str) -> Claims | Refusal:
        """The claims, or `token_missing` / `token_invalid`. `audience` is one of `audiences`' addresses; no leeway in time.

        Says as little as `read` about whether client and contract still live.
        """
        return _for(self.read(token), audience)

    async def check(self, token: str, audience: str) -> Claims | Refusal:
        """As `verify`, in a loop: only the first sight of a token waits for the store, in a thread."""
        seen = self._seen(token)
        return _for(await asyncio.to_thread(self._vouched, seen) if isinstance(seen, _Unknown) else seen, audience)

    def read(self, token: str) -> Claims | Refusal:
        """The claims of a token for whichever audience, or `token_missing`, `token_invalid`, `token_never_issued`; no leeway in time.

        Says nothing about whether client and contract still live: that is the grant's part. Raises `StoreUnavailable` where keys
        or token have to be looked up and cannot be.
        """
        seen = self._seen(token)
        return self._vouched(seen) if isinstance(seen, _Unknown) else seen

    def remembered(self, token: str, audience: str) -> Claims | Refusal | None:
        """As `verify` for a token that this process has verified before, which takes a hash; None for any other."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._verified.get(digest)
        return None if known is None else _for(self._still(digest, known), audience)

    def remembers(self, token: str) -> bool:
        """Whether `read` would answer from memory alone; false says nothing about the token."""
        return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest() in self._verified

    def jwks(self) -> dict[str, Any]:
        """The public keys in use as a JWK set (RFC 7517), oldest first."""
        return self._keys.published()

    def _seen(self, token: str) -> Claims | Refusal | _Unknown:
        """What memory and signature say of a token."""
        if not token:
            return Refusal("token_missing", "Send an access token: `Authorization: Bearer <token>`.")
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._verified.get(digest)
        claims = known or self._opened(token)
        if isinstance(claims, Refusal):
            return claims
        still = self._still(digest, claims)
        return still if known is not None or isinstance(still, Refusal) else _Unknown(digest, claims, _signed_sha256(token))

    def _still(self, digest: bytes, claims: Claims) -> Claims | Refusal:
        """The claims of a token under a signature that was checked, unless it has ended or its key is out of use."""
        if claims.expires_at <= self._clock.now():
            with self._lock:
                self._verified.pop(digest, None)
            return Refusal("token_invalid", "The access token has ended; ask for a new one at the token address.")
        return claims if claims.kid in self._keys.in_use() else _malformed()

    def _vouched(self, unknown: _Unknown) -> Claims | Refusal:
        """The claims, where the token is among those issued; else an incident, because someone else has the key."""
        claims = unknown.claims
        try:
            with self._store.engine.connect() as connection:
                kept = _KEPT.run(connection, claims.jti).fetchone()
        except SQLAlchemyError as error:
            raise StoreUnavailable("the issued tokens cannot be read") from error
        if kept is None or bytes(kept[0]) != unknown.signed_sha256:
            self._report(claims)
            return Refusal("token_never_issued", "This access token was never issued. Its use is being looked into.")
        self._keep(unknown.digest, claims)
        return claims

    def _report(self, claims: Claims) -> None:
        said = {"jti": claims.jti, "credential": claims.client_id, "contract": claims.contract_id}
        facts = {"key": claims.kid, **{name: value[:80] for name, value in said.items()}}
        with self._store.write("incident") as unit:
            open_incident(unit, "token_forged", f"The key {claims.kid} signs tokens that were never issued", facts)

    def _opened(self, token: str) -> Claims | Refusal:
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            return _malformed()
        try:
            header = jws.extract_compact(token.encode()).protected
            kid = header.get("kid")
            if header.get("typ") != TYPE or header.get("alg") != ALGORITHM or not isinstance(kid, str):
                return _malformed()
            key = self._keys.find(kid)
            if key is None:
                return _malformed()
            payload = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            return _malformed()
        return _claims(payload, self.issuer, kid)

    def _keep(self, digest: bytes, claims: Claims) -> None:
        with self._lock:
            self._verified[digest] = claims
            self._verified.move_to_end(digest)
            oldest = next(iter(self._verified.values()))
            if len(self._verified) > MAX_CACHED or oldest.expires_at <= self._clock.now():
                self._verified.popitem(last=False)


def origin(address: str) -> str:
    """Scheme, host and port of an address; a bare host is taken as https. Default ports are left out (RFC 6454 section 6.2)."""
    parts = urlsplit(address if "://" in address else f"https://{address}")
    default = {"http": 80, "https": 443}.get(parts.scheme)
    if default is None or not parts.hostname:
        raise Misconfigured("setting platform.site", f"{address!r} is no http address.", "Give one like https://www.example.com.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" if parts.port in (None, default) else f"{parts.scheme}://{host}:{parts.port}"


def _for(claims: Claims | Refusal, audience: str) -> Claims | Refusal:
    if isinstance(claims, Claims) and claims.audience != audience:
        return Refusal("token_invalid", "The access token is for another audience; use a credential made for this one.")
    return claims


def _signed_sha256(token: str) -> bytes:
    """SHA-256 of the text that the signature covers (RFC 7515 section 5.1)."""
    return hashlib.sha256(token.rpartition(".")[0].encode("ascii", "replace")).digest()


def _malformed() -> Refusal:
    return Refusal("token_invalid", "This is not an access token of this platform; ask for one at the token address.")


def _claims(payload: Mapping[str, Any], issuer: str, kid: str) -> Claims | Refusal:
    texts = [payload.get(name) for name in ("client_id", "contract", "scope", "jti", "aud", "sub")]
    version, ends = payload.get("contract_version"), payload.get("exp")
    if payload.get("iss") != issuer or not all(isinstance(text, str) and text for text in texts):
        return _malformed()
    if type(version) is not int or type(ends) is not int:
        return _malformed()
    client_id, contract_id, scope, jti, audience, subject = map(str, texts)
    family = payload.get("family", "")
    # A token without a family is the client's own (RFC 9068 section 2.2): its subject is the client.
    if not isinstance(family, str) or (not family and subject != client_id):
        return _malformed()
    details = stored_details(payload.get("authorization_details"))
    if details is None:
        return _malformed()
    ended = datetime.fromtimestamp(ends, UTC)
    return Claims(client_id, contract_id, version, frozenset(scope.split()), jti, ended, audience, family, details, dict(payload), kid)
