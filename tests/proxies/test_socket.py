"""The gate on its own socket, asked by the proxies that reach one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvloop
from fastapi import FastAPI

from api.gate.listener import listening
from api.signals.router import signals_of
from contracts.clock import FixedClock
from contracts.keys import KeyRing
from contracts.store.unit import Store
from tests.harness import proxies
from tests.harness.asgi import serving
from tests.harness.gates import GateParts, gate_over
from tests.harness.server import free_port
from tests.proxies.conftest import BUDGET, Site, settings_of


@contextlib.contextmanager
def answering(parts: GateParts) -> Iterator[None]:
    """The listener, in a loop of its own."""
    ready, over = threading.Event(), asyncio.Event()
    loop = uvloop.new_event_loop()

    async def run() -> None:
        async with listening(parts.gate, parts.settings, KeyRing(b"k" * 32)):
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), name="listener")
    thread.start()
    try:
        assert ready.wait(60)
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(60)
        loop.close()


@pytest.mark.parametrize("proxy", ["nginx", "caddy", "envoy", "haproxy"])
def test_a_proxy_asks_at_the_socket(proxy: str, sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, free_port())
    gate = settings.gate.model_copy(update={"listen": tmp_path / "gate.sock", "proxies": ["192.0.2.10/32"]})
    parts, site, rest = gate_over(sqlite_store, clock, settings.model_copy(update={"gate": gate})), Site(), FastAPI()
    rest.include_router(signals_of(settings))
    with contextlib.ExitStack() as up:
        up.enter_context(serving(rest, settings.port))
        up.enter_context(answering(parts))
        port = up.enter_context(proxies.running(proxy, parts.settings, up.enter_context(serving(site)), tmp_path / "proxy"))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as visitor:
            assert [visitor.get(f"/posts/{number}").status_code for number in range(BUDGET)] == [200] * BUDGET
            stopped = visitor.post("/posts/90", content=b"x" * 20_000)
    decided = f"Decision: {settings.base_url}/decision/{stopped.headers['x-gate-decision']}"
    assert (stopped.status_code, stopped.headers["x-gate-reason"], stopped.text.splitlines()[1:]) == (403, "budget_exceeded", [decided])
    assert [target for _method, target, _headers, _body in site.seen] == [f"/posts/{number}" for number in range(BUDGET)]
