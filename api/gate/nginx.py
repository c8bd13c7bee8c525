"""`GET /gate/nginx`: the gate as nginx's `auth_request` asks it.

nginx turns every answer but 2xx, 401 and 403 into 500, adds a header of its own to 401, and closes the connection on a body. So the
answer is always 200 or 403, its body empty, and everything else stands in headers (`docs/gate/nginx.conf` reads them).
"""

from __future__ import annotations

from functools import lru_cache

from starlette.types import Receive, Scope, Send

from api.front import HotRoute
from contracts.gate.facts import Facts
from contracts.gate.service import Gate
from contracts.gate.telling import Telling
from contracts.house import House
from contracts.networks import client_address, is_proxy
from contracts.settings import Settings

_is_proxy = lru_cache(maxsize=1024)(is_proxy)

_READ = {
    b"x-original-method": 0,
    b"x-original-uri": 1,
    b"x-forwarded-host": 2,
    b"x-forwarded-for": 3,
    b"user-agent": 4,
    b"authorization": 5,
}
_NOT_A_PROXY = [(b"x-gate-status", b"403"), (b"x-gate-reason", b"not_a_proxy"), (b"content-length", b"0"), (b"cache-control", b"no-store")]


def hot_routes(house: House) -> list[HotRoute]:
    """The gate's endpoints."""
    return [HotRoute(("GET",), "/gate/nginx", NginxGate(house.gate, house.settings), "Allow or stop one request to the main site")]


class NginxGate:
    """The endpoint. A caller that is no configured proxy is refused and counts for nothing: its headers could say anything."""

    def __init__(self, gate: Gate, settings: Settings) -> None:
        self._gate, self._proxies, self._telling = gate, tuple(settings.gate.proxies), Telling(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, params: dict[str, str]) -> None:
        client = scope.get("client")
        peer = client[0] if client else ""
        if not _is_proxy(peer, self._proxies):
            await _answer(send, 403, _NOT_A_PROXY)
            return
        decision = await self._gate.decide(facts_of(scope, peer, self._proxies))
        told = [(name.encode(), value.encode("latin-1", "replace")) for name, value in self._telling.proxy(decision)]
        await _answer(send, 200 if decision.allow else 403, [*told, (b"content-length", b"0")])


def facts_of(scope: Scope, peer: str, proxies: tuple[str, ...]) -> Facts:
    """The visitor's request as the proxy's headers describe it. A header that stands there twice is taken as absent."""
    found: list[bytes | None] = [None] * len(_READ)
    twice: set[int] = set()
    for name, value in scope["headers"]:
        place = _READ.get(name)
        if place is None:
            continue
        if found[place] is not None:
            twice.add(place)
        found[place] = value
    method, target, host, forwarded, agent, authorization = (
        "" if value is None or place in twice else value.decode("latin-1") for place, value in enumerate(found)
    )
    return Facts(method, host, target, client_address(peer, forwarded, proxies), agent, authorization)


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
