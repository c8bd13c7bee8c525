"""The composition root: the one place that sees people's face, machines' face and the domain together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import threading
from collections.abc import Mapping, Sequence

import structlog
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.app import create_machines, is_machine_path
from api.direct import Direct, protocol_for
from api.gate import listener
from contracts.access.grants import GrantCache
from contracts.access.reader import Reader
from contracts.access.writer import AccessWriter
from contracts.anchors.logs import current_origin
from contracts.billing.choose import open_payments
from contracts.clock import Clock
from contracts.credentials.tokens import Tokens
from contracts.datasets.catalogue import Catalogue
from contracts.gate.recognised import Recognised
from contracts.gate.service import Gate
from contracts.health import service as health
from contracts.house import House
from contracts.keys import KeyRing, master_key
from contracts.ledger.sequencer import Sequencer
from contracts.notices import own
from contracts.notices import service as notices
from contracts.people import passwords
from contracts.policies.service import hold
from contracts.settings import Settings
from contracts.store.engine import check_durable, open_engine
from contracts.store.epochs import EpochWatch
from contracts.store.jobs import Worker
from contracts.store.schema import check_current
from contracts.store.unit import Store
from portal.alone import alone
from portal.app import create_portal
from portal.description import OPERATIONS
from portal.ground import clock_of
from portal.jobs import jobs_of, load_missing
from portal.memory import settle
from portal.parts import WHOLE, Part, Parts

Listener = tuple[ASGIApp, socket.socket]
# Longer than the minute for which nginx keeps a connection to us by itself: whoever closes first may cut off a request under way.
KEEP_ALIVE_SECONDS = 75
# Answered by every process: whoever watches it asks there.
OPERATION = ("/healthz", "/readyz", "/metrics")
_ELSEWHERE = PlainTextResponse("This address is served by another process.\n", 404)


def build(settings: Settings, clock: Clock | None = None) -> House:
    """Every part, from settings as far as they are confirmed; the database must be migrated. Starts nothing but the payment stand-in."""
    clock = clock or clock_of(settings)
    engine = open_engine(settings.database_url, settings.subject_folder)
    check_durable(engine)
    check_current(engine)
    notices.replace_with(own.usable(settings.home))
    if settings.profile == "test":
        passwords.hash_with(passwords.QUICK)
    store, keys = Store(engine, clock, settings.node), KeyRing(master_key(settings))
    with store.read() as session:
        origin = current_origin(session, settings)
    settings = hold(store, settings)
    watch, catalogue = EpochWatch(store), Catalogue(settings, store)
    grants, access = GrantCache(store, keys, clock, watch, catalogue.all()), AccessWriter(store, watch, clock)
    tokens = Tokens(keys, store, clock, issuer=settings.base_url, site_host=settings.platform.site)
    tokens.follow(watch)
    return House(
        settings=settings,
        clock=clock,
        store=store,
        keys=keys,
        watch=watch,
        catalogue=catalogue,
        grants=grants,
        access=access,
        data=Reader(store, settings, clock, watch, keys, catalogue, grants, access),
        tokens=tokens,
        sequencer=Sequencer(store, keys, origin, titles={each: said.title for each, said in settings.datasets.items()}),
        payments=open_payments(settings, clock),
        gate=Gate(store, watch, tokens, grants, settings, clock, keys, Recognised(store, watch, keys, settings, clock)),
    )


class Rooms:
    """Both faces behind one address, with the worker's life tied to the server's. A process may serve some parts only."""

    def __init__(self, house: House, parts: Parts = WHOLE) -> None:
        self._house, self._parts = house, parts
        machines = create_machines(house, OPERATIONS)
        self._api: ASGIApp = machines.front()
        self.direct: Mapping[bytes, Direct] = machines.direct() if Part.API in parts else {}
        self._portal: ASGIApp = create_portal(house)
        # What the gate and the API count is in their process's memory, and so is the work of writing it down.
        self._worker = Worker(
            [
                *(jobs_of(house) if Part.WORKER in parts else []),
                *(house.gate.jobs() if Part.GATE in parts else []),
                *(health.jobs(house.store, house.tally, house.settings.platform.time_zone) if Part.API in parts else []),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        await self._face(scope["path"])(scope, receive, send)

    def start(self) -> None:
        """Start the epochs' watch, the access writer and the worker."""
        self._house.tokens.prepare()
        self._house.watch.start()
        self._house.access.start()
        if Part.WORKER in self._parts:
            load_missing(self._house)
        self._worker.start()
        settle()

    def stop(self) -> None:
        """Stop them, writing what is still in memory, and let go of the database."""
        gc.unfreeze()
        self._worker.stop()
        self._house.gate.close()
        health.close(self._house.store, self._house.tally, self._house.settings.platform.time_zone)
        self._house.access.stop()
        self._house.data.close()
        self._house.sequencer.close()
        self._house.watch.stop()
        self._house.payments.close()
        # With its last connection SQLite folds the write-ahead log into the database: what was overwritten there is gone as well.
        self._house.store.engine.dispose()

    def _face(self, path: str) -> ASGIApp:
        if path in OPERATION:
            return self._api
        part = Part.GATE if path.startswith("/gate/") else Part.API if is_machine_path(path) else Part.PORTAL
        if part not in self._parts:
            return _ELSEWHERE
        return self._portal if part is Part.PORTAL else self._api

    async def _live(self, receive: Receive, send: Send) -> None:
        message: Message = await receive()
        await asyncio.to_thread(self.start)
        house = self._house
        at_socket = listener.listening(house.gate, house.settings, house.keys)
        async with at_socket if Part.GATE in self._parts else contextlib.nullcontext():
            await send({"type": "lifespan.startup.complete"})
            while message["type"] != "lifespan.shutdown":
                message = await receive()
        await asyncio.to_thread(self.stop)
        await send({"type": "lifespan.shutdown.complete"})


def serve_forever(house: House, own: socket.socket, beside: Sequence[Listener] = (), parts: Parts = WHOLE) -> None:
    """Serve the house's parts at its own door, and further apps at theirs, until the process is told to end."""
    configure_logs()
    if Part.GATE in parts and house.settings.gate.listen is not None:
        listener.claim(house.settings.gate.listen)
    listeners: list[Listener] = [(Rooms(house, parts), own), *beside]
    servers = [(uvicorn.Server(config_of(app)), at) for app, at in listeners]

    async def run() -> None:
        await asyncio.gather(*(server.serve([at]) for server, at in servers))

    uvicorn_loop = servers[0][0].config.get_loop_factory()
    with alone(house.settings), asyncio.Runner(loop_factory=uvicorn_loop) as runner:
        runner.run(run())


def work_forever(house: House) -> None:
    """Do the recurring work without listening anywhere, until the process is told to end."""
    configure_logs()
    rooms, ended = Rooms(house, frozenset({Part.WORKER})), threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda _number, _frame: ended.set())
    rooms.start()
    ended.wait()
    rooms.stop()


def configure_logs() -> None:
    """JSON lines on standard output; no request line, address or token is ever logged."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def config_of(app: ASGIApp) -> uvicorn.Config:
    """How an app is served; the house itself with what it answers directly."""
    # Forwarded headers are read by our own code, from configured proxies only.
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        http=protocol_for(app.direct) if isinstance(app, Rooms) else "auto",
    )
