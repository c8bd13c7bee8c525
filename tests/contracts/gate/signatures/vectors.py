"""Published vectors of Web Bot Auth, as their documents print them.

draft-ietf-webbotauth-httpsig-protocol, appendix E.2, and web_bot_auth_architecture_v2.json of its reference implementation. Requests
are a GET of https://example.com/path/to/resource; the keys are those of RFC 9421, appendices B.1.2 and B.1.4. The dictionary form with
a bare origin is that of the generations B, C and D at once, since none of them changed its meaning.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from contracts.crawlers.key_sets import PublicKey

CREATED = 1735689600
AT = "https://signature-agent.test/.well-known/http-message-signatures-directory"
ED25519 = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"
RSA_PSS = "oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA"


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


_MODULUS = (
    "r4tmm3r20Wd_PbqvP1s2-QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct-Lh1GH45x28Rw3Ry53mm-oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95An"
    "dTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL-Wokqltd11nqqzi-bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8L"
    "zo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d-nb4bnNkQVklLQ3fVAvJm-xdDOp9LCNCN48V2pnDOkFV6-U9nV5oyc6XI2w"
)
KEYS: dict[str, PublicKey] = {
    ED25519: Ed25519PublicKey.from_public_bytes(_bytes("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs")),
    RSA_PSS: RSAPublicNumbers(65537, int.from_bytes(_bytes(_MODULUS))).public_key(),
}


@dataclass(frozen=True)
class Vector:
    """A request's fields, and whether they name a key set."""

    name: str
    headers: dict[str, str]

    @property
    def keys_at(self) -> str:
        """The identifier of the key set that it names."""
        return AT if "signature-agent" in self.headers else ""


def _vector(name: str, label: str, covered: str, keyid: str, expires: int, nonce: str, signature: str, agent: str) -> Vector:
    algorithm = "ed25519" if keyid == ED25519 else "rsa-pss-sha512"
    params = f'created={CREATED};keyid="{keyid}";alg="{algorithm}";expires={expires};nonce="{nonce}";tag="web-bot-auth"'
    headers = {"signature-input": f"{label}=({covered});{params}", "signature": f"{label}=:{signature}:"}
    return Vector(name, {**headers, **({"signature-agent": agent} if agent else {})})


VECTORS = (
    _vector(
        "A: no Signature-Agent, RSA-PSS",
        "sig1",
        '"@authority"',
        RSA_PSS,
        4889289600,
        "JojDFWJ90jf+gZhdKeTyJYsu1XvNPZSFAGhvYq5SuV3gneOEUAhq+xl792WGuD1W+Dr6NRmx+m+t06NsYnL4iA==",
        "hWPaj85MWQiRkzU4jnIKvdPQiDfMCPIoxOP8nZveNc3aFQ7r/UmXWCwGNImw588iRvTFey5TR3fVEgnXpcttlyK+u5pN831z9Wlr+IMNfub4uEM3SuO+SKFy"
        "gJZyLG0pf7OAiRcU4C0gyx1BS/+z9ydQTRzDLr88wCkBBRqwGRrSi8HTwxkqg1jugobh93hcnU6gV8MK1n+VnhRprIgl2RQSO6q5cfbB4OS8C4t/8ndW0lYm"
        "P2SWzKZJXnpX5Wrj17PuLqnVW6MO8pJnLAMXNvxUdx32KHeq/cHFrzZazZsua3UOoP+k+niHwoQ8bBWj1Vi4mM1mYJK+fk366cCLsQ==",
        "",
    ),
    _vector(
        "A: no Signature-Agent, Ed25519",
        "sig1",
        '"@authority"',
        ED25519,
        4889289600,
        "zIW8+cdmA3vdYagbxojpONwa/l0EKJ/O3/wD486VvsQjO/RxPaSt6ZxvQaMcQzNnqKN/mQ6hpGiFro2L2qkz5A==",
        "QKN4fTdIYfh82fvoZCQiQA1weuozfCS/Led2zTMbewMMqH8PI2Wsy/5c4ao6B6D09nraNQdBNOADg8aM1MqfCg==",
        "",
    ),
    _vector(
        "A: string, RSA-PSS",
        "sig2",
        '"@authority" "signature-agent"',
        RSA_PSS,
        1735693200,
        "XSHtZVCThSIAksXsH9WBs6AtxtXC0eQGiIcUGSoJstFs8lAWakjhrfwzLhyjtme5iXMZvmFWqDEs6cT3Jf+BbQ==",
        "I1QWNzGXdP1a4dSvOHLCVOOanEYHDk+ZsVxM9MLX/p4ko69ghKwR5EOtAD96g7g4GWP7lmpM/jFAf9q8EFRDTPLjUXySwMv4YPgabv2LQihTJG2y8a2m6IGl"
        "tyruwQNiqSJVUuRaG9+b17CGmAMFZh30X6GXLdQJrCARpeTqPwp2DC+a8haDE/VE5EruqzjA5/2mKwvrkzkSqeW5tOVtFwWRRHIOidquf/8Je6kM9mhgkg4a"
        "rudLA5SL4wyyYE1jURIgcOl8agrfdJ5Def23DIRtiOLRa8jT9cpTLFAuFHN+mrZA/LH9h0gSIg1cPb+0cMASee5uku1KjWcFer7jWA==",
        '"https://signature-agent.test"',
    ),
    _vector(
        "A: string, Ed25519",
        "sig2",
        '"@authority" "signature-agent"',
        ED25519,
        1735693200,
        "e8N7S2MFd/qrd6T2R3tdfAuuANngKI7LFtKYI/vowzk4lAZYadIX6wW25MwG7DCT9RUKAJ0qVkU0mEeLElW1qg==",
        "jdq0SqOwHdyHr9+r5jw3iYZH6aNGKijYp/EstF4RQTQdi5N5YYKrD+mCT1HA1nZDsi6nJKuHxUi/5Syp3rLWBA==",
        '"https://signature-agent.test"',
    ),
    _vector(
        "B, C, D: dictionary, RSA-PSS",
        "sig2",
        '"@authority" "signature-agent";key="agent2"',
        RSA_PSS,
        4889289600,
        "wcfPQPh7SzkvrIVvhD00vNk9PkxJNY2NVbYl2PVBB4zmUoluSwE7W6bPtF60QA3k8g06FU7PPCD+J58YofY1zg==",
        "gHzpLNeHaHIO19NaJH9YMW5dcVSi2s0wOMBr6p18vcofS106sfC4KBIS0/szPlBBd1vIcyQ88B6CTEWIhRAiVrb9zfX0mx1aG12CSGWcYkSirHeyTxhbuJvX"
        "d27ed6skWoy4PjXItq38936ivUQjfdIwXh1aX6HxkAC3vRnEdSNfntkLWeEuIQ5BLIOBGE39fSwg27Qjq6OVWYas/9/aFUr3HA34MXWYdp+//cvlEKDp3kRo"
        "LOw9ro0AOr6srHrTeEtxon2afcws1aZVSlPdd2fZSEIGmw9HAHLDCEkFTERu1gH2k/zIEqgy7CAYXI9E5slog0cLg/Vc6+f8gih33g==",
        'agent2="https://signature-agent.test"',
    ),
    _vector(
        "B, C, D: dictionary, Ed25519",
        "sig2",
        '"@authority" "signature-agent";key="agent2"',
        ED25519,
        4889289600,
        "n9p433xm+NJ3ph3upfBIGmsuwHw387YV7Q/F+6BSpGCVjYCqQw6rznNA8PVVLySrAWsv0hQtFioQb6E1YsauiA==",
        "RdNFx5Bj6au3YgAMQL/RzmUlZE8QZLIaXGRpw985hWnwPfMxT228NMk6ehRS1PSl4e8PhbNZACSanGdhEwYCCg==",
        'agent2="https://signature-agent.test"',
    ),
)
