"""Rules about the people of a partner, pure: the lead gives and takes roles and removes people, and somebody always leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.errors import Refusal
from contracts.people import assurance
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.roles import ROLES, Role, Side

PARTNER_ROLES = frozenset(role for role, facts in ROLES.items() if facts.side is Side.PARTNER)


@dataclass(frozen=True, slots=True)
class Team:
    """What is known of an organisation's people: their roles by account, and those who lead and are not disabled."""

    roles: dict[str, frozenset[Role]]
    leads: frozenset[str]


def decide_roles(team: Team, actor: Actor, account_id: str, wanted: frozenset[Role], now: datetime) -> Refusal | None:
    """Whether the lead may give a member exactly these roles."""
    held = team.roles.get(account_id, frozenset())
    refusal = _by_lead(team, actor, account_id, now)
    if refusal is not None:
        return refusal
    if not wanted or not wanted <= PARTNER_ROLES:
        problem = "Choose at least one role. To take all of them, remove the person."
        return Refusal("invalid_input", problem, {"fields": {"roles": problem}})
    if account_id == actor.account_id and wanted - held:
        return Refusal("second_person_required", "Nobody gives a role to themselves. Ask another lead.")
    return _last_lead(team, account_id) if Role.LEAD in held - wanted else None


def decide_removal(team: Team, actor: Actor, account_id: str, now: datetime) -> Refusal | None:
    """Whether the lead may remove a member."""
    return _by_lead(team, actor, account_id, now) or _last_lead(team, account_id)


def decide_leaving(team: Team, actor: Actor) -> Refusal | None:
    """Whether a person may leave: everyone but the last who leads."""
    return _last_lead(team, actor.account_id)


def _by_lead(team: Team, actor: Actor, account_id: str, now: datetime) -> Refusal | None:
    if Role.LEAD not in actor.roles or actor.account_id not in team.leads:
        return Refusal("role_required", "Only a lead of your organisation may change who may do what.")
    if account_id not in team.roles:
        return Refusal("not_found", "There is no such person in your organisation.")
    return assurance.refusal(actor, Act.MEMBER, now)


def _last_lead(team: Team, account_id: str) -> Refusal | None:
    if team.leads - {account_id} or account_id not in team.leads:
        return None
    reason = "Somebody has to lead the organisation. Hand the leadership over first, or make a colleague a lead as well."
    return Refusal("last_lead", reason)
