"""HTTP message signatures (RFC 9421) with Ed25519, as far as the house makes and reads them. Pure.

A component is its name with its parameters and its value, such as `("@authority", {"req": True}, "bot.example")`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import http_sf
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Component = tuple[str, Mapping[str, bool | str], str]
SKEW_SECONDS = 30


def base_of(covered: Sequence[Component], params: Mapping[str, Any]) -> str:
    """The signature base (RFC 9421 section 2.5): one line a component, then the parameters."""
    lines = [f"{_item(name, own)}: {value}" for name, own, value in covered]
    return "\n".join([*lines, f'"@signature-params": {_list(covered, params)}'])


def sign(key: Ed25519PrivateKey, label: str, covered: Sequence[Component], params: Mapping[str, Any]) -> dict[str, str]:
    """The two headers of a signature."""
    signature = base64.b64encode(key.sign(base_of(covered, params).encode())).decode()
    return {"signature-input": f"{label}={_list(covered, params)}", "signature": f"{label}=:{signature}:"}


def digest_of(body: bytes) -> str:
    """`Content-Digest` of a body (RFC 9530 section 2)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signers(
    headers: Mapping[str, str], body: bytes, authority: str, tag: str, keys: Mapping[str, Ed25519PublicKey], now: datetime
) -> frozenset[str]:
    """Which of the keys, by thumbprint, signed a response to a request to `authority`; its headers are in lower case.

    A signature counts that covers `"@authority";req`, and nothing else but `content-digest`, which then fits the body; whose
    `keyid` is the thumbprint; that bears the tag, was made and has not ended. Others are passed over.
    """
    return frozenset(_signing(headers, body, authority, tag, keys, now))


def _signing(
    headers: Mapping[str, str], body: bytes, authority: str, tag: str, keys: Mapping[str, Ed25519PublicKey], now: datetime
) -> Iterator[str]:
    inputs, signatures = _dictionary(headers.get("signature-input", "")), _dictionary(headers.get("signature", ""))
    known = {("@authority", ("req",)): authority, ("content-digest", ()): headers.get("content-digest", "")}
    for label, member in inputs.items():
        items, params = member
        given = signatures.get(label, (None, {}))[0]
        if not isinstance(items, list) or not isinstance(given, bytes) or not _holds(params, tag, now):
            continue
        named = [(name, tuple(own)) for name, own in items]
        if not set(named) <= known.keys() or ("@authority", ("req",)) not in named or len(set(named)) != len(named):
            continue
        covered = [(name, own, known[name, tuple(own)]) for name, own in items]
        if ("content-digest", ()) in named and not _is_digest(headers.get("content-digest", ""), body):
            continue
        key = keys.get(str(params.get("keyid", "")))
        if key is not None and verifies(key, base_of(covered, params), given):
            yield str(params["keyid"])


def verifies(key: Ed25519PublicKey, text: str, signature: bytes) -> bool:
    """Whether the key signed the text."""
    try:
        key.verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


def _holds(params: Mapping[str, Any], tag: str, now: datetime) -> bool:
    created, expires = params.get("created"), params.get("expires")
    if type(created) is not int or type(expires) is not int or params.get("tag") != tag:
        return False
    return created <= now.timestamp() + SKEW_SECONDS and expires > now.timestamp() and params.get("alg", "ed25519") == "ed25519"


def _is_digest(header: str, body: bytes) -> bool:
    given = _dictionary(header).get("sha-256", (b"", {}))[0]
    return isinstance(given, bytes) and hmac.compare_digest(given, hashlib.sha256(body).digest())


def _dictionary(header: str) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], http_sf.parse(header.encode("ascii"), tltype="dictionary")) if header else {}
    except ValueError:  # also UnicodeEncodeError: structured fields are ASCII
        return {}


def _list(covered: Sequence[Component], params: Mapping[str, Any]) -> str:
    member: Any = ([(name, dict(own)) for name, own, _ in covered], dict(params))
    return http_sf.ser({"x": member}).removeprefix("x=")


def _item(name: str, own: Mapping[str, bool | str]) -> str:
    item: Any = (name, dict(own))
    return http_sf.ser([item])
