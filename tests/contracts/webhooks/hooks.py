"""A house's webhooks driven by hand: what is entered, followed, sent and moved on in time, with a receiver of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from contracts.clock import FixedClock
from contracts.credentials.tables import Followed
from contracts.errors import refuse
from contracts.keys import KeyRing, Purpose
from contracts.ledger.sequencer import Sequencer
from contracts.ledger.stage import Entry, record
from contracts.store import outbox
from contracts.store.unit import Store
from contracts.webhooks import follow, service
from contracts.webhooks.deliver import webhook_handler
from contracts.webhooks.messages import WEBHOOK
from contracts.webhooks.tables import WebhookEndpoint, WebhookMessage, WebhookTry
from tests.harness.cast import Cast

URL = "https://hooks.northfield.example/licet"


@dataclass
class Receiver:
    """Takes what is posted; `answers` are given in order, then 204. An answer of 0 is none at all."""

    answers: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.got.append((url, headers, body))
        status = self.answers.pop(0) if self.answers else 204
        if status == 0:
            raise refuse("fetch_failed", "The address did not answer.")
        return status

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers, _ in self.got]


class Hooks:
    """Two partners and the platform, with the sequencer, the follower and the sender under the test's hand."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.store, self.clock, self.keys, self.cast = store, clock, KeyRing(b"k" * 32), Cast(store)
        self.sequencer = Sequencer(store, self.keys, "data.agora.example")
        self.receiver = Receiver()
        with store.write() as unit:
            self.keys.ensure(unit, Purpose.LEDGER)
        clock.advance(seconds=1)

    def create(self, *events: str, url: str = URL, actor: Any = None) -> tuple[WebhookEndpoint, str]:
        with self.store.write() as unit:
            return service.create(unit, actor or self.cast.dev, self.keys, url, events)

    def enter(self, event: str, organisation: str = "", **more: Any) -> str:
        """An entry of the ledger, in the tree."""
        with self.store.write() as unit:
            entry_id = record(unit, Entry(event=event, organisation=organisation or self.cast.lab, **more))
        self.sequencer.integrate()
        return entry_id

    def follow(self) -> None:
        while follow.tick(self.store):
            pass

    def send(self, post: Callable[[str, dict[str, str], bytes], int] | None = None) -> int:
        """Do what is due; returns how many tries were asked for."""
        return outbox.run_due(self.store, {WEBHOOK: webhook_handler(self.store, self.keys, post or self.receiver)})

    def send_after(self, wait: timedelta) -> int:
        self.clock.advance(seconds=wait.total_seconds())
        return self.send()

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Address and body of everything that arrived."""
        return [(url, json.loads(body)) for url, _, body in self.receiver.got]

    def messages(self) -> list[WebhookMessage]:
        with self.store.read() as session:
            return list(session.exec(select(WebhookMessage).order_by(col(WebhookMessage.id))).all())

    def followed(self) -> int | None:
        """The place in the ledger up to which entries were read; none before the first."""
        with self.store.read() as session:
            row = session.get(Followed, "webhooks")
            return row.next if row else None

    def tries(self) -> list[tuple[int, int | None, str]]:
        with self.store.read() as session:
            return [
                (each.number, each.status, each.problem) for each in session.exec(select(WebhookTry).order_by(col(WebhookTry.at))).all()
            ]

    def endpoint(self, endpoint_id: str) -> WebhookEndpoint:
        with self.store.read() as session:
            return session.get_one(WebhookEndpoint, endpoint_id)
