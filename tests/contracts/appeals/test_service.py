"""Appeals through the store: made once, answered by mail, in the ledger with personal values beside, and gone with them."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from contracts.appeals import queries, service
from contracts.appeals.decide import Asked, Given
from contracts.appeals.states import Command, State
from contracts.appeals.tables import Appeal
from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.gate.naming import Named, Names
from contracts.ledger.projection import read_leaf
from contracts.ledger.tables import LedgerEntry
from contracts.ledger.values import values_of
from contracts.notices.service import MAIL
from contracts.people.actor import Actor
from contracts.people.roles import Role
from contracts.people.tables import OneTimeLink
from contracts.retention.policy import policy_of
from contracts.retention.settings import Retention
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from tests.contracts.people.people import person, refused

NAMES = Names(b"k" * 32)
ASKED = Asked(" Kim@Example.org", "I was reading the posts of my town.\n")


@pytest.fixture
def ola(store: Store) -> Actor:
    return person(store, "ola@agora.example", Role.OPERATOR)


def stopped(store: Store, whom: str = "a", reason: str = "budget_exceeded") -> Named:
    named = NAMES.read(NAMES.name(store.clock.now(), reason, "stopped", whom))
    assert named is not None
    return named


def make(store: Store, named: Named | None, asked: Asked = ASKED) -> str:
    with store.write() as unit:
        return service.make(unit, named, asked, "192.0.2.0/24")


def answer(store: Store, actor: Actor, appeal_id: str, command: Command = Command.LET_THROUGH, revision: int = 1) -> Appeal:
    with store.write() as unit:
        return service.answer(unit, actor, appeal_id, Given(command, revision, " Sorry, our mistake. "))


def told(store: Store) -> list[dict[str, Any]]:
    with store.read() as session:
        leaves = [read_leaf(each) for each in session.exec(select(LedgerEntry.leaf)).all()]
        beside = values_of(session, [leaf["id"] for leaf in leaves])
    kept = ("event", "decision", "rule", "subject", "organisation", "facts")
    shown = [{name: leaf[name] for name in kept if name in leaf} for leaf in leaves if leaf["event"].startswith("appeal.")]
    ids = [leaf["id"] for leaf in leaves if leaf["event"].startswith("appeal.")]
    values = [{name: each.value for name, each in beside[entry_id].values.items()} for entry_id in ids]
    return [{**leaf, "personal": dict(sorted(value.items()))} for leaf, value in zip(shown, values, strict=True)]


def mails(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as session:
        rows = session.exec(select(OutboxRow).where(OutboxRow.kind == MAIL)).all()
        return [(row.payload["to"], row.payload["subject"], row.payload["path"]) for row in rows]


def test_an_appeal_reaches_operators_and_its_answer_the_person(store: Store, ola: Actor, clock: FixedClock) -> None:
    named = stopped(store)
    token = make(store, named)
    with store.read() as session:
        [waits] = queries.waiting(session)
        assert queries.by_link(session, token, clock.now()) == waits
    assert (waits.email, waits.text, waits.state) == ("kim@example.org", "I was reading the posts of my town.", "waiting")
    answered = answer(store, ola, waits.id)
    assert (answered.state, answered.words, answered.answered_by) == ("let_through", "Sorry, our mistake.", ola.account_id)
    with store.read() as session:
        assert (queries.waiting(session), [each.id for each in queries.answered(session)]) == ([], [waits.id])
    assert mails(store) == [
        ("kim@example.org", "Your objection arrived and will be answered by mail", f"/appeal/{token}"),
        ("ola@agora.example", "Somebody objects to being stopped at the gate", f"/operator/appeals/{waits.id}"),
        ("kim@example.org", "Our answer to your objection: you were stopped by mistake", ""),
    ]
    assert told(store) == [
        {
            "event": "appeal.made",
            "decision": "done",
            "subject": waits.id,
            "facts": {"reason": "budget_exceeded", "effect": "stopped"},
            "personal": {"decision": named.id, "email": "kim@example.org", "network": "192.0.2.0/24", "text": waits.text},
        },
        {
            "event": "appeal.answered",
            "decision": "allow",
            "rule": "budget_exceeded",
            "subject": waits.id,
            "organisation": ola.organisation_id,
            "personal": {"account": ola.account_id, "to": "kim@example.org", "words": "Sorry, our mistake."},
        },
    ]


def test_a_decision_is_appealed_once_and_a_visitor_waits_once(store: Store, ola: Actor, clock: FixedClock) -> None:
    first = stopped(store)
    make(store, first)
    clock.advance(minutes=1)
    second = stopped(store)
    assert refused(lambda: make(store, first)) == "appealed_already"
    assert refused(lambda: make(store, second)) == "appealed_already"
    make(store, stopped(store, "somebody else"))
    with store.read() as session:
        appeal_id = queries.waiting(session)[0].id
    answer(store, ola, appeal_id, Command.UPHOLD)
    make(store, second)
    assert refused(lambda: make(store, first)) == "appealed_already"
    assert refused(lambda: make(store, None)) == "not_found"


def test_of_two_who_object_at_once_one_is_taken(store: Store) -> None:
    named, found, together = stopped(store), list[str](), threading.Barrier(2)

    def objects() -> None:
        together.wait()
        try:
            make(store, named)
        except Refused as error:
            found.append(error.refusal.code)

    both = [threading.Thread(target=objects) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert found == ["appealed_already"]


def test_only_an_operator_answers_and_only_once(store: Store, ola: Actor) -> None:
    make(store, stopped(store))
    with store.read() as session:
        appeal_id = queries.waiting(session)[0].id
    other = replace(ola, roles=frozenset({Role.STEWARD}))
    assert refused(lambda: answer(store, other, appeal_id)) == "role_required"
    assert refused(lambda: answer(store, ola, appeal_id, revision=2)) == "changed_meanwhile"
    assert refused(lambda: answer(store, ola, "apl_none")) == "not_found"
    answer(store, ola, appeal_id, Command.UPHOLD)
    assert refused(lambda: answer(store, ola, appeal_id, revision=2)) == "command_not_possible"
    with store.read() as session:
        assert queries.one(session, appeal_id).state == State.UPHELD


def test_answered_appeals_go_with_the_values_of_their_entries(store: Store, ola: Actor, clock: FixedClock) -> None:
    make(store, stopped(store))
    make(store, stopped(store, "somebody else"))
    with store.read() as session:
        answered_id, waiting_id = [each.id for each in queries.waiting(session)]
    answer(store, ola, answered_id)
    policy = policy_of(Retention(access_days=400, entry_years=0))
    clock.advance(days=400)
    assert service.prune(store, policy) == 0
    clock.advance(milliseconds=1)
    assert service.prune(store, policy_of(Retention(access_days=0, entry_years=0))) == 0
    assert (service.prune(store, policy), service.prune(store, policy)) == (1, 0)
    with store.read() as session:
        assert [each.id for each in session.exec(select(Appeal)).all()] == [waiting_id]
        assert len(session.exec(select(OneTimeLink)).all()) == 1


def test_a_link_shows_its_appeal_for_a_year(store: Store, clock: FixedClock) -> None:
    token = make(store, stopped(store))
    with store.read() as session:
        assert queries.by_link(session, token, clock.now() + timedelta(days=364)).email == "kim@example.org"
        for wrong, at in ((token, clock.now() + timedelta(days=365)), (token[:-1] + "x", clock.now())):
            with pytest.raises(Refused) as found:
                queries.by_link(session, wrong, at)
            assert found.value.refusal.code == "link_unusable"
