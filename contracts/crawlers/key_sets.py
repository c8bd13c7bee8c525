"""Key sets that crawlers publish, read leniently: what is usable counts, whatever else stands beside it. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from contracts.crawlers.decide import PRINTED

PublicKey = Ed25519PublicKey | RSAPublicKey | EllipticCurvePublicKey
MOST_KEYS = 20
_RSA_BITS = range(2_048, 4_097)
# The members that a key is made of (RFC 7638 section 3.2, RFC 8037 section 2), of which its thumbprint is taken.
_MEMBERS = {"OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key with its RFC 7638 thumbprint, and the seconds since 1970 between which its publisher lets it count."""

    thumbprint: str
    key: PublicKey
    starts: float | None = None
    ends: float | None = None

    def counts(self, now: datetime) -> bool:
        """Whether the publisher lets it count now."""
        seconds = now.timestamp()
        return (self.starts is None or self.starts <= seconds) and (self.ends is None or seconds < self.ends)


def published(listed: object, *, named_by_thumbprint: bool = False) -> dict[str, Mapping[str, Any]]:
    """The usable public keys of a JWK set's `keys`, the first 20, by thumbprint: Ed25519, RSA of 2,048 to 4,096 bits, P-256.

    Private and symmetric keys, keys for anything but signatures and those printed in RFC 9421 are passed over; with
    `named_by_thumbprint` also those whose `kid` is another name, as a directory at the well-known path may not have them.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for jwk in listed[:MOST_KEYS] if isinstance(listed, list) else ():
        known = opened_jwk(jwk)
        if known is not None and not (named_by_thumbprint and jwk.get("kid", known.thumbprint) != known.thumbprint):
            found[known.thumbprint] = {name: jwk[name] for name in (*_MEMBERS[jwk["kty"]], "nbf", "exp") if name in jwk}
    return found


def opened_jwk(jwk: object) -> PublishedKey | None:
    """The key of a JWK; None where it is not usable."""
    if not isinstance(jwk, dict) or "d" in jwk or jwk.get("use", "sig") != "sig":
        return None
    members = _MEMBERS.get(str(jwk.get("kty")), ())
    if not members or not all(isinstance(jwk.get(name), str) for name in members):
        return None
    try:
        key = _key(jwk)
    except (ValueError, binascii.Error):
        return None
    known = _thumbprint(jwk, members)
    times = [jwk.get(name) for name in ("nbf", "exp")]
    if key is None or known in PRINTED or not all(each is None or type(each) in (int, float) for each in times):
        return None
    return PublishedKey(known, key, *times)


def _key(jwk: Mapping[str, str]) -> PublicKey | None:
    if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519":
        return Ed25519PublicKey.from_public_bytes(_bytes(jwk["x"]))
    if jwk["kty"] == "EC" and jwk["crv"] == "P-256":
        return EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), SECP256R1()).public_key()
    if jwk["kty"] == "RSA" and _number(jwk["n"]).bit_length() in _RSA_BITS:
        return RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    return None


def _thumbprint(jwk: Mapping[str, str], members: tuple[str, ...]) -> str:
    text = json.dumps({name: jwk[name] for name in members}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text))


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
