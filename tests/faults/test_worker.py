"""kill -9 of the worker that sends mail and webhooks: before the commit, before the sending, and before the mark that it was sent.

The worker is a real process, inside `licet serve` on SQLite and `licet worker` on PostgreSQL. It stands at each point because something
outside it does not go on: the store in the middle of its transaction, or the receiver's server.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from sqlmodel import select

from contracts.clock import FileClock
from contracts.ids import new_id
from contracts.keys import KeyRing, master_key
from contracts.ledger.stage import Entry, record
from contracts.people.factor_tables import LostFactor
from contracts.people.lost_states import State
from contracts.settings import load, write_master_key
from contracts.store.engine import open_engine
from contracts.store.outbox import CLAIM_SECONDS, OutboxRow
from contracts.store.unit import Store
from contracts.webhooks import standard
from contracts.webhooks.service import context_of
from contracts.webhooks.tables import WebhookEndpoint, WebhookMessage
from portal.commands.init import prepare
from tests.harness import stable, valkey
from tests.harness.cast import Cast
from tests.harness.held import stopped, unwritable
from tests.harness.server import clean_environ, free_port
from tests.harness.smtp import Mailserver, smtp_server
from tests.harness.tls import TlsServer, tls_server

PATIENCE = 60.0
LOG = "licet.log"
TOML = """\
profile = "test"
base_url = "http://127.0.0.1:{port}"
port = {port}
database = "{database}"
clock_file = "{clock}"
[mail]
{mail}
"""

pytestmark = pytest.mark.faults


@dataclass
class Place:
    """An installation on either store, the servers to which it sends, and its worker while one runs."""

    folder: Path
    store: Store
    post: Mailserver
    hooks: TlsServer
    command: str
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    running: stable.Child | None = None

    @property
    def said(self) -> str:
        """The end of its log."""
        return (self.folder / LOG).read_text()[-4000:]

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """The webhook's receiver."""
        self.taken.append((handler.headers["webhook-id"], handler.rfile.read(int(handler.headers["content-length"]))))
        handler.send_response(204)
        handler.end_headers()

    def start(self) -> None:
        """A worker, as after a restart: a minute later, when what the one before had taken up is free again."""
        clock = self.folder / "clock"
        clock.write_text(str(float(clock.read_text()) + CLAIM_SECONDS + 1))
        with (self.folder / LOG).open("ab") as out:
            self.running = stable.start([self.command], self.folder, clean_environ({}), out, self.folder / "server.pem")

    def end(self, by: signal.Signals) -> None:
        """Send it a signal, and wait for its end."""
        assert self.running is not None and self.running.poll() is None, self.said
        self.running.send_signal(by)
        self.running.wait(PATIENCE)

    def kill(self) -> None:
        """kill -9; whoever the servers held for it is let go, and finds nobody."""
        self.end(signal.SIGKILL)
        self.post.gate.open()
        self.hooks.gate.open()

    def wait(self, holds: Callable[[], bool]) -> None:
        """Until it holds."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def lose_a_factor(self, cast: Cast) -> None:
        """A deed that the worker does by itself: the day of waiting for a lost factor is over, and two people get a mail."""
        with self.store.write() as unit:
            due = unit.now - timedelta(hours=1)
            case = LostFactor(id=new_id("los"), account_id=cast.dev.account_id, organisation_id=cast.lab, state=State.WAITING, asked_at=due)
            case.due_at = due
            unit.session.add(case)

    def hook(self, cast: Cast, keys: KeyRing) -> None:
        """A webhook of the same organisation, at the test's receiver."""
        self.hooks.answers["/in"] = self.take
        row_id = new_id("whe")
        with self.store.write() as unit:
            secret = keys.wrap(standard.new_secret().encode(), context_of(row_id))
            row = WebhookEndpoint(id=row_id, organisation_id=cast.lab, url=self.hooks.url("/in"), secret=secret, created_at=unit.now)
            row.created_by = cast.tove.account_id
            unit.session.add(row)

    def enter(self, cast: Cast) -> None:
        """Something that the webhook is told of."""
        with self.store.write() as unit:
            record(unit, Entry(event="contract.offered", organisation=cast.lab, contract="ctr_1"))

    def cases(self) -> list[str]:
        with self.store.read() as session:
            return list(session.exec(select(LostFactor.state)).all())

    def effects(self, kind: str) -> list[bool]:
        """For each effect that was asked for, whether it is marked as done."""
        with self.store.read() as session:
            return [each.done_at is not None for each in session.exec(select(OutboxRow).where(OutboxRow.kind == kind)).all()]

    def delivered(self) -> list[tuple[str, bool]]:
        with self.store.read() as session:
            return [(each.id, each.delivered_at is not None) for each in session.exec(select(WebhookMessage)).all()]


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    folder, port = tmp_path / "place", free_port()
    folder.mkdir()
    with smtp_server() as post, tls_server(folder) as hooks, valkey.running() as server:
        text = TOML.format(port=port, database=database_url, clock=folder / "clock", mail=post.toml)
        command = "serve" if database_url.startswith("sqlite") else "worker"
        if command == "worker":
            text += f'[shared]\nurl = "{valkey.address(server)}"\n'
        (folder / "licet.toml").write_text(text)
        (folder / "clock").write_text("0")
        engine = open_engine(database_url)
        made = Place(folder, Store(engine, FileClock(folder / "clock"), "elsewhere"), post, hooks, command)
        try:
            yield made
        finally:
            if made.running is not None and made.running.poll() is None:
                made.end(signal.SIGTERM)
            engine.dispose()


def test_killed_at_every_point_nothing_is_lost_and_what_comes_twice_carries_one_id(place: Place) -> None:
    write_master_key(place.folder / ".licet")
    settings = load(place.folder / "licet.toml", {})
    prepare(settings)
    cast = Cast(place.store)
    place.lose_a_factor(cast)
    place.hook(cast, KeyRing(master_key(settings)))

    # The deed and its mail before their commit: neither happened.
    with stopped(place.store, "outbox") as stop:
        place.start()
        stop.wait_for_one()
        place.kill()
    assert (place.cases(), place.effects("mail"), place.post.ids) == ([State.WAITING], [], [])

    # The mail after its commit and not sent; the webhook's message before its commit.
    place.post.gate.shut()
    place.start()
    place.post.gate.wait_for_somebody()
    with stopped(place.store, "webhook_message") as stop:
        place.enter(cast)
        stop.wait_for_one()
        place.kill()
    assert (place.cases(), place.effects("mail"), place.post.ids) == ([State.DONE], [False, False], [])
    assert (place.effects("webhook"), place.delivered(), place.taken) == ([], [], [])

    # The first mail taken and not marked; the message after its commit and not sent.
    place.post.gate.shut()
    place.hooks.gate.shut()
    place.start()
    place.post.gate.wait_for_somebody()
    place.hooks.gate.wait_for_somebody()
    with unwritable(place.store, "outbox", "webhook_message"):
        place.post.gate.open()
        place.wait(lambda: len(place.post.ids) == 1)
        place.kill()
    assert (place.effects("mail"), len(place.post.ids)) == ([False, False], 1)
    assert (place.effects("webhook"), [done for _, done in place.delivered()], place.taken) == ([False], [False], [])

    # The message taken and not marked; both mails go out meanwhile.
    place.hooks.gate.shut()
    place.start()
    place.wait(lambda: place.effects("mail") == [True, True])
    place.hooks.gate.wait_for_somebody()
    with unwritable(place.store, "outbox", "webhook_message"):
        place.hooks.gate.open()
        place.wait(lambda: len(place.taken) == 1)
        place.kill()
    assert (place.effects("webhook"), [done for _, done in place.delivered()]) == ([False], [False])

    place.start()
    place.wait(lambda: place.effects("webhook") == [True])
    ((message, done),) = place.delivered()
    assert (done, place.taken[0], [each for each, _ in place.taken]) == (True, place.taken[1], [message, message])
    assert (place.cases(), sorted(Counter(place.post.ids).values())) == ([State.DONE], [1, 2])
    assert sorted({each.recipients[0] for each in place.post.received}) == sorted({cast.dev.email, cast.tove.email})
