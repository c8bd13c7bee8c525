"""The bench of the gate, in parts: what it asks, and how it counts the connections that a proxy opens."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from bench.gate_mix import LICENSED_EVERY, REQUESTS, requests
from bench.relay import relaying
from bench.steady import steady
from tests.harness.server import free_port


def test_one_request_in_twenty_is_a_crawlers_and_each_comes_from_a_network_of_its_own() -> None:
    made = requests("127.0.0.1", ["one", "two", "three"], 1_000)
    crawlers = [each for each in made if b"authorization: " in each]
    assert (len(made), len(crawlers), crawlers) == (REQUESTS, REQUESTS // LICENSED_EVERY, made[::LICENSED_EVERY])
    assert crawlers[1] == (
        b"GET /lists/1 HTTP/1.1\r\nhost: 127.0.0.1\r\nx-address: 10.0.1.1\r\nuser-agent: Example-Crawler/1.0\r\nauthorization: Bearer two\r\n\r\n"
    )
    networks = {line.rpartition(b".")[0] for each in crawlers for line in each.split(b"\r\n") if line.startswith(b"x-address: ")}
    assert networks == {b"x-address: 10.0.0", b"x-address: 10.0.1", b"x-address: 10.0.2"}


def test_the_relay_passes_on_what_both_sides_send_and_counts_connections(tmp_path: Path) -> None:
    socket, target, ended = tmp_path / "relay.sock", tmp_path / "target.sock", list[bool]()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
        writer.close()
        await writer.wait_closed()
        ended.append(True)

    async def ask(times: int) -> list[bytes]:
        reader, writer = await asyncio.open_unix_connection(socket)
        answers = []
        for number in range(times):
            writer.write(b"question %d\n" % number)
            answers.append(await reader.readline())
        writer.close()
        await writer.wait_closed()
        return answers

    async def both() -> list[list[bytes]]:
        async with await asyncio.start_unix_server(echo, target):
            answers = [await ask(2), await ask(1)]
            while len(ended) < len(answers):
                await asyncio.sleep(0.01)
            return answers

    with relaying(socket, target) as relay:
        answers = asyncio.run(both())
    assert (answers, relay.opened) == ([[b"QUESTION 0\n", b"QUESTION 1\n"], [b"QUESTION 0\n"]], 2)


def test_the_steady_load_times_each_request_from_the_moment_it_was_due() -> None:
    port, ready, ended = free_port(), threading.Event(), threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            await reader.readline()
            await asyncio.sleep(0.02)
            writer.write(b"HTTP/1.1 %b fine\r\nContent-Length: 2\r\n\r\nok" % head.split()[0])
        writer.close()

    async def serve() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", port):
            ready.set()
            await asyncio.to_thread(ended.wait)
            await asyncio.sleep(0.1)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    try:
        taken = steady(port, [b"204\r\n\r\n"], 200, 0.25)
        with pytest.raises(RuntimeError, match="503 fine"):
            steady(port, [b"204\r\n\r\n", b"503\r\n\r\n"], 200, 0.25)
    finally:
        ended.set()
        thread.join()
    assert (len(taken), min(taken) >= 0.02) == (50, True)
