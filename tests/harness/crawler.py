"""A crawler's own keys, and its directory signed by each of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contracts.crawlers.decide import thumbprint
from contracts.message_signatures import Component, digest_of, sign


def crawler_key() -> tuple[str, Ed25519PrivateKey]:
    """A fresh key: its public JWK as text, and its private half."""
    private = Ed25519PrivateKey.generate()
    return json.dumps({"kty": "OKP", "crv": "Ed25519", "x": x_of(private)}), private


def x_of(private: Ed25519PrivateKey) -> str:
    """The public part in base64url."""
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def directory(
    keys: Sequence[Ed25519PrivateKey], authority: str, now: datetime, signed_by: int | None = None
) -> tuple[bytes, Mapping[str, str]]:
    """Body and headers of a directory for `authority`, signed by the first `signed_by` keys, else by all."""
    body = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x_of(each)} for each in keys]}).encode()
    headers: dict[str, list[str]] = {}
    covered: list[Component] = [("@authority", {"req": True}, authority), ("content-digest", {}, digest_of(body))]
    for number, each in enumerate(keys[:signed_by]):
        seconds = int(now.timestamp())
        params = {"created": seconds, "expires": seconds + 60, "keyid": thumbprint(x_of(each)), "tag": "http-message-signatures-directory"}
        for name, value in sign(each, f"sig{number}", covered, params).items():
            headers.setdefault(name, []).append(value)
    return body, {"content-digest": digest_of(body), **{name: ", ".join(values) for name, values in headers.items()}}
