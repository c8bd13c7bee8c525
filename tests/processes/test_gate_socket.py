"""`licet serve` with a socket for the proxies of its machine: a real process answers there, and no other takes it."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness.installation import Installation, install
from tests.harness.server import Licet, clean_environ, free_port, licet_command, start

SOCKET = '[gate]\nlisten = "gate.sock"\nmode = "enforce"\n'
VISITOR = {"x-original-uri": "/trees/1", "x-forwarded-for": "198.51.100.7", "user-agent": "Mozilla/5.0"}
LET_THROUGH = 200, "within_budget", True
ALONE = ["serve", "--workers", "1"]


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    return install(tmp_path, free_port(), rows=50, extra=SOCKET)


@pytest.fixture
def serve(place: Installation) -> Iterator[Callable[[], Licet]]:
    running = list[Licet]()

    def begin() -> Licet:
        running.append(start(place.folder, ALONE, {}, place.settings.port))
        return running[-1]

    yield begin
    for each in running:
        each.stop()


def decision(place: Installation) -> tuple[int, str, bool]:
    """What the gate answers a visitor at its socket: status, reason, and whether the decision has an id."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket_of(place))), trust_env=False) as proxy:
        answer = proxy.get("http://gate/gate/nginx", headers=VISITOR)
    return answer.status_code, answer.headers["x-gate-reason"], bool(answer.headers["x-gate-decision"])


def socket_of(place: Installation) -> Path:
    assert place.settings.gate.listen is not None
    return place.settings.gate.listen


def test_the_process_answers_at_its_socket_and_takes_it_away_at_its_end(place: Installation, serve: Callable[[], Licet]) -> None:
    running, door = serve(), socket_of(place)
    assert (decision(place), stat.S_IMODE(door.stat().st_mode)) == (LET_THROUGH, 0o660)
    running.stop()
    assert not door.exists()


def test_a_process_that_was_killed_leaves_no_socket_that_stands_in_the_way(place: Installation, serve: Callable[[], Licet]) -> None:
    serve().kill()
    assert socket_of(place).exists()
    serve()
    assert decision(place) == LET_THROUGH


def test_a_second_process_takes_no_socket_at_which_another_answers(place: Installation, serve: Callable[[], Licet]) -> None:
    serve()
    environ = clean_environ({"LICET_PORT": str(free_port())})
    ended = subprocess.run(licet_command(*ALONE), check=False, cwd=place.folder, env=environ, capture_output=True, text=True, timeout=120)
    told = f"setting gate.listen another process answers at {socket_of(place)}. Stop it first, or choose another path."
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (2, told)
    assert decision(place) == LET_THROUGH
