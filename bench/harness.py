"""The bench harness: peers in alternating rounds, server tree on core 0, generator on core 1, CPU per answer as the measure.

Machines are noisy and shared, so absolute figures mean little: every result is a ratio to a peer measured in the same run.
The last line printed is one JSON object: bench, machine, runs, ratios, spread, targets, met.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import psutil

from bench.load import closed_loop, open_loop

SERVER_CORE, GENERATOR_CORE = 0, 1
SETTLE_SECONDS = 120

# A closed loop: port, requests, seconds and connections -> how many answers.
Load = Callable[[int, Sequence[bytes], float, int], int]
# Called once the server is ready.
Requests = Callable[[], Sequence[bytes]]


@dataclass(frozen=True)
class Peer:
    """A server under measurement: how to start it, when it is ready, and the requests (whole HTTP/1.1 bytes) to send in turn.

    `settled` says whether it has done all work that its answers left behind; until then its CPU is counted, and that of the processes
    `beside` it, such as a database's. `patience` is how many seconds it may take to become ready. Peers of one port are one server that is asked for different things.
    """

    name: str
    command: Sequence[str]
    port: int
    ready: str
    requests: Requests
    environ: dict[str, str] = field(default_factory=dict)
    settled: Callable[[], bool] = lambda: True
    beside: Sequence[psutil.Process] = ()
    patience: float = 90.0


@dataclass(frozen=True)
class Round:
    """One measurement: answers, CPU microseconds of the server tree per answer, answers a second."""

    answers: int
    cpu_us: float
    per_second: float


def in_streams(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> int:
    """The load of servers that answer some thousands a second."""
    return asyncio.run(closed_loop(port, requests, seconds, connections))


def measure(
    peers: Sequence[Peer],
    *,
    rounds: int = 5,
    seconds: float = 3.0,
    connections: int = 8,
    load: Load = in_streams,
    then: Callable[[], None] = lambda: None,
) -> dict[str, list[Round]]:
    """Start every peer, warm it, then measure A B C A B C; at least five rounds. `then` is done while all of them still run."""
    if rounds < 5:
        raise ValueError("fewer than five rounds say nothing on a shared machine")
    os.sched_setaffinity(0, {_core(GENERATOR_CORE)})
    running: dict[int, psutil.Popen] = {}
    try:
        for peer in peers:
            if peer.port not in running:
                running[peer.port] = _start(peer)
        requests = {peer.name: peer.requests() for peer in peers}
        for peer in peers:
            load(peer.port, requests[peer.name], 0.5, connections)
            _settle(peer)
        results: dict[str, list[Round]] = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                results[peer.name].append(_round(peer, running[peer.port], requests[peer.name], seconds, connections, load))
        then()
        return results
    finally:
        for process in running.values():
            _stop(process)


@contextmanager
def on_every_core() -> Iterator[None]:
    """Let all that was started here use the whole machine until the block ends, as servers do whose answers somebody waits for.

    One core for everything tells what an answer costs; how soon it comes also hangs on what else may run beside it.
    """
    whole, tasks = set(range(os.cpu_count() or 1)), _tasks()
    os.sched_setaffinity(0, whole)
    try:
        for each in tasks:
            os.sched_setaffinity(each, whole)
        yield
    finally:
        for each in tasks:
            with suppress(ProcessLookupError):
                os.sched_setaffinity(each, {_core(SERVER_CORE)})
        os.sched_setaffinity(0, {_core(GENERATOR_CORE)})


def _tasks() -> list[int]:
    """Every thread of every process that was started here: the kernel pins each by itself."""
    processes = psutil.Process().children(recursive=True)
    return [int(task.name) for each in processes for task in Path(f"/proc/{each.pid}/task").iterdir()]


def latency(peer: Peer, *, rate: float, seconds: float = 5.0) -> dict[str, float]:
    """Start one peer and send at a fixed rate, whatever it answers; milliseconds counted from the moment due."""
    os.sched_setaffinity(0, {_core(GENERATOR_CORE)})
    process = _start(peer)
    try:
        requests = peer.requests()
        asyncio.run(closed_loop(peer.port, requests, 0.5, 4))
        return percentiles(asyncio.run(open_loop(peer.port, requests, rate, seconds)))
    finally:
        _stop(process)


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The middle and the slow end of answers' times, in milliseconds."""
    taken = sorted(seconds)
    return {"p50_ms": 1000 * taken[len(taken) // 2], "p99_ms": 1000 * taken[int(len(taken) * 0.99)], "answers": len(taken)}


def peak_rss(peer: Peer, seconds: float = 5.0, connections: int = 8) -> float:
    """Start one peer and load it; the most memory that its processes ever had at once by their own account (VmHWM), in MiB."""
    process = _start(peer)
    try:
        asyncio.run(closed_loop(peer.port, peer.requests(), seconds, connections))
        return sum(_high_water(each.pid) for each in [process, *process.children(recursive=True)]) / 1024
    finally:
        _stop(process)


def _high_water(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def report(
    bench: str,
    results: dict[str, list[Round]],
    pairs: dict[str, tuple[str, str]],
    targets: dict[str, float],
    more: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """Print a table and, last, the JSON line. `pairs` maps a ratio's name to our server and the peer that it is taken against.

    A ratio is the peer's CPU per answer divided by ours in the same round: above 1 we are cheaper. `more` are ratios measured once.
    """
    for name, taken in results.items():
        cpu, rate = [r.cpu_us for r in taken], [r.per_second for r in taken]
        sys.stdout.write(
            f"{name:28s} {statistics.median(cpu):9.0f} us/answer [{min(cpu):.0f}-{max(cpu):.0f}]  {statistics.median(rate):8.0f}/s\n"
        )
    each = {
        name: [theirs.cpu_us / mine.cpu_us for theirs, mine in zip(results[peer], results[ours], strict=True)]
        for name, (ours, peer) in pairs.items()
    }
    rounds = min(len(taken) for taken in results.values())
    summarise(bench, each | {name: [value] * rounds for name, value in more.items()}, targets)


def summarise(bench: str, each: Mapping[str, Sequence[float]], targets: Mapping[str, float]) -> None:
    """Print the JSON line: the median and the spread of each ratio over its rounds, and whether every target is met."""
    ratios = {name: round(statistics.median(values), 3) for name, values in each.items()}
    summary = {
        "bench": bench,
        "machine": f"{platform.machine()} {os.cpu_count()} cores, Python {platform.python_version()}",
        "runs": min(len(values) for values in each.values()),
        "ratios": ratios,
        "spread": {name: [round(min(values), 3), round(max(values), 3)] for name, values in each.items()},
        "targets": targets,
        "met": all(ratios[name] >= target for name, target in targets.items()),
    }
    sys.stdout.write(json.dumps(summary) + "\n")


def _start(peer: Peer) -> psutil.Popen:
    environ = {**os.environ, **peer.environ}
    log = (Path(os.environ.get("TMPDIR", "/tmp")) / f"bench-{peer.name}.log").open("wb")
    process = psutil.Popen(list(peer.command), env=environ, stdout=log, stderr=subprocess.STDOUT, preexec_fn=_pin_to_server_core)
    deadline = time.monotonic() + peer.patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{peer.name} ended with {process.returncode}; see {log.name}")
        try:
            with urllib.request.urlopen(peer.ready, timeout=2):
                return process
        except urllib.error.HTTPError:
            return process
        except OSError:
            time.sleep(0.1)
    _stop(process)
    raise TimeoutError(f"{peer.name} did not become ready; see {log.name}")


def _stop(process: psutil.Popen) -> None:
    for each in [*process.children(recursive=True), process]:
        each.terminate()
    process.wait(20)


def _round(peer: Peer, process: psutil.Popen, requests: Sequence[bytes], seconds: float, connections: int, load: Load) -> Round:
    before, started = _cpu_seconds(process, *peer.beside), time.perf_counter()
    answers = load(peer.port, requests, seconds, connections)
    took = time.perf_counter() - started
    _settle(peer)
    used = _cpu_seconds(process, *peer.beside) - before
    if answers == 0:
        raise RuntimeError(f"{peer.name} answered nothing")
    return Round(answers, used * 1e6 / answers, answers / took)


def _settle(peer: Peer) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not peer.settled():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{peer.name} is not done with what it answered after {SETTLE_SECONDS} s")
        time.sleep(0.05)


def _cpu_seconds(*processes: psutil.Process) -> float:
    total = 0.0
    for each in [each for process in processes for each in (process, *process.children(recursive=True))]:
        times = each.cpu_times()
        total += times.user + times.system
    return total


def _pin_to_server_core() -> None:
    os.sched_setaffinity(0, {_core(SERVER_CORE)})


def _core(wanted: int) -> int:
    return min(wanted, (os.cpu_count() or 1) - 1)
