"""Reading webhooks: an organisation's own, with what was sent and how each try went."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from contracts.errors import refuse
from contracts.people.actor import Actor
from contracts.webhooks.tables import WebhookEndpoint, WebhookMessage, WebhookTry

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Sent:
    """A message with its tries, the first one first."""

    message: WebhookMessage
    tries: list[WebhookTry]

    @property
    def state(self) -> str:
        """How it stands, as a word of the pages."""
        if self.message.delivered_at is not None:
            return "delivered"
        return "given_up" if self.message.given_up_at is not None else "waiting"


def of_organisation(session: Session, organisation_id: str) -> list[WebhookEndpoint]:
    """An organisation's webhooks that were not ended, the newest first."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.organisation_id == organisation_id, col(WebhookEndpoint.ended_at).is_(None))
    return list(session.exec(query.order_by(col(WebhookEndpoint.id).desc())).all())


def get_for(session: Session, actor: Actor, endpoint_id: str) -> WebhookEndpoint:
    """The webhook of the actor's own organisation, else `not_found`."""
    found = session.get(WebhookEndpoint, endpoint_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise refuse("not_found", "There is no such webhook here.")
    return found


def log_of(session: Session, endpoint_id: str, limit: int = SHOWN) -> list[Sent]:
    """What was sent to it, the newest first."""
    query = select(WebhookMessage).where(WebhookMessage.endpoint_id == endpoint_id).order_by(col(WebhookMessage.id).desc()).limit(limit)
    messages = list(session.exec(query).all())
    tries = session.exec(
        select(WebhookTry).where(col(WebhookTry.message_id).in_([each.id for each in messages])).order_by(col(WebhookTry.id))
    ).all()
    return [Sent(each, [one for one in tries if one.message_id == each.id]) for each in messages]
