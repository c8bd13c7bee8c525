"""Who the house is when it asks others: one Ed25519 key, published in a directory, that signs every outgoing request.

Web Bot Auth (draft-ietf-webbotauth-httpsig-protocol): sections 4.2 on requests, 5 on the directory.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contracts.clock import Clock
from contracts.crawlers.decide import thumbprint
from contracts.crawlers.directory import MEDIA_TYPE, PATH, TAG
from contracts.keys import KeyRing, Purpose, all_of, ed25519_key
from contracts.message_signatures import Component, digest_of, sign
from contracts.store.unit import Store

KEPT_SECONDS = 300.0
MAX_AGE_SECONDS = 3_600
REQUEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory as it is answered."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Own:
    """A key with its public part and name."""

    key: Ed25519PrivateKey
    x: str
    thumbprint: str


class Agent:
    """Signs for the house. Safe for threads; the first use makes the key where there is none."""

    def __init__(self, keys: KeyRing, store: Store, clock: Clock, base_url: str) -> None:
        self._ring, self._store, self._clock = keys, store, clock
        self._parts = urlsplit(base_url)
        self._lock = threading.Lock()
        self._own: tuple[_Own, ...] = ()
        self._directory: tuple[Directory, float] | None = None

    def directory(self) -> Directory:
        """The public keys as a JWK set, signed by each; made anew every five minutes. Call it in a thread, it may read the store."""
        with self._lock:
            kept = self._directory
            if kept is None or time.monotonic() - kept[1] > KEPT_SECONDS:
                self._own = self._read()
                kept = self._directory = (self._signed(self._own), time.monotonic())
            return kept[0]

    def sign(self, method: str, to: SplitResult) -> dict[str, str]:
        """The headers that tell the other side who asks; none where the house has no https address to be known by.

        Covers the method, the name and the path that are asked, and the directory's address.
        """
        if self._parts.scheme != "https":
            return {}
        own, agent = self._newest(), f'"{self._parts.scheme}://{self._parts.netloc}{PATH}"'
        covered: list[Component] = [
            ("@method", {}, method),
            ("@authority", {}, to.netloc.lower().removesuffix(":443")),
            ("@path", {}, to.path or "/"),
            ("signature-agent", {"key": "sig1"}, agent),
        ]
        nonce = base64.b64encode(secrets.token_bytes(32)).decode()
        return {
            "signature-agent": f"sig1={agent}",
            **sign(own.key, "sig1", covered, self._params(own, REQUEST_SECONDS, "web-bot-auth", nonce)),
        }

    def _signed(self, keys: tuple[_Own, ...]) -> Directory:
        listed = [{"kty": "OKP", "crv": "Ed25519", "kid": each.thumbprint, "x": each.x, "use": "sig"} for each in keys]
        body = json.dumps({"keys": listed}, separators=(",", ":")).encode()
        covered: list[Component] = [("@authority", {"req": True}, self._parts.netloc), ("content-digest", {}, digest_of(body))]
        made = [sign(each.key, f"sig{n}", covered, self._params(each, 2 * MAX_AGE_SECONDS, TAG)) for n, each in enumerate(keys, 1)]
        joined = {name: ", ".join(each[name] for each in made) for name in ("signature-input", "signature")}
        caching = {"content-type": MEDIA_TYPE, "cache-control": f"public, max-age={MAX_AGE_SECONDS}"}
        return Directory(body, {**caching, "content-digest": digest_of(body), **joined})

    def _params(self, own: _Own, seconds: int, tag: str, nonce: str = "") -> dict[str, str | int]:
        created = int(self._clock.now().timestamp())
        times: dict[str, str | int] = {"created": created, "expires": created + seconds, "keyid": own.thumbprint, "alg": "ed25519"}
        return {**times, **({"nonce": nonce} if nonce else {}), "tag": tag}

    def _newest(self) -> _Own:
        with self._lock:
            if not self._own:
                self._own = self._read()
            return self._own[-1]

    def _read(self) -> tuple[_Own, ...]:
        with self._store.read() as session:
            rows = all_of(session, Purpose.AGENT)
        if not rows:
            with self._store.write("agent key") as unit:
                rows = [self._ring.ensure(unit, Purpose.AGENT)]
        return tuple(_own(ed25519_key(self._ring.open(row))) for row in rows)


def _own(key: Ed25519PrivateKey) -> _Own:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return _Own(key, x, thumbprint(x))
