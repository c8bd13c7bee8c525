"""Appeals: load, decide, store, tell. Every function but `prune` works in the caller's unit of work and commits nothing itself.

A person who was stopped writes a few lines and a mail address; an operator answers in words, which leave by mail. Letting somebody
through changes no rule of the gate: that takes what rules take. How long an appeal is kept is the policy of its ledger entries.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, text
from sqlmodel import col, select

from contracts import addresses
from contracts.appeals.decide import Asked, Given, check, decide, explained, may_appeal
from contracts.appeals.queries import known_of
from contracts.appeals.states import State
from contracts.appeals.tables import Appeal
from contracts.errors import Refusal, Refused
from contracts.gate.naming import Named
from contracts.gate.reasons import REASONS
from contracts.ids import new_id
from contracts.ledger.stage import Entry, record
from contracts.notices import audience, send
from contracts.people import links
from contracts.people.actor import Actor
from contracts.people.links import LinkKind
from contracts.people.roles import Role
from contracts.people.tables import OneTimeLink
from contracts.retention.policy import Kind, Policy
from contracts.store.leader import APPEALS
from contracts.store.unit import Store, Unit

PATH = "/operator/appeals"
A_RUN = 200


def make(unit: Unit, named: Named | None, asked: Asked, network: str) -> str:
    """Take an appeal, and tell the person and the operators. Returns the token of the link that shows how it stands, once.

    Raises Refused: `not_found`, `command_not_possible`, `appealed_already`, `appeals_full`, or `invalid_input` with a sentence for each field.
    """
    decision = explained(named, unit.now)
    if isinstance(decision, Refusal):
        raise Refused(decision)
    _alone(unit)
    refusal = may_appeal(decision, known_of(unit.session, decision)) or check(asked)
    if refusal is not None:
        raise Refused(refusal)
    email = addresses.address(asked.email)
    token, link = links.make(unit, LinkKind.APPEAL, email)
    unit.session.flush()
    appeal = Appeal(
        id=new_id("apl"),
        state=State.WAITING.value,
        decision=decision.id,
        decided_at=decision.at,
        reason=decision.reason,
        effect=decision.effect,
        mark=decision.mark,
        email=email,
        text=asked.text.strip(),
        network=network,
        link_id=link.id,
        made_at=unit.now,
    )
    unit.session.add(appeal)
    _tell_made(unit, appeal, token)
    beside = {"email": email, "network": network, "text": appeal.text, "decision": decision.id}
    facts = {"reason": appeal.reason, "effect": appeal.effect}
    entry = Entry(event="appeal.made", subject=appeal.id, facts=facts, personal={name: value for name, value in beside.items() if value})
    record(unit, entry)
    return token


def answer(unit: Unit, actor: Actor, appeal_id: str, given: Given) -> Appeal:
    """Answer an appeal, for good; the person gets the words by mail. Only for operators.

    Raises Refused: `role_required`, `not_found`, `command_not_possible`, `changed_meanwhile`, `invalid_input`.
    """
    actor.require(Role.OPERATOR)
    appeal = unit.lock(Appeal, appeal_id)
    after = decide(appeal, given)
    if isinstance(after, Refusal):
        raise Refused(after)
    appeal.state, appeal.revision = after.value, appeal.revision + 1
    appeal.answered_by, appeal.answered_at, appeal.words = actor.account_id, unit.now, given.words.strip()
    unit.session.add(appeal)
    through = after is State.LET_THROUGH
    template = "appeal-let-through" if through else "appeal-upheld"
    send(unit, to=appeal.email, template=template, facts={"decision": appeal.decision, "words": appeal.words})
    entry = Entry(
        event="appeal.answered",
        decision="allow" if through else "refuse",
        rule=appeal.reason,
        subject=appeal.id,
        organisation=actor.organisation_id,
        personal=actor.personal(to=appeal.email, words=appeal.words),
    )
    record(unit, entry)
    return appeal


def prune(store: Store, policy: Policy) -> int:
    """Delete answered appeals, with their links, that are as old as the personal values of their entries may be; returns how many."""
    oldest = _oldest(policy, store.clock.now())
    if oldest is None:
        return 0
    over = select(Appeal.id, Appeal.link_id).where(col(Appeal.answered_at).is_not(None), Appeal.made_at < oldest)
    with store.read() as session:
        if session.exec(over.limit(1)).first() is None:
            return 0
    with store.write("appeals") as unit:
        rows = unit.session.exec(over.order_by(col(Appeal.id)).limit(A_RUN)).all()
        unit.connection.execute(delete(Appeal).where(col(Appeal.id).in_([row[0] for row in rows])))
        unit.connection.execute(delete(OneTimeLink).where(col(OneTimeLink.id).in_([row[1] for row in rows])))
    return len(rows)


def _alone(unit: Unit) -> None:
    """Let nobody else make an appeal until this unit commits, so that each sees the others. SQLite's write lock does so by itself."""
    if unit.connection.dialect.name == "postgresql":
        unit.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": APPEALS})


def _oldest(policy: Policy, now: datetime) -> datetime | None:
    """Values that have no end of their own go with their entries."""
    return policy.values_before(Kind.ACCESS, now) or policy.entries_before(now)


def _tell_made(unit: Unit, appeal: Appeal, token: str) -> None:
    send(unit, to=appeal.email, template="appeal-received", facts={"decision": appeal.decision}, path=f"/appeal/{token}")
    why = REASONS[appeal.reason].meaning
    for reader in audience.staff(unit.session, Role.OPERATOR):
        send(unit, to=reader.email, template="appeal-waiting", facts={"name": reader.name, "why": why}, path=f"{PATH}/{appeal.id}")
