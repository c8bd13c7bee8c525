"""The outbox's handler that sends webhooks, through the one guarded client. Every try is kept; the schedule is the standard's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from contracts.errors import Refused
from contracts.guarded import GuardedClient
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.people.roles import Role, Side
from contracts.people.tables import Organisation
from contracts.store.outbox import Effect, Handler
from contracts.store.unit import Store, Unit
from contracts.webhooks import standard
from contracts.webhooks.messages import ask
from contracts.webhooks.service import context_of
from contracts.webhooks.tables import WebhookEndpoint, WebhookMessage, WebhookTry

_MOST_PROBLEM = 300


class Posting(Protocol):
    """Sends one body to an address; the status of the answer. Raises `Refused` where there is none or the address may not be asked."""

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What one try brought."""

    status: int | None
    problem: str
    milliseconds: int

    @property
    def taken(self) -> bool:
        return standard.is_taken(self.status)


def posting(client: GuardedClient) -> Posting:
    """Posts through the guarded client."""

    def post(url: str, headers: dict[str, str], body: bytes) -> int:
        return client.request("POST", url, headers={"content-type": "application/json", **headers}, body=body).status

    return post


def webhook_handler(store: Store, keys: KeyRing, post: Posting) -> Handler:
    """The handler of outbox kind "webhook" {message_id, round, number}.

    A try that is not written down, because the process ended in between, comes again: with the same id, as receivers expect.
    """

    def handle(effect: Effect) -> None:
        number, round_ = int(effect.payload["number"]), int(effect.payload["round"])
        with store.read() as session:
            message = session.get_one(WebhookMessage, str(effect.payload["message_id"]))
            endpoint = session.get_one(WebhookEndpoint, message.endpoint_id)
            secrets = _secrets(keys, endpoint, store.clock.now())
        if not _waits(message, round_, number):
            return
        if endpoint.ended_at is not None or endpoint.disabled_at is not None:
            _give_up(store, message.id)
            return
        answer = _asked(post, endpoint.url, standard.headers(secrets, message.id, store.clock.now(), message.body.encode()), message)
        with store.write("webhook") as unit:
            _settle(unit, unit.lock(WebhookMessage, message.id), round_, number, answer)

    return handle


def _waits(message: WebhookMessage, round_: int, number: int) -> bool:
    """Whether this very try is still to be made."""
    open_ = message.delivered_at is None and message.given_up_at is None
    return open_ and message.round == round_ and message.tries == number - 1


def _give_up(store: Store, message_id: str) -> None:
    with store.write("webhook") as unit:
        unit.lock(WebhookMessage, message_id).given_up_at = unit.now


def _secrets(keys: KeyRing, endpoint: WebhookEndpoint, now: datetime) -> Sequence[str]:
    wrapped = [endpoint.secret]
    if endpoint.earlier_secret is not None and endpoint.earlier_until is not None and now < endpoint.earlier_until:
        wrapped.append(endpoint.earlier_secret)
    return [keys.unwrap(each, context_of(endpoint.id)).decode() for each in wrapped]


def _asked(post: Posting, url: str, headers: dict[str, str], message: WebhookMessage) -> Answer:
    began = time.monotonic()
    status, problem = None, ""
    try:
        status = post(url, headers, message.body.encode())
    except Refused as error:
        problem = error.refusal.reason[:_MOST_PROBLEM]
    return Answer(status, problem, round((time.monotonic() - began) * 1000))


def _settle(unit: Unit, message: WebhookMessage, round_: int, number: int, answer: Answer) -> None:
    unit.session.add(
        WebhookTry(
            id=new_id("wht"),
            message_id=message.id,
            number=number,
            at=unit.now,
            status=answer.status,
            problem=answer.problem,
            milliseconds=answer.milliseconds,
        )
    )
    if message.round != round_:
        return  # somebody had it sent again meanwhile; that round goes on by itself
    message.tries = number
    unit.session.add(message)
    after = standard.next_try(number)
    if answer.taken:
        message.delivered_at = unit.now
    elif answer.status == standard.GONE or after is None:
        message.given_up_at = unit.now
        _disable(unit, message)
    else:
        ask(unit, message, number + 1, after)


def _disable(unit: Unit, message: WebhookMessage) -> None:
    """Send nothing more there, and tell whoever keeps the webhook; what comes meanwhile is not told."""
    endpoint = unit.lock(WebhookEndpoint, message.endpoint_id)
    if endpoint.disabled_at is not None:
        return
    endpoint.disabled_at = unit.now
    unit.session.add(endpoint)
    entry = Entry(event="webhook.disabled", subject=endpoint.id, organisation=endpoint.organisation_id, facts={"message": message.id})
    record(unit, entry)
    platform = unit.session.get_one(Organisation, endpoint.organisation_id).side == Side.PLATFORM
    path = f"/{'desk' if platform else 'partner'}/webhooks/{endpoint.id}"
    for reader in _keepers(unit.session, endpoint.organisation_id):
        facts = {"name": reader.name, "address": endpoint.url, "event": message.event}
        send(unit, to=reader.email, template="webhook-disabled", facts=facts, path=path)


def _keepers(session: Session, organisation_id: str) -> list[audience.Reader]:
    return audience.partners(session, organisation_id, Role.LEAD, Role.DEVELOPER, Role.ADMINISTRATOR)
