"""The hottest addresses answered by the HTTP protocol itself, for what they can answer from memory; uvicorn does everything else.

Uvicorn makes a scope, a cycle and a task of each request and writes an answer in two parts, which costs as much as a token's
decision. Here one kind of request is taken out of its hands: a whole POST of a small body with its length (RFC 9112 section 6.2), that
nothing was asked before on the connection and is not answered yet, and whose handler takes it. Connections, their time-outs and the end
of the server stay uvicorn's: what stands in the place of its cycle looks the same to it.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, cast

from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

MOST = 8 * 1024
_OF_BODY = (b"content-length", b"transfer-encoding")
_FAILED = PlainTextResponse("Internal Server Error", 500)
# By path: what answers a POST of this body, or None where it is to go the usual way. The scope has client, headers and query_string.
Direct = Callable[[Scope, bytes], Coroutine[Any, Any, Response] | None]


class Waiting:
    """Stands for a request until it is answered, in the place of uvicorn's cycle: what that is asked or told by its protocol."""

    __slots__ = ("_begun", "_whole", "body", "disconnected", "keep_alive", "more_body", "response_complete")

    def __init__(self, whole: Callable[[Waiting], None]) -> None:
        self._whole, self._begun = whole, False
        self.body, self.more_body = bytearray(), True
        self.keep_alive, self.disconnected, self.response_complete = True, False, False

    @property
    def message_event(self) -> Waiting:
        """Set by the protocol with each part of the body, and at the end of the connection."""
        return self

    def set(self) -> None:
        """Go on, once the body is whole; a connection that ends says so as well, and long after the answer."""
        if self.more_body or self.disconnected or self._begun:
            return
        self._begun = True
        self._whole(self)


class DirectProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        *,
        direct: Mapping[bytes, Direct],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._direct = direct

    def on_message_begin(self) -> None:
        """Called by the parser. Uvicorn's scope is made once it is known to be needed."""
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if self.url in self._direct and self._is_plain():
            self.cycle = cast(RequestResponseCycle, Waiting(self._start))
            return
        self._begin()
        super().on_headers_complete()

    def _begin(self) -> None:
        """What uvicorn does at the beginning of a request, with what was read since."""
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)

    def _is_plain(self) -> bool:
        """Whether the request is a small one, with nothing about it that uvicorn would have to do."""
        parser = self.parser
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return False
        if parser.should_upgrade() or self.expect_100_continue or self.limit_concurrency is not None or self.root_path:
            return False
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        lengths = [value for name, value in self.headers if name in _OF_BODY]
        return len(lengths) == 1 and lengths[0].isdigit() and int(lengths[0]) <= MOST

    def _start(self, waiting: Waiting) -> None:
        body, scope = bytes(waiting.body), {"client": self.client, "headers": self.headers, "query_string": b""}
        answering = self._direct[self.url](scope, body)
        if answering is None:
            self._go_the_usual_way(body)
            return
        task = self.loop.create_task(self._answer(waiting, answering))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _go_the_usual_way(self, body: bytes) -> None:
        self.cycle.response_complete = True  # of the one that stood for it: nothing is owed for that
        self._begin()
        super().on_headers_complete()
        self.cycle.body += body
        self.cycle.more_body = False
        self.cycle.message_event.set()

    async def _answer(self, waiting: Waiting, answering: Coroutine[Any, Any, Response]) -> None:
        try:
            response = await answering
        except BaseException as error:  # as uvicorn does: the caller must not wait for an answer that never comes
            self.logger.error("Exception in a direct handler\n", exc_info=error)
            response, waiting.keep_alive = _FAILED, False
        if self.flow.write_paused and not waiting.disconnected:
            await self.flow.drain()
        if waiting.disconnected:
            return
        parts = [STATUS_LINE[response.status_code]]
        for name, value in (*self.server_state.default_headers, *response.raw_headers):
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n" if waiting.keep_alive else b"connection: close\r\n\r\n", bytes(response.body))
        self.transport.write(b"".join(parts))
        waiting.response_complete = True
        if not waiting.keep_alive:
            self.transport.close()
        self.on_response_complete()


def protocol_for(direct: Mapping[bytes, Direct]) -> type[DirectProtocol]:
    """The protocol of a server's connections, as uvicorn takes it."""
    return cast(type[DirectProtocol], partial(DirectProtocol, direct=direct))
