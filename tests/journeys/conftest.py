"""What every journey has: a real mail server, through which its houses send, and in which all their notices have arrived at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.house import House
from tests.harness.arrived import arrived
from tests.harness.smtp import Mailserver, smtp_server
from tests.portal import house


@pytest.fixture(scope="module")
def sending() -> Iterator[tuple[Mailserver, list[House]]]:
    """The server of a file's journeys, and the houses that send through it."""
    with smtp_server() as server, house.sending_through(server) as made:
        yield server, made
        _all_arrived(server, made)


@pytest.fixture(autouse=True, scope="module")
def post(sending: tuple[Mailserver, list[House]]) -> Mailserver:
    """The server of a file's journeys. Installations with processes of their own are given one where they are made."""
    return sending[0]


@pytest.fixture(autouse=True)
def has_arrived(sending: tuple[Mailserver, list[House]], tmp_path: Path) -> Iterator[None]:
    """Looks at a test's own house while its folder is still there; at those of a whole file when the file ends."""
    server, made = sending
    of_the_file = len(made)
    yield
    _all_arrived(server, made[of_the_file:])
    del made[of_the_file:]


def _all_arrived(server: Mailserver, made: list[House]) -> None:
    for each in made:
        arrived(each.store, each.settings, server)
        each.store.engine.dispose()
