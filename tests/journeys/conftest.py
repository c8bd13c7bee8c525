"""What every journey has: a real mail server, through which its houses send, and in which all their notices have arrived at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.arrived import arrived
from tests.harness.smtp import Mailserver, smtp_server
from tests.portal import house


@pytest.fixture(autouse=True, scope="module")
def post() -> Iterator[Mailserver]:
    """The server of a file's journeys. Installations with processes of their own are given one where they are made."""
    with smtp_server() as server, house.sending_through(server) as made:
        yield server
        for each in made:
            arrived(each.store, each.settings, server)
