"""The gate's endpoints, one adapter a proxy, as both shells serve them: the ASGI handler and the listener of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from api.gate import caddy, envoy, haproxy, nginx, traefik
from api.gate.again import Again
from api.gate.asked import FORWARDED, ORIGINAL, OWN, Names, RawHeader, Reader
from api.gate.replay import Replays
from api.gate.reply import Answer, Reply, raw, whole
from contracts.gate.service import Gate
from contracts.gate.telling import Telling
from contracts.house import House
from contracts.keys import KeyRing, Purpose
from contracts.networks import is_proxy
from contracts.settings import Settings

_is_proxy = lru_cache(maxsize=1024)(is_proxy)

NGINX, ENVOY = "/gate/nginx", "/gate/envoy"
STOPPED = "/gate/nginx/stopped"
_EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Adapter:
    """How one proxy asks and is answered. `below` is what its questions' paths begin with before the visitor's own path."""

    names: Names
    answer: Answer
    methods: tuple[str, ...] = ("GET",)
    below: str = ""


ADAPTERS: Mapping[str, Adapter] = {
    NGINX: Adapter(ORIGINAL, nginx.answer),
    f"{ENVOY}/{{target:path}}": Adapter(OWN, envoy.answer, _EVERY_METHOD, ENVOY),
    "/gate/traefik": Adapter(FORWARDED, traefik.answer),
    "/gate/caddy": Adapter(FORWARDED, caddy.answer),
    "/gate/haproxy": Adapter(ORIGINAL, haproxy.answer),
}


class Endpoint(Protocol):
    """What a shell calls for one question; it writes the reply as it stands."""

    async def reply(self, method: str, target: str, headers: Sequence[RawHeader], peer: str) -> Reply:
        """The reply to a question. `target` is raw, with its query; headers are in lower case; `peer` is empty for a unix socket."""
        ...

    def reply_now(self, method: str, target: str, headers: Sequence[RawHeader], peer: str, came: bytes = b"") -> Reply | None:
        """As `reply`, from memory alone; None where it has to wait. `came` is the question in bytes, where it came by itself."""
        ...


Endpoints = dict[str, tuple[tuple[str, ...], Endpoint]]


def endpoints(house: House) -> Endpoints:
    """Every endpoint by its path, with the methods that it takes."""
    return endpoints_of(house.gate, house.settings, house.keys)


def endpoints_of(gate: Gate, settings: Settings, keys: KeyRing, telling: Telling | None = None, again: Again | None = None) -> Endpoints:
    """The endpoints over a gate; `telling` in the place of the installation's own, and `again` to learn from nginx's questions."""
    telling, replays = telling or Telling(settings), Replays(keys.derived(Purpose.REPLAY))
    proxies = tuple(settings.gate.proxies)
    cookie = settings.gate.accounts.read
    made: Endpoints = {
        path: (adapter.methods, _Asking(adapter, gate, proxies, telling, replays, cookie, again if path == NGINX else None))
        for path, adapter in ADAPTERS.items()
    }
    return {**made, STOPPED: (("GET",), _Stopped(proxies, telling, replays))}


class _Asking:
    """One adapter over the gate. A caller that is no configured proxy is refused and counts for nothing: it could say anything."""

    def __init__(
        self,
        adapter: Adapter,
        gate: Gate,
        proxies: tuple[str, ...],
        telling: Telling,
        replays: Replays,
        cookie: str = "",
        again: Again | None = None,
    ) -> None:
        self._reader, self._answer, self._below = Reader(adapter.names, cookie), adapter.answer, len(adapter.below)
        self._gate, self._proxies, self._telling, self._replays = gate, proxies, telling, replays
        self._again = again

    async def reply(self, method: str, target: str, headers: Sequence[RawHeader], peer: str) -> Reply:
        """The gate's decision, as this proxy understands it."""
        if not _is_proxy(peer, self._proxies):
            return NOT_A_PROXY
        asked = self._reader.read(method, target[self._below :], headers, peer, self._proxies)
        decision = await self._gate.decide(asked.facts)
        return self._answer(decision, asked, self._telling, self._replays.seal)

    def reply_now(self, method: str, target: str, headers: Sequence[RawHeader], peer: str, came: bytes = b"") -> Reply | None:
        """As `reply`, where memory knows all that the decision needs."""
        if not _is_proxy(peer, self._proxies):
            return NOT_A_PROXY
        asked = self._reader.read(method, target[self._below :], headers, peer, self._proxies)
        decision = self._gate.decide_now(asked.facts)
        if decision is None:
            return None
        if came and self._again is not None:
            self._again.learn(came, asked)
        return self._answer(decision, asked, self._telling, self._replays.seal)


class _Stopped:
    """nginx's second question: what a visitor whom the first one stopped is told, whole. Decides and counts nothing."""

    def __init__(self, proxies: tuple[str, ...], telling: Telling, replays: Replays) -> None:
        self._reader, self._proxies, self._telling, self._replays = Reader(ORIGINAL), proxies, telling, replays

    async def reply(self, method: str, target: str, headers: Sequence[RawHeader], peer: str) -> Reply:
        """The refusal that the decision handed back stands for."""
        return self.reply_now(method, target, headers, peer)

    def reply_now(self, method: str, target: str, headers: Sequence[RawHeader], peer: str, came: bytes = b"") -> Reply:
        """As `reply`: nothing is looked up."""
        handed = [value.decode("latin-1") for name, value in headers if name == _REPLAY]
        decision = self._replays.open(handed[0]) if len(handed) == 1 and _is_proxy(peer, self._proxies) else None
        if decision is None or decision.allow:
            return NOT_A_PROXY
        return whole(decision, self._reader.read(method, target, headers, peer, self._proxies), self._telling)


_REPLAY = nginx.REPLAY.encode()
NOT_A_PROXY = Reply(
    403,
    raw(
        [
            ("x-gate-status", "403"),
            ("x-gate-reason", "not_a_proxy"),
            ("content-type", "text/plain"),
            ("content-length", "0"),
            ("cache-control", "no-store"),
        ]
    ),
)
