"""Whether a key signed a request: the one place of `http_message_signatures`, which rebuilds the signature base (RFC 9421 section 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    MappingKeyResolver,
    algorithms,
)

from contracts.crawlers.key_sets import PublicKey
from contracts.gate.facts import Facts, Signed
from contracts.gate.signatures.profile import TAG, Claim

# Secrets that both sides share are no signatures to this profile, so HMAC is not among them.
_ALGORITHMS: Mapping[type, type[HTTPSignatureAlgorithm]] = {
    Ed25519PublicKey: algorithms.ED25519,
    RSAPublicKey: algorithms.RSA_PSS_SHA512,
    EllipticCurvePublicKey: algorithms.ECDSA_P256_SHA256,
}


@dataclass(frozen=True, slots=True)
class _Message:
    """A request as the library reads it, put together from the raw target that the proxy forwarded."""

    method: str
    url: str
    headers: Mapping[str, str]


class _Verifier(HTTPMessageVerifier):
    """Leaves times to the profile, which has the house's clock."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Nothing: `profile.claims_in` has looked."""


def signed_by(key: PublicKey, claim: Claim, signed: Signed, facts: Facts) -> bool:
    """Whether the key made the claim's signature over this very request.

    False also where a covered component is missing, stands there twice or cannot be rebuilt. A covered `Content-Digest` counts as
    the field that it is: no proxy hands over the body that it speaks of.
    """
    algorithm = next(each for kind, each in _ALGORITHMS.items() if isinstance(key, kind))
    resolver = MappingKeyResolver(public_keys={claim.keyid: key}, private_keys={})
    message = _Message(facts.method, f"{facts.scheme}://{facts.host}{facts.target}", _fields(signed, facts))
    verifier = _Verifier(signature_algorithm=algorithm, key_resolver=resolver)
    try:
        verifier.verify(message, max_age=None, expect_tag=TAG, expect_label=claim.label)
    except HTTPMessageSignaturesException:
        return False
    return True


def _fields(signed: Signed, facts: Facts) -> dict[str, str]:
    """The fields of `profile.SEEN` as far as they were sent."""
    shown = {
        "signature-input": signed.input,
        "signature": signed.signature,
        "signature-agent": signed.agent,
        "content-digest": signed.content_digest,
        "user-agent": facts.user_agent,
        "authorization": facts.authorization,
        "sec-purpose": facts.purpose,
    }
    return {name: value for name, value in shown.items() if value}
