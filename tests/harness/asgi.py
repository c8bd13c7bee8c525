"""Any ASGI app as a real server on loopback, in a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from api.direct import Direct, protocol_for
from tests.harness.server import free_port


@contextmanager
def serving(app: ASGIApp, port: int = 0, direct: Mapping[bytes, Direct] | None = None) -> Iterator[int]:
    """Serve the app while the block runs; yields the port on 127.0.0.1, a free one where none is given.

    `direct` answers what it can before the app is asked.
    """
    port = port or free_port()
    http = "auto" if direct is None else protocol_for(direct)
    config = uvicorn.Config(app, port=port, log_level="warning", proxy_headers=False, server_header=False, lifespan="off", http=http)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name=f"asgi-{port}", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise TimeoutError(f"the server on port {port} did not start")
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(10)
