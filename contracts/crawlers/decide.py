"""Rules about crawler keys, pure: which may be registered, and the text that proves who has one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.crawlers.tables import CrawlerKey
from contracts.errors import Refusal, Refused, refuse
from contracts.lifecycle.states import State
from contracts.lifecycle.tables import Contract
from contracts.message_signatures import Component, base_of
from contracts.people import assurance
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.terms.model import Terms

MAX_KEYS = 10
PROOF_LASTS = timedelta(hours=24)
TAG = "licet-crawler-proof"
_PASTED = re.compile(r"(?:signature:)?(?:[a-z0-9_*.-]+=:)?([a-z0-9+/_-]+=*):?", re.IGNORECASE)
# Everyone knows the private halves of these: they are printed in RFC 9421, appendix B.1.
PRINTED = frozenset({"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U", "oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA"})


@dataclass(frozen=True, slots=True)
class PublicPart:
    """A public Ed25519 key: its bytes in base64url, and its RFC 7638 thumbprint."""

    x: str
    thumbprint: str


def check_crawler(actor: Actor, contract: Contract, terms: Terms | None, *, more: int, live: int, now: datetime) -> Refusal | None:
    """Why the person may not register `more` crawler keys beside the contract's `live` ones."""
    if contract.organisation_id != actor.organisation_id:
        return Refusal("not_found", "There is no such thing here.")
    if not actor.roles & {Role.LEAD, Role.DEVELOPER}:
        return Refusal("role_required", "Leads and developers register crawlers. Ask your lead.")
    if contract.state != State.ACTIVE or terms is None:
        return Refusal(
            "contract_not_active", "Crawlers are registered under an active contract; this one is not.", {"contract": contract.id}
        )
    if terms.crawl is None:
        return Refusal("command_not_possible", "This contract does not allow fetching the site.")
    if live + more > MAX_KEYS:
        return Refusal("command_not_possible", f"A contract has at most {MAX_KEYS} crawler keys. Revoke one that is no longer used.")
    return assurance.refusal(actor, Act.CREDENTIAL, now)


def keys_in(text: str) -> list[PublicPart]:
    """The public keys of a JWK or JWK set (RFC 7517, RFC 8037); raises `invalid_input` with what is wrong."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("This is no JSON. Paste a JWK, or a JWK set.") from error
    listed = document.get("keys") if isinstance(document, dict) and "keys" in document else [document]
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_KEYS:
        raise _wrong(f"Give 1 to {MAX_KEYS} keys.")
    found = {part.thumbprint: part for part in map(_public, listed)}
    return list(found.values())


def thumbprint(x: str) -> str:
    """RFC 7638 thumbprint of an Ed25519 key (RFC 8037, appendix A.3)."""
    text = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def opened(x: str) -> Ed25519PublicKey:
    """The key of which `x` is the public part."""
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "="))


def challenge(row: CrawlerKey, base_url: str) -> str:
    """What the key signs: a signature base (RFC 9421 section 2.5) over this platform's name and a nonce of ours.

    Its tag is our own, so that no signature that a crawler makes for anybody else can stand for it.
    """
    params: Mapping[str, Any] = {
        "created": int(row.created_at.timestamp()),
        "expires": int(row.nonce_until.timestamp()),
        "keyid": row.thumbprint,
        "alg": "ed25519",
        "nonce": row.nonce,
        "tag": TAG,
    }
    covered: Sequence[Component] = [("@authority", {}, urlsplit(base_url).netloc)]
    return base_of(covered, params)


def signature_in(text: str) -> bytes:
    """The 64 bytes of a pasted signature in base64, alone or as in a Signature header; raises `invalid_input`."""
    given = _PASTED.fullmatch("".join(text.split()))
    bare = given[1].rstrip("=") if given else ""
    try:
        found = base64.b64decode(bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != 64:
        raise refuse(
            "invalid_input", "The signature needs your attention.", fields={"signature": "Paste the signature: 64 bytes in base64."}
        )
    return found


def _public(jwk: object) -> PublicPart:
    if not isinstance(jwk, dict) or jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise _wrong("Crawlers sign with Ed25519 keys here: kty OKP, crv Ed25519.")
    if "d" in jwk:
        raise _wrong("This is a private key. Make a new one, since this one has left its machine, and paste its public part.")
    x = jwk.get("x")
    try:
        if not isinstance(x, str) or len(x) != 43:
            raise ValueError("not 32 bytes")
        opened(x)
    except ValueError as error:
        raise _wrong("The x of a key is not 32 bytes in base64url.") from error
    known = thumbprint(x)
    if known in PRINTED:
        raise _wrong("This key is printed in RFC 9421 and known to everyone. Make one of your own.")
    return PublicPart(x, known)


def _wrong(problem: str) -> Refused:
    return refuse("invalid_input", "The keys need your attention.", fields={"keys": problem})
