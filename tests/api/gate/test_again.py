"""Questions that are as earlier ones are answered as if they were read: the same status, reason and headers, and the same counts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from api.gate import again
from api.gate.again import MAX_REST, PAGES
from api.gate.asked import Asked
from api.gate.listener import Connection, Desk
from contracts.clock import FixedClock
from contracts.gate.bans import Ban
from contracts.gate.facts import Facts, identity_of
from contracts.gate.service import Gate
from contracts.keys import KeyRing
from contracts.networks import VISITORS
from contracts.settings import Settings
from contracts.store.unit import Store
from tests.harness.gates import gate_over, gate_settings

AGENTS = ("Reader/1.0", "Mozilla/5.0 Firefox/130.0", "x" * 600, "")
ADDRESSES = ("192.0.2.1", "192.0.2.77", "198.51.100.7", "2001:db8:7::1", "nobody")
BANNED = ("192.0.2.0/24", "198.51.0.0/16", identity_of("192.0.2.1", "Reader/1.0"))
TARGETS = ("/robots.txt", "no path", "//x", "/static/a.css", "/long/" + "x" * 300, "/posts/%37", *(f"/posts/{n}" for n in range(9)))
MORE = ("", "", "", "", "X-Forwarded-For: 203.0.113.9", "Authorization: Basic eA==", "Sec-Purpose: prefetch", "Connection: close")


class Wire(asyncio.Transport):
    """The other end of a connection: keeps what is written until it is taken."""

    def __init__(self, gate: Gate, settings: Settings) -> None:
        super().__init__()
        self.written, self.desk = b"", Desk(gate, settings, KeyRing(b"k" * 32))
        self.connection = Connection(self.desk)
        self.connection.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        """Whoever comes next has a connection of its own."""
        self.connection.connection_lost(None)
        self.connection = Connection(self.desk)
        self.connection.connection_made(self)

    def answer(self, *pieces: bytes) -> list[str]:
        """The lines of what is answered, but for what names the decision."""
        for each in pieces:
            self.connection.data_received(each)
        told, self.written = self.written.decode(), b""
        return [each for each in told.split("\r\n") if not each.startswith(("x-gate-decision", "x-licet-decision", "x-gate-replay"))]


def question(target: str, address: str = "192.0.2.1", agent: str = "Reader/1.0", more: str = "", method: str = "GET") -> bytes:
    """As nginx asks by the configuration that is written for it."""
    told = (f"X-Original-Method: {method}", "X-Forwarded-Host: 127.0.0.1", "X-Forwarded-Proto: http", f"X-Forwarded-For: {address}")
    lines = (*told, *([f"User-Agent: {agent}"] if agent else []), *([more] if more else []), "Host: licet_gate")
    return again.BEGIN + "\r\n".join((target, *lines, "", "")).encode()


def met_before(gate: Gate, settings: Settings, asked: bytes) -> Wire:
    """A connection over which a question was asked once."""
    wire = Wire(gate, settings)
    assert wire.answer(asked)[0].startswith("HTTP/1.1 ")
    return wire


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = gate_settings(tmp_path, budget=4)
    return made.model_copy(update={"gate": made.gate.model_copy(update={"network_factor": 1, "free_paths": ["/static/"]})})


@pytest.mark.parametrize(("seed", "mode"), [(1, "enforce"), (2, "enforce"), (3, "shadow"), (4, "shadow")])
def test_what_is_not_read_again_is_answered_and_counted_as_if_it_were(
    seed: int, mode: str, sqlite_store: Store, clock: FixedClock, settings: Settings
) -> None:
    drawn = Random(seed)
    chosen = settings.model_copy(update={"gate": settings.gate.model_copy(update={"mode": mode})})
    recalling, reading = (gate_over(sqlite_store, clock, chosen, recognising=True).gate for _ in range(2))
    quick, plain = Wire(recalling, chosen), Wire(reading, chosen)
    for _ in range(3_000):
        if drawn.random() < 0.03:
            ban, lifted = Ban(drawn.choice(BANNED), clock.now().timestamp() + drawn.choice((30, 3_000))), drawn.choice(BANNED)
            for each in (recalling, reading):
                each.bans.put(ban)
                each.bans.remove(lifted)
        if drawn.random() < 0.03:
            clock.advance(seconds=drawn.choice((20, 600, 3_700)))
        asked = question(
            drawn.choice(TARGETS), drawn.choice(ADDRESSES), drawn.choice(AGENTS), drawn.choice(MORE), drawn.choice(("GET", "GET", "POST"))
        )
        written, before = quick.answer(asked), plain.answer(asked[:30], asked[30:])
        assert (asked, written) == (asked, before)
    mine, theirs = (each._tally.take_sums() for each in (recalling, reading))
    assert (mine.counts, {key: stop.requests for key, stop in mine.stops.items()}) == (
        theirs.counts,
        {key: stop.requests for key, stop in theirs.stops.items()},
    )
    assert quick.desk.again.answer(question("/posts/1", "203.0.113.1")) is None, "who never came is not known"
    assert quick.answer(question("/posts/1", "203.0.113.1"))[0] == "HTTP/1.1 200 OK"
    assert quick.desk.again.answer(question("/posts/1", "203.0.113.1")) is not None


def test_a_visitor_of_before_may_ask_for_other_pages_until_its_budget_ends(
    sqlite_store: Store, clock: FixedClock, settings: Settings
) -> None:
    gate = gate_over(sqlite_store, clock, settings).gate
    wire = met_before(gate, settings, question("/posts/0"))
    passed = [wire.desk.again.answer(question(f"/posts/{number}")) is not None for number in range(6)]
    assert passed == [True] * 4 + [False] * 2
    assert (gate._tally.take_sums().counts.total(), wire.answer(question("/posts/4"))[0]) == (5, "HTTP/1.1 403 Forbidden")
    gate.bans.put(Ban("192.0.2.0/24", clock.now().timestamp() + 60))
    assert wire.desk.again.answer(question("/posts/0")) is None
    assert "x-gate-reason: banned" in wire.answer(question("/posts/0"))
    clock.advance(seconds=61)
    assert wire.desk.again.answer(question("/posts/0")) is not None


@pytest.mark.parametrize(
    "asked",
    [
        question("/robots.txt"),
        question("no path"),
        question("/static/a.css"),
        question("/posts/" + "1" * 200),
        question("/posts/1", agent="x" * MAX_REST),
        question("/posts/1", more="Authorization: Basic eA=="),
        question("/posts/1", more="Authorization: Basic eA==\r\nAuthorization: Basic eA=="),
        question("/posts/1", more="X-Original-URI: /posts/2"),
        question("/posts/1", more="Signature: sig1=:AAAA:"),
        question("/posts/1", more="Connection: close"),
        question(" /posts/1"),
        question("/posts/1\r\n 2"),
        question("/posts/1") * 2,
        question("/posts/1") + again.BEGIN,
        question("/posts/1").replace(b"X-Original-URI", b"X-Original-Uri"),
        question("/posts/1").replace(b"GET /gate", b"HEAD /gate"),
        question("/posts/1").replace(b"GET /gate/nginx", b"GET /gate/haproxy"),
    ],
)
def test_every_other_question_is_read_each_time(asked: bytes, sqlite_store: Store, clock: FixedClock, settings: Settings) -> None:
    gate = gate_over(sqlite_store, clock, settings).gate
    # The visitor itself is known, and by a shorter question it would be recognised.
    wire = met_before(gate, settings, question("/posts/1"))
    wire.answer(asked)
    assert wire.desk.again.answer(asked) is None


def test_what_is_remembered_is_bounded(sqlite_store: Store, clock: FixedClock, settings: Settings) -> None:
    gate = gate_over(sqlite_store, clock, settings).gate
    desk, most = met_before(gate, settings, question("/posts/0")).desk, 0
    for number in range(PAGES + 10):
        desk.again.answer(question(f"/posts/{number}"))
        most = max(most, len(desk.again._pages))
    assert (most, len(desk.again._pages)) == (PAGES, 10)
    asked = Asked(Facts("GET", "127.0.0.1", "/posts/0", "192.0.2.1", "Reader/1.0"))
    for number in range(1, VISITORS + 10):
        desk.again.learn(question("/posts/0", agent=f"Reader/{number}"), asked)
        most = max(most, len(desk.again._seats))
    assert (most, len(desk.again._seats)) == (VISITORS, 10)


def test_what_comes_in_pieces_or_while_another_waits_is_read(sqlite_store: Store, clock: FixedClock, settings: Settings) -> None:
    gate = gate_over(sqlite_store, clock, settings).gate
    asked = question("/posts/1")
    wire = met_before(gate, settings, asked)
    passed = wire.answer(asked)
    half = question("/posts/2", more=f"X-Filler: {'x' * 40}")
    assert wire.answer(asked + half[:-40]) == passed
    # Although it looks like a question by itself, it goes on with a header of the one before, whose target stands there twice then.
    assert "x-gate-reason: malformed" in wire.answer(asked)
    assert wire.answer(asked) == passed


KNOWN = question("/posts/1")


@given(st.data())
@how(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_that_differ_are_answered_as_whoever_reads_them_would(
    sqlite_store: Store, clock: FixedClock, settings: Settings, data: st.DataObject
) -> None:
    gate = gate_over(sqlite_store, clock, settings).gate
    wire = Wire(gate, settings)
    for number in range(3):
        wire.answer(question(f"/posts/{number}"))
        wire.answer(question(f"/posts/{number}", "198.51.100.7", more="Sec-Purpose: prefetch"))
    at = data.draw(st.one_of(st.integers(0, len(KNOWN)), st.just(len(again.BEGIN))))
    length = data.draw(st.one_of(st.integers(0, 60), st.just(len("/posts/1\r\n"))))
    put = data.draw(
        st.one_of(
            st.binary(max_size=6), st.sampled_from([b"\r\n", b"\n", b" ", b"\r\n\r\n", b"/posts/2\r\n", KNOWN[len(again.BEGIN) :], KNOWN])
        )
    )
    changed = KNOWN[:at] + put + KNOWN[at + length :]
    answer = wire.desk.again.answer(changed)
    if answer is not None:
        wire.written = answer
        assert wire.answer() == Wire(gate, settings).answer(changed[:1], changed[1:])
