"""The gate's own listener: the same answers as over ASGI, in order, from pieces or many at once; and nothing that grows without end."""

from __future__ import annotations

import asyncio
import socket
import stat
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from api.gate import listener
from api.gate.adapters import endpoints_of
from api.gate.listener import MAX_PATH, MAX_QUESTION, Desk, claim, listening
from contracts.clock import FixedClock
from contracts.errors import Misconfigured
from contracts.keys import KeyRing
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.harness.gates import GateParts, gate_over, gate_settings

KEYS = KeyRing(b"k" * 32)
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listening:
    """A gate with its listener, run for as long as a test talks to it."""

    def __init__(self, parts: GateParts, settings: Settings) -> None:
        self.parts, self.settings = parts, settings

    def talk(self, *talks: Talk) -> None:
        async def run() -> None:
            async with listening(self.parts.gate, self.settings, KEYS):
                for talk in talks:
                    reader, writer = await asyncio.open_unix_connection(str(self.settings.gate.listen))
                    await asyncio.wait_for(talk(reader, writer), 60)
                    writer.close()
                    await writer.wait_closed()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    def answers(self, *sent: bytes, count: int) -> list[tuple[int, dict[str, str]]]:
        """Answers to what is sent in so many pieces over one connection."""
        found: list[tuple[int, dict[str, str]]] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for each in sent:
                writer.write(each)
                await writer.drain()
                await asyncio.sleep(0)
            found.extend([await _answer(reader) for _ in range(count)])

        self.talk(talk)
        return found

    def ends(self, sent: bytes) -> bytes:
        """All that comes until the connection is ended at the other side."""
        found = b""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal found
            writer.write(sent)
            found = await reader.read()

        self.talk(talk)
        return found


@pytest.fixture
def at(sqlite_store: Store, clock: FixedClock, tmp_path: Path) -> Listening:
    settings = gate_settings(tmp_path, budget=3)
    chosen = settings.gate.model_copy(update={"listen": tmp_path / "gate.sock", "proxies": ["192.0.2.1/32"]})
    return Listening(gate_over(sqlite_store, clock, settings), settings.model_copy(update={"gate": chosen}))


def question(target: str, *more: str, line: str = "GET /gate/nginx HTTP/1.1", address: str = "198.51.100.7") -> bytes:
    told = ("Host: licet", "X-Original-Method: GET", f"X-Original-URI: {target}", f"X-Forwarded-For: {address}", *more)
    return ("\r\n".join([line, *told]) + "\r\n\r\n").encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    await reader.readexactly(int(headers["content-length"]))
    return int(status.split(" ")[1]), headers


def reasons(answers: list[tuple[int, dict[str, str]]]) -> list[str]:
    return [headers["x-gate-reason"] for _, headers in answers]


def test_questions_over_one_connection_are_answered_in_order(at: Listening) -> None:
    answers = at.answers(*[question(f"/posts/{n}") for n in range(5)], count=5)
    assert [status for status, _ in answers] == [200] * 3 + [403] * 2
    assert reasons(answers) == ["within_budget"] * 3 + ["budget_exceeded"] * 2
    assert len({headers["x-gate-decision"] for _, headers in answers[:3]}) == 3


def test_a_question_may_come_in_pieces_and_many_may_come_at_once(at: Listening) -> None:
    whole = b"".join(question(f"/posts/{n}") for n in (1, 2))
    assert reasons(at.answers(*[whole[n : n + 1] for n in range(len(whole))], count=2)) == ["within_budget"] * 2
    assert reasons(at.answers(whole, count=2)) == ["within_budget"] * 2


def test_whoever_has_to_wait_is_answered_before_who_asked_later(at: Listening) -> None:
    token = at.parts.token()
    licensed = question("/posts/1", f"Authorization: Bearer {token}", "X-Forwarded-Host: 127.0.0.1")
    assert reasons(at.answers(licensed + question("/posts/2") + licensed, count=3)) == ["licensed", "within_budget", "licensed"]


def test_the_answer_is_that_of_the_other_shell(at: Listening) -> None:
    [(status, told)] = at.answers(question("/robots.txt", "User-Agent: x"), count=1)
    made = endpoints_of(at.parts.gate, at.settings.model_copy(update={"gate": gate_settings(Path()).gate}), KEYS)
    asked = [(b"x-original-method", b"GET"), (b"x-original-uri", b"/robots.txt"), (b"user-agent", b"x")]
    reply = asyncio.run(made["/gate/nginx"][1].reply("GET", "/gate/nginx", asked, "127.0.0.1"))
    other = {name.decode(): value.decode() for name, value in reply.headers}
    assert (status, told.keys()) == (reply.status, other.keys())
    assert {name: value for name, value in told.items() if "decision" not in name} == {
        name: value for name, value in other.items() if "decision" not in name
    }


def test_a_stopped_visitors_second_question_and_envoys_paths_are_answered_too(at: Listening) -> None:
    stopped = at.answers(*[question(f"/posts/{n}") for n in range(4)], count=4)[3][1]
    again = question("/posts/3", f"X-Gate-Replay: {stopped['x-gate-replay']}", line="GET /gate/nginx/stopped HTTP/1.1")
    [(status, told)] = at.answers(again, count=1)
    assert (status, told["x-gate-decision"], int(told["content-length"]) > 0) == (403, stopped["x-gate-decision"], True)
    envoy = b"POST /gate/envoy/posts/77 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\nContent-Length: 0\r\n\r\n"
    assert reasons(at.answers(envoy, count=1)) == ["within_budget"]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /gate/nginx/ HTTP/1.1", 404),
        ("GET / HTTP/1.1", 404),
        ("GET /healthz HTTP/1.1", 404),
        ("POST /gate/nginx HTTP/1.1", 405),
        ("HEAD /gate/nginx HTTP/1.1", 405),
        ("GET /gate/nginx?x=1 HTTP/1.1", 200),
    ],
)
def test_nothing_but_the_gates_addresses_is_here(at: Listening, line: str, status: int) -> None:
    assert at.answers(question("/posts/1", line=line), count=1)[0][0] == status


def test_a_body_is_read_past(at: Listening) -> None:
    bodied = question("/posts/1", "Content-Length: 20000") + b"x" * 20_000
    chunked = question("/posts/2", "Transfer-Encoding: chunked") + b"5\r\nGET /\r\n0\r\n\r\n"
    assert reasons(at.answers(bodied + chunked + question("/posts/3"), count=3)) == ["within_budget"] * 3


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (b"nonsense\r\n\r\n", [400]),
        (question("/posts/1") + b"\x00\x01", [200, 400]),
        (question("/posts/1", line="GET /gate/nginx HTTP/1.0"), [200]),
        (question("/posts/1", "Connection: close") + question("/posts/2"), [200]),
        (question("/posts/1", "Connection: Upgrade", "Upgrade: websocket") + b"\x81\x05hello", [200]),
    ],
)
def test_where_no_further_question_can_follow_the_connection_ends(at: Listening, sent: bytes, statuses: list[int]) -> None:
    found = at.ends(sent)
    assert [int(part[9:12]) for part in found.split(b"\r\n\r\n") if part.startswith(b"HTTP/1.1 ")] == statuses


def test_a_question_is_read_to_its_limit_and_no_further(at: Listening) -> None:
    room = MAX_QUESTION - len(question("/posts/1", "X-Long: "))
    assert at.answers(question("/posts/1", "X-Long: " + "x" * room), count=1)[0][0] == 200
    assert at.ends(question("/posts/1", "X-Long: " + "x" * (room + MAX_QUESTION))[:-2]).startswith(b"HTTP/1.1 431 ")


def test_connections_are_bounded(at: Listening, tmp_path: Path) -> None:
    desk = Desk(at.parts.gate, at.settings, KEYS)
    held: list[listener.Connection] = []

    async def run() -> int:
        server = await asyncio.get_running_loop().create_unix_server(lambda: _kept(held, desk), str(tmp_path / "other.sock"))
        desk.connections |= {listener.Connection(desk) for _ in range(listener.MAX_CONNECTIONS - 1)}
        pairs = [await asyncio.open_unix_connection(str(tmp_path / "other.sock")) for _ in range(2)]
        pairs[0][1].write(question("/posts/1"))
        assert (await _answer(pairs[0][0]))[0] == 200
        ended = await asyncio.wait_for(pairs[1][0].read(), 60)
        for _, writer in pairs:
            writer.close()
        server.close()
        desk.connections = {each for each in desk.connections if each in held}
        await desk.end()
        return len(ended)

    assert asyncio.run(run()) == 0


def _kept(held: list[listener.Connection], desk: Desk) -> listener.Connection:
    held.append(listener.Connection(desk))
    return held[-1]


def test_the_file_has_its_mode_replaces_a_dead_one_and_is_gone_at_the_end(at: Listening) -> None:
    path = at.settings.gate.listen
    assert path is not None
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    modes: list[int] = []

    async def talk(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        modes.append(stat.S_IMODE(path.stat().st_mode))

    at.talk(talk)
    assert (modes, path.exists()) == ([0o660], False)


def test_a_place_that_is_taken_or_is_none_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken.sock"
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(taken))
        alive.listen()
        with pytest.raises(Misconfigured, match="another process answers"):
            claim(taken)
    (tmp_path / "file").write_text("kept")
    for path, problem in (
        (tmp_path / "file", "a file of another kind"),
        (tmp_path / "none" / "gate.sock", "there is no folder"),
        (tmp_path / ("x" * MAX_PATH), "longer than a socket's address"),
    ):
        with pytest.raises(Misconfigured, match=problem):
            claim(path)
    assert (tmp_path / "file").read_text() == "kept"


def test_nothing_is_decided_in_a_thread(at: Listening) -> None:
    before = set(threading.enumerate())
    assert reasons(at.answers(question("/posts/1"), count=1)) == ["within_budget"]
    assert {each for each in threading.enumerate() if "asyncio" in each.name} <= before
