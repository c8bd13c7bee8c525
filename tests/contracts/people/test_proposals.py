"""Roles of staff take two as soon as there are two; nobody who got the role from the other is the second."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.clock import FixedClock
from contracts.errors import Refusal
from contracts.people import invitations, proposals
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.people.proposal_states import MEANING, TABLE, Command, State, next_state
from contracts.people.roles import Role
from contracts.people.tables import StaffProposal
from contracts.store.unit import Store, Unit
from tests.contracts.people.people import person, race, refused

BASE = "https://data.agora.example"


def _whole(store: Store, email: str, *roles: Role, given_by: str | None = None) -> Actor:
    now = store.clock.now()
    return replace(person(store, email, *roles, given_by=given_by), reauthenticated_at=now, second_factor_at=now)


def _do(store: Store, act: Callable[[Unit], Any]) -> Any:
    with store.write() as unit:
        return act(unit)


def _proposed(store: Store, actor: Actor) -> StaffProposal:
    assert _do(store, lambda unit: people.invite(unit, actor, email="new@agora.example", role=Role.STEWARD, base_url=BASE)) == ""
    with store.read() as session:
        (row,) = proposals.open_proposals(session)
        return row


@pytest.mark.parametrize(("state", "command"), list(itertools.product(State, Command)))
def test_a_command_leads_on_or_is_refused(state: State, command: Command) -> None:
    assert (set(TABLE[state]), set(MEANING)) == (set(Command), set(State))
    after = next_state(state, command)
    assert after == TABLE[state][command] or isinstance(after, Refusal)


def test_the_first_ones_are_given_alone_and_further_ones_by_two(store: Store) -> None:
    root = _whole(store, "root@agora.example", Role.ADMINISTRATOR)
    assert BASE in _do(store, lambda unit: people.invite(unit, root, email="ann@agora.example", role=Role.STEWARD, base_url=BASE))
    puppet = _whole(store, "puppet@agora.example", Role.ADMINISTRATOR, given_by=root.account_id)
    assert BASE in _do(store, lambda unit: people.invite(unit, root, email="ben@agora.example", role=Role.STEWARD, base_url=BASE))
    steward = _whole(store, "sam@agora.example", Role.STEWARD, given_by=puppet.account_id)
    row = _proposed(store, root)
    agree = lambda who: lambda: _do(store, lambda unit: invitations.agree(unit, who, row.id, BASE))  # noqa: E731 - one line for each try
    assert refused(agree(root)) == "second_person_required"
    assert refused(agree(puppet)) == "second_person_required"
    assert refused(agree(replace(puppet, roles_given_by=frozenset()))) == "second_person_required"
    assert refused(agree(replace(steward, second_factor_at=None, reauthenticated_at=None))) == "second_factor_required"
    assert agree(steward)().startswith(f"{BASE}/join/")
    assert refused(agree(steward)) == "command_not_possible"


def test_it_ends_after_seven_days_and_by_a_no(store: Store, clock: FixedClock) -> None:
    root, other = _whole(store, "root@agora.example", Role.ADMINISTRATOR), _whole(store, "sam@agora.example", Role.COMPLIANCE)
    first = _proposed(store, root)
    second = _proposed(store, root)
    assert second.id != first.id
    clock.advance(days=7)
    fresh = replace(other, second_factor_at=clock.now(), reauthenticated_at=clock.now())
    assert refused(lambda: _do(store, lambda unit: invitations.agree(unit, fresh, second.id, BASE))) == "command_not_possible"
    assert _do(store, lambda unit: proposals.decline(unit, fresh, second.id)).state == State.DECLINED
    assert refused(lambda: _do(store, lambda unit: invitations.agree(unit, fresh, first.id, BASE))) == "command_not_possible"


def test_of_two_who_agree_at_once_one_invites(store: Store) -> None:
    root = _whole(store, "root@agora.example", Role.ADMINISTRATOR)
    staff = [_whole(store, f"sam{number}@agora.example", Role.STEWARD) for number in range(4)]
    row = _proposed(store, root)
    results = race(lambda number: _do(store, lambda unit: invitations.agree(unit, staff[number], row.id, BASE))[:5], len(staff))
    assert sorted(map(str, results)) == ["command_not_possible"] * 3 + ["https"]


def test_who_proposed_must_still_be_an_administrator(store: Store) -> None:
    root, other = _whole(store, "root@agora.example", Role.ADMINISTRATOR), _whole(store, "sam@agora.example", Role.STEWARD)
    with store.write() as unit:
        row = proposals.propose(unit, replace(other, account_id=other.account_id), "x@agora.example", Role.STEWARD, [])
    assert refused(lambda: _do(store, lambda unit: invitations.agree(unit, root, row.id, BASE))) == "command_not_possible"
    assert timedelta(days=7) == proposals.LIFETIME
