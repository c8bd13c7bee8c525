"""What a proxy says of a visitor's request, read from the headers of its question. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.gate.facts import Facts, Signed
from contracts.networks import client_address

RawHeader = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Names:
    """Under which headers, in lower case, a proxy tells what it saw. Where a name is empty the question's own line says it."""

    method: bytes
    target: bytes
    host: bytes


# Set by the configurations for nginx and HAProxy, which have no custom of their own.
ORIGINAL = Names(b"x-original-method", b"x-original-uri", b"x-forwarded-host")
# Set by Traefik and Caddy themselves.
FORWARDED = Names(b"x-forwarded-method", b"x-forwarded-uri", b"x-forwarded-host")
# Envoy asks with the visitor's own method, path and host.
OWN = Names(b"", b"", b"host")


@dataclass(slots=True)
class Asked:
    """A visitor's request, and what is needed beside it to answer: which form a stopped visitor reads, and whether Authorization
    stood there twice, so that nobody can say whose credential it is.
    """

    facts: Facts
    accept: str = ""
    doubtful: bool = False


class Reader:
    """Reads the questions of one proxy.

    Only headers that the proxy itself sets, and those of the visitor that say nothing by themselves, are looked at: a visitor's
    `Forwarded`, `X-Real-IP` or another proxy's names count for nothing. What stands there twice is taken as absent, because proxy
    and gate could each believe another one; so is an `Authorization` that a proxy joined from two. Of all cookies only the site's
    identity cookie is read; no `cookie`, none.
    """

    def __init__(self, names: Names, cookie: str = "") -> None:
        self._names, self._cookie = names, cookie
        self._wanted = (names.method, names.target, names.host, b"x-forwarded-for", b"x-forwarded-proto", *_VISITORS)

    def read(self, method: str, target: str, headers: Sequence[RawHeader], peer: str, proxies: tuple[str, ...]) -> Asked:
        """The request that the question is about; `method` and `target` are the question's own."""
        by_name, doubtful = dict(headers), False
        if len(by_name) < len(headers):
            counted = Counter(name for name, _ in headers)
            by_name = {name: value for name, value in by_name.items() if counted[name] == 1}
            doubtful = counted[b"authorization"] > 1
        get = by_name.get
        told = [sent.decode("latin-1") if (sent := get(name)) else "" for name in self._wanted]
        own_method, own_target, host, forwarded, scheme, agent, authorization, accept, purpose, cookies, *signed = told
        if "," in authorization and _JOINED.search(authorization):
            authorization, doubtful = "", True
        facts = Facts(
            own_method if self._names.method else method,
            host,
            own_target if self._names.target else target,
            client_address(peer, forwarded, proxies),
            agent,
            authorization,
            scheme,
            Signed(*signed) if signed[0] or signed[1] else None,
            _cookie(cookies, self._cookie) if self._cookie and cookies else "",
            purpose,
        )
        return Asked(facts, accept, doubtful)


def _cookie(cookies: str, wanted: str) -> str:
    """The value of one cookie (RFC 6265 section 4.2.1); empty where it stands there twice."""
    found = [value for name, mark, value in (each.strip().partition("=") for each in cookies.split(";")) if mark and name == wanted]
    return found[0] if len(found) == 1 else ""


# A second scheme with its credential, where RFC 9110 (section 11.6.2) knows one alone; parameters of one scheme have no space in them.
_JOINED = re.compile(r",\s*[A-Za-z][A-Za-z0-9-]* +[^\s=]")
# The visitor's own headers that are read.
_VISITORS = (
    b"user-agent",
    b"authorization",
    b"accept",
    b"sec-purpose",
    b"cookie",
    b"signature-input",
    b"signature",
    b"signature-agent",
    b"content-digest",
)
