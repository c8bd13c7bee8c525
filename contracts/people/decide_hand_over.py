"""Decisions on hand-overs, pure: who may name a lead, and who may do what to a hand-over that is under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.errors import Refusal
from contracts.people import assurance
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.decide_team import Team
from contracts.people.hand_over_states import OPEN, Command, State, next_state
from contracts.people.independence import second_person
from contracts.people.roles import Role
from contracts.people.tables import HandOver

DECIDING_STAFF = frozenset({Role.STEWARD, Role.COMPLIANCE})
MOST_REASON = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the row: the organisation's people, the time, and accounts entangled with the actor by roles."""

    team: Team
    now: datetime
    entangled: frozenset[str] = frozenset()


def decide_naming(actor: Actor, named: str, open_one: HandOver | None, known: Known, reason: str | None) -> Refusal | None:
    """Whether the actor may begin a hand-over to a member; `reason` is that of staff, None for a lead's own."""
    if reason is None:
        if actor.account_id not in known.team.leads:
            return Refusal("role_required", "Only a lead hands the leadership over.")
    elif not actor.roles & DECIDING_STAFF:
        return Refusal("role_required", "Stewards and compliance officers hand over the leadership of an organisation whose lead is gone.")
    if named not in known.team.roles:
        return _field("named", "Choose one of the organisation’s people.")
    if named in known.team.leads:
        return _field("named", "This person leads the organisation already.")
    if reason is not None and not 10 <= len(reason.strip()) <= MOST_REASON:
        return _field("reason", "Say in a sentence how it is known that the lead is gone, in at most 1,000 characters.")
    if open_one is not None and _runs(open_one, known.now):
        return Refusal("command_not_possible", "A hand-over is under way already. It has to be decided or withdrawn first.")
    return assurance.refusal(actor, Act.MEMBER, known.now)


def decide(row: HandOver, actor: Actor, command: Command, known: Known) -> State | Refusal:
    """The state that follows, or why not: person, state, time, independence, second factor and password; in this order."""
    stranger = _person(row, actor, command, known.team)
    after = next_state(State(row.state), command)
    if stranger is not None or isinstance(after, Refusal):
        return stranger or after
    if command in (Command.ACCEPT, Command.CONFIRM):
        return _may_finish(row, actor, command, known) or after
    return after


def _may_finish(row: HandOver, actor: Actor, command: Command, known: Known) -> Refusal | None:
    if not _runs(row, known.now):
        return Refusal("command_not_possible", "This hand-over waited for more than 7 days and has ended. It can be begun again.")
    if row.named not in known.team.roles or (command is Command.ACCEPT and row.asked_by not in known.team.leads):
        return Refusal("command_not_possible", "The organisation’s people have changed since. Begin the hand-over again.")
    if command is Command.CONFIRM:
        refusal = second_person(actor, frozenset({row.asked_by}), known.entangled)
        if refusal is not None:
            return refusal
    return assurance.refusal(actor, Act.MEMBER, known.now)


def _person(row: HandOver, actor: Actor, command: Command, team: Team) -> Refusal | None:
    by_staff = bool(actor.roles & DECIDING_STAFF)
    if not by_staff and actor.organisation_id != row.organisation_id:
        return Refusal("not_found", "There is no such hand-over here.")
    allowed = {
        Command.ACCEPT: actor.account_id == row.named,
        Command.DECLINE: actor.account_id == row.named,
        Command.CONFIRM: by_staff,
        Command.WITHDRAW: actor.account_id in team.leads or (by_staff and row.state != State.OFFERED),
    }[command]
    return None if allowed else Refusal("role_required", "This is for the person who was named, for a lead, or for staff to do.")


def _runs(row: HandOver, now: datetime) -> bool:
    return State(row.state) in OPEN and row.expires_at > now


def _field(name: str, problem: str) -> Refusal:
    return Refusal("invalid_input", problem, {"fields": {name: problem}})
