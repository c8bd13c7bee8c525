"""Roles of staff take two: an administrator proposes a person, and a colleague agrees, neither having given the other a role.

A platform begins with one person, who gives the first roles alone, because nobody is independent of whoever gave them the role. As soon
as somebody is, one alone gives no further role.
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from contracts.errors import Refusal, Refused
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import send
from contracts.people import assurance
from contracts.people.actor import Actor
from contracts.people.assurance import Act
from contracts.people.independence import entangled_with, second_person
from contracts.people.proposal_states import Command, State, next_state
from contracts.people.queries import StaffRow, members
from contracts.people.roles import Role
from contracts.people.tables import StaffProposal
from contracts.store.unit import Unit

LIFETIME = timedelta(days=7)
MAY_AGREE = (Role.ADMINISTRATOR, Role.STEWARD, Role.COMPLIANCE)


def independent_of(session: Session, actor: Actor) -> list[StaffRow]:
    """Colleagues who could agree to a role that the actor proposes, by name."""
    rows = [row for row in members(session, actor.organisation_id) if set(row.roles) & set(MAY_AGREE)]
    known = frozenset(row.account_id for row in rows)
    tied = entangled_with(session, actor, known) | actor.roles_given_by | {actor.account_id}
    return [row for row in rows if row.account_id not in tied]


def propose(unit: Unit, actor: Actor, email: str, role: Role, colleagues: list[StaffRow]) -> StaffProposal:
    """Keep the proposal, in place of an earlier open one for the same, and tell the colleagues who may agree."""
    for each in open_proposals(unit.session):
        if (each.email, each.role) == (email, role.value):
            _move(unit, each, Command.DECLINE, actor)
    row = StaffProposal(
        id=new_id("prp"),
        organisation_id=actor.organisation_id,
        state=State.PROPOSED.value,
        email=email,
        role=role.value,
        proposed_by=actor.account_id,
        created_at=unit.now,
        expires_at=unit.now + LIFETIME,
    )
    unit.session.add(row)
    unit.session.flush()
    for colleague in colleagues:
        facts = {"person": email, "role": role.value, "by": actor.name}
        send(unit, to=colleague.email, template="role-proposed", facts=facts, path="/desk/people")
    _record(unit, actor, row, "role.proposed")
    return row


def agreed(unit: Unit, actor: Actor, proposal_id: str) -> StaffProposal:
    """The proposal, to which the actor agrees as the second person. `invitations.agree` invites then, in the same unit."""
    row = _take(unit, actor, proposal_id, Command.AGREE)
    _record(unit, actor, row, "role.agreed")
    return row


def decline(unit: Unit, actor: Actor, proposal_id: str) -> StaffProposal:
    """Decline the proposal, or take it back; nobody is invited."""
    row = _take(unit, actor, proposal_id, Command.DECLINE)
    _record(unit, actor, row, "role.declined")
    return row


def open_proposals(session: Session) -> list[StaffProposal]:
    """What waits for a second person, oldest first; it may have waited too long."""
    query = select(StaffProposal).where(StaffProposal.state == State.PROPOSED.value)
    return list(session.exec(query.order_by(col(StaffProposal.id))).all())


def _take(unit: Unit, actor: Actor, proposal_id: str, command: Command) -> StaffProposal:
    actor.require(*MAY_AGREE)
    row = unit.lock(StaffProposal, proposal_id)
    if command is Command.AGREE and row.state == State.PROPOSED:
        before = frozenset({row.proposed_by})
        refusal = second_person(actor, before, entangled_with(unit.session, actor, before)) or assurance.refusal(
            actor, Act.MEMBER, unit.now
        )
        if row.expires_at <= unit.now:
            refusal = Refusal("command_not_possible", "This waited for more than 7 days and has ended. It can be proposed again.")
        if refusal is not None:
            raise Refused(refusal)
    _move(unit, row, command, actor)
    return row


def _move(unit: Unit, row: StaffProposal, command: Command, actor: Actor) -> None:
    after = next_state(State(row.state), command)
    if isinstance(after, Refusal):
        raise Refused(after)
    row.state, row.decided_by, row.decided_at = after.value, actor.account_id, unit.now
    unit.session.add(row)
    unit.session.flush()


def _record(unit: Unit, actor: Actor, row: StaffProposal, event: str) -> None:
    personal = actor.personal(email=row.email)
    record(unit, Entry(event=event, subject=row.id, organisation=row.organisation_id, facts={"role": row.role}, personal=personal))
