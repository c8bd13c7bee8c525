"""Signed requests of bots, made with our own signature base: the gate checks them with a library that we did not write."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.crawlers.decide import thumbprint
from contracts.gate.facts import Facts, Signed
from contracts.message_signatures import Component, sign
from tests.harness.crawler import x_of

HOST = "site.example"
ADDRESS = "192.0.2.9"
AGENT_NAME = "LabBot/1.0"
AGENT = '"https://bot.example"'
USUAL = ("@method", "@authority", "@path", "agent")


@dataclass(frozen=True)
class Bot:
    """A key that signs. `agent` is the value of its member of Signature-Agent, as it goes over the wire."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    agent: str = AGENT

    @property
    def thumbprint(self) -> str:
        """How signatures name the key."""
        return thumbprint(x_of(self.private))

    def headers(
        self,
        now: datetime,
        *,
        target: str = "/posts/1",
        host: str = HOST,
        covered: tuple[str, ...] = USUAL,
        label: str = "sig1",
        member: str = "sig1",
        legacy: bool = False,
        more: tuple[Component, ...] = (),
        **params: Any,
    ) -> dict[str, str]:
        """The three fields of a signature over a GET; a parameter given as None is left out."""
        values: dict[str, Component] = {
            "@method": ("@method", {}, "GET"),
            "@authority": ("@authority", {}, host),
            "@path": ("@path", {}, target.partition("?")[0]),
            "@query": ("@query", {}, "?" + target.partition("?")[2]),
            "@target-uri": ("@target-uri", {}, f"https://{host}{target}"),
            "user-agent": ("user-agent", {}, AGENT_NAME),
            "agent": ("signature-agent", {} if legacy else {"key": member}, self.agent),
        }
        seconds = int(now.timestamp())
        usual = {"created": seconds, "expires": seconds + 60, "keyid": self.thumbprint, "alg": "ed25519", "nonce": nonce(label, seconds)}
        said = {name: value for name, value in {**usual, "tag": "web-bot-auth", **params}.items() if value is not None}
        made = sign(self.private, label, [*(values[each] for each in covered), *more], said)
        return {"signature-agent": self.agent if legacy else f"{member}={self.agent}", **made}

    def ask(self, now: datetime, *, target: str = "/posts/1", host: str = HOST, scheme: str = "https", **how: Any) -> Facts:
        """A signed request as a proxy tells of it."""
        return asked(self.headers(now, target=target, host=host, **how), target=target, host=host, scheme=scheme)


def asked(headers: dict[str, str], *, target: str = "/posts/1", host: str = HOST, scheme: str = "https", method: str = "GET") -> Facts:
    """A request with these fields as a proxy tells of it."""
    names = ("signature-input", "signature", "signature-agent", "content-digest")
    signed = Signed(*(headers.get(name, "") for name in names)) if headers else None
    return Facts(method, host, target, ADDRESS, AGENT_NAME, scheme=scheme, signature=signed)


def joined(*every: dict[str, str]) -> dict[str, str]:
    """Several signatures of one request in one set of fields."""
    return {name: ", ".join(each[name] for each in every) for name in ("signature-agent", "signature-input", "signature")}


def nonce(*parts: object) -> str:
    """A nonce in base64 that differs with its parts."""
    return base64.b64encode(repr(parts).encode()).decode()
