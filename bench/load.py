"""Load on our own processes over loopback: closed loop for cost, open loop for latency. Bounded in time and connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

HOST = "127.0.0.1"


async def closed_loop(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> int:
    """Each connection sends again once it is answered; returns the number of 2xx answers, raises on any other."""
    deadline = time.perf_counter() + seconds
    counts = await asyncio.gather(*(_repeat(port, [*requests[number:], *requests[:number]], deadline) for number in range(connections)))
    return sum(counts)


async def open_loop(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> list[float]:
    """Send at a fixed rate whatever is answered; returns seconds from the moment due to the whole answer, per request."""
    start, idle, taken = time.perf_counter() + 0.05, asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]](), []

    async def one(due: float, request: bytes) -> None:
        if idle.empty():
            pair = await asyncio.open_connection(HOST, port)
        else:
            pair = idle.get_nowait()
        await _exchange(*pair, request)
        taken.append(time.perf_counter() - due)
        idle.put_nowait(pair)

    tasks = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due, requests[number % len(requests)])))
    await asyncio.gather(*tasks)
    while not idle.empty():
        idle.get_nowait()[1].close()
    return taken


async def _repeat(port: int, requests: Sequence[bytes], deadline: float) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    count = 0
    try:
        while time.perf_counter() < deadline:
            await _exchange(reader, writer, requests[count % len(requests)])
            count += 1
    finally:
        writer.close()
    return count


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    if not 200 <= status < 300:
        raise RuntimeError(f"answered {status}: {head.decode(errors='replace')[:300]}")
    lower = head.lower()
    if b"content-length:" in lower:
        await reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))
    elif b"chunked" in lower:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
