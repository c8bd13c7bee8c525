"""What others sign: their public keys as JWKs (RFC 7517) and JWTs signed with them (RFC 7515, 7519), read as RFC 8725 advises.

Three algorithms and no more: ES256, EdDSA with Ed25519 (also under its name of RFC 9864), PS256. A key serves one of them.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from contracts.errors import refuse

ALGORITHMS = {"ES256": "P-256", "EdDSA": "Ed25519", "Ed25519": "Ed25519", "PS256": "RSA"}
MAX_KEYS = 20
MAX_JWT_CHARACTERS = 8_192
MAX_ID_CHARACTERS = 256
RSA_BITS = range(2048, 4097)

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

Header = Mapping[str, Any]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that may verify; `thumbprint` by RFC 7638 with SHA-256."""

    kid: str
    family: str
    thumbprint: str
    key: ECKey | OKPKey | RSAKey = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWT whose signature holds: header, claims and the key that it holds with."""

    header: Header
    claims: Document
    key: PublicKey


def public_key(jwk: Document) -> PublicKey | None:
    """The key, or None for one that is not for signatures of these algorithms. Raises `invalid_input` where a private part is in it."""
    if _PRIVATE & set(jwk):
        raise _wrong("A private key is in it. Take it out of use, make another, and give only the public part.")
    family = _family(jwk)
    operations = jwk.get("key_ops", ["verify"])
    if not family or jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    if ALGORITHMS.get(jwk.get("alg", _ALGORITHM[family])) != family:
        return None
    try:
        key = _MAKERS[family]({name: jwk[name] for name in _MEMBERS[family]})
        kid = jwk.get("kid", "")
        return PublicKey(kid if isinstance(kid, str) else "", family, key.thumbprint(), key)
    except (JoseError, ValueError, KeyError, TypeError):
        return None


def key_set(document: object) -> tuple[PublicKey, ...]:
    """The usable keys of a JWK set; others in it are passed over (RFC 7517 section 5). Raises `invalid_input` where there is none."""
    keys = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(keys, list) or not keys or len(keys) > MAX_KEYS:
        raise _wrong(f'Give a JWK set: {{"keys": [...]}} with 1 to {MAX_KEYS} keys.')
    usable = tuple(found for each in keys if isinstance(each, Mapping) and (found := public_key(each)) is not None)
    if not usable:
        raise _wrong("No key in it is a public one for ES256 (P-256), EdDSA (Ed25519) or PS256 (RSA of 2048 to 4096 bits).")
    return usable


def open_jwt(token: str, keys: Callable[[Header], Sequence[PublicKey]]) -> Signed | None:
    """The JWT where one of the keys that its header leads to has signed it, else None. What it claims is the caller's to judge."""
    parts = token.split(".")
    if len(token) > MAX_JWT_CHARACTERS or len(parts) != 3:
        return None
    header, claims = _json(parts[0]), _json(parts[1])
    signature = _decoded(parts[2])
    if header is None or claims is None or signature is None or "crit" in header:
        return None  # no extension is understood here, so none may be critical (RFC 7515 section 4.1.11)
    name = header.get("alg")
    if not isinstance(name, str) or name not in ALGORITHMS:
        return None
    algorithm, signed = JWSRegistry.algorithms[name], f"{parts[0]}.{parts[1]}".encode()
    for key in keys(header):
        if key.family == ALGORITHMS[name] and algorithm.verify(signed, signature, key.key):
            return Signed(header, claims, key)
    return None


def unverified(token: str) -> Document:
    """The claims of a JWT that nobody vouches for, to learn whose keys to try; empty where it is none."""
    parts = token.split(".")
    claims = _json(parts[1]) if len(token) <= MAX_JWT_CHARACTERS and len(parts) == 3 else None
    return claims or {}


def sign(kind: str, kid: str, claims: bytes, key: EllipticCurvePrivateKey) -> tuple[bytes, bytes]:
    """A JWT under ES256 (RFC 7518 section 3.4) in two parts: what is signed, with `typ` and `kid` in its header, and the signature.

    The claims are JSON. A token is signed for each request, so without a library's detours.
    """
    signed = b"%b.%b" % (_header(kind, kid), _encoded(claims))
    r, s = decode_dss_signature(key.sign(signed, _ECDSA))
    return signed, _encoded(r.to_bytes(32) + s.to_bytes(32))


def moment(claims: Document, name: str) -> float | None:
    """A claim that is a NumericDate (RFC 7519 section 2) in seconds; None where it is absent or none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > _LATEST:
        return None
    return float(value)


def identifier(claims: Document, name: str) -> str:
    """A claim that is a text of 1 to 256 characters; empty where it is none."""
    value = claims.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARACTERS else ""


@lru_cache(maxsize=16)
def _header(kind: str, kid: str) -> bytes:
    return _encoded(orjson.dumps({"alg": "ES256", "typ": kind, "kid": kid}))


def _family(jwk: Document) -> str:
    match jwk.get("kty"), jwk.get("crv"):
        case "EC", "P-256":
            return "P-256"
        case "OKP", "Ed25519":
            return "Ed25519"
        case "RSA", None if _bits(jwk.get("n")) in RSA_BITS:
            return "RSA"
    return ""


def _bits(number: object) -> int:
    decoded = _decoded(number) if isinstance(number, str) and len(number) <= MAX_JWT_CHARACTERS else None
    return int.from_bytes(decoded or b"").bit_length()


def _json(part: str) -> dict[str, Any] | None:
    decoded = _decoded(part)
    try:
        value = None if decoded is None else json.loads(decoded)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _decoded(part: str) -> bytes | None:
    """Base64url without padding, in its one form (RFC 7515 section 2)."""
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.urlsafe_b64encode(decoded).decode().rstrip("=") == part else None


def _encoded(raw: bytes) -> bytes:
    """Base64url without padding (RFC 7515 section 2)."""
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=")


def _wrong(problem: str) -> Exception:
    return refuse("invalid_input", "The keys need your attention.", fields={"jwks": problem})


_ALGORITHM = {"P-256": "ES256", "Ed25519": "EdDSA", "RSA": "PS256"}
_MEMBERS = {"P-256": ("kty", "crv", "x", "y"), "Ed25519": ("kty", "crv", "x"), "RSA": ("kty", "n", "e")}
_MAKERS: Mapping[str, Callable[[dict[str, Any]], Any]] = {"P-256": ECKey.import_key, "Ed25519": OKPKey.import_key, "RSA": RSAKey.import_key}
_ECDSA = ECDSA(SHA256())
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_LATEST = 253_370_764_800.0  # the year 9999
