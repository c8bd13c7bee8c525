"""The gate on a unix socket of its own: HTTP/1.1 (RFC 9112) read by httptools, without ASGI and without a thread on the way.

For production: a proxy on the same machine keeps connections open and asks over them. Whoever may write to the socket's file is
believed as a proxy; everything else is as under `/gate/`, by the same endpoints.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

import httptools

from api.gate.adapters import ENVOY, Endpoint, endpoints_of
from api.gate.again import Again
from api.gate.asked import RawHeader
from api.gate.reply import Reply, on_the_wire
from contracts.errors import Misconfigured
from contracts.gate.service import Gate
from contracts.keys import KeyRing
from contracts.settings import Settings

# A question holds the visitor's headers: a target of 8 KiB, a token of 4 KiB, signatures, and what the proxy lets through of the rest.
MAX_QUESTION = 64 * 1024
MAX_CONNECTIONS = 1024
END_SECONDS = 1.0
# Threads that write to the ledger take turns with the loop: a fifth of Python's own turn is what a question may wait for them.
TURN_SECONDS = 0.001
# Of a unix socket's address on Linux, without its closing zero.
MAX_PATH = 107

_EMPTY = b"content-length: 0\r\ncache-control: no-store\r\n"
_MALFORMED, _TOO_LARGE = Reply(400, _EMPTY), Reply(431, _EMPTY)
_NOT_FOUND, _NOT_ALLOWED = Reply(404, _EMPTY), Reply(405, _EMPTY)
_ENVOY = f"{ENVOY}/".encode()


class Question(NamedTuple):
    """What a proxy asks, whether its connection stays open, and the bytes as they came, where they came all at once and alone."""

    method: str
    target: bytes
    headers: list[RawHeader]
    keeps: bool
    came: bytes = b""


class Desk:
    """Endpoints by their paths, and the connections that ask them."""

    def __init__(self, gate: Gate, settings: Settings, keys: KeyRing) -> None:
        believed = settings.gate.model_copy(update={"proxies": [*settings.gate.proxies, "unix"]})
        self.again = Again(gate)
        made = endpoints_of(gate, settings.model_copy(update={"gate": believed}), keys, again=self.again)
        self._exact: Mapping[bytes, tuple[frozenset[str], Endpoint]] = {
            path.encode(): (frozenset(methods), endpoint) for path, (methods, endpoint) in made.items()
        }
        self._envoy = next((each for path, each in self._exact.items() if path.startswith(_ENVOY)), None)
        self.connections: set[Connection] = set()

    async def end(self) -> None:
        """End every connection, once what was answered is sent; after a second whoever does not read is cut off."""
        for each in list(self.connections):
            each.close()
        deadline = asyncio.get_running_loop().time() + END_SECONDS
        while self.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        for each in list(self.connections):
            each.cut()
        await asyncio.sleep(0)

    def endpoint(self, method: str, target: bytes) -> Endpoint | Reply:
        """Who answers a question, or the refusal where nobody does."""
        path = target.partition(b"?")[0]
        found = self._exact.get(path) or (self._envoy if path.startswith(_ENVOY) else None)
        if found is None:
            return _NOT_FOUND
        return found[1] if method in found[0] else _NOT_ALLOWED


class Connection(asyncio.Protocol):
    """One connection of a proxy: questions in, answers out in their order."""

    __slots__ = ("_asked", "_desk", "_headers", "_parser", "_reading", "_target", "_task", "_transport", "_unfinished")

    def __init__(self, desk: Desk) -> None:
        self._desk, self._parser = desk, httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._target, self._headers, self._unfinished = b"", list[RawHeader](), 0
        self._reading = False
        self._asked: deque[Question] = deque()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless so many are open that something is wrong at the other end."""
        self._transport = cast(asyncio.Transport, transport)
        self._desk.connections.add(self)
        if len(self._desk.connections) > MAX_CONNECTIONS:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and what it waited for."""
        self._desk.connections.discard(self)
        self._transport = None
        if self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read questions and answer those that are whole; one that is as earlier ones need not be read."""
        alone = not self._reading and self._task is None
        if alone and self._transport is not None and (answer := self._desk.again.answer(data)) is not None:
            self._transport.write(answer)
            return
        self._unfinished += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._answer_waiting()
            self.close()
            return
        except httptools.HttpParserError:
            self._refuse(_MALFORMED)
            return
        if self._unfinished > MAX_QUESTION:
            self._refuse(_TOO_LARGE)
            return
        if alone and not self._reading and len(self._asked) == 1 and self._asked[0].keeps:
            self._asked.append(self._asked.popleft()._replace(came=data))
        self._answer_waiting()

    def pause_writing(self) -> None:
        """A peer that does not read its answers asks nothing more meanwhile."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer reads again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def on_message_begin(self) -> None:
        """Called by the parser."""
        self._target, self._headers, self._reading = b"", [], True

    def on_url(self, url: bytes) -> None:
        """Called by the parser, with pieces of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self._headers.append((name.lower(), value))

    def on_message_complete(self) -> None:
        """Called by the parser. A body is read past: nothing is decided by it."""
        parser = self._parser
        self._asked.append(Question(parser.get_method().decode("ascii"), self._target, self._headers, parser.should_keep_alive()))
        self._unfinished, self._reading = 0, False

    def _answer_waiting(self) -> None:
        while self._asked and self._task is None and self._transport is not None:
            question = self._asked.popleft()
            endpoint = self._desk.endpoint(question.method, question.target)
            if isinstance(endpoint, Reply):
                self._send(question, endpoint)
                continue
            reply = endpoint.reply_now(question.method, question.target.decode("latin-1"), question.headers, "", question.came)
            if reply is not None:
                self._send(question, reply)
            else:
                self._task = asyncio.get_running_loop().create_task(self._look_up(endpoint, question))

    async def _look_up(self, endpoint: Endpoint, question: Question) -> None:
        try:
            reply = await endpoint.reply(question.method, question.target.decode("latin-1"), question.headers, "")
        except BaseException:  # whatever went wrong: the proxy must not wait for an answer that never comes
            self.close()
            raise
        self._task = None
        self._send(question, reply)
        self._answer_waiting()

    def _send(self, question: Question, reply: Reply) -> None:
        if self._transport is None:
            return
        self._transport.write(on_the_wire(reply, question.keeps, question.method == "HEAD"))
        if not question.keeps:
            self._asked.clear()
            self._transport.close()

    def _refuse(self, reply: Reply) -> None:
        """Answer what cannot be read, after what was asked before, and end the connection: where the next question begins is unknown."""
        self._answer_waiting()
        if self._task is None:
            self._send(Question("GET", b"", [], keeps=False), reply)
        else:
            self.close()


def claim(path: Path) -> None:
    """Make sure that a socket can be made here. Raises `Misconfigured` where another process answers, or where there is no folder."""
    where = "setting gate.listen"
    if len(bytes(path.absolute())) > MAX_PATH:
        raise Misconfigured(where, f"{path} is longer than a socket's address may be.", f"Choose one of at most {MAX_PATH} characters.")
    if not path.parent.is_dir():
        raise Misconfigured(where, f"there is no folder {path.parent}.", "Make it, for the user that serves to write in.")
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise Misconfigured(where, f"{path} is a file of another kind.", "Choose another path.")
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise Misconfigured(where, f"another process answers at {path}.", "Stop it first, or choose another path.")
    path.unlink()


@asynccontextmanager
async def listening(gate: Gate, settings: Settings, keys: KeyRing) -> AsyncIterator[None]:
    """Answer at the socket that the settings name, if they name one, until the block ends. Raises as `claim`."""
    path = settings.gate.listen
    if path is None:
        yield
        return
    claim(path)
    desk = Desk(gate, settings, keys)
    door = socket.socket(socket.AF_UNIX)
    # The file takes its mode from the socket (unix(7)): at no moment may anybody connect who is not meant to.
    os.fchmod(door.fileno(), 0o600)
    door.bind(str(path))
    path.chmod(int(settings.gate.listen_mode, 8))
    server = await asyncio.get_running_loop().create_unix_server(partial(Connection, desk), sock=door, backlog=MAX_CONNECTIONS)
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        server.close()
        await desk.end()
        path.unlink(missing_ok=True)
