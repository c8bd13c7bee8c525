"""A tiny site behind each of the five proxies, and the one gate that they ask."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.front import Front
from api.gate.adapters import endpoints_of
from api.gate.handler import routes_of
from api.signals.router import signals_of
from contracts.clock import FixedClock
from contracts.gate.decide import Decision
from contracts.gate.facts import Facts
from contracts.gate.recognition import SiteAccounts
from contracts.gate.service import Gate
from contracts.gate.telling import Answer, Telling
from contracts.keys import KeyRing
from contracts.settings import Settings
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.commands.gate_config import FILES
from tests.conftest import START
from tests.harness import migrated, proxies
from tests.harness.asgi import serving
from tests.harness.gates import GateParts, gate_over, gate_settings
from tests.harness.server import free_port

BUDGET = 6


class Site:
    """The site: says which path it was asked for, and notes how. `/broken` is its own fault."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        target = scope["raw_path"].decode() + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        self.seen.append((request.method, target, dict(request.headers), await request.body()))
        status = {"/broken": 500, "/forbidden": 403}.get(scope["path"], 200)
        await PlainTextResponse(f"the site's {target}", status)(scope, receive, send)


class Statuses(Telling):
    """An installation that also tells what no decision of the gate says by itself today: 402 and 451."""

    told: ClassVar = {"path_not_in_contract": 402, "scope_not_granted": 451}

    def answer(self, decision: Decision, accept: str) -> Answer:
        """As ever, with the status of its own."""
        made = super().answer(decision, accept)
        return replace(made, status=self.told.get(decision.reason, made.status))


@dataclass
class Noting:
    """The gate, noting what it is asked about."""

    gate: Gate
    asked: list[Facts] = field(default_factory=list)

    async def decide(self, facts: Facts) -> Decision:
        """As ever."""
        self.asked.append(facts)
        return await self.gate.decide(facts)


@dataclass
class Asked:
    """The gate as the proxies reach it: up, slow, broken or down, and over how many connections it was asked how often."""

    front: Front
    port: int
    slow: threading.Event = field(default_factory=threading.Event)
    broken: threading.Event = field(default_factory=threading.Event)
    connections: list[int] = field(default_factory=list)
    _up: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self) -> None:
        """Listen."""
        self._up.enter_context(serving(self, self.port))

    def stop(self) -> None:
        """Refuse connections."""
        self.slow.clear()
        self._up.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/gate/"):
            self.connections.append(scope["client"][1])
        while self.slow.is_set():
            await asyncio.sleep(0.01)
        await (PlainTextResponse("a fault", 500) if self.broken.is_set() else self.front)(scope, receive, send)


@dataclass
class Ground:
    """What stands behind the proxies."""

    parts: GateParts
    site: Site
    site_port: int
    gate: Asked
    noted: list[Facts]


@dataclass
class Place:
    """One proxy before the site."""

    name: str
    number: int
    url: str
    ground: Ground

    def client(self, visitor: int, **headers: str) -> httpx.Client:
        """A visitor from a network of its own (all of 127/8 is loopback)."""
        transport = httpx.HTTPTransport(local_address=f"127.{self.number}.{visitor}.1")
        named = {"user-agent": "curl/8.5", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return httpx.Client(base_url=self.url, transport=transport, headers=named, timeout=60)

    def crawler(self, visitor: int) -> httpx.Client:
        """A licensed crawler."""
        return self.client(visitor, authorization=f"Bearer {self.ground.parts.token()}")

    def last(self) -> tuple[str, str, dict[str, str], bytes]:
        """The newest request that reached the site: method, target, headers, body."""
        return self.ground.site.seen[-1]


def settings_of(home: Path, port: int) -> Settings:
    """An installation that listens on a port: profiles are closed while the gate cannot decide, everything else is open."""
    made = gate_settings(home, budget=BUDGET, portal=f"http://127.0.0.1:{port}")
    accounts = SiteAccounts.model_validate({"secret": "s" * 32})
    gate = made.gate.model_copy(update={"classes": {"/people/": "profile"}, "free_paths": ["/static/"], "accounts": accounts})
    return made.model_copy(update={"port": port, "gate": gate})


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The gate and the site, for all proxies of the file."""
    folder = tmp_path_factory.mktemp("ground")
    store = Store(open_engine(f"sqlite:///{migrated.copy_to(folder / 'licet.db')}"), FixedClock(START))
    port, site = free_port(), Site()
    parts = gate_over(store, FixedClock(START), settings_of(folder, port))
    rest = FastAPI()
    rest.include_router(signals_of(parts.settings))
    noting = Noting(parts.gate)
    made = endpoints_of(noting, parts.settings, KeyRing(b"k" * 32), Statuses(parts.settings))
    gate = Asked(Front(routes_of(made), rest), port)
    parts.watch.start()
    try:
        with serving(site) as site_port:
            gate.start()
            yield Ground(parts, site, site_port, gate, noting.asked)
    finally:
        gate.stop()
        parts.watch.stop()
        store.engine.dispose()


@pytest.fixture(scope="module", params=sorted(FILES))
def place(request: pytest.FixtureRequest, ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Each of the five proxies in turn."""
    folder = tmp_path_factory.mktemp(request.param) / "proxy"
    with proxies.running(request.param, ground.parts.settings, ground.site_port, folder) as port:
        yield Place(request.param, 10 + sorted(FILES).index(request.param), f"http://127.0.0.1:{port}", ground)
