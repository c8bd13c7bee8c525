"""Rules about sandbox credentials, pure: who may make, renew and revoke them, and how many.

They ask for no second factor and no password given again, unlike every other act upon credentials: they reach no record of
anybody, and a newcomer who must set up an authenticator first does not try anything.
"""

from __future__ import annotations

from datetime import date

from contracts.credentials.decide import check_revoker
from contracts.errors import Refusal
from contracts.people.actor import Actor
from contracts.people.decide import name_problem, tidy
from contracts.people.roles import Role
from contracts.sandbox.grant import is_live
from contracts.sandbox.tables import SandboxClient

MAX_LIVE = 5
LIVE_DAYS = 90
MAKERS = frozenset({Role.LEAD, Role.DEVELOPER})

_ABSENT = Refusal("not_found", "There is no such thing here.")


def check_new(actor: Actor, name: str, *, live: int) -> str | Refusal:
    """The credential's name as it is kept, or why it may not be made. `live` is how many the organisation has."""
    if not actor.roles & MAKERS:
        return Refusal("role_required", "Leads and developers make sandbox credentials. Ask your lead.")
    if live >= MAX_LIVE:
        reason = f"An organisation has at most {MAX_LIVE} sandbox credentials. Revoke one that is no longer used."
        return Refusal("command_not_possible", reason)
    problem = name_problem(tidy(name), "Give the credential a name, for example the program that will use it.")
    return Refusal("invalid_input", "Some fields need your attention.", {"fields": {"name": problem}}) if problem else tidy(name)


def check_renewal(actor: Actor, client: SandboxClient, today: date) -> Refusal | None:
    """Why the person may not give the credential a new secret."""
    if actor.organisation_id != client.organisation_id:
        return _ABSENT
    if not actor.roles & MAKERS:
        return Refusal("role_required", "Leads and developers renew secrets. Ask your lead.")
    if not is_live(client, today):
        return Refusal("command_not_possible", "The credential has ended; create another one.")
    return None


def check_end(actor: Actor, client: SandboxClient) -> Refusal | None:
    """Why the person may not revoke the credential; staff may, as they may revoke any."""
    return check_revoker(actor, client.organisation_id)
