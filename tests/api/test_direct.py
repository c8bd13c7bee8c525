"""What the protocol answers by itself, and that everything else is uvicorn's as before."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from api.direct import MOST
from tests.harness.asgi import serving

PATH = "/hot"
CLOSE = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


async def usual(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that tells what it was asked."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    told = {name: str(scope[name]) for name in ("method", "path", "raw_path", "query_string", "headers", "http_version", "root_path")}
    await JSONResponse({"by": "uvicorn", "body": body.decode(), **told})(scope, receive, send)


class Handler:
    """Takes bodies that begin with `direct`; those that go on with `waits` wait until they are let go."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.let_go = threading.Event()

    def __call__(self, scope: Scope, body: bytes) -> Coroutine[Any, Any, Response] | None:
        return self._answer(scope, body) if body.startswith(b"direct") else None

    async def _answer(self, scope: Scope, body: bytes) -> Response:
        self.taken.append(body)
        if b"fails" in body:
            raise ValueError
        if b"waits" in body:
            await asyncio.to_thread(self.let_go.wait, 20)
        return JSONResponse({"by": "direct", "body": body.decode(), "from": scope["client"][0], "headers": str(scope["headers"])})


@pytest.fixture(scope="module")
def handler() -> Handler:
    return Handler()


@pytest.fixture(scope="module")
def port(handler: Handler) -> Iterator[int]:
    with serving(usual, direct={PATH.encode(): handler}) as served:
        yield served


@pytest.fixture(scope="module")
def plain() -> Iterator[int]:
    with serving(usual) as served:
        yield served


def post(body: bytes, *more: str, path: str = PATH, version: str = "1.1") -> bytes:
    """A request with its length."""
    lines = [f"POST {path} HTTP/{version}", "host: a", f"content-length: {len(body)}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def talk(port: int, *pieces: bytes) -> bytes:
    """Send the pieces one after the other, then read until the server closes; without what tells the time."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.05)
            connection.sendall(piece)
        told = b"".join(iter(lambda: connection.recv(65_536), b""))
    return re.sub(rb"date: [^\r]+", b"date:", told)


def bodies(told: bytes) -> list[tuple[str, str]]:
    """Who gave each answer, and to which body."""
    found = [json.loads(each) for each in re.findall(rb"\{[^\r]*\}", told)]
    return [(each["by"], each["body"]) for each in found]


def test_a_small_post_is_answered_by_the_handler_on_a_connection_that_stays(port: int) -> None:
    first = post(b"direct 1", "X-Own: y")
    told = talk(port, first + CLOSE)
    head, _, rest = told.partition(b"\r\n\r\n")
    headers = [(b"host", b"a"), (b"content-length", b"8"), (b"x-own", b"y")]
    answer = json.dumps({"by": "direct", "body": "direct 1", "from": "127.0.0.1", "headers": str(headers)}, separators=(",", ":"))
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"date:",
        f"content-length: {len(answer)}".encode(),
        b"content-type: application/json",
    ]
    assert rest.startswith(answer.encode() + b"HTTP/1.1 200 OK\r\n")


def test_requests_follow_each_other_whoever_answers(port: int) -> None:
    asked = [b"direct 1", b"other 1", b"direct 2", b"direct 3", b"", b"direct 4"]
    told = bodies(talk(port, *[post(each) for each in asked], CLOSE))
    assert told == [("direct" if each.startswith(b"direct") else "uvicorn", each.decode()) for each in [*asked, b""]]


def test_pipelined_requests_are_answered_in_their_order(port: int) -> None:
    asked = [b"direct 1", b"direct 2", b"other", b"direct 3"]
    told = bodies(talk(port, b"".join(post(each) for each in asked) + CLOSE))
    assert [body for _, body in told] == ["direct 1", "direct 2", "other", "direct 3", ""]


def test_a_request_in_pieces_is_one_request(port: int) -> None:
    whole = post(b"direct in pieces")
    assert bodies(talk(port, whole[:9], whole[9:60], whole[60:-4], whole[-4:] + CLOSE)) == [("direct", "direct in pieces"), ("uvicorn", "")]


CHUNKED = f"POST {PATH} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndirect\r\n0\r\n\r\n".encode()
UVICORNS: dict[str, tuple[bytes, ...]] = {
    "another method": (CLOSE.replace(b"GET / ", b"GET /hot "),),
    "head": (b"HEAD /hot HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",),
    "query": (post(b"direct", path="/hot?a=b") + CLOSE,),
    "escaped path": (post(b"direct", path="/h%6Ft") + CLOSE,),
    "whole address": (post(b"direct", path="http://a/hot") + CLOSE,),
    "chunked": (CHUNKED + CLOSE,),
    "chunked with a length": (CHUNKED.replace(b"host: a", b"content-length: 6") + CLOSE,),
    "two lengths": (post(b"direct", "content-length: 6") + CLOSE,),
    "no length": (b"POST /hot HTTP/1.1\r\nhost: a\r\n\r\n" + CLOSE,),
    "large": (post(b"direct" * MOST) + CLOSE,),
    "just too large": (post(b"d" * (MOST + 1)) + CLOSE,),
    "expects": (post(b"", "expect: 100-continue").replace(b"length: 0", b"length: 6"), b"direct" + CLOSE),
    "upgrade": (post(b"direct", "connection: upgrade", "upgrade: other") + CLOSE,),
    "to be closed": (post(b"direct", "connection: close"),),
    "old": (post(b"direct", version="1.0"),),
    "no http": (b"direct\r\n\r\n",),
    "not taken": (post(b"other", "x-own: Y") + CLOSE,),
    "nothing": (post(b"") + CLOSE,),
}


@pytest.mark.parametrize("pieces", UVICORNS.values(), ids=UVICORNS)
def test_everything_else_is_answered_as_uvicorn_does(port: int, plain: int, handler: Handler, pieces: tuple[bytes, ...]) -> None:
    handler.taken.clear()
    told = talk(port, *pieces)
    assert told == talk(plain, *pieces)
    assert told.startswith(b"HTTP/1.1 ")
    assert handler.taken == []


def test_a_connection_that_ends_asks_for_nothing_again(port: int, handler: Handler) -> None:
    handler.taken.clear()
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(post(b"direct once"))
        assert bodies(connection.recv(65_536)) == [("direct", "direct once")]
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(post(b"direct half")[:-4])
    assert bodies(talk(port, CLOSE)) == [("uvicorn", "")]
    assert handler.taken == [b"direct once"]


def test_a_handler_that_fails_says_so_and_ends_the_connection(port: int) -> None:
    told = talk(port, post(b"direct, fails"))
    assert (told[:34], told[-21:]) == (b"HTTP/1.1 500 Internal Server Error", b"Internal Server Error")
    assert b"connection: close" in told


def _until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_server_ends_once_it_has_answered() -> None:
    handler, told = Handler(), list[bytes]()
    with serving(usual, direct={PATH.encode(): handler}) as port:
        asking = threading.Thread(target=lambda: told.append(talk(port, post(b"direct, waits"))))
        asking.start()
        _until(lambda: handler.taken == [b"direct, waits"])
        threading.Timer(0.3, handler.let_go.set).start()
    asking.join(20)
    assert bodies(told[0]) == [("direct", "direct, waits")]
    assert b"connection: close" in told[0]


def test_whoever_leaves_before_the_answer_is_left_alone() -> None:
    handler = Handler()
    with serving(usual, direct={PATH.encode(): handler}) as port:
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.sendall(post(b"direct, waits"))
            _until(lambda: handler.taken == [b"direct, waits"])
        handler.let_go.set()
        assert bodies(talk(port, post(b"direct after") + CLOSE)) == [("direct", "direct after"), ("uvicorn", "")]
