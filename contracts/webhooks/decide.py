"""Decisions on webhooks: pure. Who may have one, for what, and where it may go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from contracts.errors import Refusal, Refused
from contracts.guarded import checked
from contracts.people import assurance
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import Role
from contracts.webhooks.events import offered
from contracts.webhooks.tables import WebhookEndpoint

MOST = 10
KEEPERS = frozenset({Role.LEAD, Role.DEVELOPER, Role.ADMINISTRATOR})


def check_keeper(actor: Actor, organisation_id: str, now: datetime, act: Act = Act.WEBHOOK) -> Refusal | None:
    """Why the person may not change webhooks of the organisation now: whose they are, the role, what the act asks of the session."""
    if actor.organisation_id != organisation_id:
        return Refusal("not_found", "There is no such thing here.")
    if not actor.roles & KEEPERS:
        return Refusal("role_required", "Leads and developers manage webhooks, and administrators those of the platform.")
    return assurance.refusal(actor, act, now)


def check_content(actor: Actor, url: str, events: Sequence[str]) -> Refusal | None:
    """`invalid_input` where the address cannot be asked whoever answers there, or an event is not offered to this side."""
    found = {"url": _address_problem(url), "events": _event_problem(actor, events)}
    fields = {name: problem for name, problem in found.items() if problem}
    return Refusal("invalid_input", "Some fields need your attention.", {"fields": fields}) if fields else None


def check_room(live: Sequence[WebhookEndpoint], url: str) -> Refusal | None:
    """Why there may be no further one beside those that are live."""
    if len(live) >= MOST:
        return Refusal("command_not_possible", f"There are at most {MOST} webhooks. End one that is no longer needed.")
    if any(each.url == url for each in live):
        message = "This address has a webhook already; change that one."
        return Refusal("invalid_input", "Some fields need your attention.", {"fields": {"url": message}})
    return None


def _address_problem(url: str) -> str:
    try:
        checked(url)
    except Refused as error:
        return error.refusal.reason
    return ""


def _event_problem(actor: Actor, events: Sequence[str]) -> str:
    unknown = [each for each in events if each not in offered(platform=actor.is_staff)]
    return f"There is no event {unknown[0]!r} to be told of." if unknown else ""
