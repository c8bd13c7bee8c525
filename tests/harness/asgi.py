"""Any ASGI app as a real server on loopback, in a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.harness.server import free_port


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[int]:
    """Serve the app while the block runs; yields the port on 127.0.0.1, a free one where none is given."""
    port = port or free_port()
    config = uvicorn.Config(app, port=port, log_level="warning", proxy_headers=False, server_header=False, lifespan="off")
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
