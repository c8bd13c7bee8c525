"""Webhooks: made, changed, given new secrets, tried, sent again, ended. Every function works in the caller's unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import col, select

from contracts.errors import Refusal, Refused, refuse
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.ledger.stage import Entry, record
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.store.unit import Unit
from contracts.webhooks import standard
from contracts.webhooks.decide import check_content, check_keeper, check_room
from contracts.webhooks.events import TEST
from contracts.webhooks.messages import ask, make
from contracts.webhooks.tables import WebhookEndpoint, WebhookMessage

OVERLAP = timedelta(hours=24)


def create(unit: Unit, actor: Actor, keys: KeyRing, url: str, events: Sequence[str]) -> tuple[WebhookEndpoint, str]:
    """A webhook of the actor's organisation and its secret, which nobody is shown again.

    Raises `role_required`, `invalid_input` for an address that may never be asked or an unknown event, `command_not_possible` above
    ten, and what the assurance of the act asks for.
    """
    _raise(check_keeper(actor, actor.organisation_id, unit.now) or check_content(actor, url, events))
    _raise(check_room(_live(unit, actor.organisation_id), url))
    endpoint_id, secret = new_id("whe"), standard.new_secret()
    endpoint = WebhookEndpoint(
        id=endpoint_id,
        organisation_id=actor.organisation_id,
        url=url,
        events=sorted(set(events)),
        secret=keys.wrap(secret.encode(), context_of(endpoint_id)),
        created_by=actor.account_id,
        created_at=unit.now,
    )
    unit.session.add(endpoint)
    unit.session.flush()
    _record(unit, actor, endpoint, "webhook.created")
    return endpoint, secret


def change(unit: Unit, actor: Actor, endpoint_id: str, url: str, events: Sequence[str]) -> None:
    """Another address or other events; what waits goes to the new address. One that was disabled is tried again."""
    endpoint = _taken(unit, actor, endpoint_id)
    others = [each for each in _live(unit, actor.organisation_id) if each.id != endpoint_id]
    _raise(check_content(actor, url, events) or check_room(others, url))
    endpoint.url, endpoint.events, endpoint.disabled_at = url, sorted(set(events)), None
    _record(unit, actor, endpoint, "webhook.changed")


def rotate(unit: Unit, actor: Actor, keys: KeyRing, endpoint_id: str) -> str:
    """A new secret. For a day messages are signed with the one before as well, so that the receiver can change in between."""
    endpoint, secret = _taken(unit, actor, endpoint_id), standard.new_secret()
    endpoint.earlier_secret, endpoint.earlier_until = endpoint.secret, unit.now + OVERLAP
    endpoint.secret = keys.wrap(secret.encode(), context_of(endpoint_id))
    _record(unit, actor, endpoint, "webhook.rotated")
    return secret


def end(unit: Unit, actor: Actor, endpoint_id: str) -> None:
    """No message leaves for it any more."""
    endpoint = _taken(unit, actor, endpoint_id, Act.KEEP_WEBHOOK)
    endpoint.ended_at = unit.now
    _record(unit, actor, endpoint, "webhook.ended")


def test(unit: Unit, actor: Actor, endpoint_id: str) -> WebhookMessage:
    """Send a message that tells of nothing, to see whether it arrives."""
    endpoint = _taken(unit, actor, endpoint_id, Act.KEEP_WEBHOOK)
    return make(unit, endpoint, TEST, "", {"webhook": endpoint.id})


def resend(unit: Unit, actor: Actor, endpoint_id: str, message_id: str) -> WebhookMessage:
    """Send a message again under its own id, with the whole row of tries before it; whoever has it knows it by the id."""
    endpoint = _taken(unit, actor, endpoint_id, Act.KEEP_WEBHOOK)
    message = unit.lock(WebhookMessage, message_id)
    if message.endpoint_id != endpoint.id:
        raise refuse("not_found", "There is no such thing here.")
    if endpoint.disabled_at is not None:
        raise refuse("command_not_possible", "This webhook is switched off. Save it once more, then send the message again.")
    message.round, message.tries, message.delivered_at, message.given_up_at = message.round + 1, 0, None, None
    unit.session.add(message)
    ask(unit, message, 1)
    return message


def context_of(endpoint_id: str) -> str:
    """What a webhook's wrapped secret is bound to."""
    return f"webhook:{endpoint_id}"


def _taken(unit: Unit, actor: Actor, endpoint_id: str, act: Act = Act.WEBHOOK) -> WebhookEndpoint:
    endpoint = unit.lock(WebhookEndpoint, endpoint_id)
    _raise(check_keeper(actor, endpoint.organisation_id, unit.now, act))
    if endpoint.ended_at is not None:
        raise refuse("command_not_possible", "This webhook was ended. Make another one.")
    unit.session.add(endpoint)
    return endpoint


def _live(unit: Unit, organisation_id: str) -> list[WebhookEndpoint]:
    query = select(WebhookEndpoint).where(WebhookEndpoint.organisation_id == organisation_id, col(WebhookEndpoint.ended_at).is_(None))
    return list(unit.session.exec(query).all())


def _record(unit: Unit, actor: Actor, endpoint: WebhookEndpoint, event: str) -> None:
    personal = actor.personal(address=endpoint.url)
    facts = {"events": endpoint.events}
    record(unit, Entry(event=event, subject=endpoint.id, organisation=endpoint.organisation_id, facts=facts, personal=personal))


def _raise(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal)
