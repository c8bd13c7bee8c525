"""A platform as a partner's program reaches it: requests with a proof of this machine's own key (RFC 9449). Only HTTP, no store."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from contracts.clock import SystemClock
from contracts.errors import Unserved
from contracts.networks import parse

SECONDS = 60.0
ALGORITHM = "ES256"


class Wire:
    """Asks one platform. Tokens that are asked for through it hold with its key alone."""

    def __init__(self, issuer: str, key: ECKey) -> None:
        """Raises `Unserved` for an address without TLS that is not on this machine."""
        host = urlsplit(issuer).hostname or ""
        address = parse(host)
        here = host == "localhost" or (address is not None and address.is_loopback)
        if not issuer.startswith("https://") and not (issuer.startswith("http://") and here):
            raise Unserved(f"{issuer} is no https address; secrets would travel in clear. Give the portal's own address.")
        self.issuer, self._key, self._nonce, self._clock = issuer.rstrip("/"), key, "", SystemClock()
        self._http = httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=not here)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def document(self, path: str) -> dict[str, Any]:
        """A published JSON document."""
        answer = self._sent("GET", self.issuer + path, {})
        if answer.status_code != 200:
            raise Unserved(f"{self.issuer} answers {answer.status_code} where a platform says what it offers. Check the address.")
        return _json(answer)

    def post(self, url: str, form: Mapping[str, str]) -> httpx.Response:
        """The answer to a form, sent with a proof; once more where the platform first wants its nonce in it."""
        return self._proved("POST", url, "", data=dict(form))

    def get(self, url: str, params: Sequence[tuple[str, str]], token: str) -> httpx.Response:
        """The answer to a request with a token."""
        return self._proved("GET", url, token, params=list(params))

    def _proved(self, method: str, url: str, token: str, **sent: Any) -> httpx.Response:
        answer = self._once(method, url, token, **sent)
        asked = answer.headers.get("dpop-nonce", "")
        again = answer.status_code in (400, 401) and asked and asked != self._nonce
        self._nonce = asked or self._nonce
        return self._once(method, url, token, **sent) if again else answer

    def _once(self, method: str, url: str, token: str, **sent: Any) -> httpx.Response:
        headers = {"dpop": self._proof(method, url, token), **({"authorization": f"DPoP {token}"} if token else {})}
        return self._sent(method, url, headers, **sent)

    def _sent(self, method: str, url: str, headers: Mapping[str, str], **sent: Any) -> httpx.Response:
        try:
            return self._http.request(method, url, headers=dict(headers), **sent)
        except httpx.HTTPError as error:
            raise Unserved(f"{self.issuer} does not answer ({type(error).__name__}). Check the address and your connection.") from error

    def _proof(self, method: str, url: str, token: str) -> str:
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url.partition("?")[0],
            "iat": int(self._clock.now().timestamp()),
            **({"nonce": self._nonce} if self._nonce else {}),
            **({"ath": hashed(token)} if token else {}),
        }
        header = {"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": self._key.as_dict(private=False)}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])


def hashed(text: str) -> str:
    """SHA-256 in base64url without padding, as PKCE and proofs have it (RFC 7636 section 4.2, RFC 9449 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError as error:
        raise Unserved(f"{answer.url.host} answers no JSON. Check the address.") from error
    if not isinstance(body, dict):
        raise Unserved(f"{answer.url.host} answers no JSON object. Check the address.")
    return body


def told(answer: httpx.Response) -> str:
    """What a refusal says, in one sentence: OAuth's description or the API's detail."""
    body = _json(answer) if "json" in answer.headers.get("content-type", "") else {}
    said = body.get("error_description") or body.get("detail") or body.get("error") or f"The platform answers {answer.status_code}."
    return str(said)
