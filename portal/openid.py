"""OpenID providers of the settings: what they publish, and the two steps of a sign-in, by Authlib's client over the guarded one.

Addresses are the operator's own settings or come from the provider's published document, so they go through `contracts.guarded` like
every address that another side chose; private ones only where the setting allows them. What is published is kept for some minutes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.common.urls import url_encode
from authlib.oauth2 import OAuth2Client, OAuth2Error

from contracts.errors import Refused
from contracts.guarded import GuardedClient, Reply, is_public
from contracts.people.openid import Expected, Person, failed, person_of, read_id_token
from contracts.sections import SignIn

KEPT_SECONDS = 600.0
AGAIN_SECONDS = 30.0
SCOPE = "openid email profile"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is used of a provider's published document (OpenID Connect Discovery 1.0 section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    names_itself: bool


@dataclass
class Provider:
    """One provider: asks it, and keeps what it publishes."""

    setting: SignIn
    redirect_uri: str
    _client: GuardedClient = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        trust = ssl.create_default_context(cafile=self.setting.trust)
        self._client = GuardedClient(permitted=(lambda _address: True) if self.setting.private else is_public, ports=None, trust=trust)

    def begin(self, state: str, nonce: str, verifier: str) -> str:
        """The address at the provider to which the browser goes: code flow with PKCE S256 (RFC 7636)."""
        url, _ = self._oauth().create_authorization_url(
            self.metadata().authorization_endpoint,
            state=state,
            nonce=nonce,
            code_challenge=_challenge(verifier),
            code_challenge_method="S256",
        )
        return str(url)

    def finish(self, code: str, nonce: str, verifier: str, now: float) -> Person:
        """Whom the provider names in exchange for the code. Raises `institution_failed`, `fetch_failed` and `address_refused`."""
        metadata = self.metadata()
        try:
            answer = self._oauth().fetch_token(metadata.token_endpoint, code=code, code_verifier=verifier)
        except (OAuth2Error, ValueError) as error:
            raise Refused(failed("did not take its own code back")) from error
        expected = Expected(self.setting.issuer, self.setting.client_id, nonce, now)
        found = self._read(str(answer.get("id_token", "")), expected)
        return found if found.email or not metadata.userinfo_endpoint else self._asked(metadata.userinfo_endpoint, answer, found)

    def metadata(self) -> Metadata:
        """The provider's document; `institution_failed` where it is not the document of this very issuer."""
        found = self._published(f"{self.setting.issuer.rstrip('/')}/.well-known/openid-configuration", KEPT_SECONDS)
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if found.get("issuer") != self.setting.issuer or not all(str(found.get(name, "")).startswith("https://") for name in names):
            raise Refused(failed("publishes a document that is not its own"))
        names_itself = found.get("authorization_response_iss_parameter_supported") is True
        authorization, token, jwks = (str(found[name]) for name in names)
        return Metadata(authorization, token, jwks, str(found.get("userinfo_endpoint", "")), names_itself)

    def _read(self, token: str, expected: Expected) -> Person:
        address = self.metadata().jwks_uri
        found = read_id_token(token, self._published(address, KEPT_SECONDS), expected)
        if not isinstance(found, Person):
            # It may have signed with a key that it published a moment ago.
            found = read_id_token(token, self._published(address, AGAIN_SECONDS), expected)
        if not isinstance(found, Person):
            raise Refused(found)
        return found

    def _asked(self, address: str, answer: Mapping[str, Any], known: Person) -> Person:
        """The same person with what the provider tells beside the ID token (OpenID Connect Core 1.0 section 5.3)."""
        reply = self._client.request("GET", address, headers={"authorization": f"Bearer {answer.get('access_token', '')}"})
        claims = _json(reply)
        if reply.status != 200 or claims.get("sub") != known.subject:
            raise Refused(failed("told about somebody else than it named"))
        told = person_of(claims, known.issuer)
        return Person(known.issuer, known.subject, told.email, told.name or known.name, known.how)

    def _published(self, address: str, kept_seconds: float) -> Mapping[str, Any]:
        with self._lock:
            at, document = self._kept.get(address, (float("-inf"), {}))
            if time.monotonic() - at > kept_seconds:
                document = _json(self._client.get(address, "application/json"))
                self._kept[address] = (time.monotonic(), document)
            return document

    def _oauth(self) -> Any:
        secret = self.setting.secret()
        return OAuth2Client(_Session(self._client), self.setting.client_id, secret or None, scope=SCOPE, redirect_uri=self.redirect_uri)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A reply in the form that Authlib reads."""

    reply: Reply

    @property
    def status_code(self) -> int:
        return self.reply.status

    def json(self) -> dict[str, Any]:
        return _json(self.reply)

    def raise_for_status(self) -> None:
        raise ValueError(f"the provider answered {self.reply.status}")


@dataclass(frozen=True, slots=True)
class _Session:
    """What Authlib's client sends its one request by."""

    client: GuardedClient

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> _Answer:
        target, sent, body = auth.prepare("POST", url, dict(headers), url_encode(list(data.items())))
        return _Answer(self.client.request("POST", target, headers=sent, body=body.encode()))


def _challenge(verifier: str) -> str:
    return text_of(hashlib.sha256(verifier.encode()).digest())


def _json(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise Refused(failed("answered in a form that cannot be read")) from error
    return found if isinstance(found, dict) else {}


def text_of(sealed: bytes) -> str:
    """Sealed bytes as they travel in an address."""
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    """The reverse; ValueError where it is none."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
