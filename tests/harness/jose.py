"""JWTs as clients of the platform sign them: client assertions and DPoP proofs."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

Key = ECKey | OKPKey | RSAKey


def sign(key: Key, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The JWT, by the algorithm that the header names."""
    signed = ".".join(_text(json.dumps(each).encode()) for each in (header, claims))
    return f"{signed}.{_text(JWSRegistry.algorithms[header['alg']].sign(signed.encode(), key))}"


def public(key: Key, **more: str) -> dict[str, Any]:
    """The key's public part as a JWK."""
    return {**key.as_dict(private=False), **more}


def assertion(key: Key, client_id: str, issuer: str, now: float, *, alg: str = "ES256", **changed: Any) -> str:
    """A client assertion of a minute; a change to None leaves a claim out, `header_…` changes the header."""
    header = {"alg": alg, "typ": "JWT"} | {name[7:]: value for name, value in changed.items() if name.startswith("header_")}
    claims = {"iss": client_id, "sub": client_id, "aud": issuer, "jti": uuid.uuid4().hex, "iat": int(now), "exp": int(now) + 60}
    claims |= {name: value for name, value in changed.items() if not name.startswith("header_")}
    return sign(key, header, {name: value for name, value in claims.items() if value is not None})


def proof(key: Key, method: str, url: str, now: float, *, nonce: str | None = None, token: str | None = None, **changed: Any) -> str:
    """A DPoP proof; changes as in `assertion`."""
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": public(key)}
    header |= {name[7:]: value for name, value in changed.items() if name.startswith("header_")}
    claims: dict[str, Any] = {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "iat": int(now), "nonce": nonce}
    claims["ath"] = _text(hashlib.sha256(token.encode()).digest()) if token is not None else None
    claims |= {name: value for name, value in changed.items() if not name.startswith("header_")}
    return sign(key, header, {name: value for name, value in claims.items() if value is not None})


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
